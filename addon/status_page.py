"""The proxy's own page: how it does, today at a glance, and the way to everything else (pure)."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --ink: #1b211d; --soft: #545e56; --paper: #fbfaf6; --accent: #0e6a57; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9ede6; --soft: #a5afa6; --paper: #131714; --accent: #72cfb3; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 2rem 1.5rem; }
h1 { font: 600 1.9rem/1.2 Georgia, serif; } h2 { font: 600 1.3rem/1.2 Georgia, serif; margin-top: 2rem; }
pre { white-space: pre-wrap; font: .95rem/1.5 ui-monospace, monospace; } a { color: var(--accent); }
p, li { color: var(--soft); } a:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def write_page(status: dict[str, Any], today: str, *, now: float) -> str:
    """Return the page: ``status`` as ``Pages.status`` tells it, ``today`` as plain text."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in _notes(status))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>klimaspor</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(_headline(status, now))}</h1>
<h2>Today</h2>
<pre>{escape(today.strip())}</pre>
<h2>How it does</h2>
<ul>{notes}</ul>
<h2>More</h2>
<ul>
<li><a href="report">The report of the week</a></li>
<li><a href="certificate">The certificate</a>, for programs that have to be told to trust it</li>
</ul>
</main>
</body>
</html>
"""


def _headline(status: dict[str, Any], now: float) -> str:
    if status["trouble"]:
        return "klimaspor listens, but cannot write"
    if any(passing["until"] > now for passing in status["passing"]):
        return "klimaspor listens, but not to everything"
    return "klimaspor listens"


def _notes(status: dict[str, Any]) -> list[str]:
    turns, lost = status["turns"], sum(status["turns"]["lost"].values())
    notes = [
        f"On 127.0.0.1:{status['port']} since {status['started_at']}.",
        f"{status['hosts']} hosts are opened; every other site passes untouched.",
        f"Turns heard since then: {turns['heard']}. Lost: {lost}.",
    ]
    for name, port in status["local"].items():
        notes.append(f"{name}: use http://127.0.0.1:{port} as its address, and its use is recorded too.")
    for passing in status["passing"]:
        until = datetime.fromtimestamp(passing["until"], UTC).astimezone()
        why = "it asked for a check" if passing["reason"] == "challenge" else "a program refuses the certificate"
        notes.append(f"{passing['host']} passes unrecorded until {until:%d %b %H:%M}: {why}.")
    if status["trouble"]:
        notes.append(status["trouble"])
    return notes
