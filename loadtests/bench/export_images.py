"""Writes a network of images with random weights twice, as the plain export and with the profile gpu.

usage: python -m loadtests.bench.export_images FOLDER NETWORK PIXELS BATCH_ROWS   (a process of its own: TensorFlow)
NETWORK is a name in keras.applications. Prints how many GPUs TensorFlow sees.
"""

import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import training
from loadtests.bench.image_models import CLASSES, INPUT, OUTPUT, PROFILES, ImageModels, fed, pictures
from serving.contract.manifest import Export, Lineage, Manifest, Metrics, Tolerance, render_manifest
from serving.contract.model_directory import model_paths
from serving.contract.tensors import Signature, TensorSpec
from training.export import export_saved_model
from training.job import JobSpec, parse_job
from training.served import served_features
from training.warmup import write_warmup

SEED = 7
SETTLING_ROWS = 32
"""Images whose statistics the batch normalisations take on: with their first ones, values grow past all bounds."""


def export(models: ImageModels, network: str) -> None:
    keras.utils.set_random_seed(SEED)
    model = settled(built(network, models.pixels), models.pixels)
    sizes = (1, models.batch_rows) if models.batch_rows > 1 else (1,)
    for profile in PROFILES:
        job = job_of(models, profile, sizes)
        version = model_paths(models.models(profile), models.name).version(1)
        export_saved_model(model, job, version)
        images = fed(profile, pictures(models.batch_rows, models.pixels))
        write_warmup(version, models.name, {INPUT: images}, sizes)
        version.manifest.write_bytes(render_manifest(manifest(job, str(images.dtype))))


def built(network: str, pixels: int) -> Any:
    """It takes its image by name."""
    image = keras.Input((pixels, pixels, 3), name=INPUT)
    layers = getattr(keras.applications, network)(weights=None, input_tensor=image, classes=CLASSES)
    return keras.Model({INPUT: image}, layers.output)


def settled(model: Any, pixels: int) -> Any:
    """The model with batch normalisations that fit it, as training leaves them: float16 could not hold it otherwise."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model({INPUT: fed("cpu", pictures(SETTLING_ROWS, pixels))}, training=True)
    return model


def job_of(models: ImageModels, profile: str, sizes: tuple[int, ...]) -> JobSpec:
    """The digits' job with this network's image and classes: of a job, the export reads no more."""
    content = tomllib.loads((Path(training.__file__).parent / "jobs" / "digits.toml").read_text())
    image = {"name": INPUT, "kind": "image", "shape": [models.pixels, models.pixels, 3], "decoding": {"scale": 1 / 255}}
    own = {
        "model": models.name,
        "description": "an untrained network of images, for measuring",
        "features": [image],
        "outputs": {"task": "classification", "labels": [str(label) for label in range(CLASSES)]},
        "export": {"profile": profile, "batch_rows": list(sizes) if profile == "gpu" else []},
    }
    return parse_job({**content, **own}, "bench")


def manifest(job: JobSpec, dtype: str) -> Manifest:
    """Nothing was trained, so nothing is claimed but the shapes and sizes."""
    (image,) = served_features(job.contract_features, job.export)
    signature = Signature(
        (TensorSpec(INPUT, dtype, image.row_shape),), (TensorSpec(OUTPUT, "float32", (CLASSES,)),)
    )  # fmt: skip
    return Manifest(
        model=job.model,
        version=1,
        description=job.description,
        features=(image,),
        outputs=job.outputs,
        signatures={"serving_default": signature},
        export=Export(
            profile=job.export.profile,
            allowed_batch_rows=job.export.allowed_batch_rows,
            tolerance=Tolerance(absolute=0, relative=0.1),
        ),
        metrics=Metrics(test={}, baseline={}),
        lineage=Lineage(source="none", sha256="", rows={}, seed=SEED),
        job_sha256="",
        frameworks={"keras": keras.__version__, "tensorflow": tf.__version__},
        created_at=datetime.now(UTC),
    )


if __name__ == "__main__":
    folder, name, edge, batch = sys.argv[1:]
    export(ImageModels(Path(folder), name.lower(), int(edge), int(batch)), name)
    sys.stdout.write(f"{len(tf.config.list_physical_devices('GPU'))}\n")
