"""The options that Penstock's locustfile adds to Locust's own."""

import argparse
from typing import Any

from loadtests.shapes import SCENARIOS
from serving.access.key_argument import HELP, OPTION, TOKEN_HELP, TOKEN_OPTION, TOKEN_VARIABLE, VARIABLE

THINK_SECONDS = 0.1
"""Mean pause of a user between an answer and the next request: twenty users then ask for about 200 a second."""


def add_options(parser: Any, **_: Any) -> None:
    """A listener of Locust's `init_command_line_parser`; each is also read from LOCUST_<NAME>, as Locust's own are.

    But for the key, which all our tools read from one variable. Locust's page shows no option of a group.
    """
    group = parser.add_argument_group("Penstock")
    group.add_argument("--model", default="", help="the model asked (default: the last by name of those served)")
    group.add_argument("--grpc", default="", metavar="HOST:PORT", help="where gRPC is (default: the host, port 8500)")
    group.add_argument(OPTION, default="", metavar="KEY", env_var=VARIABLE, help=HELP)
    group.add_argument(TOKEN_OPTION, default="", metavar="TOKEN", env_var=TOKEN_VARIABLE, help=TOKEN_HELP)
    group.add_argument("--seed", type=int, default=1, help="of the payloads and the pauses (default: %(default)s)")
    group.add_argument(
        "--think-seconds",
        type=not_negative,
        default=THINK_SECONDS,
        help="mean pause of a user between an answer and the next request (default: %(default)s)",
    )
    group.add_argument("--scenario", choices=["", *SCENARIOS], default="", help="shape of the load; needs --scenario-*")
    group.add_argument("--scenario-users", type=int, default=20, help="users at the peak (default: %(default)s)")
    group.add_argument("--scenario-spawn-rate", type=float, default=100.0, help="users a second (default: %(default)s)")
    group.add_argument("--scenario-seconds", type=float, default=0.0, help="length (default: the scenario's own)")
    group.add_argument(
        "--slo", default="", metavar="FILE", help="objective (TOML) that decides the exit code, reasons printed"
    )
    group.add_argument(
        "--result", default="", metavar="FILE", help="file that the result is written to (JSON, see run_result.py)"
    )
    group.add_argument("--tell-fd", type=int, default=-1, help=argparse.SUPPRESS)


def not_negative(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value
