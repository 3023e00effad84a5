"""Runs `penstock train` in a process that kills itself at a Python audit event.

usage: dying_train.py EVENT ENDING MODELS ARGUMENT...      the event whose path is in MODELS and ends so; '' for none
"""

import os
import signal
import sys
from typing import Any

import penstock_cli


def main(event: str, ending: str, models: str, *arguments: str) -> int:
    def kill_at(name: str, facts: tuple[Any, ...]) -> None:
        if name == event and any(str(fact).startswith(models) and str(fact).endswith(ending) for fact in facts):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill_at)
    return penstock_cli.main(["train", *arguments, "--models", models])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
