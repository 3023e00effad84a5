"""Whether the files that a model runs from are those that were published, asked before they are loaded.

TensorFlow checks its variables against checksums of its own, and nothing checks the graph: with one bit of a constant
turned over on a failing disk it loads, and every answer is wrong.
"""

from serving.contract.manifest import Manifest
from serving.contract.model_directory import VersionPaths
from serving.errors import IntegrityError
from serving.model_store.version_files import sha256_of


def check_intact(paths: VersionPaths, manifest: Manifest) -> None:
    """Raises IntegrityError for the first file of the manifest that is gone or has another sha256.

    `assets.extra` is left out: nothing there changes an answer. Reads all the others once, about a second for a
    gigabyte.
    """
    extra = paths.extra.name + "/"
    for name, digest in manifest.files.items():
        if name.startswith(extra):
            continue
        try:
            found = sha256_of(paths.root / name)
        except OSError as error:
            raise IntegrityError(f"{name} cannot be read: {error.strerror or type(error).__name__}") from error
        if found != digest:
            raise IntegrityError(f"{name} is not what was published: its sha256 is not the manifest's")
