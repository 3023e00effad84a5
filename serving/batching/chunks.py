"""Rule 9: a request larger than a batch is cut, one chunk a slot while others wait.

Pure. What fits into a batch is never cut: its rows would come back later for nothing.
"""


def chunk_rows(request_rows: int, waiting_rows: int, room_rows: int, most_rows: int) -> int:
    """How many of a request's waiting rows go into what room a batch has left; 0 when it waits for the next one."""
    if waiting_rows <= room_rows:
        return waiting_rows
    return room_rows if request_rows > most_rows else 0


def calls_needed(rows: int, most_rows: int) -> int:
    """Backend calls of at most `most_rows` rows that so many rows take."""
    return -(-rows // most_rows)
