"""What the way of a prediction asks of traffic: which version, and who is to be told what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from serving.answering.layers import AnswerLayers
from serving.backend_protocol import Backend
from serving.batching.batcher import Batcher
from serving.catalog import CatalogView, ModelReference, Servable
from serving.observability.ledger import Ledger
from serving.served import Witness
from serving.traffic.shadows import Shadows
from serving.traffic.spreads import Asker, Spreads
from serving.traffic.tally import tally_of


@dataclass(frozen=True, slots=True)
class Junction:
    """That of one gateway process; `junction_of` makes it."""

    ledger: Ledger
    spreads: Spreads
    shadows: Shadows

    def chosen(self, view: CatalogView, reference: ModelReference, asker: Asker | None) -> ModelReference:
        """As `Spreads.chosen`."""
        return self.spreads.chosen(view, reference, asker)

    def witness(self, view: CatalogView, servable: Servable, signature: str) -> Witness | None:
        """None where the model's traffic is neither split nor mirrored nor to be counted: nobody has asked for it."""
        entry = view.models.get(servable.model)  # a stream may go on when its model is gone
        if entry is None or not (entry.traffic.split or entry.traffic.shadow or entry.traffic.counted):
            return None
        if signature not in servable.signatures:  # which its caller will be told
            return None
        return tally_of(self.ledger, servable, signature, self.shadows.of(entry, servable, signature))


def junction_of(
    batcher: Batcher, backend: Backend, layers: AnswerLayers | None, ledger: Ledger, clock: Callable[[], float]
) -> Junction:
    spreads = Spreads()
    return Junction(ledger, spreads, Shadows(batcher, backend, layers, ledger, spreads, clock))
