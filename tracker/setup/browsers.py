"""Which browsers this computer has, how each is packaged, and where it lets us keep a profile."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tracker.setup import SetupError

Family = Literal["chromium", "firefox"]
Packaging = Literal["plain", "snap", "flatpak"]


@dataclass(frozen=True, slots=True)
class Browser:
    """One installed browser."""

    key: str
    """What ``--browser`` takes: ``chrome``, ``edge``, ``brave``, ``chromium``, ``firefox``."""
    title: str
    family: Family
    command: tuple[str, ...]
    packaging: Packaging = "plain"
    package: str = ""
    """The snap's or flatpak's name."""

    def profile_folder(self, data_folder: Path) -> Path:
        """
        Return where our own profile of this browser is kept.

        A snap or flatpak may not write to hidden folders of the home: there it lies in the package's own folder.
        """
        match self.packaging:
            case "snap":
                return Path.home() / "snap" / self.package / "common" / "klimaspor"
            case "flatpak":
                return Path.home() / ".var" / "app" / self.package / "klimaspor"
            case _:
                return data_folder / "browser" / self.key


_LINUX: tuple[tuple[str, str, Family, tuple[str, ...], str, str], ...] = (
    # key, title, family, commands, snap, flatpak
    ("chrome", "Google Chrome", "chromium", ("google-chrome-stable", "google-chrome"), "", "com.google.Chrome"),
    ("chromium", "Chromium", "chromium", ("chromium", "chromium-browser"), "chromium", "org.chromium.Chromium"),
    ("brave", "Brave", "chromium", ("brave-browser-stable", "brave-browser"), "brave", "com.brave.Browser"),
    ("edge", "Microsoft Edge", "chromium", ("microsoft-edge-stable", "microsoft-edge"), "", "com.microsoft.Edge"),
    ("firefox", "Firefox", "firefox", ("firefox", "firefox-esr"), "firefox", "org.mozilla.firefox"),
)  # fmt: skip
_MACOS: tuple[tuple[str, str, Family, str], ...] = (
    ("chrome", "Google Chrome", "chromium", "Google Chrome.app/Contents/MacOS/Google Chrome"),
    ("chromium", "Chromium", "chromium", "Chromium.app/Contents/MacOS/Chromium"),
    ("brave", "Brave", "chromium", "Brave Browser.app/Contents/MacOS/Brave Browser"),
    ("edge", "Microsoft Edge", "chromium", "Microsoft Edge.app/Contents/MacOS/Microsoft Edge"),
    ("firefox", "Firefox", "firefox", "Firefox.app/Contents/MacOS/firefox"),
)
_WINDOWS: tuple[tuple[str, str, Family, str], ...] = (
    ("chrome", "Google Chrome", "chromium", "Google/Chrome/Application/chrome.exe"),
    ("chromium", "Chromium", "chromium", "Chromium/Application/chrome.exe"),
    ("brave", "Brave", "chromium", "BraveSoftware/Brave-Browser/Application/brave.exe"),
    ("edge", "Microsoft Edge", "chromium", "Microsoft/Edge/Application/msedge.exe"),
    ("firefox", "Firefox", "firefox", "Mozilla Firefox/firefox.exe"),
)
KEYS = tuple(entry[0] for entry in _LINUX)


def find_browsers() -> list[Browser]:
    """Return the browsers found here, the Chromium family first, each key once."""
    match sys.platform:
        case "darwin":
            found = list(_find_files(_MACOS, (Path("/Applications"), Path.home() / "Applications")))
        case "win32":
            roots = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
            found = list(_find_files(_WINDOWS, tuple(Path(os.environ[root]) for root in roots if root in os.environ)))
        case _:
            found = list(_find_on_linux())
    return list({browser.key: browser for browser in reversed(found)}.values())[::-1]


def choose_browser(wanted: str | None) -> Browser:
    """Return the browser asked for, else the first found; raise SetupError if there is none."""
    found = find_browsers()
    if wanted is None and found:
        return found[0]
    for browser in found:
        if browser.key == wanted:
            return browser
    if wanted is not None and found:
        others = ", ".join(browser.key for browser in found)
        raise SetupError("This browser was not found", wanted, f"install it, or take one that is here: {others}")
    raise SetupError(
        "No browser was found",
        "Chrome, Edge, Brave, Chromium and Firefox were looked for",
        "install one of them, or import a recording of another with: klimaspor import FILE.har",
    )


def _find_on_linux() -> Iterator[Browser]:
    for key, title, family, commands, snap, flatpak in _LINUX:
        for command in commands:
            if path := shutil.which(command):
                package = _snap_behind(Path(path))
                yield Browser(key, title, family, (path,), "snap" if package else "plain", package)
        if snap and Path("/snap/bin", snap).exists():
            yield Browser(key, title, family, (str(Path("/snap/bin", snap)),), "snap", snap)
        if any((root / flatpak).exists() for root in _flatpak_folders()) and (path := shutil.which("flatpak")):
            yield Browser(key, title, family, (path, "run", flatpak), "flatpak", flatpak)


def _snap_behind(path: Path) -> str:
    """Return the snap's name if this command is one, also through Ubuntu's wrapper script; else an empty string."""
    resolved = path.resolve()
    if path.parent == Path("/snap/bin") or resolved.name == "snap":
        return path.name
    try:
        with resolved.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return ""
    if start.startswith(b"#!") and b"/snap/bin/" in start:
        return start.split(b"/snap/bin/", 1)[1].split(maxsplit=1)[0].strip(b"\"';&|").decode("ascii", "replace")
    return ""


def _flatpak_folders() -> tuple[Path, Path]:
    return Path.home() / ".local/share/flatpak/app", Path("/var/lib/flatpak/app")


def _find_files(table: tuple[tuple[str, str, Family, str], ...], roots: tuple[Path, ...]) -> Iterator[Browser]:
    for key, title, family, relative in table:
        for root in roots:
            if (root / relative).is_file():
                yield Browser(key, title, family, (str(root / relative),))
                break
