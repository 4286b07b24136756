"""The PAC text: listed hosts to the proxy, every other host exactly where it went before (pure)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tracker.private import read_plain

PREVIOUS_FILE = "previous-proxy.json"
"""In the data folder: what the computer's proxy settings were before ``klimaspor setup``."""

TEST_HOST = "klimaspor.test"
"""A name that nobody has (RFC 6761): only our PAC file leads somewhere, which is how a browser is seen to follow it."""
WISH_FILE = "arrival"
"""In the data folder: the path that is waited for at that name; then the path and the word ``arrived``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """How this computer reached the network before: directly, through fixed proxies, or by somebody's PAC."""

    kind: Literal["direct", "manual", "pac"] = "direct"
    https: str | None = None
    """``host:port`` of the proxy for https, where ``kind`` is ``manual``."""
    http: str | None = None
    socks: str | None = None
    ignore: tuple[str, ...] = ()
    """Hosts, ``*.domain`` patterns and addresses (``10.0.0.0/8``) that went directly."""
    pac_url: str | None = None
    pac_text: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Previous:
        """Read what ``to_json`` wrote; anything else raises ValueError."""
        match json.loads(text):
            case {"kind": "direct" | "manual" | "pac" as kind, **rest}:
                text_or_none = {
                    name: _text(rest.get(name)) for name in ("https", "http", "socks", "pac_url", "pac_text")
                }
                ignore = rest.get("ignore")
                names = tuple(str(name) for name in ignore) if isinstance(ignore, list) else ()
                return cls(kind=kind, ignore=names, **text_or_none)
            case _:
                message = "not a description of proxy settings"
                raise ValueError(message)


def load_previous(folder: Path) -> Previous:
    """Return what was in force before set-up; direct if nothing was kept or it cannot be read."""
    try:
        return Previous.from_json(read_plain(folder / PREVIOUS_FILE).decode())
    except (OSError, ValueError, RecursionError):
        return Previous()


def write_pac(hosts: Iterable[str], port: int, previous: Previous = Previous(), *, fail_open: bool = True) -> str:
    """
    Return a PAC script: https to exactly these hosts goes to the proxy on this port, all else as before.

    No name is looked up. With ``fail_open`` a proxy that is not there is passed by, so that pages load directly.
    Patterns (``*.``) are left out: nobody's host.
    """
    listed = dict.fromkeys(sorted(host.lower() for host in hosts if not host.startswith("*.")), 1)
    ours = json.dumps(f"PROXY 127.0.0.1:{port}")
    answer = f"{ours} + '; ' + before(url, host)" if fail_open else ours
    return f"""// klimaspor: listed hosts to the proxy on this computer, all others as before
var listed = {json.dumps(listed, separators=(",", ":"))};
{_write_before(previous)}
function FindProxyForURL(url, host) {{
  var secure = url.substring(0, 6) === 'https:' || url.substring(0, 4) === 'wss:';
  if (host === {json.dumps(TEST_HOST)}) return {ours};
  if (secure && listed.hasOwnProperty(host.toLowerCase())) return {answer};
  return before(url, host);
}}
"""


def as_data_url(pac: str) -> str:
    """Return the script as a ``data:`` URL, which Chromium takes where it refuses ``file:``."""
    return "data:application/x-ns-proxy-autoconfig;base64," + b64encode(pac.encode()).decode()


def _write_before(previous: Previous) -> str:
    match previous:
        case Previous(kind="pac", pac_text=str(text)):
            return f"""var theirs = (function () {{
{text}
return FindProxyForURL;
}})();
function before(url, host) {{
  try {{ return theirs(url, host) || 'DIRECT'; }} catch (error) {{ return 'DIRECT'; }}
}}"""
        case Previous(kind="manual"):
            return _write_manual(previous)
        case _:
            return "function before(url, host) { return 'DIRECT'; }"


def _write_manual(previous: Previous) -> str:
    socks = f"SOCKS {previous.socks}" if previous.socks else None
    https = f"PROXY {previous.https}" if previous.https else socks or "DIRECT"
    http = f"PROXY {previous.http}" if previous.http else socks or "DIRECT"
    checks = [check for pattern in previous.ignore if (check := _write_check(pattern.strip().lower()))]
    ignored = " || ".join(checks) or "false"
    return f"""function before(url, host) {{
  var name = host.toLowerCase(), literal = /^[0-9.]+$/.test(host);
  if ({ignored}) return 'DIRECT';
  return url.substring(0, 5) === 'http:' || url.substring(0, 3) === 'ws:' ? {json.dumps(http)} : {json.dumps(https)};
}}"""


def _write_check(pattern: str) -> str | None:
    """Return the JavaScript condition for one entry of an ignore list, or None for what PAC cannot say."""
    if not pattern:
        return None
    if "/" in pattern:
        from ipaddress import IPv4Network

        try:
            network = IPv4Network(pattern, strict=False)
        except ValueError:
            return None
        address, mask = json.dumps(str(network.network_address)), json.dumps(str(network.netmask))
        return f"(literal && isInNet(host, {address}, {mask}))"
    if pattern.startswith(("*.", ".")):
        suffix = pattern.lstrip("*")
        return f"(name === {json.dumps(suffix[1:])} || dnsDomainIs(name, {json.dumps(suffix)}))"
    return f"shExpMatch(name, {json.dumps(pattern)})"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
