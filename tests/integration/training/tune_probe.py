"""Runs by itself, because it loads TensorFlow: small searches of each method over a job of iris, none published, and
how searches are refused or fail. Prints as JSON the leaderboard's rows of each, or the error.
"""

import gc
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from serving.errors import PenstockError
from training.job import parse_job
from training.pipeline import Orders
from training.tuning import tune

JOB = {
    "model": "iris",
    "description": "which iris",
    "data": {"source": "bundled", "name": "iris"},
    "split": {"validation": 0.2, "test": 0.2, "seed": 7},
    "features": [
        {"name": f"{part}_{side}__cm", "kind": "number"} for part in ("sepal", "petal") for side in ("length", "width")
    ],
    "outputs": {"task": "classification", "labels": ["setosa", "versicolor", "virginica"]},
    "network": {"family": "mlp", "units": [8], "activation": "relu", "dropout": 0.1},
    "optimisation": {"learning_rate": 0.01},
}
FIT = {"epochs": 4, "batch_rows": 16, "patience_epochs": 4, "seed": 1, "steps_per_execution": 1}
IMPATIENT = FIT | {"epochs": 200, "batch_rows": 4, "patience_epochs": 1}
"""Ends as soon as one epoch is worse: when that is depends on every weight."""
WIDTHS = {"key": "network.units", "choices": [[2], [4], [8], [16], [16, 8]]}
DROPOUT = {"key": "network.dropout", "low": 0.0, "high": 0.5, "step": 0.1}
DIVERGING = {"key": "optimisation.learning_rate", "choices": [0.01, 1e38]}
BOTH_DIVERGE = {"key": "optimisation.learning_rate", "choices": [1e37, 1e38]}


def found(
    root: Path, name: str, space: list[dict[str, Any]], fit: Mapping[str, int] = FIT, **search: Any
) -> dict[str, Any]:
    heard = io.StringIO()
    asked = {"method": "random", "trials": 3, "seed": 1, "space": space} | search
    given = {key: value for key, value in asked.items() if value is not None}
    job = parse_job(JOB | {"fit": fit, "search": given}, name)
    try:
        tuned = tune(
            job,
            root / "models",
            Orders(dry_run=True),
            root / name,
            fresh=False,
            clock=lambda: datetime.now(UTC),
            console=Console(file=heard),
        )
    except PenstockError as error:
        return {"error": type(error).__name__, "told": str(error), "heard": heard.getvalue()}
    assert tuned
    again = [tuned.summary.best_epoch, tuned.summary.epochs]
    return {"rows": tuned.board.rows, "again": again, "heard": heard.getvalue()}


def damaged(root: Path) -> dict[str, Any]:
    found(root, "damaged", [DROPOUT], trials=1)
    (root / "damaged" / "trials" / "oracle.json").write_text('{"ongoing')
    return found(root, "damaged", [DROPOUT], trials=1)


def half_distributed(root: Path) -> dict[str, Any]:
    os.environ["KERASTUNER_ORACLE_IP"] = "127.0.0.1"
    answer = found(root, "half", [DROPOUT])
    del os.environ["KERASTUNER_ORACLE_IP"]
    return answer


CASES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bayesian": lambda root: found(root, "bayesian", [DROPOUT], method="bayesian", trials=5, objective="val_accuracy"),
    "hyperband": lambda root: found(root, "hyperband", [WIDTHS, DROPOUT], method="hyperband", trials=None, factor=4),
    "exhausted": lambda root: found(root, "exhausted", [WIDTHS], trials=20, fit=IMPATIENT),
    "more": lambda root: found(root, "more", [DROPOUT], trials=1),
    "and more": lambda root: found(root, "more", [DROPOUT], trials=2),
    "one fails": lambda root: found(root, "fails", [DIVERGING]),
    "all fail": lambda root: found(root, "all fail", [BOTH_DIVERGE]),
    "no such figure": lambda root: found(root, "figure", [DROPOUT], objective="val_f9", direction="max"),
    "no direction": lambda root: found(root, "direction", [DROPOUT], objective="val_f9"),
    "damaged": damaged,
    "half distributed": half_distributed,
}


def main() -> None:
    gc.freeze()  # the modules; the tuner collects before each trial
    sys.stdout.write(json.dumps({name: run(Path(sys.argv[1])) for name, run in CASES.items()}))


if __name__ == "__main__":
    main()
