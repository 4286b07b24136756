"""Which hosts are opened, and which addresses nobody is led to (pure)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from addon.service import Service, host_matches

_NAMES_OF_THIS_COMPUTER = ("localhost", "ip6-localhost", "ip6-loopback", "localhost.localdomain")
_STAND_INS = ipaddress.ip_network("198.18.0.0/15")
"""Some VPN programs answer every name from this range and forward by name: nobody's own network lies there."""
_TRANSLATED, _COMPATIBLE = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96")


def open_hosts(
    services: Iterable[Service | type[Service]], *, opened: Iterable[str] = (), own: Iterable[str] = ()
) -> frozenset[str]:
    """
    Return the exact hosts that may be opened: those of every service, without patterns and this computer's names.

    ``opened`` are services that carry more than a chatbot and that the person opened all the same; ``own`` are hosts
    of the person's own that match a service's pattern (a company's Azure resource); others among them are left out.
    """
    known = tuple(services)
    opened = frozenset(opened)
    hosts = {
        host
        for service in known
        if service.closed is None or service.name in opened
        for host in service.hosts
        if not host.startswith("*.")
    }
    patterns = [host for service in known for host in service.hosts]
    hosts.update(host for name in own if host_matches(patterns, host := name.lower()))
    return frozenset(host.lower() for host in hosts if "." in host and not leads_home(host))


def allow_pattern(addresses: Iterable[str]) -> str:
    """Return one anchored pattern for ``host:port``; an entry without a port stands for every port."""
    entries = sorted(re.escape(entry) + ("" if ":" in entry else r":\d+") for entry in addresses)
    return rf"\A(?:{'|'.join(entries)})\Z" if entries else r"\A\b\Z"


def leads_home(host: str) -> bool:
    """Whether this name or literal address is this computer, a private network or a link-local address."""
    host = host.lower().rstrip(".").strip("[]")
    if host in _NAMES_OF_THIS_COMPUTER or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _is_odd_number(host)
    return is_private(address)


def is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is not one of the public internet, also where an IPv6 address carries an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED or address in _COMPATIBLE:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_private(inner)
    elif address in _STAND_INS:
        return False
    return not address.is_global or address.is_multicast or getattr(address, "is_site_local", False)


def _is_odd_number(host: str) -> bool:
    """Whether the system would read it as an address that Python does not: ``127.1``, ``2130706433``, ``0x7f.1``."""
    return re.fullmatch(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+)){0,3}", host) is not None
