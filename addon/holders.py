"""Who is at the other end of a connection and who holds a port, as the system tells (no mitmproxy in here)."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

_SOCK_DIAG = 4
_BY_FAMILY, _REQUEST = 20, 1
"""SOCK_DIAG_BY_FAMILY and NLM_F_REQUEST of linux/sock_diag.h and linux/netlink.h."""
_LISTENING = 10
"""TCP_LISTEN of the kernel's states; ``0A`` in its tables."""
_HEAD = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
_WANTED = struct.Struct("=BBBBI")
"""The begin of struct inet_diag_req_v2: family, protocol, extensions, padding, states."""
_ENDS = struct.Struct("!HH16s16s")
"""The begin of struct inet_diag_sockid: both ports and addresses, the socket's own first."""
_ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
"""Its end: any interface, no cookie."""
_FOUND = struct.Struct("=BBBB48s12xI")
"""The begin of struct inet_diag_msg: family, state, timer, retransmissions, the socket's id, …, its user."""


def port_is_taken(port: int) -> bool:
    """Whether somebody listens on this port of loopback already."""
    if port == 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def name_holder(port: int) -> str:
    """Return which program listens on a port, as far as this person may see; ``another program`` otherwise."""
    if sys.platform != "linux":
        return "another program"
    inodes = {one.inode for one in _connections() if one.state == _LISTENING and one.local[1] == port}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for link in (process / "fd").iterdir():
                if any(str(link.readlink()) == f"socket:[{inode}]" for inode in inodes):
                    return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return "another program"


def owner_of(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return the user id of the process at the client's end of a loopback connection; None if nobody can tell."""
    if sys.platform != "linux":
        return None
    owner = ask_owner(client, server)
    return look_up_owner(client, server) if owner is None else owner


def ask_owner(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """
    Ask the kernel for this one connection (sock_diag(7)): 0.01 ms. None if it does not say, or cannot be asked.

    A socket of IPv6 that reaches us as ``::ffff:127.0.0.1`` is found by the same question.
    """
    try:
        ends = (client[1], server[1], socket.inet_aton(client[0]), socket.inet_aton(server[0]))
        wanted = _WANTED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + _ENDS.pack(*ends) + _ANY
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
            kernel.send(_HEAD.pack(_HEAD.size + len(wanted), _BY_FAMILY, _REQUEST, 0, 0) + wanted)
            answer = kernel.recv(4096, socket.MSG_DONTWAIT)
        if _HEAD.unpack_from(answer)[1] != _BY_FAMILY:
            return None
        _, state, _, _, found, owner = _FOUND.unpack_from(answer, _HEAD.size)
        is_it = state != _LISTENING and _ENDS.unpack_from(found)[:2] == ends[:2]  # else who listens there by now
    except (OSError, struct.error):
        return None
    return int(owner) if is_it else None


def look_up_owner(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Find it among all connections of this computer: some 3 ms, in which no chat would go on."""
    return next((one.owner for one in _connections() if one.local == client and one.remote == server), None)


@dataclass(frozen=True, slots=True)
class _Connection:
    """One line of the kernel's tables of connections."""

    local: tuple[str, int]
    remote: tuple[str, int]
    state: int
    owner: int
    inode: str


def _connections() -> Iterator[_Connection]:
    """Yield every connection; also those made with an IPv6 socket, which reaches us as ``::ffff:127.0.0.1``."""
    for name in ("tcp", "tcp6"):
        with suppress(OSError), Path("/proc/net", name).open(encoding="ascii") as table:
            next(table)
            for line in table:
                _, local, remote, state, _, _, _, owner, _, inode, *_ = line.split()
                yield _Connection(_address(local), _address(remote), int(state, 16), int(owner), inode)


def _address(text: str) -> tuple[str, int]:
    """Read ``0100007F:BACF``: words of the machine's own byte order, one for IPv4, four for IPv6."""
    digits, _, port = text.partition(":")
    words = (int(digits[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(digits), 8))
    address = ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address), int(port, 16)
