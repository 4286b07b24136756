"""Starting with the session: systemd holds the port and starts the proxy when somebody asks for it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tracker.setup import SetupError
from tracker.setup.ledger import Memory
from tracker.setup.systemd import systemctl, units_folder, write_command

SOCKET_UNIT = "klimaspor.socket"
SERVICE_UNIT = "klimaspor.service"


def write_socket_unit(port: int) -> str:
    """Return the unit by which systemd listens on loopback in our place."""
    return f"""[Unit]
Description=klimaspor's port on this computer

[Socket]
ListenStream=127.0.0.1:{port}
NoDelay=true

[Install]
WantedBy=sockets.target
"""


def write_service_unit(command: tuple[str, ...]) -> str:
    """
    Return the unit that runs the proxy; it is started by the first browser that asks the socket.

    No file system sandbox: a user's systemd needs user namespaces for it, which some distributions forbid.
    """
    return f"""[Unit]
Description=klimaspor: the trail of your AI chats
Requires={SOCKET_UNIT}
After={SOCKET_UNIT}

[Service]
ExecStart={write_command(command)}
Restart=on-failure
RestartSec=2
RuntimeMaxSec=7d
LimitCORE=0
UMask=0077
NoNewPrivileges=true
"""


def refuse_passing_installation() -> None:
    """Raise SetupError where this klimaspor may be gone tomorrow: a project's, a cache's, a temporary one."""
    prefix = Path(sys.prefix).resolve()
    temporary = Path(tempfile.gettempdir()).resolve()
    cached = any(part in {"uv", "pipx"} for part in prefix.parts) and {"archive-v0", "environments-v2", ".cache"} & set(
        prefix.parts
    )
    if (prefix.parent / "pyproject.toml").exists() or _is_editable() or cached or prefix.is_relative_to(temporary):
        raise SetupError(
            "klimaspor is not installed for you, so it cannot start by itself", str(prefix), "run: uv tool install ."
        )


def own_command() -> tuple[str, ...]:
    """Return how this very installation of klimaspor is started."""
    script = Path(sys.prefix, "Scripts" if os.name == "nt" else "bin", "klimaspor")
    if script.is_file():
        return (str(script),)
    return (sys.executable, "-m", "tracker")


@dataclass(frozen=True)
class UnitStep:
    """The socket unit switched on, now and at every login."""

    kind: ClassVar[str] = "unit"
    unit: str = SOCKET_UNIT

    def describe(self) -> str:
        return f"start with your session: systemctl --user enable --now {self.unit}"

    def describe_undo(self) -> str:
        return f"systemctl --user disable --now {self.unit} {SERVICE_UNIT}"

    def remember(self) -> Memory:
        return {"enabled": self._is("is-enabled"), "active": self._is("is-active")}

    def is_done(self) -> bool:
        return self._is("is-enabled") and self._is("is-active")

    def do(self) -> None:
        for arguments in (("daemon-reload",), ("enable", "--now", self.unit)):
            done = systemctl(*arguments)
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise SetupError(
                    "The proxy could not be set to start by itself",
                    f"systemd ({reason})",
                    f"systemctl --user status {self.unit}",
                )
        if not self.is_done():
            raise SetupError("systemd did not keep the port", self.unit, f"systemctl --user status {self.unit}")

    def undo(self, memory: Memory) -> str | None:
        systemctl("disable", "--now", self.unit)
        systemctl("stop", SERVICE_UNIT)
        return None

    def is_undone(self, memory: Memory) -> bool:
        return not self._is("is-enabled") and not self._is("is-active")

    def _is(self, question: str) -> bool:
        return systemctl(question, "--quiet", self.unit).returncode == 0


def keeps_port(port: int | None = None) -> bool:
    """Whether systemd holds the port (this one, if one is named) now, so that the proxy comes back by itself."""
    path = units_folder() / SOCKET_UNIT
    if not path.exists() or (port is not None and f"127.0.0.1:{port}\n" not in path.read_text("utf-8", "replace")):
        return False
    return systemctl("is-active", "--quiet", SOCKET_UNIT).returncode == 0


def reload_units() -> None:
    """Make systemd see that files of units are gone or new."""
    systemctl("daemon-reload")


def _is_editable() -> bool:
    try:
        text = importlib.metadata.distribution("klimaspor").read_text("direct_url.json")
        return bool(json.loads(text or "{}").get("dir_info", {}).get("editable"))
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False
