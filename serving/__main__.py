"""The verb `serve`: parse, call, and nothing else. (`models` is in `models_verb.py`, which needs no web framework.)"""

import argparse
import importlib
import os
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.access_settings import refuse_public
from serving.errors import InvalidSettings
from serving.settings import Settings, load_settings
from serving.workers.supervisor import run_workers

SETTINGS_FILE = Path("penstock.toml")
_HELP = {
    "models": "the model directory to serve (default: models)",
    "backend": "what runs the models: TensorFlow in this process, TensorFlow Serving over gRPC, or made-up answers for "
    "trying the gateway alone",
    "tfserving_addresses": "model servers' gRPC ports, with commas: host:port, dns:///name:port, unix:/path",
    "host": "address to listen on (default: 127.0.0.1)",
    "port": "REST port (default: 8080; 0 takes a free one)",
    "grpc_port": "gRPC port (default: 8500; 0 takes a free one)",
    "api_keys": "file of API keys, which `penstock keys` writes; from then on everybody is asked for one",
    "allow_anonymous": "listen where others reach it though nobody is asked who calls",
    "workers": "processes that answer on these ports, each with its own models in memory (default: 1)",
}


def serve(argv: Sequence[str]) -> int:
    """Run the gateway until SIGTERM or Ctrl-C. Exit codes: 0 stopped as asked, 1 could not serve, 2 wrong settings."""
    arguments = _serve_parser().parse_args(argv)
    given = {name: value for name, value in vars(arguments).items() if name in _HELP and value is not None}
    try:
        settings = load_settings(_settings_file(arguments.settings), os.environ, given)
        refuse_public(settings.host, settings)
    except InvalidSettings as error:
        print(f"penstock serve: {error}", file=sys.stderr)
        return 2
    _runner(settings.workers)(settings, lambda text: print(f"{text}\n", end="", flush=True))  # in one write: others log
    return 0


def _runner(workers: int) -> Callable[[Settings, Callable[[str], object]], object]:
    """Loaded by name, so that a supervisor's process never holds the web framework and gRPC, which it does not use."""
    return run_workers if workers > 1 else importlib.import_module("serving.serve").run_gateway


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock serve",
        description="Serve every model of a model directory over REST and gRPC; new versions are picked up.",
        epilog=f"Every setting can also stand in ./{SETTINGS_FILE} or the environment (PENSTOCK_PORT=9000). "
        f"Settings: {', '.join(Settings.model_fields)}. docs/settings.md explains each.",
    )
    parser.add_argument("--models", metavar="DIR", help=_HELP["models"])
    parser.add_argument("--backend", choices=["embedded", "tfserving", "in_memory"], help=_HELP["backend"])
    parser.add_argument("--tfserving-addresses", metavar="LIST", help=_HELP["tfserving_addresses"])
    parser.add_argument("--host", help=_HELP["host"])
    parser.add_argument("--port", help=_HELP["port"])
    parser.add_argument("--grpc-port", help=_HELP["grpc_port"])
    parser.add_argument("--api-keys", metavar="FILE", help=_HELP["api_keys"])
    parser.add_argument("--allow-anonymous", action="store_true", default=None, help=_HELP["allow_anonymous"])
    parser.add_argument("--workers", metavar="N", help=_HELP["workers"])
    parser.add_argument(
        "--settings", metavar="FILE", type=Path, help=f"settings file (default: ./{SETTINGS_FILE} if there)"
    )
    return parser


def _settings_file(named: Path | None) -> dict[str, object]:
    path = named or SETTINGS_FILE
    if named is None and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidSettings(f"{path}: {error}") from error


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:]))
