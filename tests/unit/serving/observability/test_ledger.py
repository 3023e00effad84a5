"""Ledgers that share files: mapped twice in one process, as two processes would."""

from serving.observability.board import Moment
from serving.observability.cells import Key
from serving.observability.ledger import Ledger, forget_moment, private_ledger
from tests.unit.serving.observability.workers import Workers


def count(ledger: Ledger, *key: str) -> None:
    cells, at = ledger.own.slot(key, 1)
    cells[at] += 1


def told(ledger: Ledger) -> list[dict[Key, float]]:
    return [{key: values[0] for key, values in worker} for worker in ledger.read()]


def test_a_ledger_of_one_process_reads_itself() -> None:
    ledger = private_ledger()
    count(ledger, "a")
    assert told(ledger) == [{("a",): 1}]
    assert list(ledger.board.live()) == [0]


def test_each_worker_reads_them_all(workers: Workers) -> None:
    first, second = workers.begin(0), workers.begin(1)
    count(first, "a")
    count(second, "a")
    count(second, "b")
    assert told(first) == told(second) == [{("a",): 1}, {("a",): 1, ("b",): 1}]


def test_many_series_are_read_from_all_their_chunks(workers: Workers) -> None:
    first, other = workers.begin(0), workers.begin(1)
    names = [f"a series with a name as long as some have, number {number}" for number in range(1500)]
    for name in names:
        count(first, name)
    assert len(first.own.chunks) > 1
    assert told(other)[0] == {(name,): 1 for name in names}
    again = workers.begin(0)
    count(again, names[0])
    assert told(other)[0][names[0],] == 2


def test_of_a_dead_worker_the_counts_stay_and_the_moment_goes(workers: Workers) -> None:
    dead, other = workers.begin(0), workers.begin(1)
    count(dead, "a")
    dead.board.show(Moment(1, 2, 3, 4.0))
    forget_moment(workers.files, 0)
    assert told(other)[0] == {("a",): 1}
    assert list(other.board.live()) == [1]
    workers.begin(0)
    assert other.board.live()[0].moment == Moment(0, 0, 0, 0)
