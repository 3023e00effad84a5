"""How callers name the lane they wait in: by a word in a header, or by a level of the Open Inference Protocol.

Pure.
"""

from collections.abc import Mapping
from types import MappingProxyType

from serving.batching.events import Lane
from serving.errors import InvalidInput

LANES: Mapping[str, Lane] = MappingProxyType({lane.name.lower(): lane for lane in Lane})


def lane_named(text: str) -> Lane:
    """`X-Priority` as it came. Raises InvalidInput for another word."""
    lane = LANES.get(text.strip().lower())
    if lane is None:
        raise InvalidInput(f"X-Priority is {text[:32]!r}; {', '.join(LANES)} are expected")
    return lane


def lane_of_level(level: object) -> Lane | None:
    """The protocol's `priority`: 1 is the highest, 2 normal, whatever is more waits with the batches; None for 0, which
    leaves it to the gateway. Raises InvalidInput for what is no whole number from 0 on.
    """
    if type(level) is not int or level < 0:
        raise InvalidInput("`priority` is not a level: 0 for the default, 1 for the highest, 2, 3 and so on below",
                           pointer="/parameters/priority")  # fmt: skip
    return None if level == 0 else Lane(min(level - 1, Lane.BATCH))
