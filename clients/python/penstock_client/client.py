"""The sync client: runs the calls, and decides nothing itself."""

from collections.abc import Mapping
from os import PathLike
from types import TracebackType
from typing import Self, Unpack, overload

from penstock_client import bulk_threads
from penstock_client.bulk import BulkOptions, TellProgress
from penstock_client.call_options import CallArguments, CallOptions
from penstock_client.calls import Calls
from penstock_client.messages import Address
from penstock_client.metadata import ModelMetadata, VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.predictions import Predictions
from penstock_client.settings import ClientSettings, SettingsArguments
from penstock_client.sync_runner import SyncRunner
from penstock_client.wires import open_wire


class Client:
    """A gateway at `url`, such as `http://127.0.0.1:8080`; keeps its connections open until closed.

    `settings` are those of `penstock_client.settings.ClientSettings`, and the further keywords of each call those of
    `penstock_client.call_options.CallOptions`. Calls raise PenstockError's family (see `penstock_client.errors`) and
    ValueError for wrong use. Threads may share one client.
    """

    def __init__(self, url: str, **settings: Unpack[SettingsArguments]) -> None:
        checked = ClientSettings(**settings)
        wire = open_wire(url, checked)
        self._calls = Calls(wire.dialect, checked)
        self._runner = SyncRunner(wire.transport, checked.clock)

    @overload
    def predict(
        self,
        model: str,
        inputs: Mapping[str, object] | bytes | PathLike[str],
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> Prediction: ...
    @overload
    def predict(
        self,
        model: str,
        inputs: object,
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> Prediction | Predictions: ...
    def predict(
        self,
        model: str,
        inputs: object,
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> Prediction | Predictions:
        """One Prediction for one input, Predictions for many, in order.

        `inputs`: a record or a list of records, nested lists, a numpy array or a list of them, an image as a path,
        bytes or PIL image, or a list of those. `penstock_client.inputs` has the rule for what is one and what is
        many. With neither `version` nor `label` the gateway chooses: its `stable` version, else the newest.
        """
        return self._runner.run(self._calls.predict(Address(model, version, label), inputs, CallOptions(**options)))

    def predict_many(
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
        """Any number of rows, cut into requests that are sent at the same time; the answers in the rows' order.

        `inputs`: an array `[rows, ...]`, a frame, a list, or an iterator of rows, of which no more are taken than are
        under way. `chunk_rows` go in a request (None: by their size, at most 1,000), `concurrency` requests are under
        way (None: 4), and each has the deadline, the retries and the priority of a call of its own. `progress` shows
        a bar on standard error (needs the extra `progress`), or is called with the rows done and their total, None
        where nobody knows it. Requests are answered by the version that is live; with `same_version` by the one that
        answered the first.

        Raises the error of the first row that failed, its `field` counted over all rows; `answered` of that error
        holds the predictions of the rows before its request.
        """
        call = CallOptions(**options)
        many = bulk_threads.ManyRows(
            describe=lambda address: self._runner.run(self._calls.describe(address, call)),
            ask=lambda address, chunk: self._runner.run(self._calls.predict_chunk(address, chunk, call)),
            options=BulkOptions(
                chunk_rows=chunk_rows, concurrency=concurrency, progress=progress, same_version=same_version
            ),
        )
        return many.predict(Address(model, version, label), inputs)

    def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        **options: Unpack[CallArguments],
    ) -> ModelMetadata:
        """What the version takes and answers, asked anew."""
        return self._runner.run(self._calls.metadata(Address(model, version, label), CallOptions(**options)))

    def status(self, model: str, **options: Unpack[CallArguments]) -> tuple[VersionStatus, ...]:
        """The state of each version that the gateway knows of."""
        return self._runner.run(self._calls.status(Address(model), CallOptions(**options)))

    def models(self, **options: Unpack[CallArguments]) -> list[str]:
        """The names of the models served."""
        return self._runner.run(self._calls.models(CallOptions(**options)))

    def close(self) -> None:
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
