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
