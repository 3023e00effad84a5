"""Threads that are there from the start, and whether more could be had: a process may come to its limit of them (a
container's `pids` limit, `ulimit -u`) at any time, and must go on with those that it has.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def standing_pool(threads: int, name: str, begin: Callable[[], object] | None = None) -> ThreadPoolExecutor:
    """A pool whose `threads` all run when it is returned, each after `begin`. One that makes them when work comes fails
    that work, and every later one while it has none, once the process may make no more.

    Raises RuntimeError when so many cannot be had.
    """
    pool = ThreadPoolExecutor(threads, name, begin)
    together = threading.Barrier(threads + 1)
    try:
        for _ in range(threads):
            pool.submit(together.wait)
    except RuntimeError:
        together.abort()
        pool.shutdown(wait=False)
        raise
    together.wait()
    return pool


def are_to_be_had(threads: int) -> bool:
    """Whether so many more can be made now: they are, and end at once; a few tens of microseconds each."""
    enough = threading.Event()
    made = []
    try:
        for _ in range(threads):
            thread = threading.Thread(target=enough.wait, daemon=True)
            thread.start()
            made.append(thread)
    except RuntimeError:
        return False
    finally:
        enough.set()
        for thread in made:
            thread.join()
    return True
