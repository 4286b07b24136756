"""The proxy's state file and secret path (no mitmproxy in here)."""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracker.private import read_json, read_plain, write_whole

STATE_FILE = "proxy.json"
TOKEN_FILE = "proxy.token"  # noqa: S105 - the name of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A running proxy, as other commands find it."""

    pid: int
    port: int
    token: str = field(repr=False)
    started_at: str
    local: dict[str, int] = field(default_factory=dict)
    """Local model server → the port to use instead of its own."""

    @property
    def page(self) -> str:
        """The address of the proxy's own page."""
        return f"http://127.0.0.1:{self.port}/{self.token}/"


def write_state(folder: Path, state: State) -> None:
    """Write the state file, for this person only."""
    write_whole(folder / STATE_FILE, json.dumps(asdict(state)))


def read_state(folder: Path) -> State | None:
    """Return what the state file says, or None; whether that proxy still runs is for ``ask_status`` to tell."""
    with suppress(OSError, ValueError):  # not there, or damaged: then no proxy can be found by it
        match read_json(folder / STATE_FILE):
            case {"pid": int(pid), "port": int(port), "token": str(), "started_at": str(), **rest} as told if (
                pid > 0 and 0 < port < 65536 and _is_local_ports(rest)
            ):
                return State(**told)
    return None


def _is_local_ports(rest: dict[Any, Any]) -> bool:
    match rest:
        case {"local": dict(local)} if len(rest) == 1:
            return all(isinstance(port, int) for port in local.values())
    return not rest


def forget_state(folder: Path, pid: int) -> None:
    """Remove the state file of this process; another's stays."""
    state = read_state(folder)
    if state is not None and state.pid == pid:
        (folder / STATE_FILE).unlink(missing_ok=True)


def ask_status(folder: Path, timeout_seconds: float = 5.0) -> tuple[State, dict[str, Any]] | None:
    """Return the state of the running proxy and what it says of itself, or None if there is none."""
    state = read_state(folder)
    if state is None:
        return None
    try:
        answer = json.loads(_ask(state, "GET", "status.json", timeout_seconds) or b"null")
    except (ValueError, RecursionError):
        return None
    return (state, answer) if isinstance(answer, dict) and answer.get("pid") == state.pid else None


def have_it_look(folder: Path, timeout_seconds: float = 10.0) -> bool:
    """Have a running proxy look at budgets and pauses at once; return whether there is one that did."""
    state = read_state(folder)
    return state is not None and _ask(state, "POST", "look", timeout_seconds) is not None


def _ask(state: State, method: str, what: str, timeout_seconds: float) -> bytes | None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", state.port, timeout=timeout_seconds)
    try:
        connection.request(method, f"/{state.token}/{what}")
        response = connection.getresponse()
        return response.read(1_000_000) if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def load_token(folder: Path) -> str:
    """Return the secret path of this installation, 32 hex digits; make it the first time."""
    path = folder / TOKEN_FILE
    with suppress(OSError):
        token = read_plain(path).decode("ascii", "replace").strip()
        if re.fullmatch(r"[0-9a-f]{32}", token) and path.stat().st_mode & 0o077 == 0:
            return token
    token = secrets.token_hex(16)
    write_whole(path, token)
    return token
