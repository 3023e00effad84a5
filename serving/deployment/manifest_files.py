"""Where the manifests lie: `k8s/` beside this package, in a checkout and in an installed wheel alike."""

from pathlib import Path

from serving.errors import IntegrityError

K8S = Path(__file__).parents[2] / "k8s"
KINDS = (".yaml", ".json")


def read_manifests(folder: Path = K8S) -> dict[str, str]:
    """The texts below `folder` by their path in it, `/` between. Raises IntegrityError where there are none."""
    texts = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.suffix in KINDS
    }
    if not texts:
        raise IntegrityError(f"there are no manifests at {folder}; an image has none, a checkout and a wheel do")
    return texts
