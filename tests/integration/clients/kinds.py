"""The client's kinds behind one face, so that a claim about one is a claim about all."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from penstock_client import AsyncClient, Client, ModelMetadata, Prediction, Predictions, VersionStatus

Result = TypeVar("Result")


class Awaited:
    """An AsyncClient in an event loop of its own, called as the sync one is."""

    def __init__(self, url: str, **settings: Any) -> None:
        self._client = AsyncClient(url, **settings)
        self._loop = asyncio.Runner()

    def predict(self, model: str, inputs: object, **options: Any) -> Prediction | Predictions:
        return self._wait(self._client.predict(model, inputs, **options))

    def metadata(self, model: str, **options: Any) -> ModelMetadata:
        return self._wait(self._client.metadata(model, **options))

    def status(self, model: str, **options: Any) -> tuple[VersionStatus, ...]:
        return self._wait(self._client.status(model, **options))

    def models(self, **options: Any) -> list[str]:
        return self._wait(self._client.models(**options))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wait(self._client.aclose())
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._loop.run(work)


Connect: TypeAlias = Callable[..., Client | Awaited]
KINDS: dict[str, Connect] = {"sync": Client, "async": Awaited}
