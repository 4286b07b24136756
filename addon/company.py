"""
A company's own bots: ``bots.toml`` in the data directory names a host and a path that speak a known shape.

``[[bot]]`` with ``name``, ``host``, ``path`` (``*`` stands for one segment), ``shape``, and if you like ``title`` and
``provider``. The certificate authority has to cover the host as well, which ``klimaspor setup`` sees to.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from addon.service import Service, discover
from addon.services._anthropic_messages import Messages
from addon.services._dialect import ApiService, Dialect
from addon.services._gemini import GenerateContent
from addon.services._ollama import Chat
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_responses import Responses
from tracker.errors import TellableError
from tracker.private import read_plain

SHAPES: dict[str, Dialect] = {
    "openai-chat": ChatCompletions(),
    "openai-responses": Responses(),
    "anthropic-messages": Messages(),
    "gemini": GenerateContent(),
    "ollama": Chat(),
}
"""What a bot may speak."""
FILE = "bots.toml"

_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~:-]+|[A-Za-z0-9._~:-]*\*[A-Za-z0-9._~:-]*))+")
"""One ``*`` in a segment at most: two could divide a long path between them in too many ways."""


class BotsError(TellableError):
    """The file of bots cannot be used."""


def all_services(folder: Path) -> tuple[Service, ...]:
    """Return every service that ships and the bots in this data directory. Raise ``BotsError`` for a faulty file."""
    return (*(service() for service in discover()), *load_bots(folder))


def load_bots(folder: Path) -> list[Service]:
    """Return a service for each bot in ``bots.toml``; none if there is no such file. Raise ``BotsError``."""
    path = folder / FILE
    try:
        told = tomllib.loads(read_plain(path).decode())
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError):  # not UTF-8, not TOML, a number of thousands of digits
        raise BotsError(_sentence("The file of company bots cannot be read", "mend it or move it away")) from None
    bots = told.get("bot", [])
    if not isinstance(bots, list):
        raise BotsError(_sentence("The file of company bots has no [[bot]] tables", "write one for each bot"))
    known = {service.name for service in discover()}
    verified = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    made: list[Service] = []
    for at, bot in enumerate(bots, start=1):
        made.append(_make_bot(at, bot, known, verified))
        known.add(made[-1].name)
    return made


def _make_bot(at: int, bot: Any, known: set[str], verified: date) -> Service:
    bot = bot if isinstance(bot, dict) else {}
    name, host, path, shape = (bot.get(key) for key in ("name", "host", "path", "shape"))
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in known:
        raise BotsError(_sentence(f"Bot {at} needs a name of its own", "use small letters, digits and hyphens"))
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise BotsError(_sentence(f"Bot {at} needs an exact host name", "such as chat.example.com"))
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise BotsError(_sentence(f"Bot {at} needs a path", "such as /api/chat/completions"))
    if not isinstance(shape, str) or shape not in SHAPES:
        raise BotsError(_sentence(f"Bot {at} needs a shape", "one of " + ", ".join(SHAPES)))
    title, provider = bot.get("title"), bot.get("provider")
    attributes = {
        "__doc__": "A company's bot, told in bots.toml.",
        "name": name,
        "title": title if isinstance(title, str) and title.isprintable() and 0 < len(title) <= 60 else name,
        "provider": provider if isinstance(provider, str) and _NAME.fullmatch(provider) else None,
        "hosts": (host,),
        "routes": ((re.escape(path).replace(r"\*", "[^/]+"), SHAPES[shape]),),
        "features": ("reasoning", "tool"),
        "grade": "documented",
        "verified": verified,
    }
    service: Service = type("CompanyBot", (ApiService,), attributes)()
    return service


def _sentence(what_happened: str, what_to_do: str) -> str:
    return f"{what_happened} · {FILE} · {what_to_do}"
