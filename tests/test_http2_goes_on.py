"""HTTP/2: a service that leaves cuts no answer, what one side does not take is not kept, and nothing is lost of it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, PingAckReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from addon.run import ProxyOptions, running
from addon.wire.http2 import WINDOW
from tests.raw_origin import client, raw_origin
from tests.rogue import HOST, PATH, answer

MEGABYTE = 1 << 20
MUCH = 40 * MEGABYTE
IN_BUFFERS = 24 * MEGABYTE
"""What may be on its way besides: windows, and the buffers of the system."""
REFUSED_STREAM = 7
ANSWER_HEAD = [(":status", "200"), ("content-type", "text/event-stream")]


class Patient(H2Connection):
    """Goes on when the other side says that it leaves, as browsers do; h2 itself would not."""

    def __init__(self, config: H2Configuration) -> None:
        super().__init__(config)
        self._frame_dispatch_table[GoAwayFrame] = lambda _frame: ([], [])


class Peer:
    """One end of an HTTP/2 connection, read by hand."""

    def __init__(self, link: ssl.SSLSocket, *, is_client: bool) -> None:
        self.link = link
        self.link.settimeout(20)
        self.state = Patient(H2Configuration(client_side=is_client, header_encoding="utf-8"))
        self.state.initiate_connection()
        self.bodies: dict[int, bytearray] = {}
        self.reset: dict[int, int] = {}
        self.ended: set[int] = set()
        self.send()

    def send(self) -> None:
        if data := self.state.data_to_send():
            self.link.sendall(data)

    def take(self, *, acknowledge: bool = True) -> list[Event]:
        """What came in one read; raises if nothing more will."""
        data = self.link.recv(65536)
        if not data:
            raise EOFError
        events = self.state.receive_data(data)
        for event in events:
            if isinstance(event, DataReceived):
                self.bodies.setdefault(event.stream_id, bytearray()).extend(event.data)
                if acknowledge and event.flow_controlled_length:
                    self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, StreamReset):
                self.reset[event.stream_id] = int(event.error_code)
        self.send()
        return events

    def take_until(self, is_there: Callable[[], bool]) -> None:
        while not is_there():
            self.take()

    def wait_until_heard(self) -> None:
        """Wait until the other side has taken all that was sent."""
        self.state.ping(b"heard so")
        self.send()
        while not any(isinstance(event, PingAckReceived) for event in self.take()):
            pass

    def ask(self, what: str = "", *, has_body: bool = False) -> int:
        number = self.state.get_next_available_stream_id()
        head = [(":method", "POST"), (":scheme", "https"), (":authority", HOST), (":path", f"{PATH}?{what}")]
        self.state.send_headers(number, head, end_stream=False)
        if not has_body:
            self.state.send_data(number, b"{}", end_stream=True)
        self.send()
        return number

    def pour(self, number: int, size: int) -> int:
        """Send as much of a body as the other side lets us; return how much that was."""
        sent = 0
        while sent < size:
            room = min(self.state.local_flow_control_window(number), self.state.max_outbound_frame_size, size - sent)
            if room <= 0:
                return sent
            self.state.send_data(number, bytes(room), end_stream=sent + room == size)
            self.send()
            sent += room
        return sent

    def leave(self, last_stream_id: int) -> None:
        self.send()
        frame = GoAwayFrame(0)
        frame.last_stream_id = last_stream_id
        self.link.sendall(frame.serialize())


class Service:
    """What the tests have the service do, and what it saw."""

    def __init__(self, most_at_once: int) -> None:
        self.connections = 0
        self.sent = 0
        self.most_at_once = most_at_once
        self.peers: list[Peer] = []
        self.asked: list[str] = []
        self.takes = threading.Event()
        """Whether it acknowledges what it is sent."""
        self.hangs_up = threading.Event()
        """Whether the time has come for that, where it is asked to do so late."""

    def talk(self, link: ssl.SSLSocket, _head: bytes) -> None:
        self.connections += 1
        peer = Peer(link, is_client=False)
        peer.state.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self.most_at_once})
        peer.send()
        self.peers.append(peer)
        paths: dict[int, str] = {}
        with suppress(EOFError):
            while True:
                for event in peer.take(acknowledge=self.takes.is_set()):
                    if isinstance(event, RequestReceived):
                        head: dict[Any, Any] = dict(event.headers)
                        paths[event.stream_id] = head[":path"].partition("?")[2]
                        self.asked.append(paths[event.stream_id])
                    elif isinstance(event, StreamEnded):
                        self.answer(peer, event.stream_id, paths[event.stream_id])
                if poured := [number for number, what in paths.items() if what == "much" and number in peer.ended]:
                    self.sent += peer.pour(poured[0], MUCH - self.sent)

    def answer(self, peer: Peer, number: int, what: str) -> None:
        if what == "leaves-before":
            peer.leave(0)
            return
        if what.startswith("hangs-up"):
            if what == "hangs-up-late":
                self.hangs_up.wait(20)
            peer.link.shutdown(socket.SHUT_RDWR)
            return
        if what == "waits":
            return
        peer.state.send_headers(number, ANSWER_HEAD)
        if what == "much":
            return
        body = answer()
        peer.state.send_data(number, body[:500])
        if what == "leaves":
            peer.leave(2**31 - 1)
            peer.leave(number)
            time.sleep(0.2)  # or both halves could go on together
        peer.state.send_data(number, body[500:], end_stream=True)
        peer.send()


@contextmanager
def between(folder: Path, *, most_at_once: int = 100) -> Iterator[tuple[Service, Peer]]:
    """A service, the proxy before it, and a client of that; all of them speak HTTP/2."""
    service = Service(most_at_once)
    service.takes.set()
    with raw_origin(folder, service.talk, http2=True) as origin:
        redirect = {"*": ("127.0.0.1", origin.port)}
        options = ProxyOptions(
            db=folder / "klimaspor.db", folder=folder, port=0, upstream_ca=origin.authority, redirect=redirect
        )
        with running(options) as proxy, client(proxy.state.port, proxy.certificate, http2=True) as link:
            yield service, Peer(link, is_client=True)


def test_a_service_that_leaves_ends_what_it_has_begun_and_is_asked_on_another_connection(tmp_path: Path) -> None:
    with between(tmp_path) as (service, peer):
        for what in ("leaves", "leaves", "stays", "stays"):
            number = peer.ask(what)
            peer.take_until(lambda n=number: n in peer.ended or n in peer.reset)  # type: ignore[misc]  # the default binds it
            assert peer.reset == {}
            assert peer.bodies[number] == answer()
        assert service.connections == 3


def test_a_question_that_a_leaving_service_has_not_touched_is_refused_so_that_it_is_asked_again(tmp_path: Path) -> None:
    with between(tmp_path) as (service, peer):
        number = peer.ask("leaves-before")
        peer.take_until(lambda: number in peer.reset)
        assert peer.reset[number] == REFUSED_STREAM
        again = peer.ask("stays")
        peer.take_until(lambda: again in peer.ended)
        assert peer.bodies[again] == answer()
        assert service.connections == 2


@pytest.mark.parametrize("before", [["stays"], ["stays", "waits"]], ids=["alone", "beside another question"])
def test_a_kept_connection_that_ends_as_it_is_asked_ends_for_the_client_too(tmp_path: Path, before: list[str]) -> None:
    """Browsers ask again of themselves then; an answer of ours in its place they would show."""
    with between(tmp_path) as (service, peer):
        asked = [peer.ask(what) for what in before]
        peer.take_until(lambda: asked[0] in peer.ended)
        last = peer.ask("hangs-up")
        with pytest.raises((EOFError, ssl.SSLEOFError)):
            peer.take_until(lambda: last in peer.reset or last in peer.bodies)
        assert set(peer.bodies) == {asked[0]}
        assert service.connections == 1


def test_a_new_connection_that_ends_as_it_is_asked_is_told(tmp_path: Path) -> None:
    with between(tmp_path) as (service, peer):
        number = peer.ask("hangs-up")
        peer.take_until(lambda: number in peer.ended)
        assert b"502" in peer.bodies[number]
        again = peer.ask("stays")
        peer.take_until(lambda: again in peer.ended)
        assert peer.bodies[again] == answer()
        assert service.connections == 2


def test_a_question_that_waits_for_its_turn_when_a_new_connection_ends_is_refused_so_that_it_is_asked_again(
    tmp_path: Path,
) -> None:
    with between(tmp_path, most_at_once=1) as (service, peer):
        first = peer.ask("hangs-up-late")
        while not service.asked:
            time.sleep(0.01)
        second = peer.ask("stays")
        peer.wait_until_heard()
        service.hangs_up.set()
        peer.take_until(lambda: first in peer.ended and second in peer.reset)
        assert b"502" in peer.bodies[first]
        assert peer.reset == {second: REFUSED_STREAM}
        assert service.asked == ["hangs-up-late"]


def test_a_client_that_leaves_gets_what_it_has_asked(tmp_path: Path) -> None:
    with between(tmp_path) as (_, peer):
        number = peer.ask("stays")
        peer.leave(0)
        peer.take_until(lambda: number in peer.ended)
        assert peer.bodies[number] == answer()


def test_of_an_answer_that_a_client_does_not_take_no_more_comes_and_then_all(tmp_path: Path) -> None:
    with between(tmp_path) as (service, peer):
        number = peer.ask("much")
        while len(peer.bodies.get(number, b"")) < 65_535:
            peer.take(acknowledge=False)
        _wait_until_still(lambda: service.sent)
        assert WINDOW <= service.sent < IN_BUFFERS
        beside = peer.ask("stays")  # its window is its own, that of the connection is not
        peer.state.increment_flow_control_window(MEGABYTE)
        peer.send()
        peer.take_until(lambda: beside in peer.ended)
        assert peer.bodies[beside] == answer()
        peer.state.increment_flow_control_window(MUCH, number)
        peer.state.increment_flow_control_window(MUCH)
        peer.send()
        peer.take_until(lambda: number in peer.ended)
        assert len(peer.bodies[number]) == service.sent == MUCH


@pytest.mark.parametrize("what", ["stays", "file"], ids=["a question", "another request"])
def test_of_an_upload_that_a_service_does_not_take_no_more_comes_and_then_all(tmp_path: Path, what: str) -> None:
    with between(tmp_path) as (service, peer):
        service.takes.clear()
        number = peer.ask(what, has_body=True)
        while not service.asked:
            time.sleep(0.01)
        peer.link.settimeout(0.5)
        sent = 0
        with suppress(TimeoutError):
            while True:
                sent += peer.pour(number, MUCH - sent) if sent < MUCH else 0
                peer.take()
        assert WINDOW <= sent < IN_BUFFERS
        peer.link.settimeout(20)
        service.takes.set()
        (there,) = service.peers
        there.state.increment_flow_control_window(2 * MUCH, next(iter(there.bodies)))
        there.state.increment_flow_control_window(2 * MUCH)
        there.send()
        while sent < MUCH:
            sent += peer.pour(number, MUCH - sent)
            if sent < MUCH:
                peer.take()
        peer.take_until(lambda: number in peer.ended)
        assert peer.bodies[number] == answer()
        assert len(there.bodies[next(iter(there.bodies))]) == MUCH


def _wait_until_still(measure: Callable[[], int]) -> None:
    """Wait until it has not changed for a second."""
    last, since = measure(), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.05)
        if (now := measure()) != last:
            last, since = now, time.monotonic()
