"""What every serving process does first: its log and its ports. Imports nothing heavy: a supervisor needs it too."""

import logging
import socket
import sys

from serving.errors import BackendUnavailable
from serving.observability.log_lines import LineFormatter, style_of
from serving.observability.standard_error import to_stderr
from serving.observability.threaded_log import ThreadedHandler


def log_to_stderr(level: str, log_format: str, process: str = "") -> None:
    """One line an event, whichever library it comes from, with the name of the `process` where there are several."""
    formatter = LineFormatter(style_of(log_format, is_terminal=sys.stderr.isatty()), process)
    logging.basicConfig(level=level.upper(), handlers=[ThreadedHandler(formatter, to_stderr)])


def bound_socket(host: str, port: int, option: str, *, shared: bool = False) -> socket.socket:
    """Bound and not yet listening; a `shared` one takes its part of the connections to a port that others have too.

    Raises BackendUnavailable, naming the `option` to choose another port with.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = f"cannot listen on {host}:{port}: {error.strerror}; choose another with {option}"
        raise BackendUnavailable(reason) from error
    return listener
