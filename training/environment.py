"""What TensorFlow and Keras need of the process: to be prepared before they are loaded."""

import faulthandler
import os

STDERR = 2


def prepare_environment() -> None:
    """The environment they read, where the caller has not said otherwise; and a stack of their own for signals, without
    which a Ctrl-C during a matrix product may corrupt the heap (see `serving/backends/embedded/signal_stacks.py`).
    """
    if not faulthandler.is_enabled():
        faulthandler.enable(STDERR)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # a ~/.keras/keras.json may name another
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what fails is raised; the rest is about TensorFlow itself
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its sums depend on the processor, and it announces itself
