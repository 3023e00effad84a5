"""A program for the tests beside it: does one thing to a model directory in a process that can be killed on the way.

Reads lines `OPERATION STEP` and forks a child for each, so that Python starts but once. The child does the operation
and kills itself with SIGKILL before its STEP-th event that touches a file (0: never). Answers each line with
`killed`, `done RESULT` or `failed REASON`.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from serving.contract.features import NumberFeature
from serving.contract.manifest import Lineage, Manifest, Metrics, Regression
from serving.model_store.labels import set_label
from serving.model_store.prune import prune
from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from serving.model_store.versions import list_versions

MODEL = "digits"
NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
MANIFEST = Manifest(
    model=MODEL,
    version=1,
    features=(NumberFeature(name="age"),),
    outputs=Regression(target="progression"),
    signatures={},
    metrics=Metrics(test={"mae": 41.5}, baseline={"mae": 62.0}),
    lineage=Lineage(source="test", sha256="0" * 64, rows={"train": 3, "test": 1}, seed=7),
    job_sha256="1" * 64,
    frameworks={"keras": "3"},
    created_at=NOON,
)
TOUCHES_A_FILE = ("open", "os.", "shutil.", "fcntl.", "tempfile.")


def publish_one(models: Path) -> int:
    with staging(models, MODEL) as staged:
        staged.saved_model.write_bytes(b"graph")
        (staged.root / "variables").mkdir()
        (staged.root / "variables" / "variables.index").write_bytes(b"index")
        (staged.root / "variables" / "variables.data").write_bytes(b"weights")
        return publish(models, staged, MANIFEST, by="test", reason="", now=NOON)


def promote_newest(models: Path) -> int:
    newest = list_versions(models, MODEL)[-1]
    set_label(models, MODEL, "stable", newest, by="test", reason="", now=NOON)
    return newest


def prune_all_but_one(models: Path) -> int:
    return len(prune(models, MODEL, keep=1, by="test", reason="", now=NOON))


OPERATIONS = {"publish": publish_one, "promote": promote_newest, "prune": prune_all_but_one}


def die_at(step: int) -> None:
    seen = 0

    def count(event: str, _arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event.startswith(TOUCHES_A_FILE):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def in_a_child(models: Path, operation: str, step: int) -> str:
    reader, writer = os.pipe()
    if not (child := os.fork()):
        die_at(step)
        try:
            answer = f"done {OPERATIONS[operation](models)}"
        except Exception as error:  # noqa: BLE001  a child must never return into its parent's loop
            answer = f"failed {error!r}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    return "killed" if os.WIFSIGNALED(status) else answer


def serve(models: Path) -> None:
    for line in sys.stdin:
        operation, step = line.split()
        sys.stdout.write(f"{in_a_child(models, operation, int(step))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
