"""How many files and sockets this process may have open, and how many of them connections may take."""

import logging
import resource

SPARED = 4
"""A quarter of all descriptors stays for gRPC's connections, models' files and the log."""
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


def connections_within(descriptors: int, wanted: int) -> int:
    """`wanted` connections, or as many as the descriptors are enough for, which the log says."""
    most = max(1, descriptors - descriptors // SPARED)
    if wanted > most:
        _log.warning("max_connections is %d here, not %d: there are %d descriptors", most, wanted, descriptors)
    return min(wanted, most)
