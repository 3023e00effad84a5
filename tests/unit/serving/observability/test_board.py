import gc

from serving.observability.board import ROW_BYTES, Board, Moment

BUSY = Moment(in_flight_batches=1, in_flight_limit=2, queue_rows=30, waiting_since_seconds=4.5)
IDLE = Moment(0, 0, 0, 0)


def board() -> Board:
    return Board(memoryview(bytearray(2 * ROW_BYTES)), 1)


def test_a_worker_shows_its_moment_and_its_collections() -> None:
    shared = board()
    shared.begin(process=77)
    shared.show(BUSY)
    row = shared.live()[1]
    assert (row.process, row.starts, row.moment) == (77, 1, BUSY)
    assert [collections for collections, _, _ in row.collections] == [g["collections"] for g in gc.get_stats()]


def test_nobody_is_alive_on_a_new_board() -> None:
    assert board().live() == {}
    assert list(board().rows()) == [0, 1]


def test_a_new_process_begins_with_nothing_but_the_number_of_starts() -> None:
    shared = board()
    shared.begin(process=77)
    shared.show(BUSY)
    shared.begin(process=78)
    row = shared.live()[1]
    assert (row.process, row.starts, row.moment) == (78, 2, IDLE)
