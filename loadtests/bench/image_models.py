"""The network of images that a GPU is measured with, exported twice with the same weights, and images to ask about."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtests.bench.errors import BenchError

INPUT, OUTPUT, CLASSES = "image", "probabilities", 1000
PROFILES = ("cpu", "gpu")
"""Of the export: `cpu` is the plain one, float32 pixels and float32 arithmetic, not compiled."""
SPOTS = 8
"""Of an image's edge: coarse spots, since plain noise looks all the same to a network of convolutions."""
MOST_APART, LEAST_BETWEEN = 0.1, 0.2
"""Of two answers, in total variation: half the sum of the absolute differences of the probabilities, 0 for the same and
1 for nothing in common. Two exports' answers to one image lie within the former; those to two images lie further apart
than the latter, or nothing could tell right from wrong. float16 in random weights costs 0.02 to 0.04.
"""


@dataclass(frozen=True, slots=True)
class ImageModels:
    """`folder` holds one model directory for each profile, its one model `name` as version 1."""

    folder: Path
    name: str
    pixels: int
    batch_rows: int

    def models(self, profile: str) -> Path:
        return self.folder / profile

    def saved_model(self, profile: str) -> Path:
        return self.models(profile) / self.name / "1"


def build_image_models(folder: Path, network: str, pixels: int, batch_rows: int, device: Mapping[str, str]) -> int:
    """Exports both below `folder` in a process of its own, in the environment `device`; the GPUs that TensorFlow saw.

    Raises BenchError with the end of what that process said when it fails.
    """
    size = [str(pixels), str(batch_rows)]
    command = [sys.executable, "-W", "ignore", "-m", "loadtests.bench.export_images", str(folder), network, *size]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=device)
    if done.returncode:
        raise BenchError(f"{network} could not be exported: {done.stderr.strip()[-500:]}")
    return int(done.stdout.split()[-1])


def pictures(rows: int, pixels: int) -> NDArray[np.uint8]:
    """Images [rows, pixels, pixels, 3] of coloured spots, each its own."""
    spots = np.random.default_rng(7).integers(0, 256, (rows, SPOTS, SPOTS, 3), np.uint8)
    places = np.arange(pixels) * SPOTS // pixels
    return spots[:, places][:, :, places]


def fed(profile: str, images: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
    """The images as the export of that profile takes them."""
    return images if profile == "gpu" else images.astype(np.float32) / np.float32(255)


def most_apart(ours: NDArray[np.float32], plain: NDArray[np.float32]) -> float:
    """The largest total variation between two exports' answers [rows, classes] to one image.

    Raises BenchError when it exceeds MOST_APART, or when two images' answers lie nearer than LEAST_BETWEEN.
    """
    apart = float(total_variation(ours, plain).max())
    if not apart <= MOST_APART:
        raise BenchError(f"the gpu export's answers are {apart:.3g} off the plain one's; {MOST_APART} is allowed")
    between = float(total_variation(plain[1:], plain[:-1]).min(initial=np.inf))
    if between < LEAST_BETWEEN:
        raise BenchError(f"two images' answers are only {between:.3g} apart: nothing could tell right from wrong")
    return apart


def total_variation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Row by row."""
    found: NDArray[np.float64] = np.abs(one.astype(np.float64) - other).sum(axis=1) / 2
    return found
