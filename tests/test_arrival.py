"""The test page arrives once for who asked for it, and for everybody else there is no such name."""

from __future__ import annotations

import http.client
import threading
import time
from pathlib import Path

import pytest

from addon.pac import TEST_HOST
from tests.rig import Rig
from tracker.setup.arriving import see_arrive


def ask(port: int, url: str) -> int:
    """Ask as a browser asks a proxy: with the whole address in the request line."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", url)
        return connection.getresponse().status
    except (http.client.HTTPException, OSError):
        return 0
    finally:
        connection.close()


def folder_of(way: Rig) -> Path:
    return way.db.parent


def test_a_page_that_was_asked_for_arrives(way: Rig) -> None:
    asked: list[threading.Thread] = []

    def launch(url: str) -> None:
        asked.append(threading.Thread(target=ask, args=(way.port, url)))
        asked[0].start()

    finding = see_arrive(folder_of(way), launch, "again", seconds=20)
    asked[0].join()
    assert finding.state == "good"
    assert not (folder_of(way) / "arrival").exists()


def test_a_browser_that_does_not_come_through_is_said(way: Rig) -> None:
    started = time.monotonic()
    finding = see_arrive(folder_of(way), lambda _url: None, "again", seconds=0.5)
    assert (finding.state, finding.do) == ("wrong", "again")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("path", ["", "0" * 32, "../klimaspor.db", "status.json"])
def test_nobody_else_learns_from_it_that_we_are_here(way: Rig, path: str) -> None:
    assert ask(way.port, f"http://{TEST_HOST}/{path}") == 0
    assert not (folder_of(way) / "arrival").exists()
