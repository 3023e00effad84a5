"""What each caller may still ask for: rows by a token bucket, requests under way by a count.

Pure: time is an argument, of any clock that does not go back. One process; several share a caller's quota by `share`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from serving.access.caller import Caller, Quota
from serving.errors import QuotaExceeded

BURST_SECONDS = 1.0
"""A bucket holds the rows of this long, so that a caller who asks once a second gets all of its rate."""
CLOCK_STEP_SECONDS = 1e-6
"""Two floats of a clock may lie this far apart and mean one moment; that much too early is in time."""
BUSY_RETRY_SECONDS = 1.0
"""When to ask again after too many requests at once: nobody knows when one of them will end."""
MAX_ALLOWANCES = 10_000


@dataclass(slots=True)
class Allowance:
    """One caller's, at one of `1 / share` workers.

    The bucket is kept as the moment it would be full again (the theoretical arrival time of the generic cell rate
    algorithm, ITU-T I.371): one float, no timer, and the wait until a refused request would be taken is exact.

    A request of more rows than the bucket holds is taken when the bucket is full, and what it lacks is owed: the next
    one waits until that is made up. Otherwise it could never be answered at all. Over any `t` seconds, at most
    `rate * t + max(rate * BURST_SECONDS, the largest request)` rows are taken.
    """

    quota: Quota
    share: float = 1.0
    under_way: int = 0
    _full_at_seconds: float = -math.inf

    def take(self, rows: int, now_seconds: float) -> None:
        """Takes the rows, or raises QuotaExceeded and takes nothing. Under a microsecond."""
        rate = self.quota.rows_per_second
        if rate is None:
            return
        cost_seconds = rows / (rate * self.share)
        full_at = max(self._full_at_seconds, now_seconds)
        taken_at = full_at + min(cost_seconds, BURST_SECONDS) - BURST_SECONDS
        if taken_at > now_seconds + CLOCK_STEP_SECONDS:
            raise QuotaExceeded(
                f"the caller's {rate:g} rows/s are used up; ask again later, or for fewer rows",
                retry_after_seconds=taken_at - now_seconds,
            )
        self._full_at_seconds = full_at + cost_seconds

    def enter(self) -> None:
        """A request begins; `leave` of the same Allowance must follow. Raises QuotaExceeded, and nothing began."""
        limit = self.quota.concurrent_requests
        if limit is not None and self.under_way >= self._at_once(limit):
            raise QuotaExceeded(
                f"{limit} requests of the caller are under way, all that it may have at once; wait for one to end",
                retry_after_seconds=BUSY_RETRY_SECONDS,
            )
        self.under_way += 1

    def leave(self) -> None:
        self.under_way -= 1

    def follow(self, quota: Quota, now_seconds: float) -> None:
        """A changed quota holds from now on; rows taken under the old one stay taken."""
        before, after = self.quota.rows_per_second, quota.rows_per_second
        owed_seconds = max(self._full_at_seconds - now_seconds, 0.0)
        if before is None or after is None:
            self._full_at_seconds = now_seconds
        else:
            self._full_at_seconds = now_seconds + owed_seconds * before / after
        self.quota = quota

    def is_untouched(self, now_seconds: float) -> bool:
        """Nothing is lost by forgetting it: the bucket is full and no request under way."""
        return self.under_way == 0 and self._full_at_seconds <= now_seconds

    def _at_once(self, limit: int) -> int:
        return math.ceil(limit * self.share - 1e-9)  # up, so at least one; 3 * (1 / 3) may come out above 1


@dataclass(slots=True)
class Allowances:
    """One for each caller's name that has a limit, at most `max_allowances` of them at rest."""

    share: float = 1.0
    max_allowances: int = MAX_ALLOWANCES
    _by_name: dict[str, Allowance] = field(default_factory=dict)

    def of(self, caller: Caller, now_seconds: float) -> Allowance | None:
        """None for a caller without limits. Two dictionary look-ups; hold on to it from `enter` to `leave`."""
        quota = caller.quota
        allowance = self._by_name.get(caller.name)
        if allowance is None:
            return self._added(caller, now_seconds) if _limits(quota) else None
        if allowance.quota is not quota and allowance.quota != quota:
            allowance.follow(quota, now_seconds)
        return allowance

    def _added(self, caller: Caller, now_seconds: float) -> Allowance:
        if len(self._by_name) >= self.max_allowances:
            self._make_room(now_seconds)
        allowance = self._by_name[caller.name] = Allowance(caller.quota, self.share)
        return allowance

    def _make_room(self, now_seconds: float) -> None:
        """Forgets the untouched ones; where that is less than half of all, also the oldest with nothing under way."""
        self._forget(name for name, one in list(self._by_name.items()) if one.is_untouched(now_seconds))
        too_many = len(self._by_name) - self.max_allowances // 2
        if too_many > 0:
            idle = [name for name, one in self._by_name.items() if one.under_way == 0]
            self._forget(idle[:too_many])

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            del self._by_name[name]


def _limits(quota: Quota) -> bool:
    return quota.rows_per_second is not None or quota.concurrent_requests is not None
