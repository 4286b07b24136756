"""Steps that tell a desktop which PAC file to ask, each reading back what it wrote and leaving newer changes alone."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import ClassVar

from tracker.setup import SetupError
from tracker.setup.ledger import Memory
from tracker.setup.network import GNOME_PROXY, find_kde_tool, get_gnome, get_kde

_GNOME_DEFAULTS = {"mode": "none", "autoconfig-url": ""}


@dataclass(frozen=True)
class GnomeStep:
    """GNOME's proxy settings, which its browsers follow."""

    kind: ClassVar[str] = "gnome"
    pac_url: str

    def describe(self) -> str:
        return f"this desktop asks {self.pac_url} which hosts go through klimaspor (GNOME's proxy settings)"

    def describe_undo(self) -> str:
        return f"gsettings reset {GNOME_PROXY} autoconfig-url; gsettings set {GNOME_PROXY} mode none"

    def remember(self) -> Memory:
        return {key: get_gnome(GNOME_PROXY, key) for key in _GNOME_DEFAULTS}

    def is_done(self) -> bool:
        return self.remember() == {"mode": "auto", "autoconfig-url": self.pac_url}

    def do(self) -> None:
        _run("gsettings", "set", GNOME_PROXY, "autoconfig-url", self.pac_url)
        _run("gsettings", "set", GNOME_PROXY, "mode", "auto")
        if not self.is_done():
            raise SetupError("The desktop did not take the setting", "gsettings", "see whether a policy locks it")

    def undo(self, memory: Memory) -> str | None:
        now = self.remember()
        if now["autoconfig-url"] != self.pac_url:
            return "The desktop's proxy settings were changed since, so they stay as they are"
        if now["mode"] == "auto":
            self._put_back("mode", memory)
        self._put_back("autoconfig-url", memory)
        return None

    def is_undone(self, memory: Memory) -> bool:
        return get_gnome(GNOME_PROXY, "autoconfig-url") != self.pac_url

    def _put_back(self, key: str, memory: Memory) -> None:
        value = memory.get(key, _GNOME_DEFAULTS[key])
        if value == _GNOME_DEFAULTS[key]:
            _run("gsettings", "reset", GNOME_PROXY, key)
        else:
            _run("gsettings", "set", GNOME_PROXY, key, value)


@dataclass(frozen=True)
class KdeStep:
    """KDE's proxy settings, which its browsers follow."""

    kind: ClassVar[str] = "kde"
    pac_url: str

    def describe(self) -> str:
        return f"this desktop asks {self.pac_url} which hosts go through klimaspor (KDE's kioslaverc)"

    def describe_undo(self) -> str:
        return "set it in System Settings, under Proxy, as it was before"

    def remember(self) -> Memory:
        return {key: get_kde(key) for key in ("ProxyType", "Proxy Config Script")}

    def is_done(self) -> bool:
        return self.remember() == {"ProxyType": "2", "Proxy Config Script": self.pac_url}

    def do(self) -> None:
        self._write("Proxy Config Script", self.pac_url)
        self._write("ProxyType", "2")
        self._tell()
        if not self.is_done():
            raise SetupError("The desktop did not take the setting", "kioslaverc", "see whether a policy locks it")

    def undo(self, memory: Memory) -> str | None:
        now = self.remember()
        if now["Proxy Config Script"] != self.pac_url:
            return "The desktop's proxy settings were changed since, so they stay as they are"
        if now["ProxyType"] == "2":
            self._write("ProxyType", memory.get("ProxyType", ""))
        self._write("Proxy Config Script", memory.get("Proxy Config Script", ""))
        self._tell()
        return None

    def is_undone(self, memory: Memory) -> bool:
        return get_kde("Proxy Config Script") != self.pac_url

    def _write(self, key: str, value: str) -> None:
        tool = find_kde_tool("kwriteconfig") or "kwriteconfig6"
        last = [value] if value else ["--delete", ""]
        _run(tool, "--file", "kioslaverc", "--group", "Proxy Settings", "--key", key, *last)

    def _tell(self) -> None:
        """Programs that run already read the setting again; those that cannot be told read it when they start."""
        if shutil.which("dbus-send"):
            command = (
                "dbus-send",
                "--type=signal",
                "/KIO/Scheduler",
                "org.kde.KIO.Scheduler.reparseSlaveConfiguration",
            )
            subprocess.run([*command, "string:"], capture_output=True, check=False, timeout=10)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        raise SetupError(
            "The desktop's proxy settings could not be changed",
            command[0],
            "run it once by itself and see what it says",
        ) from None
