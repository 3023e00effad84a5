"""Runs by itself, because keras.datasets loads TensorFlow: reads jobs' rows and prints as JSON what came, or the error.

usage: sources_probe.py JOBS.json      a list of [job, assignments...]; KERAS_HOME says where downloads are cached
"""

import json
import sys
from pathlib import Path

from serving.errors import PenstockError
from training.data.sources import read_dataset
from training.job_files import load_job


def told(name: str, assignments: list[str]) -> dict[str, object]:
    try:
        dataset = read_dataset(load_job(name, assignments))
    except PenstockError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {
        "source": dataset.source,
        "shapes": {column: list(values.shape) for column, values in dataset.columns.items()},
        "target": dataset.target.tolist(),
        "held_out": None if dataset.held_out is None else dataset.held_out.tolist(),
    }


def main(file: str) -> None:
    asked = json.loads(Path(file).read_text(encoding="utf-8"))
    sys.stdout.write("\n" + json.dumps([told(name, assignments) for name, *assignments in asked]))


if __name__ == "__main__":
    main(*sys.argv[1:])
