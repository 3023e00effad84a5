"""The arguments of `penstock k8s render`: what they are called and which values they take."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence

from serving.deployment.choice import components, overlays

RENDER = "Print Kubernetes manifests as YAML, checked. Nothing is applied: pipe them to `kubectl apply -f -`."
EXAMPLES = """\
examples:
  penstock k8s render --overlay local                      one pod without a GPU, for kind or minikube
  penstock k8s render --overlay gpu --model digits         ready once digits is live
  penstock k8s render --overlay gpu --with autoscaling-hpa --with monitoring
  penstock k8s render --overlay cpu --set PENSTOCK_MAX_BATCH_ROWS=32 --namespace shop | kubectl apply -f -
  penstock k8s render --train digits                       train and publish it once
  penstock k8s render --train ./mine.toml --schedule '0 3 * * *' --gpus 1
  penstock k8s render --train mnist --processes 4          four pods train one model
  penstock k8s render --train ./mine.toml --tune --processes 5   a search: a chief and four workers

Exit codes: 0 printed, 1 the manifests do not agree with each other or with Kubernetes' schemas, 2 wrong use.
"""
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
OF_A_DEPLOYMENT, OF_TRAINING = (
    ("overlay", "components", "models", "settings"),
    ("tune", "processes", "schedule", "gpus", "push"),
)


def parse(tree: Mapping[str, str], argv: Sequence[str]) -> argparse.Namespace:
    """Ends the process with 2 for wrong use, which is also an option of training with a deployment or the reverse."""
    parser = argparse.ArgumentParser(prog="penstock k8s", description="Penstock on Kubernetes.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    render = commands.add_parser(
        "render", help=RENDER, description=RENDER, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    render.add_argument("--namespace", metavar="NAME", type=_matching(NAMESPACE), help="(default: kubectl's)")
    render.add_argument(
        "--image-tag", metavar="TAG", type=_matching(TAG), help="of every penstock/ image (default: the manifests')"
    )
    _add_deployment(render, tree)
    _add_training(render)
    arguments = parser.parse_args(argv)
    for name in OF_A_DEPLOYMENT if arguments.train else OF_TRAINING:
        if getattr(arguments, name):
            render.error(f"{name} {'does not go with' if arguments.train else 'goes with'} --train")
    return arguments


def _add_deployment(render: argparse.ArgumentParser, tree: Mapping[str, str]) -> None:
    group = render.add_argument_group("a deployment")
    known, parts = overlays(tree), components(tree)
    group.add_argument("--overlay", metavar="NAME", choices=known, help=f"{_or(known)} (default: local)")
    several = "may be given several times"
    group.add_argument(
        "--with", metavar="COMPONENT", dest="components", action="append", default=[], choices=parts,
        help=f"{_or(parts)}; {several}",
    )  # fmt: skip
    group.add_argument(
        "--model", metavar="NAME", dest="models", action="append", default=[],
        help=f"pods are ready once this model has been live (required_models); {several}",
    )  # fmt: skip
    group.add_argument(
        "--set", metavar="KEY=VALUE", dest="settings", action="append", default=[], type=_setting,
        help=f"a setting of the gateway, such as PENSTOCK_MAX_BATCH_ROWS=32; {several}",
    )  # fmt: skip


def _add_training(render: argparse.ArgumentParser) -> None:
    group = render.add_argument_group("a training job, beside a deployment")
    group.add_argument("--train", metavar="JOB", help="a shipped job's name, or a .toml file, which goes along")
    group.add_argument("--tune", action="store_true", help="search over its values first (`penstock tune`)")
    group.add_argument("--schedule", metavar="CRON", help="a CronJob, such as '0 3 * * *', in UTC")
    group.add_argument(
        "--processes", metavar="N", type=_count, help="pods that train one model, or a chief and workers (default: 1)"
    )
    group.add_argument("--push", metavar="URL", help="into a bucket (s3://, gs://) instead of the volume `models`")
    group.add_argument("--gpus", metavar="N", type=_count, help="GPUs of each pod (default: none)")


def _or(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}"


def _setting(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name, value


def _count(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 9999")
    return int(text)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if not pattern.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form {pattern.pattern}")
        return text

    return checked
