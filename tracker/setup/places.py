"""Where this person's browsers keep the certificates they trust, and what a policy has locked."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracker.setup import settings_folder
from tracker.setup.browsers import find_browsers
from tracker.setup.network import GNOME_PROXY, Desktop, is_ours

_CHROMIUM_POLICIES = {
    "Chromium": "/etc/chromium/policies/managed",
    "Google Chrome": "/etc/opt/chrome/policies/managed",
    "Microsoft Edge": "/etc/opt/edge/policies/managed",
    "Brave": "/etc/brave/policies/managed",
}
_FIREFOX_POLICIES = (
    "/etc/firefox/policies/policies.json",
    "/usr/lib/firefox/distribution/policies.json",
    "/usr/lib64/firefox/distribution/policies.json",
    "/usr/lib/firefox-esr/distribution/policies.json",
)
_PROXY_POLICIES = ("ProxySettings", "ProxyMode", "ProxyPacUrl", "ProxyServer")
_FLATPAKS = ("com.google.Chrome", "org.chromium.Chromium", "com.brave.Browser", "com.microsoft.Edge")


@dataclass(frozen=True, slots=True)
class Place:
    """One certificate store."""

    folder: Path
    whose: str
    firefox: bool = False


def find_places() -> list[Place]:
    """Return every certificate store of this person's browsers; the shared one also where it is still to be made."""
    home = Path.home()
    places = []
    shared = home / ".pki" / "nssdb"
    families = {(browser.family, browser.packaging) for browser in find_browsers()}
    if ("chromium", "plain") in families or (shared / "cert9.db").exists():
        places.append(Place(shared, "Chromium, Chrome, Brave and Edge"))
    for name in ("chromium", "brave"):
        folder = home / "snap" / name / "current"
        if folder.is_dir():
            places.append(Place(folder / ".pki" / "nssdb", f"the snap of {name}"))
    for name in _FLATPAKS:
        folder = home / ".var" / "app" / name
        if folder.is_dir():
            places.append(Place(folder / ".pki" / "nssdb", f"the flatpak {name}"))
    places += [Place(profile, "a Firefox profile", firefox=True) for profile in find_firefox_profiles()]
    return places


def find_firefox_profiles() -> list[Path]:
    """Return the folders of this person's Firefox profiles, however Firefox is packaged."""
    home = Path.home()
    roots = (
        home / ".mozilla" / "firefox",
        settings_folder() / "mozilla" / "firefox",
        home / "snap" / "firefox" / "common" / ".mozilla" / "firefox",
        home / ".var" / "app" / "org.mozilla.firefox" / ".mozilla" / "firefox",
        home / ".var" / "app" / "org.mozilla.firefox" / "config" / "mozilla" / "firefox",
    )
    return list(dict.fromkeys(profile for root in roots for profile in _read_profiles(root)))


def has_own_proxy(profile: Path) -> bool:
    """Whether this Firefox profile has proxy settings of the person's own: off, fixed, somebody's PAC, or WPAD."""
    for name in ("user.js", "prefs.js"):
        try:
            text = (profile / name).read_text("utf-8", "replace")
        except OSError:
            continue
        if found := re.search(r'^user_pref\("network\.proxy\.type", (\d)\);', text, re.MULTILINE):
            own_address = re.search(r'^user_pref\("network\.proxy\.autoconfig_url", "([^"]*)"\);', text, re.MULTILINE)
            return found[1] != "5" and not (found[1] == "2" and own_address and is_ours(own_address[1]))
    return False


def find_locks(desktop: Desktop) -> list[str]:
    """Return, one line each, what an administrator has decided about proxies, so that it is not ours to change."""
    locks = [f"{name}: {path}" for name, folder in _CHROMIUM_POLICIES.items() for path in _find_chromium_locks(folder)]
    for name in _FIREFOX_POLICIES:
        match _read_json(Path(name)):
            case {"policies": {"Proxy": dict() as proxy}} if proxy.get("Mode") not in {None, "system"}:
                locks.append(f"Firefox: {name}")
    if desktop == "gnome" and not _is_writable():
        locks.append(f"GNOME: {GNOME_PROXY} mode is not writable")
    return locks


def _find_chromium_locks(folder: str) -> Iterator[Path]:
    for path in sorted(Path(folder).glob("*.json")):
        match _read_json(path):
            case dict() as policies if any(name in policies for name in _PROXY_POLICIES):
                yield path


def _is_writable() -> bool:
    import subprocess

    done = subprocess.run(
        ["gsettings", "writable", GNOME_PROXY, "mode"], capture_output=True, text=True, check=False, timeout=20
    )
    return done.stdout.strip() != "false"


def _read_profiles(root: Path) -> Iterator[Path]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(root / "profiles.ini", "utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return
    for name in parser.sections():
        if not name.startswith("Profile") or not parser.has_option(name, "Path"):
            continue
        path = parser.get(name, "Path")
        profile = root / path if parser.get(name, "IsRelative", fallback="1") == "1" else Path(path)
        if profile.is_dir():
            yield profile


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
