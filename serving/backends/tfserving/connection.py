"""One replica: its channel, the calls under way on it, and what it last said of its versions.

Belongs to one event loop. Knows gRPC and nothing of other replicas.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from google.protobuf.message import DecodeError
from grpc import ChannelConnectivity, aio

from serving.backend_protocol import VersionState
from serving.backends.tensorflow_messages import message_module
from serving.backends.tfserving.call_errors import ERROR_NAME, error_of, shown
from serving.backends.tfserving.channels import Endpoint, Metadata, Transport, open_channel
from serving.backends.tfserving.replicas import Standing
from serving.backends.tfserving.statuses import STATES, Report, Reported, is_settled
from serving.errors import BackendError, BackendOverloaded, BackendUnavailable, DeadlineExceeded, ModelNotReady

PREDICTION, MODEL = "/tensorflow.serving.PredictionService/", "/tensorflow.serving.ModelService/"
STATUS_SECONDS = 1.0
"""How long one question for states may take; the server answers it from memory."""
MOST_MISSES = 3
"""Questions in a row without an answer until the replica counts as gone: one or two may be a long pause of its own."""
METADATA_SECONDS = 10.0
UNSETTLED_SECONDS = 0.2
"""Between looks while a version is being loaded or freed, or the replica has none yet."""
LEAST_PAUSE_SECONDS = 0.05
"""Between two looks, however many calls give reason for one."""
_log = logging.getLogger(__name__)


class Connection:
    """`report` is what the replica said last, empty while it is out of reach; `up` whether it answers."""

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self.endpoint, self.transport = endpoint, transport
        self.standing = Standing()
        self.report: Report = {}
        self.up = False
        self._misses = 0
        self._calls: set[aio.UnaryUnaryCall] = set()
        self._doubted = asyncio.Event()
        status = message_module("tensorflow_serving.apis.get_model_status_pb2")
        metadata = message_module("tensorflow_serving.apis.get_model_metadata_pb2")
        self._status_request, self._status_answer = status.GetModelStatusRequest, status.GetModelStatusResponse
        self._metadata_request, self._metadata_answer = (
            metadata.GetModelMetadataRequest,
            metadata.GetModelMetadataResponse,
        )
        self._channel = open_channel(endpoint, transport)
        # Bytes both ways: what cannot be read is the replica's fault and is dealt with here, not in gRPC's log.
        self._predict: Any = self._channel.unary_unary(PREDICTION + "Predict")
        if transport.metadata is not None:
            self._predict = _telling(self._predict, transport.metadata)
        self._status = self._channel.unary_unary(MODEL + "GetModelStatus")
        self._metadata = self._channel.unary_unary(PREDICTION + "GetModelMetadata")

    def has(self, model: str, version: int) -> bool:
        """Whether calls for the version may go here."""
        reported = self.report.get(model, {}).get(version)
        return reported is not None and reported.state is VersionState.AVAILABLE

    async def predict(self, request: bytes, deadline_seconds: float) -> bytes:
        """The serialized answer. Raises what `call_errors` makes of the status."""
        timeout = deadline_seconds - time.monotonic()
        if timeout <= 0.0:
            raise DeadlineExceeded("the deadline passed before the model server was asked")
        standing = self.standing
        standing.in_flight += 1
        try:
            return await self._answer(self._predict(request, timeout=timeout))
        finally:
            standing.in_flight -= 1

    async def metadata(self, model: str, version: int) -> Any:
        """The GetModelMetadataResponse of one version. Raises as `predict` does."""
        request = self._metadata_request(metadata_field=["signature_def"])
        request.model_spec.name = model
        request.model_spec.version.value = version
        answer = await self._answer(self._metadata(request.SerializeToString(), timeout=METADATA_SECONDS))
        return _parsed(self._metadata_answer, answer)

    async def _answer(self, call: Any) -> bytes:
        self._calls.add(call)
        try:
            answer: bytes = await call
        except aio.AioRpcError as error:
            raise error_of(error.code(), error.details() or "", _named(error)) from error
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise BackendUnavailable("the model server has gone") from error  # `lose` ended the call
        finally:
            self._calls.discard(call)
        return answer

    async def look(self, models: Iterable[str], within_seconds: float = STATUS_SECONDS) -> None:
        """Ask for the states of every model; a replica that does not answer is given up after MOST_MISSES looks."""
        names = list(models)
        try:
            answers = await asyncio.gather(*(self._states(name, within_seconds) for name in names))
        except BackendUnavailable as error:
            self._misses += 1
            if self._misses >= MOST_MISSES:
                self.lose(str(error))
            return
        self._misses = 0
        if not self.up and names:
            self.up = True
            up = {"event": "backend_up", "address": self.endpoint.address}
            _log.info("the model server %s answers", self.endpoint.address, extra=up)
        self.report = {name: states for name, states in zip(names, answers, strict=True) if states}

    async def _states(self, model: str, within_seconds: float) -> dict[int, Reported]:
        request = self._status_request()
        request.model_spec.name = model
        try:
            call = self._status(request.SerializeToString(), timeout=within_seconds, wait_for_ready=True)
            answer = _parsed(self._status_answer, await self._answer(call))
        except ModelNotReady:
            return {}
        except (BackendUnavailable, BackendOverloaded, DeadlineExceeded) as error:
            raise BackendUnavailable(f"it does not tell the states of its models: {error}") from error
        except BackendError as error:  # of this model; the others' states are not worse for it
            _log.warning("the model server %s, asked for %s: %s", self.endpoint.address, model, error)
            return dict(self.report.get(model, {}))
        return {
            found.version: Reported(STATES.get(found.state, VersionState.END), shown(found.status.error_message))
            for found in answer.model_version_status
        }

    def lose(self, why: str) -> None:
        """Nothing more is sent here until a look succeeds, and what is under way ends now, for others to do."""
        if self.up:
            down = {"event": "backend_down", "address": self.endpoint.address}
            _log.warning("the model server %s is out of reach: %s", self.endpoint.address, why, extra=down)
        self.up = False
        self.report = {}
        for call in list(self._calls):
            call.cancel()

    async def follow(self, lost: Callable[[], Awaitable[None]]) -> None:
        """Keep the connection for ever: `lost` is awaited when it is gone, `due` returns when it has changed."""
        while True:
            state = self._channel.get_state(try_to_connect=True)
            if state is ChannelConnectivity.TRANSIENT_FAILURE:
                was_up = self.up
                self.lose("no connection")
                if was_up:
                    await lost()
            elif state is not ChannelConnectivity.CONNECTING:
                self.hurry()
            await self._channel.wait_for_state_change(state)

    async def due(self, seconds: float) -> None:
        """Until the next look is due: after `seconds`, or sooner while versions come and go or the last look is in
        doubt.
        """
        await asyncio.sleep(LEAST_PAUSE_SECONDS)
        if 0 < self._misses < MOST_MISSES:
            return
        if not is_settled(self.report):
            seconds = min(seconds, UNSETTLED_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # no wait_for: Python 3.11's may lose a cancellation
                await self._doubted.wait()
        self._doubted.clear()

    def hurry(self) -> None:
        """What it said last may no longer be so."""
        self._doubted.set()

    async def close(self, grace_seconds: float = 0.0) -> None:
        await self._channel.close(grace_seconds)


def _telling(call: Any, metadata: Callable[[], Metadata | None]) -> Any:
    """`call`, with what is to be said beside it at that moment."""
    return lambda request, timeout: call(request, timeout=timeout, metadata=metadata())


def _named(error: aio.AioRpcError) -> str:
    """What a gateway of ours that stands in for a model server calls its error, empty for anybody else's."""
    return next((str(value) for key, value in error.trailing_metadata() or () if key == ERROR_NAME), "")


def _parsed(message: Any, answer: bytes) -> Any:
    try:
        return message.FromString(answer)
    except DecodeError as error:
        raise BackendError(f"the model server answered with something that is no {message.__name__}") from error
