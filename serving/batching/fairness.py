"""Rule 8, who is next: deficit round robin, and whose work is shed first.

Pure. M. Shreedhar and G. Varghese, "Efficient fair queuing using deficit round robin", 1995; with debts, since what a
batch costs is known once it is put together: whoever took more than a turn is worth sits the next ones out.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """Somebody who takes turns. `deficit` is credit (or debt) in the unit of the turns."""

    deficit: float


class Shedable(Protocol):
    rows: int


M = TypeVar("M", bound=Member)
S = TypeVar("S", bound=Shedable)


class DeficitRoundRobin(Generic[M]):
    """Turns among those that have work. Each round adds `quantum` to everybody's credit."""

    __slots__ = ("_quantum", "members")

    def __init__(self, quantum: float) -> None:
        self._quantum = quantum
        self.members: OrderedDict[M, None] = OrderedDict()

    def join(self, member: M) -> None:
        """It has work from now on, and is last in the round."""
        self.members[member] = None

    def leave(self, member: M) -> None:
        """It has no work left. Debts stay, credit does not: it is no savings account."""
        del self.members[member]
        member.deficit = min(0.0, member.deficit)

    def turn(self, ready: Callable[[M], bool]) -> M | None:
        """The first ready one in credit, after as many rounds as that takes; None when nobody is ready."""
        if len(self.members) == 1:
            (only,) = self.members
            return only if ready(only) else None
        candidates = []
        for member in self.members:
            if ready(member):
                if member.deficit > 0:
                    return member
                candidates.append(member)
        if not candidates:
            return None
        rounds = 1 + int(-max(member.deficit for member in candidates) / self._quantum)
        for member in candidates:
            member.deficit += rounds * self._quantum
        return next((member for member in candidates if member.deficit > 0), candidates[0])

    def spend(self, member: M, cost: float) -> None:
        """It took that much. Nobody runs up debts while nobody else wants a turn."""
        if len(self.members) == 1:
            return
        member.deficit -= cost
        if member.deficit <= 0 and member in self.members:
            self.members.move_to_end(member)


def longest(flows: Iterable[S]) -> S | None:
    """Who is shed first when there is no more room: whoever has most rows waiting."""
    return max(flows, key=lambda flow: flow.rows, default=None)
