"""Data from elsewhere, fetched once into Keras's cache."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from serving.errors import InvalidJob


def downloaded(name: str, download: Callable[[], Any], local_form: str) -> Any:
    """What `download` gives. Raises InvalidJob that says how to do without: `data.path` may be a `local_form`."""
    try:
        return download()
    except Exception as error:  # what Keras raises when a download fails is an Exception and nothing finer
        raise InvalidJob(
            f"data: {name} is not in Keras's cache and could not be downloaded: {error}. Bring it by other means and"
            f" name it: data.path = {local_form}"
        ) from error


def cached_file(url: str) -> Path:
    """The file that `url` names, from Keras's cache (KERAS_HOME, else ~/.keras) or fetched into it."""
    name = url.rsplit("/", 1)[-1]
    return Path(downloaded(url, lambda: keras.utils.get_file(name, origin=url, cache_subdir="datasets"), "the file"))
