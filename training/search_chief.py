"""The chief of a search of several processes: answers its workers until no trials are left.

KerasTuner's own loop looks every 20 s whether all workers have been told; meanwhile its chief says and does nothing.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer, exit_chief

from serving.errors import InvalidSettings

LOOK_SECONDS = 0.1
LAST_ANSWER_SECONDS = 10.0
"""For the last worker to be told that no trials are left, which the oracle counts as told before it is sent."""


def answer_workers(oracle: Any, check: Callable[[], None]) -> None:
    """Serves the oracle at KERASTUNER_ORACLE_IP and _PORT until every worker that asked has been told of the end.
    `check` is called again and again, and what it raises ends the serving.

    Raises InvalidSettings when it cannot listen there.
    """
    address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    servicer = OracleServicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise InvalidSettings(
            f"KERASTUNER_ORACLE_IP and _PORT: the chief cannot listen at {address}; give an address of this machine and"
            " a port that no other process has"
        ) from error
    server.start()
    try:
        while not (servicer.stop_triggered and exit_chief(oracle)):
            check()
            time.sleep(LOOK_SECONDS)
    finally:
        server.stop(LAST_ANSWER_SECONDS).wait()
