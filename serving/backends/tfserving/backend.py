"""The tfserving backend: models run in TensorFlow Serving, on one replica or several, over gRPC.

The shell around `replicas` (who gets a call), `statuses` (what all have together) and the `Fleet` (who there is).
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from serving.backend_protocol import Arrays, OnChange, Target, VersionStatus
from serving.backends.embedded.lifecycle import retry_seconds
from serving.backends.tensorflow_messages import message_module
from serving.backends.tfserving.call_errors import MENDABLE, speaks_against_replica
from serving.backends.tfserving.certificates import Certificates
from serving.backends.tfserving.channels import Transport
from serving.backends.tfserving.connection import Connection
from serving.backends.tfserving.fleet import Fleet
from serving.backends.tfserving.messages import CallPlan, decode_response, encode_request, plan_call
from serving.backends.tfserving.replicas import RetryBudget, pick
from serving.backends.tfserving.signature_metadata import signatures_of
from serving.backends.tfserving.statuses import Key, Learned, available, merged_statuses, out_of_reach
from serving.contract.agreement import check_agreement
from serving.contract.tensors import Array, Signature
from serving.errors import (
    BackendUnavailable,
    DeadlineExceeded,
    ModelNotReady,
    PenstockError,
    UnknownVersion,
)
from serving.model_store.snapshot import DirectorySnapshot, read_snapshot
from serving.model_store.versions import read_manifest

PATIENCE_SECONDS = 0.25
"""A call that had less time than this and got no answer says more of its deadline than of the replica."""
ROUNDING_SECONDS = 0.005
"""Timers of the event loop ring this much before a deadline or after it."""
NOBODY = "no model server answers"
_FREED_BY_ITS_SERVER: AbstractContextManager[None] = nullcontext()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the model servers are and how they are asked; `models` are asked for beside those of the directory.
    `retry_fraction` of all calls may be sent a second time, to another replica. `certificates`, which the transport's
    credentials were made of, are looked at with every poll.
    """

    addresses: tuple[str, ...]
    transport: Transport
    models: tuple[str, ...] = ()
    retry_fraction: float = 0.1
    certificates: Certificates | None = None


class TfServingBackend:
    """Asks model servers for every model of the model directory; see `serving/backend_protocol.py` for the promises."""

    name = "tfserving"

    def __init__(self, models: Path, servers: Servers, *, poll_seconds: float) -> None:
        self._models = models
        self._servers = servers
        self._poll_seconds = poll_seconds
        self._snapshot = DirectorySnapshot()
        self._fleet = Fleet(
            servers.addresses,
            servers.transport,
            names=self._names,
            changed=self._settle,
            poll_seconds=poll_seconds,
        )
        self._on_change: OnChange | None = None
        self._learned: dict[Key, Learned] = {}
        self._asked: set[Key] = set()
        self._statuses: dict[str, dict[int, VersionStatus]] = {}
        self._plans: dict[Target, CallPlan] = {}
        self._budget = RetryBudget(servers.retry_fraction)
        self._picks = itertools.count(1)
        self._response = message_module("tensorflow_serving.apis.predict_pb2").PredictResponse
        self._definitions = message_module("tensorflow_serving.apis.get_model_metadata_pb2").SignatureDefMap
        self._watching: asyncio.Task[None] | None = None

    async def start(self, on_change: OnChange) -> None:
        self._on_change = on_change
        await self._read_directory()
        await self._fleet.start()
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._fleet.close()
        self._statuses = {}

    def status(self) -> Mapping[str, Mapping[int, VersionStatus]]:
        return self._statuses

    def replicas(self) -> Mapping[str, bool]:
        return {connection.endpoint.address: connection.up for connection in self._fleet.connections}

    def hold(self, target: Target) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        """Means nothing to a model server, which frees a version once the calls that it has have ended."""
        return _FREED_BY_ITS_SERVER

    def predict_at_once(self, target: Target, inputs: Arrays) -> dict[str, Array] | None:  # noqa: ARG002 - the protocol's
        return None

    async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
        plan = self._plans.get(target) or self._plan(target)
        rows = len(next(iter(inputs.values())))
        request = encode_request(plan.head, inputs)
        self._budget.earn()
        first = self._pick(target)
        if first is None:
            raise self._nobody(target)
        try:
            return await self._ask(first, plan, request, rows, deadline_seconds)
        except MENDABLE:
            second = self._pick(target, but=first)
            if second is None or time.monotonic() >= deadline_seconds or not self._budget.spend():
                raise
        return await self._ask(second, plan, request, rows, deadline_seconds)

    def _plan(self, target: Target) -> CallPlan:
        learned = self._learned.get((target.model, target.version))
        signature = learned.signatures.get(target.signature) if learned else None
        if signature is None:
            raise self._nobody(target)
        plan = plan_call(target, signature.outputs, self._servers.transport.max_message_bytes)
        self._plans[target] = plan
        return plan

    def _pick(self, target: Target, but: Connection | None = None) -> Connection | None:
        model, version = target.model, target.version
        having = [each for each in self._fleet.connections if each is not but and each.has(model, version)]
        return pick(having, time.monotonic(), next(self._picks))

    def _nobody(self, target: Target) -> PenstockError:
        if not any(connection.up for connection in self._fleet.connections):
            return BackendUnavailable(NOBODY)
        return ModelNotReady(f"version {target.version} of model {target.model} is not available at any model server")

    async def _ask(
        self, replica: Connection, plan: CallPlan, request: bytes, rows: int, deadline_seconds: float
    ) -> dict[str, Array]:
        sent = time.monotonic()
        try:
            answer = await replica.predict(request, deadline_seconds)
            outputs = decode_response(self._response, answer, plan, rows)
        except (DeadlineExceeded, asyncio.CancelledError):
            now = time.monotonic()
            if now >= deadline_seconds - ROUNDING_SECONDS and now - sent >= PATIENCE_SECONDS:
                self._failed(replica, "a call got no answer in time")
            raise
        except PenstockError as error:
            if isinstance(error, MENDABLE):
                replica.hurry()
            if speaks_against_replica(error):
                self._failed(replica, str(error))
            raise
        replica.standing.answered()
        return outputs

    def _failed(self, replica: Connection, why: str) -> None:
        if replica.standing.failed(time.monotonic()):
            _log.warning("the model server %s is left alone for a while: %s", replica.endpoint.address, why)

    def _names(self) -> tuple[str, ...]:
        """The models to ask for."""
        return tuple(sorted({*self._snapshot.models, *self._servers.models}))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self._read_directory()
                await self._follow_certificates()
                await self._fleet.refresh()
            except Exception:  # noqa: BLE001 - the outermost loop: whatever one look met, the next is a second away
                _log.exception("looking for models and model servers failed")

    async def _follow_certificates(self) -> None:
        certificates = self._servers.certificates
        if certificates is not None and await asyncio.to_thread(certificates.changed):
            self._fleet.transport = replace(self._fleet.transport, credentials=certificates.credentials())
            _log.info("the certificates for model servers have changed; connections are made anew")
        await self._fleet.renew()

    async def _read_directory(self) -> None:
        self._snapshot = await asyncio.to_thread(read_snapshot, self._models, self._snapshot)

    async def _settle(self) -> None:
        """Bring `status` up to what the replicas say, and learn what is new there."""
        now = time.monotonic()
        missing = [
            key
            for key in available(connection.report for connection in self._fleet.connections)
            if key not in self._asked and (key not in self._learned or now >= self._learned[key].retry_at_seconds)
        ]
        self._asked.update(missing)  # before anybody hears of what has left
        try:
            await self._merge()
            await asyncio.gather(*(self._learn(*key) for key in missing))
        finally:
            self._asked.difference_update(missing)
        if missing:
            await self._merge()

    async def _merge(self) -> None:
        up = [connection.report for connection in self._fleet.connections if connection.up]
        if up:
            there = available(up)
            for key in self._learned.keys() - there:
                del self._learned[key]
            statuses = merged_statuses(up, self._learned, before=self._statuses, asked=self._asked)
        else:
            statuses = out_of_reach(self._statuses, NOBODY)
        if statuses != self._statuses:
            self._tell(statuses)
            self._statuses = statuses
            self._plans.clear()
            if self._on_change:
                await self._on_change()

    def _tell(self, statuses: Mapping[str, Mapping[int, VersionStatus]]) -> None:
        for model, versions in statuses.items():
            for version, status in versions.items():
                before = self._statuses.get(model, {}).get(version)
                if status.error and (before is None or before.error != status.error):
                    _log.warning("model %s version %d is not available: %s", model, version, status.error)

    async def _learn(self, model: str, version: int) -> None:
        """The signatures of a version that has become AVAILABLE, once; whatever is wrong with it is tried again."""
        before = self._learned.get((model, version))
        target = Target(model, version, "")
        try:
            replica = self._pick(target)
            if replica is None:
                return
            signatures = signatures_of(await replica.metadata(model, version), self._definitions())
            await asyncio.to_thread(self._check, model, version, signatures)
        except (BackendUnavailable, ModelNotReady, DeadlineExceeded) as error:
            _log.warning("the signatures of model %s version %d are not known yet: %s", model, version, error)
        except PenstockError as error:
            attempts = (before.attempts if before else 0) + 1
            retry_at = time.monotonic() + retry_seconds(attempts)
            self._learned[model, version] = Learned({}, str(error), attempts, retry_at)
        else:
            self._learned[model, version] = Learned(signatures)

    def _check(self, model: str, version: int, signatures: Mapping[str, Signature]) -> None:
        """Raises IntegrityError where the model directory has a manifest that speaks of another model."""
        try:
            manifest = read_manifest(self._models, model, version)
        except UnknownVersion:
            return  # a model server may have versions that are not in this gateway's directory
        if manifest:
            check_agreement(manifest, signatures)
