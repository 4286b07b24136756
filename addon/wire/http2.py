"""HTTP/2 where mitmproxy cuts what may go on, or keeps what has no end: a leave that is taken, windows, tiny frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, ResponseReceived
from hyperframe.frame import Frame, GoAwayFrame
from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, SendHttp, _http2, _http_h2
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, HttpEvent, RequestHeaders, ResponseProtocolError

WINDOW = 4 * 1024 * 1024
"""Bytes of one stream that may be on their way through us to a side which does not take them now."""
MOST_LINKS = 100
"""Streams whose ends are known before those that are over are forgotten."""


@dataclass(kw_only=True)
class Leaving(Event):
    """The other side takes no new streams; those up to this one go on."""

    last_stream_id: int


class RefusedError(ResponseProtocolError):
    """A request that the service has not touched: whoever sent it may send it again."""

    def __init__(self, stream_id: int) -> None:
        told = "The service takes no more requests on this connection"
        super().__init__(stream_id, told, ErrorCode.GENERIC_SERVER_ERROR)


class Drained(HttpEvent):
    """What one side could not take has gone: the other side may be told that it can send more."""


class Link(_http_h2.BufferedH2Connection):
    """One side of HTTP/2. mitmproxy lets each side send two gigabytes, and keeps what the other does not take."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.local_settings.initial_window_size = WINDOW
        self.local_settings.acknowledge()
        self.conn: Connection | None = None
        self.ends: dict[int, tuple[Link, int]] = {}
        """Stream → where what comes on it goes: the other side, and its number there."""
        self.held: dict[int, int] = {}
        """Bytes of a stream that came and have not been acknowledged."""
        self.drained: list[int] = []
        """Streams of which nothing waits any more."""

    def tie(self, stream_id: int, other: Link, other_id: int) -> None:
        """What comes on this stream goes out on that of the other side, and the other way round."""
        for link, one, far, two in ((self, stream_id, other, other_id), (other, other_id, self, stream_id)):
            if len(link.ends) > MOST_LINKS:
                link.forget_ended()
            link.ends[one] = (far, two)

    def forget_ended(self) -> None:
        """Let go of streams that are over; what they held counts for the whole connection."""
        for stream_id in [one for one in self.ends if one not in self.streams]:
            del self.ends[stream_id]
            self.release(stream_id)

    def release(self, stream_id: int) -> None:
        """Acknowledge what was held."""
        if held := self.held.pop(stream_id, 0):
            super().acknowledge_received_data(held, stream_id)

    def acknowledge_received_data(self, acknowledged_size: int, stream_id: int) -> None:
        end = self.ends.get(stream_id)
        if end is not None and end[0].stream_buffers.get(end[1]):
            self.held[stream_id] = self.held.get(stream_id, 0) + acknowledged_size
        else:
            super().acknowledge_received_data(acknowledged_size, stream_id)

    def stream_window_updated(self, stream_id: int) -> bool:
        sent = super().stream_window_updated(stream_id)
        end = self.ends.get(stream_id)
        if end is not None and end[1] in end[0].held and not self.stream_buffers.get(stream_id):
            self.drained.append(stream_id)
        return sent

    def receive_data(self, data: bytes) -> list[Event]:
        received: list[Event] = super().receive_data(data)
        return received if len(received) < 2 else list(_join(received))

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        if frame.error_code != ErrorCodes.NO_ERROR:
            return super()._receive_goaway_frame(frame)
        return [], [Leaving(last_stream_id=frame.last_stream_id)]


def _join(received: list[Event]) -> Iterator[Event]:
    """Give pieces of a stream that came together as one: thousands of tiny ones would hold up all other chats."""
    row: list[DataReceived] = []
    for event in received:
        if row and not (isinstance(event, DataReceived) and event.stream_id == row[0].stream_id):
            yield _joined(row)
            row = []
        if isinstance(event, DataReceived):
            row.append(event)
        else:
            yield event
    if row:
        yield _joined(row)


def _joined(row: list[DataReceived]) -> DataReceived:
    if len(row) == 1:
        return row[0]
    last = row[-1]
    last.data = b"".join(event.data for event in row)
    last.flow_controlled_length = sum(event.flow_controlled_length for event in row)
    return last


class _Side(_http2.Http2Connection):
    """What both sides have in common."""

    h2_conn: Link

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.h2_conn.conn = self.conn

    def acknowledge(self, stream_id: int) -> layer.CommandGenerator[None]:
        """Tell this side that it may send more, for the other side has taken what there was."""
        self.h2_conn.release(stream_id)
        if data := self.h2_conn.data_to_send():
            yield commands.SendData(self.conn, data)

    def tell_drained(self) -> layer.CommandGenerator[None]:
        """Have the other side of each stream know of which nothing waits here any more."""
        drained, self.h2_conn.drained = self.h2_conn.drained, []
        for link, number in (self.h2_conn.ends[stream_id] for stream_id in drained):
            if link.conn is not None:
                yield SendHttp(Drained(number), link.conn)


class Server(_Side, _http2.Http2Server):
    """Speaks HTTP/2 with a client."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, Drained):
            yield from self.acknowledge(event.stream_id)
        elif isinstance(event, RefusedError) and not self.is_closed(event.stream_id):
            self.h2_conn.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
            yield commands.SendData(self.conn, self.h2_conn.data_to_send())
        else:
            yield from super()._handle_event(event)
            if self.h2_conn.drained:
                yield from self.tell_drained()

    def handle_h2_event(self, event: Event) -> layer.CommandGenerator[bool]:
        """A client that leaves waits for what it has asked."""
        return False if isinstance(event, Leaving) else (yield from super().handle_h2_event(event))


class Client(_Side, _http2.Http2Client):
    """Speaks HTTP/2 with a service."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._parent = next(parent for parent in reversed(context.layers) if isinstance(parent, HttpLayer))
        self._refused: list[int] = []
        self._has_answered = False

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, Drained):
            yield from self.acknowledge(event.stream_id)
            return
        if isinstance(event, events.ConnectionClosed) and self._is_all_there_is():
            yield from self._hang_up()
            return
        asked = event.stream_id if isinstance(event, RequestHeaders) else None
        yield from super()._handle_event(event)
        if asked in self.our_stream_id:
            self._tie(asked)
        if self.h2_conn.drained:
            yield from self.tell_drained()
        if self._refused:
            refused, self._refused = self._refused, []
            for stream_id in refused:
                yield ReceiveHttp(RefusedError(stream_id))

    def handle_h2_event(self, event: Event) -> layer.CommandGenerator[bool]:
        """A service that leaves brings to an end what it has begun; for all else there is another connection."""
        if not isinstance(event, Leaving):
            self._has_answered = self._has_answered or isinstance(event, ResponseReceived)
            return (yield from super().handle_h2_event(event))
        self.conn.state &= ~ConnectionState.CAN_WRITE  # mitmproxy then opens another one
        self._refuse_waiting()
        for stream_id in [one for one in self.streams if one > event.last_stream_id]:
            del self.streams[stream_id]
            yield ReceiveHttp(RefusedError(stream_id))
        if self.streams:
            return False
        yield from self.close_connection("The service has left")
        return True

    def close_connection(self, msg: str) -> layer.CommandGenerator[None]:
        self._refuse_waiting()
        yield from super().close_connection(msg)

    def _refuse_waiting(self) -> None:
        """What waits for its turn was not sent, and may be asked over another connection."""
        self._refused += self.stream_queue
        self.stream_queue.clear()

    def _is_all_there_is(self) -> bool:
        """Whether the client waits for what this kept connection has not answered, and for nothing elsewhere."""
        client = self._parent.connections.get(self.context.client)
        if not self._has_answered or not isinstance(client, Server):
            return False
        ours = {self.their_stream_id[stream_id] for stream_id in self.streams} | self.stream_queue.keys()
        return _http2.StreamState.EXPECTING_HEADERS in self.streams.values() and all(
            client.is_closed(stream_id) for stream_id in client.streams.keys() - ours
        )

    def _hang_up(self) -> layer.CommandGenerator[None]:
        """Do as the service did, as over HTTP/1: who knows that from kept connections asks again."""
        self.streams.clear()
        self.stream_queue.clear()
        yield from self.close_connection("The service hung up")
        yield commands.CloseConnection(self.context.client)

    def _tie(self, stream_id: int) -> None:
        other = self._parent.connections.get(self.context.client)
        if isinstance(other, Server):
            self.h2_conn.tie(self.our_stream_id[stream_id], other.h2_conn, stream_id)
