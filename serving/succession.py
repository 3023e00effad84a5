"""Who answers in the place of a version that left while a request for its model was under way.

Nothing here is asked before a call has failed.
"""

import time

from serving.catalog import Catalog, ModelReference, Servable
from serving.errors import BackendUnavailable, ModelNotReady, PenstockError

MAY_HAVE_LEFT = (ModelNotReady, BackendUnavailable)
"""What a call for a version ends with that its model server has no more."""
NEWS_SECONDS = 1.0
"""How long the catalog gets to hear of it: a model server is asked within 50 ms of such an error, and answers from
memory.
"""


async def successor(
    catalog: Catalog, reference: ModelReference, left: Servable, error: PenstockError, remaining_seconds: float
) -> Servable | None:
    """The version that an open `reference` means, other than `left`; None where there is none before the request's
    time is up.

    Only a backend that is there and has not got the version (ModelNotReady) is worth a wait for the catalog's news.
    """
    patience = min(NEWS_SECONDS, remaining_seconds) if isinstance(error, ModelNotReady) else 0.0
    until = time.monotonic() + patience
    plain = ModelReference(reference.model, None, reference.label)
    while remaining_seconds > 0:
        view = catalog.view
        try:
            servable = view.resolve(plain)
        except PenstockError:
            return None
        if servable.version != left.version:
            return servable
        if (wait := until - time.monotonic()) <= 0:
            break
        await catalog.another_view(view, wait)
    return None
