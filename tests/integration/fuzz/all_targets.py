"""A program: every fuzzing target in turn, and how many inputs each was given.

usage: all_targets.py INPUTS FOLDER [SEED]      INPUTS in all, shared out below; what is found goes into FOLDER

Ends with 1 when a target ended at an input: its last words are printed, and the input lies in FOLDER.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SHARES: Mapping[str, int] = {
    "decoders": 500,
    "records": 160,
    "heads": 130,
    "settings": 100,
    "text_protos": 55,
    "patches": 25,
    "model_files": 15,
    "jobs": 10,
    "http": 5,
}
"""Of a thousand inputs. The last ones take a millisecond each, the first a fiftieth of that."""
MOST_SECONDS, MOST_MEGABYTES = 20, 1024
"""For one input, on a machine that is busy; and of the whole process."""
DONE = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ran:
    """`words` is what the target said last, where it ended at an input."""

    target: str
    inputs: int
    seconds: int
    words: str = ""


def inputs_of(target: str, inputs: int) -> int:
    return max(1, inputs * SHARES[target] // sum(SHARES.values()))


def run(target: str, inputs: int, folder: Path, seed: int) -> Ran:
    """What coverage finds is kept in `folder`, for the next run there; the seeds of the repository stay as they are."""
    found = folder / target
    found.mkdir(parents=True, exist_ok=True)
    options = [
        f"-runs={inputs}",
        f"-seed={seed}",
        f"-timeout={MOST_SECONDS}",
        f"-rss_limit_mb={MOST_MEGABYTES}",
        f"-artifact_prefix={folder / target}-",
    ]
    dictionary = HERE / "corpus" / f"{target}.dict"
    options += [f"-dict={dictionary}"] if dictionary.exists() else []
    command = [sys.executable, str(HERE / f"fuzz_{target}.py"), *options, str(found), str(HERE / "corpus" / target)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, cwd=ROOT)
    said = DONE.search(done.stderr)
    if done.returncode or not said:
        return Ran(target, 0, 0, done.stderr[-4000:] or f"ended with {done.returncode}")
    return Ran(target, int(said[1]), int(said[2]))


def main(inputs: int, folder: Path, seed: int = 1) -> int:
    runs = []
    for target in SHARES:
        ran = run(target, inputs_of(target, inputs), folder, seed)
        sys.stdout.write(f"{target:<12} {ran.inputs:>12,} inputs {ran.seconds:>6,} s\n{ran.words}")
        sys.stdout.flush()
        runs.append(ran)
    sys.stdout.write(f"{'in all':<12} {sum(ran.inputs for ran in runs):>12,} inputs\n")
    return int(any(ran.words for ran in runs))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])))
