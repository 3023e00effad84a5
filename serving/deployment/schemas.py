"""Objects held to the schemas of Kubernetes, where the package kubernetes-validate is installed."""

from collections.abc import Iterable

from serving.deployment.transformers import Object

try:
    import kubernetes_validate
except ModuleNotFoundError:  # a gateway's installation has no need of it
    kubernetes_validate = None


def schema_faults(objects: Iterable[Object]) -> list[str] | None:
    """One line for each object that the newest known Kubernetes would refuse; custom kinds are not known to it.

    None where nothing could be checked, because the package is not installed.
    """
    if kubernetes_validate is None:
        return None
    found = []
    for each in objects:
        try:
            kubernetes_validate.validate(dict(each), kubernetes_validate.latest_version(), strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            continue
        except kubernetes_validate.ValidationError as error:
            place = ".".join(map(str, error.path))
            found.append(f"{each['kind']} {each['metadata']['name']!r}: {place}: {error.message}")
    return found
