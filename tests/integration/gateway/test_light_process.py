"""The serving process never starts TensorFlow's Python, and needs no more than its own part of the environment."""

import json
import subprocess
import sys
from pathlib import Path

from serving.model_store.versions import read_manifest

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from serving.app import create_app
from serving.settings import load_settings
from serving.catalog import ModelReference
from serving.prediction import PredictRequest
from serving.preprocessing.records import decode_instances

async def main(models, instance):
    app = create_app(load_settings({}, {}, {"models": models, "grpc_port": 0}))
    async with app.router.lifespan_context(app):
        gateway = app.state.gateway
        await gateway.started.wait()
        def decode(features):
            return decode_instances([instance], features)

        request = PredictRequest(ModelReference("digits"), "serving_default", decode, False, 1e12)
        answer = await gateway.predictor.predict(request)
        assert answer.outputs["probabilities"].shape == (1, 10)
    print(json.dumps(sorted(sys.modules)))

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
"""


def test_a_prediction_is_served_without_importing_tensorflows_python(trained_models: Path) -> None:
    manifest = read_manifest(trained_models, "digits", 1)
    assert manifest
    instance = json.dumps(manifest.golden_examples[0].instance)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(trained_models), instance],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert not [name for name in loaded if name.startswith(("tensorflow.python", "keras", "training", "sklearn"))]
    assert not [name for name in loaded if name.startswith("penstock_client")]


def test_missing_library_is_named_with_its_remedy(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from serving.backends.embedded.c_api import load_library;"
        f"load_library(Path({str(tmp_path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "libtensorflow_cc.so.2" in done.stderr
    assert "pip install 'penstock[serving]'" in done.stderr


def test_the_supervisor_of_workers_loads_nothing_that_serves() -> None:
    script = "import json, sys, serving.__main__; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = ("fastapi", "uvicorn", "uvloop", "grpc", "numpy", "prometheus_client", "serving.app", "serving.backends")
    assert [name for name in json.loads(done.stdout) if name.startswith(heavy)] == []
