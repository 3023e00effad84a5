"""Changes to a model directory that are killed, refused or run out of room at any call to the kernel: each has happened
or has not, and the next one succeeds. The rules stand in store_machine.py, whose program this is.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.model_store.traced_child import CAN_TRACE

ROOT = Path(__file__).parents[3]
MACHINE = Path(__file__).with_name("store_machine.py")
EXAMPLES = int(os.environ.get("PENSTOCK_TEST_STORE_EXAMPLES", "40"))
SEED = int(os.environ.get("PENSTOCK_TEST_STORE_SEED", "1"))
"""`make fuzz` gives more of them, and other ones."""
AT_ONCE = 500
"""Examples of one process: hypothesis remembers what it has tried."""

pytestmark = pytest.mark.skipif(not CAN_TRACE, reason="follows calls by the registers of Linux on x86-64")


def test_the_promises_of_the_model_directory_hold_whatever_the_disk_and_the_kernel_do(tmp_path: Path) -> None:
    made: dict[str, int] = {}
    for number, begun in enumerate(range(0, EXAMPLES, AT_ONCE)):
        for fault, times in machine(tmp_path, min(AT_ONCE, EXAMPLES - begun), SEED + number).items():
            made[fault] = made.get(fault, 0) + times
    sys.stdout.write(f"changes to the model directory, by fault: {made}\n")
    assert made.keys() >= {"killed before", "killed after", "refused", "full", "short"}
    assert sum(made.values()) - made["unharmed"] > 2 * EXAMPLES


def machine(folder: Path, examples: int, seed: int) -> dict[str, int]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}  # it forks: no threads
    command = [sys.executable, str(MACHINE), str(folder), str(examples), str(seed)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600, env=environment)
    assert ran.returncode == 0, ran.stderr[-8000:]
    found: dict[str, int] = json.loads(ran.stdout.splitlines()[-1])
    return found


TRY = """
import sys
from pathlib import Path
from tests.integration.model_store.traced_child import Fault, in_a_child

def work():
    try:
        Path(sys.argv[1]).write_bytes(b"abcdefgh")
    except OSError as error:
        return error.strerror.encode()
    return b"written"

for kind in ("killed before", "killed after", "refused", "full", "short"):
    for at in range(1, 9):
        outcome = in_a_child(work, Fault(at, kind))
        if not outcome.hit:
            break
        print(kind, at, outcome.ending, outcome.answer.decode(), sep=";")
"""


def test_each_call_of_a_simple_write_can_be_the_last_or_fail(tmp_path: Path) -> None:
    """What the other test stands on: open, stat, seek, write, close."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", TRY, str(tmp_path / "file")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    outcomes = [line.split(";") for line in ran.stdout.splitlines()]
    by_kind = {kind: [rest for name, *rest in outcomes if name == kind] for kind, *_ in outcomes}
    assert {ending for _, ending, _ in by_kind["killed before"] + by_kind["killed after"]} == {"killed"}
    assert len(by_kind["killed before"]) == len(by_kind["killed after"]) >= 4
    assert sum(answer == "Input/output error" for *_, answer in by_kind["refused"]) >= 3
    assert by_kind["full"][0][2] == "No space left on device"
    assert {answer for *_, answer in by_kind["short"]} == {"written"}  # the rest is written by a second call
