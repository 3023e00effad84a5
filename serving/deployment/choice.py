"""What somebody asks of `penstock k8s render`, and the layers above an overlay that it comes to. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.contract.model_directory import MODEL_NAME
from serving.deployment.kustomize import FILE, evaluate
from serving.deployment.transformers import IMAGE, Object, images_of
from serving.errors import InvalidSettings
from serving.settings import PREFIX, Settings

CONFIG = "penstock-config"
OURS = "penstock/"
REQUIRED_MODELS = f"{PREFIX}REQUIRED_MODELS"
LAST = ("auth",)
"""Components that change what others bring, so they come after them in whatever order they are asked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An overlay with what is added to it. `settings` are the gateway's, by their names in the environment."""

    overlay: str
    components: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    namespace: str | None = None
    image_tag: str | None = None


def overlays(tree: Mapping[str, str]) -> tuple[str, ...]:
    return _folders(tree, "overlays")


def components(tree: Mapping[str, str]) -> tuple[str, ...]:
    return _folders(tree, "components")


def _folders(tree: Mapping[str, str], above: str) -> tuple[str, ...]:
    paths = [path.split("/") for path in tree]
    return tuple(sorted(name for first, name, *rest in paths if first == above and rest == [FILE]))


def layered(tree: Mapping[str, str], choice: Choice) -> tuple[dict[str, str], str]:
    """`tree` with two folders more, and the name of the upper one: what is asked wins over overlay and components.

    Both are Kustomize's own files, so kubectl makes the same of them. Raises InvalidSettings for a name that is no
    setting and a model's name that cannot be one.
    """
    lower = {
        "resources": [f"../overlays/{choice.overlay}"],
        "components": [f"../components/{name}" for name in sorted(choice.components, key=LAST.__contains__)],
    }
    upper: dict[str, object] = {}
    if entries := _entries(choice):
        options = {"disableNameSuffixHash": True}
        upper["configMapGenerator"] = [{"name": CONFIG, "behavior": "merge", "literals": entries, "options": options}]
    return _settled({**tree, f"chosen/{FILE}": json.dumps(lower)}, "chosen", upper, choice.namespace, choice.image_tag)


def training_layered(
    tree: Mapping[str, str], namespace: str | None, image_tag: str | None
) -> tuple[dict[str, str], str]:
    """As `layered`, above the folder `training`."""
    return _settled(tree, "training", {}, namespace, image_tag)


def _settled(
    tree: Mapping[str, str], folder: str, upper: Mapping[str, object], namespace: str | None, image_tag: str | None
) -> tuple[dict[str, str], str]:
    said = {**upper, "resources": [f"../{folder}"]}
    if namespace is not None:
        said["namespace"] = namespace
    if image_tag is not None:
        said["images"] = [{"name": name, "newTag": image_tag} for name in _our_images(evaluate(tree, folder))]
    return {**tree, f"settled/{FILE}": json.dumps(said)}, "settled"


def _entries(choice: Choice) -> list[str]:
    for name in choice.settings:
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX).lower() not in {*Settings.model_fields} - {"model"}:
            raise InvalidSettings(
                f"{name} is no setting of the gateway in the environment; docs/settings.md lists them"
            )
    for model in choice.models:
        if not MODEL_NAME.fullmatch(model):
            raise InvalidSettings(f"{model!r} cannot be the name of a model")
    required = {REQUIRED_MODELS: ",".join(choice.models)} if choice.models else {}
    return [f"{name}={value}" for name, value in {**required, **choice.settings}.items()]


def _our_images(objects: list[Object]) -> list[str]:
    names = {match["name"] for image in images_of(objects) if (match := IMAGE.fullmatch(image))}
    return sorted(name for name in names if name.startswith(OURS))
