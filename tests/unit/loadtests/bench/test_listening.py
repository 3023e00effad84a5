import os
import socket

import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.listening import check_loopback_only, listeners

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEAD + (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1\n"
    "   1: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1\n"
    "   2: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 13 1\n"
)
TCP6 = HEAD + (
    "   0: 00000000000000000000000001000000:1F90 0:0 0A 0:0 0:0 0     0        0 14 1\n"
    "   1: 0000000000000000FFFF00000100007F:1F91 0:0 0A 0:0 0:0 0     0        0 15 1\n"
)


def test_listeners_are_read_and_connections_are_not() -> None:
    assert listeners(TCP) == [("127.0.0.1", "11"), ("0.0.0.0", "12")]  # noqa: S104 - what is looked for


def test_addresses_of_the_sixth_version_are_read() -> None:
    assert listeners(TCP6) == [("::1", "14"), ("127.0.0.1", "15")]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_let_be(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        check_loopback_only(os.getpid())


def test_every_address_is_refused() -> None:
    with socket.socket() as listener:
        listener.bind(("", 0))
        listener.listen()
        with pytest.raises(BenchError, match=r"0\.0\.0\.0"):
            check_loopback_only(os.getpid())
