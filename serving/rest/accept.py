"""Which of the forms an answer could take the caller would rather have (`Accept`, RFC 9110 12.5.1).

Pure. A caller who accepts none of them gets the first, as the RFC allows: an answer it can look at helps it more.
"""

from collections.abc import Sequence
from functools import lru_cache


@lru_cache(256)
def preferred(accept: bytes | None, offers: tuple[str, ...]) -> str:
    """The offer with the highest weight, the earlier of equals; the first where none is named. Callers say the same
    again and again, so what was found is kept.
    """
    weights = dict(_ranges(accept or b""))
    best, most = offers[0], 0.0
    for offer in offers:
        group = offer.partition("/")[0] + "/*"
        weight = weights.get(offer, weights.get(group, weights.get("*/*", 0.0)))
        if weight > most:
            best, most = offer, weight
    return best


def _ranges(accept: bytes) -> Sequence[tuple[str, float]]:
    found = []
    for part in accept.decode("latin-1").lower().split(",")[:32]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            found.append((name, min(1.0, max(0.0, float(weight)))))
        except ValueError:
            found.append((name, 0.0))
    return found
