"""Event files for TensorBoard, written by TensorFlow alone: keras.callbacks.TensorBoard needs the package tensorboard,
which is for looking at them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

VALIDATION = "val_"


class EpochFigures(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """One scalar an epoch for each figure, in `folder`/train and `folder`/validation, under keras.callbacks.
    TensorBoard's names: `epoch_loss`, `epoch_accuracy`, ... Epochs count from one.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def on_train_begin(self, _logs: object = None) -> None:
        self.writers = {
            part: tf.summary.create_file_writer(str(self.folder / part)) for part in ("train", "validation")
        }

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        for name, value in logs.items():
            part = "validation" if name.startswith(VALIDATION) else "train"
            with self.writers[part].as_default(step=epoch + 1):
                scalar(f"epoch_{name.removeprefix(VALIDATION)}", value)
        for writer in self.writers.values():
            writer.flush()  # so that they can be looked at while it fits

    def on_train_end(self, _logs: object = None) -> None:
        for writer in self.writers.values():
            writer.close()


def scalar(tag: str, value: Any) -> None:
    """One point of a curve, as TensorBoard's scalar dashboard reads it: tf.summary.scalar without that package."""
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR"
    )
    tf.summary.write(tag, tf.constant(value, tf.float32), metadata=metadata)
