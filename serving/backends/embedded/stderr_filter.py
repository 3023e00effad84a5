"""Keeps TensorFlow's greetings off the terminal while its library loads; anything that is not a greeting passes.

The library writes them straight to descriptor 2 before any of its log settings are read, so no variable silences
them but the one that would also switch its faster kernels off.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

GREETING = re.compile(rb"^(I\d{4} |WARNING: All log messages before absl::InitializeLog)")
"""absl's INFO lines, and the line that announces that it logs."""


@contextmanager
def without_greetings() -> Iterator[None]:
    """Descriptor 2 is held back for the block and let out after it, less the greetings."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not GREETING.match(line):
                    os.write(2, line)
