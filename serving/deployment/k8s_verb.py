"""The verb `penstock k8s render`: prints the manifests of a deployment, checked. It never applies anything."""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence

from serving.deployment.agreement import faults
from serving.deployment.choice import Choice, components, layered, overlays
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from serving.deployment.schemas import schema_faults
from serving.deployment.transformers import Object
from serving.deployment.yaml_text import as_yaml
from serving.errors import IntegrityError

RENDER = "Print the manifests of a deployment as YAML, checked. Nothing is applied: pipe them to `kubectl apply -f -`."
EXAMPLES = """\
examples:
  penstock k8s render --overlay local                      one pod without a GPU, for kind or minikube
  penstock k8s render --overlay gpu --model digits         ready once digits is live
  penstock k8s render --overlay gpu --with autoscaling-hpa --with monitoring
  penstock k8s render --overlay cpu --set PENSTOCK_MAX_BATCH_ROWS=32 --namespace shop | kubectl apply -f -

Exit codes: 0 printed, 1 the manifests do not agree with each other or with Kubernetes' schemas, 2 wrong use.
"""
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def run(argv: Sequence[str]) -> int:
    """Runs `render`; returns the exit code. Raises IntegrityError that lists every fault, InvalidSettings for one."""
    tree = read_manifests()
    arguments = _parser(tree).parse_args(argv)
    choice = Choice(
        overlay=arguments.overlay,
        components=tuple(dict.fromkeys(arguments.components)),
        models=tuple(arguments.models),
        settings=dict(arguments.settings),
        namespace=arguments.namespace,
        image_tag=arguments.image_tag,
    )
    objects = evaluate(*layered(tree, choice))
    _check(objects)
    sys.stdout.write(as_yaml(objects))
    return 0


def _check(objects: Sequence[Object]) -> None:
    by_schema = schema_faults(objects)
    if by_schema is None:
        sys.stderr.write("not held to Kubernetes' schemas: pip install kubernetes-validate\n")
    if found := [*faults(objects), *(by_schema or ())]:
        raise IntegrityError("; ".join(found))


def _parser(tree: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="penstock k8s", description="Penstock on Kubernetes.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    render = commands.add_parser(
        "render", help=RENDER, description=RENDER, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    render.add_argument(
        "--overlay",
        metavar="NAME",
        choices=overlays(tree),
        default="local",
        help=f"{_or(overlays(tree))} (default: local)",
    )
    render.add_argument(
        "--with", metavar="COMPONENT", dest="components", action="append", default=[], choices=components(tree),
        help=f"{_or(components(tree))}; may be given several times",
    )  # fmt: skip
    render.add_argument(
        "--model", metavar="NAME", dest="models", action="append", default=[],
        help="pods are ready once this model has been live (required_models); may be given several times",
    )  # fmt: skip
    render.add_argument(
        "--set", metavar="KEY=VALUE", dest="settings", action="append", default=[], type=_setting,
        help="a setting of the gateway, such as PENSTOCK_MAX_BATCH_ROWS=32; may be given several times",
    )  # fmt: skip
    render.add_argument("--namespace", metavar="NAME", type=_matching(NAMESPACE), help="(default: kubectl's)")
    render.add_argument(
        "--image-tag", metavar="TAG", type=_matching(TAG), help="of every penstock/ image (default: the manifests')"
    )
    return parser


def _or(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}"


def _setting(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name, value


def _matching(pattern: re.Pattern[str]) -> "argparse._ActionType":
    def checked(text: str) -> str:
        if not pattern.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form {pattern.pattern}")
        return text

    return checked
