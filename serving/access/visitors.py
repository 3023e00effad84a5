"""Who comes to this gateway: admissions remembered for as long as they hold, and what each caller may still ask for.

A shell around `gate.py` and `quotas.py`: it has the clocks. Its gateway has credentials; without any, nobody makes one.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from serving.access.caller import Caller, Credentials, Presented, Verb
from serving.access.gate import Admitted, Gate, check
from serving.access.presented import NOTHING, presented_by, presented_in
from serving.access.quotas import Allowance, Allowances
from serving.errors import QuotaExceeded, Unauthenticated

MOST_VISITORS = 4096
"""Credentials remembered, only such as were good: what a token costs to verify, it costs once."""


class Visitor:
    """Whoever presents one credential. It may be kept: each `enter` asks anew where something has changed since."""

    __slots__ = ("_admitted", "_presented", "_visitors")

    def __init__(self, visitors: "Visitors", presented: Presented) -> None:
        self._visitors, self._presented = visitors, presented
        self._admitted: Admitted | None = None

    @property
    def name(self) -> str:
        """The caller's; empty while nobody believes the credential."""
        return "" if self._admitted is None else self._admitted.caller.name

    def caller(self) -> Caller:
        """As the credential says it now. Raises Unauthenticated."""
        now = self._visitors.wall()
        admitted = self._admitted
        if admitted is None or not admitted.holds(now):
            self._admitted = None
            admitted = self._admitted = self._visitors.admit(self._presented, now)
            self._visitors.remember(self._presented, self)
        return admitted.caller

    def enter(self, verb: Verb, model: str | None) -> Allowance | None:
        """A request begins. Whose `leave` must follow at its end, None where nothing is limited. Raises
        Unauthenticated, Forbidden, QuotaExceeded: nothing began.
        """
        caller = self.caller()
        if not caller.may(verb, model):
            check(caller, verb, model)
        allowance = self._visitors.allowance_of(caller)
        if allowance is not None:
            allowance.enter()
        return allowance

    @contextmanager
    def visit(self, verb: Verb, model: str | None) -> Iterator[None]:
        """`enter` and `leave` around a block."""
        entered = self.enter(verb, model)
        try:
            yield
        finally:
            if entered is not None:
                entered.leave()

    def check(self, verb: Verb, model: str | None) -> None:
        """The same for a request that has begun. Raises Unauthenticated, Forbidden."""
        check(self.caller(), verb, model)

    def sees(self, model: str) -> bool:
        """Whether lists show it that model."""
        return self._admitted is not None and self._admitted.caller.may(Verb.READ, model)

    def charge(self, rows: int) -> None:
        """Takes rows of the caller's allowance. Raises QuotaExceeded, and nothing was taken."""
        if self._admitted is None:
            return  # refused since it began: it may end, and begins no more
        allowance = self._visitors.allowance_of(self._admitted.caller)
        if allowance is not None:
            allowance.take(rows, self._visitors.clock())

    def refusal(self, rows: int) -> QuotaExceeded | None:
        """Why the caller may not have so many rows now; None, and they were taken, where it may."""
        try:
            self.charge(rows)
        except QuotaExceeded as error:
            return error
        return None


class Stranger(Visitor):
    """Whoever presents what cannot be a credential."""

    __slots__ = ("_why",)

    def __init__(self, visitors: "Visitors", why: str) -> None:
        super().__init__(visitors, NOTHING)
        self._why = why

    def caller(self) -> Caller:
        raise Unauthenticated(self._why)


class Visitors:
    """Those of one process, which has `share` of each caller's quota."""

    def __init__(
        self,
        credentials: Sequence[Credentials],
        *,
        share: float = 1.0,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wall, self.clock = wall, clock
        self.admit = Gate(credentials).admit
        self._allowances = Allowances(share)
        self._known: dict[Presented, Visitor] = {}

    def coming(self, headers: Mapping[bytes, bytes]) -> Visitor:
        """Who sends a REST request; what is wrong with that is said once it enters."""
        try:
            return self.of(presented_in(headers))
        except Unauthenticated as error:
            return Stranger(self, str(error))

    def calling(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> Visitor:
        """Who makes a gRPC call, in the same way."""
        try:
            return self.of(presented_by(metadata))
        except Unauthenticated as error:
            return Stranger(self, str(error))

    def of(self, presented: Presented) -> Visitor:
        return self._known.get(presented) or Visitor(self, presented)

    def remember(self, presented: Presented, visitor: Visitor) -> None:
        if len(self._known) >= MOST_VISITORS:
            self._known.clear()
        self._known[presented] = visitor

    def allowance_of(self, caller: Caller) -> Allowance | None:
        if caller.quota == (None, None):
            return None
        return self._allowances.of(caller, self.clock())
