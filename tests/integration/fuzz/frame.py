"""What every fuzzing target has in common: each input is read, or refused by an error of ours that says why.

Imported within a target's `atheris.instrument_imports`, so that what it imports is followed too. libFuzzer keeps the
bounds: its options -timeout (seconds an input) and -rss_limit_mb.
"""

import logging
import sys
from collections.abc import Callable

import atheris

from serving.errors import PenstockError


def fuzz(target: Callable[[bytes], object]) -> None:
    """Ends with a status other than 0 at the first input with any other outcome, which is then written to a file.

    usage of a target: PROGRAM [libFuzzer's options] CORPUS...
    """

    def one_input(data: bytes) -> None:
        try:
            target(data)
        except PenstockError as error:
            if not str(error):
                raise AssertionError("refused without a word") from error

    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # as the gateway has it
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
