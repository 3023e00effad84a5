"""The sync client: sends what the protocol's flows ask for over HTTP, and decides nothing itself."""

import math
from collections.abc import Mapping
from os import PathLike
from types import MappingProxyType, TracebackType
from typing import Self, overload

import httpx2

from penstock_client.errors import ConnectionFailed, DeadlineExceeded
from penstock_client.files import read_file
from penstock_client.messages import Address, Flow, Request, Response, Result
from penstock_client.metadata import ModelMetadata, VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.protocol import Protocol

DEFAULT_TIMEOUT_SECONDS = 10.0
"""Long against a prediction's milliseconds, short against a person's patience."""

DIRECT: Mapping[str, None] = MappingProxyType({"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None})
"""A gateway on this machine is never asked through the proxy that HTTP_PROXY names."""


class Client:
    """A gateway at `url`, such as `http://127.0.0.1:8080`; keeps its connections open until closed.

    `timeout_seconds` bounds each wait for the gateway, and is told to it. Calls raise PenstockError's family (see
    `penstock_client.errors`) and ValueError for wrong use. Threads may share one client.
    """

    def __init__(self, url: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url is {url!r}; it must begin with http:// or https://, as in http://127.0.0.1:8080")
        if not 0 < timeout_seconds < math.inf:
            raise ValueError(f"timeout_seconds is {timeout_seconds}; it must be above 0 and finite")
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._protocol = Protocol(timeout_seconds=timeout_seconds, read_file=read_file)
        self._http = httpx2.Client(timeout=timeout_seconds, mounts=DIRECT)

    @overload
    def predict(
        self,
        model: str,
        inputs: Mapping[str, object] | bytes | PathLike[str],
        *,
        version: int | None = None,
        label: str | None = None,
    ) -> Prediction: ...
    @overload
    def predict(
        self, model: str, inputs: object, *, version: int | None = None, label: str | None = None
    ) -> Prediction | list[Prediction]: ...
    def predict(
        self, model: str, inputs: object, *, version: int | None = None, label: str | None = None
    ) -> Prediction | list[Prediction]:
        """One Prediction for one input, a list for many, in order.

        `inputs`: a record or a list of records, nested lists, a numpy array or a list of them, an image as a path,
        bytes or PIL image, or a list of those. `penstock_client.inputs` has the rule for what is one and what is
        many. With neither `version` nor `label` the gateway chooses: its `stable` version, else the newest.
        """
        return self._run(self._protocol.predict(Address(model, version, label), inputs))

    def metadata(self, model: str, *, version: int | None = None, label: str | None = None) -> ModelMetadata:
        """What the version takes and answers, asked anew."""
        return self._run(self._protocol.metadata(Address(model, version, label)))

    def status(self, model: str) -> tuple[VersionStatus, ...]:
        """The state of each version that the gateway knows of."""
        return self._run(self._protocol.status(Address(model)))

    def models(self) -> list[str]:
        """The names of the models served."""
        return self._run(self._protocol.models())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, flow: Flow[Result]) -> Result:
        try:
            request = next(flow)
            while True:
                request = flow.send(self._send(request))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def _send(self, request: Request) -> Response:
        url = f"{self._url}{request.path}"
        try:
            answer = self._http.request(request.method, url, headers=request.headers, content=request.body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            raise ConnectionFailed(
                f"cannot reach {self._url} ({error}); is the gateway running? `penstock serve` starts one"
            ) from error
        except httpx2.TimeoutException as error:
            raise DeadlineExceeded(f"{self._url} gave no answer within {self._timeout_seconds:g} s") from error
        except httpx2.TransportError as error:
            raise ConnectionFailed(f"the connection to {self._url} broke: {error}") from error
        return Response(answer.status_code, answer.headers, answer.content)
