"""How this computer reaches the network now: directly, through a company's proxy, or as a PAC file says."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from addon.pac import Previous, load_previous
from tracker.setup import SetupError

Desktop = Literal["gnome", "kde", "plain"]

GNOME_PROXY = "org.gnome.system.proxy"
_LONGEST_PAC = 1024 * 1024


def find_desktop(environment: Mapping[str, str] = os.environ) -> Desktop:
    """Return whose proxy settings the browsers of this session follow."""
    names = environment.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
    if "kde" in names and find_kde_tool("kreadconfig"):
        return "kde"
    followers = {"gnome", "unity", "x-cinnamon", "cinnamon", "pantheon", "budgie", "mate", "ubuntu", "deepin"}
    if followers & set(names) and shutil.which("gsettings"):
        return "gnome"
    return "plain"


def read_previous(folder: Path, desktop: Desktop | None = None) -> Previous:
    """
    Return what is in force beside us, so that it can be kept for all hosts that are not ours.

    Where our own PAC is in force already it is what was kept in the data ``folder``. Raises SetupError if a PAC
    file is in force that cannot be fetched.
    """
    try:
        return _read_present(desktop)
    except _OursError:
        return _refresh(load_previous(folder))


def pac_url(port: int) -> str:
    """Return the address of our own PAC file."""
    return f"http://127.0.0.1:{port}/proxy.pac"


def is_ours(url: str) -> bool:
    """Whether this is the address of a PAC file of klimaspor on this computer."""
    return re.fullmatch(r"http://127\.0\.0\.1:\d+/proxy\.pac", url) is not None


def _refresh(kept: Previous) -> Previous:
    """Read a company's PAC file again, for it may have changed; where that fails the kept text stays."""
    if kept.pac_url is None or is_ours(kept.pac_url):
        return kept
    try:
        return replace(kept, pac_text=fetch_pac(kept.pac_url))
    except SetupError:
        return kept


class _OursError(Exception):
    """Our own PAC file is in force."""


def _read_present(desktop: Desktop | None) -> Previous:
    match desktop or find_desktop():
        case "gnome":
            previous = _read_gnome()
        case "kde":
            previous = _read_kde()
        case _:
            previous = Previous()
    return previous if previous.kind != "direct" else _read_environment(os.environ)


def get_gnome(schema: str, key: str) -> str:
    """Return a GNOME setting as text, without quotes."""
    value = _output("gsettings", "get", schema, key)
    return str(ast.literal_eval(value)) if value[:1] in {"'", '"'} else value


def find_kde_tool(name: str) -> str | None:
    """Return the path of ``kreadconfig`` or ``kwriteconfig`` of the newest KDE here."""
    return next((path for version in ("6", "5") if (path := shutil.which(name + version))), None)


def get_kde(key: str) -> str:
    """Return one proxy setting of KDE; an empty text where it is not set."""
    tool = find_kde_tool("kreadconfig") or "kreadconfig6"
    return _output(tool, "--file", "kioslaverc", "--group", "Proxy Settings", "--key", key)


def fetch_pac(url: str) -> str:
    """Return the text of somebody else's PAC file. Raises SetupError if it cannot be had."""
    if is_ours(url):
        raise _OursError
    if text := _get_pac(url, 10):
        return text
    raise SetupError(
        "The PAC file that is in force cannot be read, so it could not be kept",
        url,
        "nothing was changed; try again in your company's network",
    )


def served_pac(port: int) -> str:
    """
    Return the PAC file that is served on this port of this computer; empty if none is.

    Patient: where systemd holds the port, this very question starts the proxy.
    """
    return _get_pac(pac_url(port), 45)


def _get_pac(url: str, timeout_seconds: float) -> str:
    """Return a PAC file's text, asked for without any proxy; empty if it cannot be had or is something else."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout_seconds) as answer:
            data: bytes = answer.read(_LONGEST_PAC + 1)
    except (OSError, ValueError):
        return ""
    text = data.decode("utf-8", "replace")
    return text if "FindProxyForURL" in text and len(data) <= _LONGEST_PAC else ""


def _read_gnome() -> Previous:
    match get_gnome(GNOME_PROXY, "mode"):
        case "auto" if url := get_gnome(GNOME_PROXY, "autoconfig-url"):
            return Previous(kind="pac", pac_url=url, pac_text=fetch_pac(url))
        case "auto":
            raise _discovered()
        case "manual":
            found = {name: _read_gnome_proxy(name) for name in ("https", "http", "socks")}
            ignore = ast.literal_eval(_output("gsettings", "get", GNOME_PROXY, "ignore-hosts").removeprefix("@as "))
            return Previous(kind="manual", ignore=tuple(str(name) for name in ignore), **found)
        case _:
            return Previous()


def _read_gnome_proxy(scheme: str) -> str | None:
    host = get_gnome(f"{GNOME_PROXY}.{scheme}", "host")
    port = get_gnome(f"{GNOME_PROXY}.{scheme}", "port")
    return f"{host}:{port}" if host and port not in {"", "0"} else None


def _read_kde() -> Previous:
    match get_kde("ProxyType"):
        case "1":
            found = {name: _read_kde_proxy(get_kde(f"{name}Proxy")) for name in ("https", "http", "socks")}
            ignore = tuple(name.strip() for name in get_kde("NoProxyFor").split(",") if name.strip())
            return Previous(kind="manual", ignore=ignore, **found)
        case "2" if url := get_kde("Proxy Config Script"):
            return Previous(kind="pac", pac_url=url, pac_text=fetch_pac(url))
        case "3":
            raise _discovered()
        case _:
            return Previous()


def _discovered() -> SetupError:
    return SetupError(
        "Automatic proxy discovery (WPAD) is in force",
        "this desktop",
        "nothing was changed; ask your administrator for the address of the PAC file",
    )


def _read_kde_proxy(value: str) -> str | None:
    """KDE writes ``http://host 3128``."""
    return value.rpartition("/")[2].strip().replace(" ", ":") or None


def _read_environment(environment: Mapping[str, str]) -> Previous:
    if url := environment.get("auto_proxy"):
        return Previous(kind="pac", pac_url=url, pac_text=fetch_pac(url))
    names = {"https": "https_proxy", "http": "http_proxy", "socks": "all_proxy"}
    found = {
        scheme: _read_kde_proxy((environment.get(name) or environment.get(name.upper()) or "").rstrip("/"))
        for scheme, name in names.items()
    }
    if not any(found.values()):
        return Previous()
    spared = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    ignore = tuple(name for part in spared.split(",") if (name := part.strip()))
    return Previous(kind="manual", ignore=ignore, **{scheme: _cut_login(value) for scheme, value in found.items()})


def _cut_login(address: str | None) -> str | None:
    """A PAC file cannot carry a login; browsers ask for it themselves."""
    return address.rpartition("@")[2] if address else None


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        raise SetupError(
            "The proxy settings of this desktop cannot be read",
            command[0],
            "run it once by itself and see what it says",
        ) from None
    return done.stdout.strip()
