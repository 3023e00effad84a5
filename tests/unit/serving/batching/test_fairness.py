"""Turns: everybody in credit is served, in proportion to what it costs."""

from collections import Counter
from dataclasses import dataclass

from serving.batching.fairness import DeficitRoundRobin, longest


@dataclass(eq=False)
class Guest:
    cost: float = 1.0
    deficit: float = 0.0
    rows: int = 1


def anybody(_: Guest) -> bool:
    return True


def served(turns: DeficitRoundRobin[Guest], rounds: int) -> Counter[Guest]:
    """Who had how many turns, everybody always having work."""
    told: Counter[Guest] = Counter()
    for _ in range(rounds):
        guest = turns.turn(anybody)
        assert guest is not None
        turns.spend(guest, guest.cost)
        told[guest] += 1
    return told


def table(*guests: Guest) -> DeficitRoundRobin[Guest]:
    turns: DeficitRoundRobin[Guest] = DeficitRoundRobin(0.1)
    for guest in guests:
        turns.join(guest)
    return turns


def test_equals_take_turns() -> None:
    one, two, three = Guest(), Guest(), Guest()
    turns = table(one, two, three)
    assert served(turns, 30) == {one: 10, two: 10, three: 10}


def test_shares_are_in_cost_and_not_in_turns() -> None:
    dear, cheap = Guest(cost=10.0), Guest(cost=1.0)
    told = served(table(dear, cheap), 1_100)
    assert abs(told[dear] * 10 - told[cheap]) <= 20


def test_nobody_waits_longer_than_the_others_need_for_one_turn_each() -> None:
    guests = [Guest() for _ in range(5)]
    turns = table(*guests)
    served(turns, 13)
    newcomer = Guest()
    turns.join(newcomer)
    assert served(turns, 7)[newcomer] >= 1


def test_who_is_not_ready_is_passed_over_and_keeps_its_place() -> None:
    held, other = Guest(), Guest()
    turns = table(held, other)
    assert turns.turn(lambda guest: guest is not held) is other
    assert turns.turn(lambda _: False) is None
    assert next(iter(turns.members)) is held


def test_no_debts_are_run_up_alone() -> None:
    alone, late = Guest(), Guest()
    turns = table(alone)
    served(turns, 1_000)
    turns.join(late)
    told = served(turns, 10)
    assert told[alone] == told[late] == 5


def test_debts_outlast_an_absence_and_credit_does_not() -> None:
    debtor, other = Guest(cost=10.0), Guest()
    turns = table(debtor, other)
    served(turns, 1)
    turns.leave(debtor)
    turns.join(debtor)
    assert debtor.deficit < -9
    other.deficit = 5.0
    turns.leave(other)
    assert other.deficit == 0.0


def test_the_longest_is_shed_first() -> None:
    short, long = Guest(rows=2), Guest(rows=7)
    assert longest([short, long]) is long
    assert longest([]) is None
