"""The population stability index: how far a feature's values are from those it was trained on.

Pure. With the training share e_i and the served share a_i of each bin i,

    PSI = sum over i of (a_i - e_i) ln(a_i / e_i),

the symmetrised Kullback-Leibler divergence (Jeffreys, 1946) as credit scoring uses it; below 0.1 is usually read as no
change, above 0.2 or 0.25 as one worth looking into (Siddiqi, Credit Risk Scorecards, 2006). Where nothing has changed
its mean is about (B - 1)(1/n + 1/m), for B bins, n values served and m trained on (Yurdakul and Naranjo, Statistical
properties of the population stability index, 2020): with 20 bins and 1,000 values some 0.02.
"""

from collections.abc import Sequence
from math import log

HALF_A_VALUE = 0.5
"""Put into every bin of either side (Jeffreys' prior), so that an empty one has a share and one stray value is no
alarm.
"""


def population_stability_index(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Of counts in the same bins, at least one bin; 0 where either side has no values at all."""
    if not sum(expected) or not sum(actual):
        return 0.0
    return sum((a - e) * log(a / e) for e, a in zip(_shares(expected), _shares(actual), strict=True))


def _shares(counts: Sequence[float]) -> list[float]:
    whole = sum(counts) + HALF_A_VALUE * len(counts)
    return [(count + HALF_A_VALUE) / whole for count in counts]
