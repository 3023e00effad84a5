"""What the way of a prediction asks of traffic: which version, and who is to be told what came of it."""

from dataclasses import dataclass, field

from serving.catalog import CatalogView, ModelReference, Servable
from serving.observability.ledger import Ledger
from serving.served import Witness
from serving.traffic.spreads import Asker, Spreads
from serving.traffic.tally import tally_of


@dataclass(frozen=True, slots=True)
class Junction:
    """That of one gateway process."""

    ledger: Ledger
    spreads: Spreads = field(default_factory=Spreads)

    def chosen(self, view: CatalogView, reference: ModelReference, asker: Asker | None) -> ModelReference:
        """As `Spreads.chosen`."""
        return self.spreads.chosen(view, reference, asker)

    def witness(self, view: CatalogView, servable: Servable, signature: str) -> Witness | None:
        """None where the model's traffic is neither split nor mirrored: nothing is counted that nobody asked for."""
        entry = view.models.get(servable.model)  # a stream may go on when its model is gone
        if entry is None or not (entry.traffic.split or entry.traffic.shadow):
            return None
        return tally_of(self.ledger, servable, signature)
