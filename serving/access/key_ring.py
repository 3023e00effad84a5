"""The keys of one file, as they are now: read, followed while they change, and asked for callers."""

from pathlib import Path

from serving.access.caller import Caller, Presented


class KeyRing:
    """`path` is read here, on the calling thread. Raises InvalidSettings for a file that is missing or broken."""

    generation: int
    healthy: bool

    def __init__(self, path: Path, *, poll_seconds: float) -> None: ...

    async def keep(self) -> None:
        """Follows the file, forever."""

    def caller_of(self, presented: Presented, now_seconds: float) -> Caller | None: ...
