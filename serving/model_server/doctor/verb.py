"""The verb `penstock doctor`: what will bite, one line each with its remedy."""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from serving.model_server.doctor.facts import Facts, Finding, ServerFacts
from serving.model_server.doctor.read_directory import read_facts
from serving.model_server.doctor.read_server import read_server
from serving.model_server.doctor.rules import RULES, findings
from serving.model_server.text_protos import Kind

CLEAN, FOUND = 0, 1
TEXT = (
    "Look at a model directory and at TensorFlow Serving's files, and say what will bite: one line each, with the "
    "remedy. Changes nothing and starts nothing."
)


def run(argv: Sequence[str]) -> int:
    """Exit codes: 0 nothing found, 1 something found, 2 wrong use."""
    arguments = _parser().parse_args(argv)
    folder = arguments.config_folder
    files: Mapping[Kind, Path | None] = {
        "models.config": arguments.models_config or _in(folder, "models.config"),
        "batching.config": arguments.batching_config or _in(folder, "batching.config"),
        "monitoring.config": arguments.monitoring_config or _in(folder, "monitoring.config"),
    }
    told = ServerFacts(version=arguments.server_version, reloads_by_rpc=arguments.reloads_by_rpc)
    facts = read_facts(arguments.models, read_server(files, arguments.flags, told))
    found = list(findings(facts))
    sys.stdout.write(as_json(found, facts) if arguments.json else as_text(found, facts))
    return FOUND if found else CLEAN


def as_text(found: Sequence[tuple[str, Finding]], facts: Facts) -> str:
    lines = [f"{each.where}: {each.what}; {each.remedy}" for _, each in found]
    looked = f"{_count(sum(1 for _ in facts.versions()), 'version')} of {_count(len(facts.models), 'model')}"
    lines.append(f"{looked}, {len(RULES)} rules: {_count(len(found), 'finding') if found else 'nothing found'}")
    return "\n".join(lines) + "\n"


def as_json(found: Sequence[tuple[str, Finding]], facts: Facts) -> str:
    told = [{"rule": rule, "where": each.where, "what": each.what, "remedy": each.remedy} for rule, each in found]
    looked = {"models": len(facts.models), "versions": sum(1 for _ in facts.versions()), "rules": len(RULES)}
    return json.dumps({**looked, "findings": told}, indent=2) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _in(folder: Path | None, name: str) -> Path | None:
    """The file in the folder, if it is there: nobody needs all three."""
    path = folder / name if folder else None
    return path if path and path.exists() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock doctor", description=TEXT, epilog="Exit codes: 0 nothing found, 1 something found, 2 wrong use."
    )
    parser.add_argument(
        "models", metavar="MODELS", type=Path, nargs="?", default=Path("models"), help="default: ./models"
    )
    parser.add_argument("--config-folder", metavar="DIR", type=Path, help="where the server's files are, as far as any")
    for name in ("models", "batching", "monitoring"):
        parser.add_argument(f"--{name}-config", metavar="FILE", type=Path, help=f"the server's {name}.config")
    parser.add_argument(
        "--flags",
        metavar="FILE",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="files with the server's flags in them: a command line, compose.yaml, a Dockerfile, a Kubernetes manifest",
    )
    parser.add_argument(
        "--server-version", metavar="2.20", type=_version, help="TensorFlow Serving's version, as in its image's name"
    )
    parser.add_argument(
        "--reloads-by-rpc", action="store_true", help="something calls the server's HandleReloadConfigRequest"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a version such as 2.20 or 2.20.0-gpu")
    return int(found[1]), int(found[2])
