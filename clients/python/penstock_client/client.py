"""The sync client: sends what the protocol's flows ask for, and decides nothing itself."""

from collections.abc import Mapping
from os import PathLike
from types import TracebackType
from typing import Self, overload

from penstock_client.call_headers import deadline_headers
from penstock_client.files import read_file
from penstock_client.messages import Address, Flow, Response, Result
from penstock_client.metadata import ModelMetadata, VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.predictions import Predictions
from penstock_client.protocol import Protocol
from penstock_client.settings import DEFAULT_TIMEOUT_SECONDS, ClientSettings
from penstock_client.transports import Transport
from penstock_client.wires import open_wire


class Client:
    """A gateway at `url`, such as `http://127.0.0.1:8080`; keeps its connections open until closed.

    `timeout_seconds` bounds each wait for the gateway, and is told to it. `transport` takes the place of the network.
    Calls raise PenstockError's family (see `penstock_client.errors`) and ValueError for wrong use. Threads may share
    one client.
    """

    def __init__(
        self, url: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS, transport: Transport | None = None
    ) -> None:
        self._settings = ClientSettings(timeout_seconds=timeout_seconds, transport=transport)
        wire = open_wire(url, self._settings)
        self._transport = wire.transport
        self._protocol = Protocol(wire.dialect, read_file=read_file)

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
    ) -> Prediction | Predictions: ...
    def predict(
        self, model: str, inputs: object, *, version: int | None = None, label: str | None = None
    ) -> Prediction | Predictions:
        """One Prediction for one input, Predictions for many, in order.

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
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, flow: Flow[Result]) -> Result:
        timeout_seconds = self._settings.timeout_seconds
        try:
            request = next(flow)
            while True:
                sent = request.with_headers(deadline_headers(timeout_seconds))
                answer: Response = self._transport.send(sent, timeout_seconds=timeout_seconds)
                request = flow.send(answer)
        except StopIteration as stop:
            result: Result = stop.value
            return result
