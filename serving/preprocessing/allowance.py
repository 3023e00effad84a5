"""What one request's decoding may cost: pixels of all its images together, bytes of what they become, and time.

Pure but for the context it is handed down by: through a dozen forms of bodies to the one place where images are
decoded. Training gives none, so its images have no such limits.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

from serving.errors import DeadlineExceeded, PayloadTooLarge


class ImageLimits(NamedTuple):
    """Of one request: pixels of its images as they came, and bytes of the tensors made of them."""

    pixels: int
    tensor_bytes: int


class Allowance:
    """One request's. `deadline_seconds` is by `clock`."""

    def __init__(self, limits: ImageLimits, deadline_seconds: float, clock: Callable[[], float]) -> None:
        self._limits, self._deadline_seconds, self._clock = limits, deadline_seconds, clock
        self._pixels = 0

    def take_pixels(self, pixels: int, pointer: str) -> None:
        """Raises PayloadTooLarge at the image with which they are too many."""
        self._pixels += pixels
        if self._pixels > self._limits.pixels:
            raise PayloadTooLarge(
                f"with this image the request's have {self._pixels} pixels together; at most {self._limits.pixels} "
                "are decoded for one request. Send them in several requests, or make them smaller",
                pointer=pointer,
            )

    def check_bytes(self, tensor_bytes: int, pointer: str) -> None:
        """Raises PayloadTooLarge, before there is room set aside for what could never be queued."""
        if tensor_bytes > self._limits.tensor_bytes:
            raise PayloadTooLarge(
                f"{tensor_bytes} bytes once the images are decoded; at most {self._limits.tensor_bytes} are queued. "
                "Send them in several requests",
                pointer=pointer,
            )

    def check_time(self) -> None:
        """Raises DeadlineExceeded; about 100 ns."""
        if self._clock() >= self._deadline_seconds:
            raise DeadlineExceeded("the deadline passed while the request was decoded")


_CURRENT: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


def current() -> Allowance | None:
    """That of the decoding which runs in this context, if it has one."""
    return _CURRENT.get()


def allow(allowance: Allowance) -> None:
    """For the rest of this context."""
    _CURRENT.set(allowance)
