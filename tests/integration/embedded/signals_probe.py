"""Predict while signals come in. usage: signals_probe.py SAVED_MODEL MODE SIGNALS

MODE is `loop` (the thread that signals are for computes, as for short calls) or `pool` (threads beside it do).
Prints how many signals came in.
"""

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from serving.backends.embedded.c_api import load_library
from serving.backends.embedded.session import LoadedModel, load_model
from serving.backends.embedded.signal_stacks import give_signals_a_stack, leave_signals_to_others

INTERVAL_SECONDS = 0.0002
INPUTS = {"x": np.ones((64, 64), np.float32)}


def predict_until(model: LoadedModel, done: threading.Event) -> None:
    while not done.is_set():
        model.run("serving_default", INPUTS)


def main(saved_model: Path, mode: str, wanted: int) -> None:
    model = load_model(load_library(), saved_model)
    came = 0
    done = threading.Event()

    def handle(_number: int, _frame: object) -> None:
        nonlocal came
        came += 1
        if came >= wanted:
            done.set()

    signal.signal(signal.SIGALRM, handle)
    give_signals_a_stack()
    with ThreadPoolExecutor(1, initializer=leave_signals_to_others) as pool:
        beside = pool.submit(predict_until, model, done) if mode == "pool" else None
        signal.setitimer(signal.ITIMER_REAL, INTERVAL_SECONDS, INTERVAL_SECONDS)
        if beside:
            beside.result()
        else:
            predict_until(model, done)
        signal.setitimer(signal.ITIMER_REAL, 0)
    sys.stdout.write(f"{came}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
