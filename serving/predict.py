"""The use case, told once: resolve the version, decode by its manifest, enqueue, hand back; one deadline through all.

Knows no protocol: routes and servicers bring the decoding of their bodies and do their own encoding.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from serving.answering.layers import AnswerLayers
from serving.backend_protocol import Backend
from serving.batching.batcher import Batcher
from serving.batching.waiting import Answer
from serving.begun import Begun, BegunBeforeWitness
from serving.catalog import Catalog, CatalogView, ModelReference, Servable
from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.errors import DeadlineExceeded, InvalidInput, PenstockError
from serving.prediction import Prediction, PredictRequest, Told, request_id_of
from serving.preprocessing.allowance import Allowance, ImageLimits, allow
from serving.recorder import Recorder
from serving.served import Served, serve
from serving.succession import MAY_HAVE_LEFT, successor
from serving.tap import Tap
from serving.traffic.junction import Junction
from serving.traffic.spreads import Asker

MOST_REFERENCES = 4096
"""Ways of naming a signature that are remembered: far more than there are, and no caller can add to them."""


@dataclass(slots=True)
class _Known:
    """What was found by one view of the catalog."""

    view: CatalogView
    served: dict[tuple[ModelReference, str], Served] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Predictor:
    """Answers predictions; one per gateway process."""

    catalog: Catalog
    backend: Backend
    batcher: Batcher
    clock: Callable[[], float] = time.monotonic
    layers: AnswerLayers | None = None
    junction: Junction | None = None
    tap: Tap = field(default_factory=Tap)
    recorder: Recorder | None = None
    """Who keeps samples of what is asked and answered; None where nobody does."""
    images: ImageLimits | None = None
    """What the images of one request may come to; None: anything."""
    _known: _Known = field(default_factory=lambda: _Known(CatalogView({})))

    async def predict(self, request: PredictRequest, servable: Servable | None = None) -> Prediction:
        """By the version that the request's reference names, or by one that `pinned` keeps.

        Raises the whole error tree's InvalidInput, UnknownModel, UnknownVersion, ModelNotReady, Overloaded,
        DeadlineExceeded and BackendError families.
        """
        if servable is None:
            served = self._served(request.reference, request.signature, request.asker)
        else:
            served = self._serve(self.catalog.view, request.reference, servable, request.signature)
        try:
            with served.hold:
                started = self.clock()
                self._check_door(served, request)
                if request.dear or request.features_of is not None:
                    inputs = await self._decoded(request, served.servable)
                else:
                    inputs = request.decode(served.features)
                decoded = self.clock()
                if decoded >= request.deadline_seconds:
                    raise DeadlineExceeded("the deadline passed while the request was decoded")
                if request.charge is not None:
                    request.charge(_rows(inputs))
                if self.tap.listener is not None:
                    self.tap.listener(served.servable.plan(request.signature), inputs)
                answer = await self._queued(request, served, inputs)
        except PenstockError as error:
            prediction = await self._otherwise(request, served, error, pinned=servable is not None)
            if prediction is None:
                raise
            return prediction
        if served.witness is not None:
            served.witness.answered(inputs, answer, decoded - started, request_id_of(request))
        return Prediction(served.servable, answer.outputs, answer.receipt, decoded - started, answer.all_finite)

    def _queued(self, request: PredictRequest, served: Served, inputs: dict[str, Array]) -> Awaitable[Answer]:
        lane = served.lane if request.lane is None else request.lane
        deadline, tenant = request.deadline_seconds, request.tenant
        if served.layers is not None:
            return served.layers(inputs, deadline, lane, tenant)
        return self.batcher.predict(served.queues.key_of(inputs), inputs, deadline, lane=lane, tenant=tenant)

    async def _otherwise(
        self, request: PredictRequest, served: Served, error: PenstockError, *, pinned: bool
    ) -> Prediction | None:
        """What comes of a request that failed: an answer of another version, or None where `error` stands."""
        prediction = None
        if not pinned and isinstance(error, MAY_HAVE_LEFT) and request.reference.is_open:
            prediction = await self.elsewhere(request, served.servable, error)
        if prediction is None and served.witness is not None:
            served.witness.failed(error)
        return prediction

    async def elsewhere(self, request: PredictRequest, left: Servable, error: PenstockError) -> Prediction | None:
        """The prediction once more, by the version that answers now in the place of `left`, which raised `error`; None
        where none does. Raises as `predict`.
        """
        remaining = request.deadline_seconds - self.clock()
        servable = await successor(self.catalog, request.reference, left, error, remaining)
        return None if servable is None else await self.predict(request._replace(charge=None), servable)

    def begin(self, request: PredictRequest, told: Told) -> "Begun | None":
        """`predict` without waiting: `told` is called once, with the prediction or the error, maybe at once. None, and
        nothing was done, where that takes a thread or more than the batcher.

        Raises what `predict` raises before the request is queued.
        """
        served = self._served(request.reference, request.signature, request.asker)
        witness = served.witness
        if request.dear or request.features_of is not None or served.layers is not None:
            return None
        started = self.clock()
        try:
            self._check_door(served, request)
            inputs = request.decode(served.features)
            decoded = self.clock()
            deadline = request.deadline_seconds
            if decoded >= deadline:
                raise DeadlineExceeded("the deadline passed while the request was decoded")
            if request.charge is not None:
                request.charge(_rows(inputs))
        except PenstockError as error:
            if witness is not None:
                witness.failed(error)
            raise
        if self.tap.listener is not None:
            self.tap.listener(served.servable.plan(request.signature), inputs)
        key, lane = served.queues.key_of(inputs), served.lane if request.lane is None else request.lane
        if witness is None:
            begun = Begun(self, request, served, decoded - started, told)
        else:
            begun = before_witness = BegunBeforeWitness(self, request, served, decoded - started, told)
            before_witness.inputs = inputs
        begun.number = self.batcher.submit(key, inputs, deadline, begun, lane=lane, tenant=request.tenant)
        return begun

    def _check_door(self, served: Served, request: PredictRequest) -> None:
        """While requests are refused, raises what this one would be, once decoded: reading costs most of an answer.
        Where layouts differ, or an answer may be at hand, only decoded inputs say which queue it is, or whether any.
        """
        if not self.batcher.refused_last:
            return
        key = served.queues.only_key()
        if key is not None and served.layers is None:
            lane = served.lane if request.lane is None else request.lane
            self.batcher.check_door(key, request.deadline_seconds, lane, request.tenant)

    def chosen(self, reference: ModelReference, asker: Asker | None) -> ModelReference:
        """`reference`, of the version that the model's split chooses where it leaves that open: for whoever needs to
        know the version before asking it. One choice holds for everything asked by what is returned.
        """
        return self.junction.chosen(self.catalog.view, reference, asker) if self.junction else reference

    @contextmanager
    def pinned(self, reference: ModelReference, signature: str) -> Iterator[Servable]:
        """The version that answers now, kept while the block lasts: for several predictions that belong together."""
        served = self._served(reference, signature, None)
        with served.hold:
            yield served.servable

    def _served(self, reference: ModelReference, signature: str, asker: Asker | None) -> Served:
        view = self.catalog.view
        if self._known.view is not view:
            self._known.view = view
            self._known.served.clear()
        served = self._known.served.get((reference, signature))
        return self._found(view, reference, signature, asker) if served is None else served

    def _found(self, view: CatalogView, reference: ModelReference, signature: str, asker: Asker | None) -> Served:
        """What is not known yet. A reference that a split decides never is: what it chose is."""
        chosen = self.chosen(reference, asker)
        if chosen is not reference:
            return self._served(chosen, signature, None)
        served = self._serve(view, reference, view.resolve(reference), signature)
        if len(self._known.served) < MOST_REFERENCES:
            self._known.served[reference, signature] = served
        return served

    def _serve(self, view: CatalogView, reference: ModelReference, servable: Servable, signature: str) -> Served:
        open_to_all = reference.version is None and (reference.label is None or _is_counted(view, reference.model))
        witness = None
        if self.junction is not None and (open_to_all or reference.by_split):
            witness = self.junction.witness(view, servable, signature)
        if self.recorder is not None:
            witness = self.recorder.beside(witness, servable, signature)
        return serve(servable, signature, self.backend, self.layers, witness)

    async def _decoded(self, request: PredictRequest, servable: Servable) -> dict[str, Array]:
        signature = request.features_of or request.signature
        features = servable.features(signature)
        inputs = (
            await asyncio.to_thread(self._decode_dear, request, features) if request.dear else request.decode(features)
        )
        if request.features_of is not None:
            _check_names(inputs, servable, request.signature)
        return inputs

    def _decode_dear(self, request: PredictRequest, features: Sequence[Feature]) -> dict[str, Array]:
        """In a thread, whose context ends with the call. Images are always dear."""
        if self.images is not None:
            allow(Allowance(self.images, request.deadline_seconds, self.clock))
        return request.decode(features)


def _rows(inputs: dict[str, Array]) -> int:
    for array in inputs.values():
        return len(array)
    return 0


def _is_counted(view: CatalogView, model: str) -> bool:
    """Whether requests that name a label are counted, too."""
    return model in view.models and view.models[model].traffic.counted


def _check_names(inputs: dict[str, Array], servable: Servable, signature: str) -> None:
    wanted = {spec.name for spec in servable.signatures[signature].inputs}
    if inputs.keys() != wanted:
        raise InvalidInput(
            f"signature {signature!r} takes {', '.join(sorted(wanted))} and not records of the features",
            pointer="/signature_name",
        )
