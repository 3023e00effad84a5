"""The network that every server is measured with, the rows it is asked for, and what it must answer to them."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

MODEL, INPUT, OUTPUT = "dense", "image", "probabilities"
PIXELS, CLASSES = 784, 10
WIDTHS = (128,)
"""One hidden layer: small enough that the servers are measured and not the arithmetic."""


@dataclass(frozen=True, slots=True)
class DenseModel:
    """A model directory with the network as version 1, and its weights."""

    models: Path
    layers: tuple[tuple[Floats, Floats], ...]
    """Kernel and bias of each layer, from the input on."""

    @property
    def saved_model(self) -> Path:
        return self.models / MODEL / "1"

    def reference(self, pictures: Floats) -> Floats:
        """Probabilities [rows, 10] for pictures [rows, 784], by numpy alone in double precision."""
        hidden: NDArray[np.float64] = pictures.astype(np.float64)
        for kernel, bias in self.layers[:-1]:
            hidden = np.maximum(hidden @ kernel + bias, 0)
        kernel, bias = self.layers[-1]
        logits = hidden @ kernel + bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: Floats = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return probabilities


def build_dense_model(folder: Path, widths: Sequence[int] = WIDTHS) -> DenseModel:
    """Exported below `folder` by a process of its own, so that no TensorFlow is in this one."""
    command = [sys.executable, "-W", "ignore", "-m", "loadtests.bench.export_dense", str(folder), *map(str, widths)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    with np.load(folder / "weights.npz") as file:
        layers = tuple((file[f"kernel_{place}"], file[f"bias_{place}"]) for place in range(len(file.files) // 2))
    return DenseModel(folder / "models", layers)


def pictures(rows: int) -> Floats:
    """Rows of a 28 x 28 picture each, line after line."""
    return np.random.default_rng(7).random((rows, PIXELS)).round(4).astype(np.float32)
