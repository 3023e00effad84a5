"""Runs by itself, because it loads TensorFlow: `saved_model_probe.py VERSION_FOLDER` prints as JSON what a model
server would find there. Features come from the manifest, so that nothing of the training code is used.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2


def natural(instance: Any, names: list[str]) -> dict[str, Any]:
    return instance if len(names) > 1 else {names[0]: instance}


def example(row: dict[str, Any]) -> bytes:
    features = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(value))) for name, value in row.items()
    }
    encoded: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return encoded


def plain(answers: dict[str, Any]) -> dict[str, Any]:
    return {name: [listed(row) for row in answer.numpy()] for name, answer in answers.items()}


def listed(row: Any) -> Any:
    return row.astype(str).tolist() if row.dtype == object else row.tolist()


def warmup(version: Path, predict: Any) -> list[dict[str, Any]]:
    found = []
    for record in tf.data.TFRecordDataset(str(version / "assets.extra/tf_serving_warmup_requests")):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        answers = predict(**{name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()})
        rows = {len(answer) for answer in answers.values()}
        found.append(
            {"model": request.model_spec.name, "signature": request.model_spec.signature_name, "rows": rows.pop()}
        )
    return found


def main(version: Path) -> None:
    manifest = json.loads((version / "assets.extra/manifest.json").read_bytes())
    names = [feature["name"] for feature in manifest["features"]]
    rows = [natural(golden["instance"], names) for golden in manifest["golden_examples"]]
    signatures = tf.saved_model.load(str(version)).signatures
    predict = signatures["serving_default"]
    columns = {name: tf.constant([row[name] for row in rows], tf.float32) for name in names}
    examples = tf.constant([example(row) for row in rows])
    found = {
        "signatures": sorted(signatures),
        "serving_default": plain(predict(**columns)),
        "examples": {
            name: plain(signatures[name](inputs=examples)) for name in signatures if name != "serving_default"
        },
        "warmup": warmup(version, predict),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
