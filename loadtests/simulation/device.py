"""What a backend call costs: the devices that batching is held to, and those of one's own.

Pure. A device works on one batch at a time; what a call costs beside that (a network, a copy) overlaps with others.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """A call with b rows keeps the device for `fixed_seconds + per_row_seconds * b`, after `overhead_seconds` in which
    others may use it. `noise` is the standard deviation of the logarithm of a factor on the device's time. Where the
    gateway has no core of its own, every request that comes takes `door_seconds` from what the device works on.
    """

    fixed_seconds: float
    per_row_seconds: float
    overhead_seconds: float = 0.0
    noise: float = 0.0
    door_seconds: float = 0.0

    def seconds(self, rows: int) -> float:
        return self.fixed_seconds + self.per_row_seconds * rows


@dataclass(frozen=True, slots=True)
class Case:
    """A device with the largest batch B it is given and the patience D of its callers."""

    name: str
    device: Device
    max_batch_rows: int
    patience_seconds: float

    @property
    def capacity_rows_per_second(self) -> float:
        """What the device does in full batches: load 1."""
        return self.max_batch_rows / self.device.seconds(self.max_batch_rows)


CASES = (
    Case("0.30 + 0.010 b ms, B=64, D=5 ms", Device(0.30e-3, 0.010e-3), 64, 5e-3),
    Case("2 + 0.05 b ms, B=64, D=25 ms", Device(2e-3, 0.05e-3), 64, 25e-3),
    Case("1 + 1 b ms, B=32, D=50 ms", Device(1e-3, 1e-3), 32, 50e-3),
)
"""Overhead beside little work a row, more of both, and hardly any gain from batching."""
