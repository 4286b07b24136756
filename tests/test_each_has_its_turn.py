"""Whatever one service sends, and however finely it cuts it, other chats get their words meanwhile."""

from __future__ import annotations

import ssl
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from hyperframe.frame import DataFrame, PingFrame, SettingsFrame

from tests.proxy_process import certificate_of, proxy_process
from tests.raw_origin import accept, ask_for_socket, client, frame, raw_origin, rest
from tests.rogue import HOST, PATH

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVERY_SECONDS = 0.02
LONGEST_MEDIAN_SECONDS = 0.4
"""Without turns it is seconds, at which a chat stands still."""
FLOOD_SECONDS = 5.0


def serialized(kind: type[DataFrame | PingFrame | SettingsFrame], stream: int, **values: object) -> bytes:
    made = kind(stream)
    for name, value in values.items():
        setattr(made, name, value)
    return made.serialize() * 20_000


FLOODS: dict[str, Callable[[], bytes]] = {
    "pings of a socket": lambda: frame(9, b"p") * 20_000,
    "tiny parts of a socket": lambda: (
        frame(1, b"x", last=False) + frame(0, b"x", last=False) * 100_000 + frame(0, b"x")
    ),
    "tiny chunks": lambda: b"1\r\nx\r\n" * 20_000,
    "tiny frames of HTTP/2": lambda: serialized(DataFrame, 1, data=b"x"),
    "empty frames of HTTP/2": lambda: serialized(DataFrame, 1, data=b""),
    "pings of HTTP/2": lambda: serialized(PingFrame, 0, opaque_data=b"12345678"),
    "settings of HTTP/2": lambda: serialized(SettingsFrame, 0, settings={4: 65_535}),
}


class Service:
    """Floods whoever asks for it, and tells others the time."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.flood = b""

    def talk(self, peer: ssl.SSLSocket, head: bytes) -> None:
        if not head:
            self._answer_http2(peer)
        elif b"?steady" in head:
            peer.sendall(STREAM)
            while not self.is_over.wait(EVERY_SECONDS):
                moment = b"%.6f\n" % time.monotonic()
                peer.sendall(b"%x\r\n%b\r\n" % (len(moment), moment))
            return
        else:
            peer.sendall(accept(head) if b"/realtime" in head else STREAM)
        with suppress(OSError):
            while not self.is_over.is_set():
                peer.sendall(self.flood)

    def _answer_http2(self, peer: ssl.SSLSocket) -> None:
        state = H2Connection(H2Configuration(client_side=False))
        state.initiate_connection()
        while not state.open_inbound_streams:
            peer.sendall(state.data_to_send())
            state.receive_data(peer.recv(65536))
        state.send_headers(1, [(":status", "200"), ("content-type", "text/event-stream")])
        peer.sendall(state.data_to_send())


@pytest.mark.parametrize("what", FLOODS)
def test_a_service_that_floods_us_holds_up_no_other_chat(tmp_path: Path, what: str) -> None:
    service = Service()
    service.flood = FLOODS[what]()
    delays: list[float] = []
    folder = tmp_path / "data"
    with (
        raw_origin(tmp_path, service.talk, http2=True) as origin,
        proxy_process(folder, origin.port, origin.authority) as (process, port),
        client(port, certificate_of(folder)) as steady,
        client(port, certificate_of(folder), http2="of HTTP/2" in what) as flooded,
    ):
        steady.sendall(f"GET /v1/models?steady HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        assert STREAM in steady.recv(65536)
        reading = threading.Thread(target=_ask_for_flood, args=[flooded, what], daemon=True)
        reading.start()
        end = time.monotonic() + FLOOD_SECONDS
        while time.monotonic() < end:
            came = steady.recv(65536)
            delays += [time.monotonic() - float(line) for line in came.split(b"\n") if b"." in line]
        service.is_over.set()
        process.kill()
        reading.join(20)
    assert len(delays) > 20
    assert statistics.median(delays[len(delays) // 2 :]) < LONGEST_MEDIAN_SECONDS  # once the flood is known for one


def _ask_for_flood(peer: ssl.SSLSocket, what: str) -> None:
    if "of HTTP/2" in what:
        state = H2Connection(H2Configuration(client_side=True))
        state.initiate_connection()
        state.increment_flow_control_window(1 << 30)
        head = [(":method", "POST"), (":scheme", "https"), (":authority", HOST), (":path", PATH)]
        state.send_headers(1, head, end_stream=True)
        state.increment_flow_control_window(1 << 30, 1)
        peer.sendall(state.data_to_send())
    elif "of a socket" in what:
        peer.sendall(ask_for_socket("/v1/realtime"))
    else:
        peer.sendall(f"POST {PATH} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
    rest(peer)
