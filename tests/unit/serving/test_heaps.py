"""Heaps counted as glibc itself tells them."""

import subprocess
import sys
from pathlib import Path

COUNT = """
import ctypes, sys, threading
from serving.heaps import share_heaps

if sys.argv[1] == "shared":
    share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(9)

def take():
    libc.malloc(100_000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
together.wait()
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


def heaps(folder: Path, how: str) -> int:
    path = folder / f"{how}.xml"
    subprocess.run([sys.executable, "-c", COUNT, how, str(path)], check=True)
    return path.read_text().count("<heap nr=")


def test_threads_share_two_heaps_instead_of_one_each(tmp_path: Path) -> None:
    assert heaps(tmp_path, "own") > 2, "else this machine cannot show it"
    assert heaps(tmp_path, "shared") <= 2


HOLD = """
import ctypes, sys
from serving.heaps import give_back, share_heaps

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] == "ours":
    share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
MB = 1024 * 1024

def filled(size):
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    return block

libc.free(filled(31 * MB))  # from here on glibc by itself keeps blocks of this size in its heap
before = resident()
weights = [filled(16 * MB) for _ in range(4)]
above = filled(100_000)
for block in weights:
    libc.free(block)
kept = resident() - before
small = [filled(10_000) for _ in range(4_000)]
last = filled(100_000)
for block in small:
    libc.free(block)
held = resident()
give_back()
print(kept // MB, (held - resident()) // MB)
"""


def kept_and_given_back(how: str) -> tuple[int, int]:
    """Megabytes resident of 64 that were freed, and of 40 in small blocks how many go back when told."""
    told = subprocess.run([sys.executable, "-c", HOLD, how], check=True, capture_output=True, text=True)
    kept, given = told.stdout.split()
    return int(kept), int(given)


def test_weights_go_back_when_they_are_freed_and_small_blocks_when_told() -> None:
    assert kept_and_given_back("glibc's")[0] > 32, "else this machine cannot show it"
    kept, given = kept_and_given_back("ours")
    assert kept < 2
    assert given > 30
