"""How likely it is that chance alone did it: exact tails, and one approximation with its source. Pure."""

from math import exp, lgamma, sqrt
from statistics import NormalDist

_NEGLIGIBLE = 1e-17


def more_by_chance(many: float, of: float, control_many: float, control_of: float) -> float:
    """The chance of `many` or more among `of`, when `many + control_many` fell upon all at random: Fisher's exact test,
    one-sided (Fisher 1935).
    """
    total, struck = of + control_of, many + control_many
    if many <= 0:
        return 1.0
    most = min(of, struck)
    term = exp(_log_choose(struck, many) + _log_choose(total - struck, of - many) - _log_choose(total, of))
    tail, at = 0.0, many
    while term > 0.0:
        tail += term
        if at >= most:
            break
        after = term * (struck - at) * (of - at) / ((at + 1) * (total - struck - of + at + 1))
        if after < term and after < tail * _NEGLIGIBLE:
            break
        term, at = after, at + 1
    return min(1.0, tail)


def chi_squared_bound(freedom: int, chance: float) -> float:
    """What a chi-squared variable exceeds with that chance, to a few parts in a hundred (Wilson and Hilferty 1931)."""
    spread = 2.0 / (9.0 * freedom)
    cube_root = 1.0 - spread - NormalDist().inv_cdf(chance) * sqrt(spread)
    return freedom * cube_root * cube_root * cube_root


def _log_choose(of: float, some: float) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)
