"""However a service cuts what it says, and wherever the network does, the same words go on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from h11 import EndOfMessage, ProtocolError
from h11._receivebuffer import ReceiveBuffer
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.events import Message, Ping

from addon.wire.http1 import Chunks
from addon.wire.sockets import Socket
from tests.raw_origin import frame

PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=30)
CUTS = st.sets(st.integers(0, 3000), max_size=30)


def cut(data: bytes, cuts: set[int]) -> list[bytes]:
    edges = sorted({0, *(place for place in cuts if place < len(data)), len(data)})
    return [data[begin:end] for begin, end in pairwise(edges)]


def read_chunks(reads: list[bytes]) -> tuple[bytes, str]:
    """The body that came, and what came of it then."""
    reader, buffer, body = Chunks(), ReceiveBuffer(), b""
    try:
        for data in reads:
            buffer += data
            while (event := reader(buffer)) is not None:
                if isinstance(event, EndOfMessage):
                    return body, "ended"
                body += event.data
    except ProtocolError:
        return body, "broken"
    return body, "goes on"


@settings(max_examples=150, deadline=None)
@given(PIECES, CUTS, st.sampled_from([b"", b"server-timing: model\r\n"]))
def test_a_body_in_chunks_is_the_same_wherever_it_is_cut(pieces: list[bytes], cuts: set[int], trailers: bytes) -> None:
    wire = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    assert read_chunks(cut(wire + b"0\r\n" + trailers + b"\r\n", cuts)) == (b"".join(pieces), "ended")
    assert read_chunks(cut(wire, cuts)) == (b"".join(pieces), "goes on")
    assert read_chunks(cut(wire + b"zz\r\n", cuts)) == (b"".join(pieces), "broken")


def heard(reads: list[bytes]) -> list[Any]:
    """The messages that mitmproxy would make of what our side of a socket gives it, and the pings between them."""
    side = Socket(ConnectionType.CLIENT, [], conn=None)
    whole: list[Any] = []
    parts: list[Any] = []
    for data in reads:
        side.receive_data(data)
        for event in side.events():
            if isinstance(event, Message):
                parts.append(event.data)
                assert event.frame_finished
                if event.message_finished:
                    whole.append(type(event.data)().join(parts))
                    parts = []
            else:
                whole.append(event)
    assert parts == []
    return whole


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.booleans(), PIECES, st.booleans()), max_size=8), CUTS)
def test_messages_of_a_socket_are_the_same_however_their_parts_are_cut(
    messages: list[tuple[bool, list[bytes], bool]], cuts: set[int]
) -> None:
    wire = b""
    meant: list[Any] = []
    for is_text, pieces, has_ping in messages:
        parts = [piece.hex().encode() if is_text else piece for piece in (*pieces, b"")]
        kinds = [1 if is_text else 2, *[0] * (len(parts) - 1)]
        wire += b"".join(frame(kind, part, last=False) for kind, part in zip(kinds[:-1], parts[:-1], strict=True))
        if has_ping:
            wire += frame(9, b"p")
            meant.append(Ping(payload=b"p"))
        wire += frame(kinds[-1], parts[-1])
        body = b"".join(parts)
        meant.append(body.decode() if is_text else bytearray(body))
    assert heard(cut(wire, cuts)) == meant
