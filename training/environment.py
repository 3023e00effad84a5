"""The environment that TensorFlow and Keras read when they are loaded: to be prepared before."""

import os


def prepare_environment() -> None:
    """Where the caller has not said otherwise."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # a ~/.keras/keras.json may name another
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what fails is raised; the rest is about TensorFlow itself
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its sums depend on the processor, and it announces itself
