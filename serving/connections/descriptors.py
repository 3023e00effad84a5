"""How many files and sockets this process may have open, and how many of them connections may take."""

import logging
import resource

REST_PART = 3 / 4
"""Of all descriptors, at most: the rest is for gRPC's connections, models' files and the log."""
MOST_DESCRIPTORS = 1 << 20
_log = logging.getLogger(__name__)


def raise_descriptor_limit() -> int:
    """As far as the system lets this process by itself; what it then is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
        return wanted
    return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def connections_within(descriptors: int, wanted: int, part: float, setting: str) -> int:
    """`wanted` connections, or as many as that part of the descriptors, which the log says of the setting."""
    most = max(1, int(descriptors * part))
    if wanted > most:
        _log.warning("%s is %d here, not %d: there are %d descriptors", setting, most, wanted, descriptors)
    return min(wanted, most)
