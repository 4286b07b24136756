"""Plays the client's side of the example conversations, with a real HTTP client, through the real proxy."""

from __future__ import annotations

import http.client
import ssl
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from tracker.trial.dialects import script
from tracker.trial.script import Script

TIMEOUT_SECONDS = 20
PIECE_BYTES = 4096


def load_scripts() -> list[Script]:
    """Return the exchanges of ``conversations.toml``, in order."""
    text = files("tracker.trial").joinpath("conversations.toml").read_text(encoding="utf-8")
    return [script(number, talk) for number, talk in enumerate(tomllib.loads(text)["conversation"], start=1)]


def play(scripts: list[Script], proxy_port: int, authority: Path) -> Iterator[Script]:
    """
    Send each request through the proxy, trusting only the given authority's certificate; yield each when it is over.

    Raises ``OSError`` if the proxy or the stand-in does not answer as it should.
    """
    context = ssl.create_default_context(cafile=str(authority))
    for one in scripts:
        connection = http.client.HTTPSConnection("127.0.0.1", proxy_port, context=context, timeout=TIMEOUT_SECONDS)
        connection.set_tunnel(one.host, 443)
        try:
            _converse(connection, one)
        except http.client.HTTPException as error:
            raise OSError(type(error).__name__) from None
        finally:
            connection.close()
        yield one


def _converse(connection: http.client.HTTPSConnection, one: Script) -> None:
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "user-agent": "Mozilla/5.0 Firefox/140.0",
    }
    connection.request("POST", one.path, body=one.request, headers=headers)
    response = connection.getresponse()
    if response.status != http.client.OK:
        message = f"the stand-in answered {response.status}"
        raise OSError(message)
    enough = None if one.abort_after is None else one.abort_after * sum(len(chunk) for chunk in one.chunks)
    heard = 0
    while piece := response.read1(PIECE_BYTES):
        heard += len(piece)
        if enough is not None and heard >= enough:
            return  # the person pressed stop: the connection is closed in the middle of the answer
