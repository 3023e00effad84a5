"""The async client: runs the calls, and decides nothing itself."""

from collections.abc import Mapping
from os import PathLike
from types import TracebackType
from typing import Self, Unpack, overload

from penstock_client import bulk_tasks
from penstock_client.async_runner import AsyncRunner
from penstock_client.bulk import BulkOptions, TellProgress
from penstock_client.call_options import CallArguments, CallOptions
from penstock_client.calls import Calls
from penstock_client.messages import Address
from penstock_client.metadata import ModelMetadata, VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.predictions import Predictions
from penstock_client.settings import ClientSettings, SettingsArguments
from penstock_client.wires import open_async_wire


class AsyncClient:
    """`Client` by `await`: the same settings, calls and errors.

    It belongs to the event loop in which it is first used, whose tasks may share it. A cancelled call gives up its
    request, and the gateway drops what it has not yet computed of it.
    """

    def __init__(self, url: str, **settings: Unpack[SettingsArguments]) -> None:
        checked = ClientSettings(**settings)
        wire = open_async_wire(url, checked)
        self._calls = Calls(wire.dialect, checked)
        self._runner = AsyncRunner(wire.transport, checked.clock)

    @overload
    async def predict(
        self,
        model: str,
        inputs: Mapping[str, object] | bytes | PathLike[str],
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> Prediction: ...
    @overload
    async def predict(
        self,
        model: str,
        inputs: object,
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> Prediction | Predictions: ...
    async def predict(
        self,
        model: str,
        inputs: object,
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> Prediction | Predictions:
        """As `Client.predict`."""
        return await self._runner.run(
            self._calls.predict(Address(model, version, label), inputs, CallOptions(**options))
        )

    async def predict_many(
        self,
        model: str,
        inputs: object,
        *,
        version: int | None = None,
        label: str | None = None,
        chunk_rows: int | None = None,
        concurrency: int | None = None,
        progress: bool | TellProgress = False,
        same_version: bool = False,
        **options: Unpack[CallArguments],
    ) -> Predictions:
        """As `Client.predict_many`; `inputs` may be an async iterator of rows too."""
        call = CallOptions(**options)
        many = bulk_tasks.ManyRows(
            describe=lambda address: self._runner.run(self._calls.describe(address, call)),
            ask=lambda address, chunk: self._runner.run(self._calls.predict_chunk(address, chunk, call)),
            options=BulkOptions(
                chunk_rows=chunk_rows, concurrency=concurrency, progress=progress, same_version=same_version
            ),
        )
        return await many.predict(Address(model, version, label), inputs)

    async def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> ModelMetadata:
        return await self._runner.run(self._calls.metadata(Address(model, version, label), CallOptions(**options)))

    async def status(self, model: str, **options: Unpack[CallArguments]) -> tuple[VersionStatus, ...]:
        return await self._runner.run(self._calls.status(Address(model), CallOptions(**options)))

    async def models(self, **options: Unpack[CallArguments]) -> list[str]:
        return await self._runner.run(self._calls.models(CallOptions(**options)))

    async def aclose(self) -> None:
        await self._runner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
