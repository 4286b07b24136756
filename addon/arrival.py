"""The test page of ``klimaspor doctor --browser``: a name that only our PAC file knows, seen to arrive here."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from mitmproxy import http

from addon.pac import TEST_HOST, WISH_FILE
from tracker.private import write_whole

PAGE = b"<!doctype html><title>klimaspor</title><p>It works: this browser comes through klimaspor."


class Arrival:
    """
    A mitmproxy addon. It answers the page that was asked for, once, and nothing else: to every other request for
    the name it is as if there were no such name, so that no page learns from it that klimaspor is here.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / WISH_FILE

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Answer or hang up; requests to other hosts are not ours."""
        if flow.request.host != TEST_HOST:
            return
        wish = ""
        with suppress(OSError):
            wish = self._path.read_text("ascii").strip()
        if len(wish) != 32 or flow.request.path != f"/{wish}":
            kill: Any = flow.kill
            kill()
            return
        with suppress(OSError):  # then the doctor says that nothing arrived, which is the truth it can know
            write_whole(self._path, f"{wish} arrived")
        flow.response = http.Response.make(200, PAGE, {"content-type": "text/html", "cache-control": "no-store"})
