"""Where a server listens: one that can be reached from beyond this machine is not measured."""

import os
import re
from ipaddress import ip_address
from pathlib import Path

from loadtests.bench.errors import BenchError
from loadtests.bench.processes import family_of

LISTEN = "0A"


def check_loopback_only(leader: int) -> None:
    """Raises BenchError when a process of the server's listens on an address that is not loopback."""
    own = _socket_inodes(leader)
    beyond = sorted(
        {
            address
            for table in ("tcp", "tcp6")
            for address, inode in listeners(Path(f"/proc/net/{table}").read_text())
            if inode in own and not ip_address(address).is_loopback
        }
    )
    if beyond:
        raise BenchError(f"the server listens beyond loopback, on {', '.join(beyond)}; it is not measured")


def listeners(table: str) -> list[tuple[str, str]]:
    """Address and inode of every listening socket in the text of /proc/net/tcp or tcp6."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [(_address(row[1].split(":")[0]), row[9]) for row in rows if row[3] == LISTEN]


def _address(text: str) -> str:
    """The kernel prints each 32-bit word of an address as the machine has it, little end first."""
    words = [bytes.fromhex(text[place : place + 8])[::-1] for place in range(0, len(text), 8)]
    found = ip_address(b"".join(words))
    mapped = getattr(found, "ipv4_mapped", None)  # ::ffff:127.0.0.1 is 127.0.0.1
    return str(mapped or found)


def _socket_inodes(leader: int) -> set[str]:
    found = set()
    for pid in family_of(leader):
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                name = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))  # noqa: PTH115 - the target is no path
            except OSError:
                continue
            if name:
                found.add(name[1])
    return found
