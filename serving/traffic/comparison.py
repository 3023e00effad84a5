"""Whether two versions answered the same. Pure."""

import numpy as np

from serving.backend_protocol import Arrays
from serving.contract.manifest import Manifest, Tolerance
from serving.contract.tensors import Array

WITHOUT_MANIFEST = Tolerance(absolute=1e-5, relative=1e-5)
"""Of versions that nothing is known of: what float32 arithmetic in another order makes of the same weights."""


def tolerance_of(manifest: Manifest | None) -> Tolerance:
    """What the version itself may be off its golden examples, the loosest of them; else what its export may."""
    if manifest is None:
        return WITHOUT_MANIFEST
    stated = [example.tolerance for example in manifest.golden_examples] or [manifest.export.tolerance]
    return Tolerance(absolute=max(t.absolute for t in stated), relative=max(t.relative for t in stated))


def agree(mirrored: Arrays, answered: Arrays, tolerance: Tolerance) -> bool:
    """Whether every output is there on both sides, and each value |a-b| <= absolute + relative*|b|, b the answered one;
    text and whole numbers alike must be equal, a NaN is a NaN.
    """
    return mirrored.keys() == answered.keys() and all(
        _close(array, answered[name], tolerance) for name, array in mirrored.items()
    )


def _close(mirrored: Array, answered: Array, tolerance: Tolerance) -> bool:
    if mirrored.shape != answered.shape:
        return False
    if mirrored.dtype.kind != "f" or answered.dtype.kind != "f":
        return bool(np.array_equal(mirrored, answered))
    ours, theirs = mirrored.astype(np.float64), answered.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinities, which are compared below
        close = np.abs(ours - theirs) <= tolerance.absolute + tolerance.relative * np.abs(theirs)
    return bool(close.all() or (close | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))).all())
