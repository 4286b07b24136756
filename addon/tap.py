"""mitmproxy's hooks: find the service, copy bytes as they pass, hand one exchange over. Nothing is read here."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from addon.exchange import Ending
from addon.gate import Gate
from addon.parcel import Copy, Pool, Tee
from addon.service import Service, clean_headers, host_matches

BUFFERED_REQUEST = 1024 * 1024
"""A request body up to this size is left to mitmproxy's buffer; a larger one streams through a tee."""
LARGEST_MESSAGE = 8 * 1024 * 1024
"""A socket message above this passes without being handed over."""


class Ear(Protocol):
    """Whoever takes what was copied. None of these waits or raises."""

    def begin(self, service: str) -> None: ...
    def withdraw(self, service: str) -> None: ...
    def hand_over(self, copy: Copy) -> None: ...
    def open_socket(self, socket: str, copy: Copy) -> None: ...
    def hear(self, socket: str, copy: Copy, ns: int, *, from_client: bool, data: bytes) -> None: ...
    def miss(self, socket: str, copy: Copy, ns: int, *, from_client: bool, reason: str) -> None: ...
    def close_socket(self, socket: str, copy: Copy, ns: int, ending: Ending) -> None: ...


class Tap:
    """
    A mitmproxy addon. Of an exchange that is a service's turn it keeps a bounded copy and hands it over once, when it
    ends, aborts or errs; all other traffic of opened hosts streams through without being looked at.
    """

    def __init__(
        self,
        services: Iterable[Service],
        ear: Ear,
        gate: Gate,
        *,
        hosts: frozenset[str],
        local: Mapping[int, str] | None = None,
    ) -> None:
        """``hosts`` are the opened ones; ``local`` names the service behind each listening port of ``--local``."""
        known = tuple(services)
        self._by_host = {host: tuple(s for s in known if host_matches(s.hosts, host)) for host in hosts}
        self._by_port = {port: tuple(s for s in known if s.name == name) for port, name in (local or {}).items()}
        self._ear, self._gate = ear, gate
        self._pool = Pool()
        self._copies: dict[str, Copy] = {}

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Decide whether this is a turn; if not, let the body stream."""
        if flow.response is not None:
            return
        service = self.find(flow)
        if service is None or (verdict := self._gate.verdict(service.name)) == "pass":
            if flow.response is None:
                flow.request.stream = True
            return
        if verdict == "hold":
            flow.response = _held(service)
            return
        path, _, query = flow.request.path.partition("?")
        copy = Copy(
            service=service.name,
            client=flow.client_conn.id,
            method=flow.request.method,
            host=service.hosts[0] if self._is_local(flow) else flow.request.pretty_host.lower(),
            path=path,
            query=query,
            request_headers=_headers(flow.request),
            response=Tee(self._pool),
        )
        if _is_large(flow.request):
            flow.request.stream = copy.request = Tee(self._pool)
        self._copies[flow.id] = copy
        self._ear.begin(copy.service)

    def request(self, flow: http.HTTPFlow) -> None:
        """The request is complete and goes out now: the clock of this exchange starts."""
        copy = self._copies.get(flow.id)
        if copy is None:
            return
        if copy.request is None:
            copy.request_body = flow.request.raw_content or b""
            copy.request_bytes = len(copy.request_body)
        else:
            copy.request_bytes = copy.request.size
        if not copy.response.pieces:  # an answer may begin before a streamed request has ended
            copy.started_at, copy.started_ns = time.time(), time.monotonic_ns()

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Let every answer stream; a turn's answer through its tee."""
        response = flow.response
        if response is None:
            return
        copy = self._copies.get(flow.id)
        if copy is None:
            response.stream = True
            return
        copy.status = response.status_code
        copy.response_headers = _headers(response)
        response.stream = copy.response

    def response(self, flow: http.HTTPFlow) -> None:
        """The answer is complete; a socket only begins."""
        copy = self._copies.get(flow.id)
        if copy is None:
            return
        if flow.websocket is not None:
            self._ear.open_socket(flow.id, copy)
        else:
            self._finish(flow.id, "complete")

    def error(self, flow: http.HTTPFlow) -> None:
        """The client hung up, the service failed, or the proxy is being stopped."""
        copy = self._copies.get(flow.id)
        if copy is None:
            return
        if copy.status == 101:
            self._close_socket(flow.id, copy, "aborted")
        elif copy.status:
            self._finish(flow.id, "aborted")
        else:
            self._let_go(flow.id, copy)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Keep one message at most, of every socket: mitmproxy would keep them all."""
        if flow.websocket is None:
            return
        messages = flow.websocket.messages
        message = messages[-1]
        del messages[:-1]
        copy = self._copies.get(flow.id)
        if copy is None:
            return
        if len(message.content) > LARGEST_MESSAGE:
            self._ear.miss(flow.id, copy, time.monotonic_ns(), from_client=message.from_client, reason="too-large")
            return
        self._ear.hear(flow.id, copy, time.monotonic_ns(), from_client=message.from_client, data=message.content)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """The socket is gone."""
        copy = self._copies.get(flow.id)
        if copy is not None:
            clean = flow.websocket is not None and flow.websocket.close_code in {1000, 1001, 1005}
            self._close_socket(flow.id, copy, "complete" if clean else "aborted")

    def done(self) -> None:
        """The proxy stops: what was heard so far is handed over as aborted."""
        for name, copy in list(self._copies.items()):
            if copy.status == 101:
                self._close_socket(name, copy, "aborted")
            elif copy.status:
                self._finish(name, "aborted")
            else:
                self._let_go(name, copy)

    def busy_clients(self) -> frozenset[str]:
        """Return the ids of the client connections that an answer is passing over right now."""
        return frozenset(copy.client for copy in self._copies.values())

    def find(self, flow: http.HTTPFlow) -> Service | None:
        """Return the service whose turn this request is: by method, exact host and whole path, or None."""
        method, path = flow.request.method.upper(), flow.request.path.partition("?")[0]
        if self._is_local(flow):
            port = flow.client_conn.sockname[1] if flow.client_conn.sockname else 0
            for service in self._by_port.get(port, ()):
                if service.matches(method, service.hosts[0], path):
                    return service
            return None
        if not flow.client_conn.tls_established:
            return None
        host = flow.request.pretty_host.lower()
        for service in self._by_host.get(host, ()):
            if service.matches(method, host, path):
                return service
        return None

    @staticmethod
    def _is_local(flow: http.HTTPFlow) -> bool:
        return isinstance(flow.client_conn.proxy_mode, ReverseMode)

    def _finish(self, name: str, ending: Ending) -> None:
        copy = self._copies.pop(name)
        copy.ended_ns, copy.ending = time.monotonic_ns(), ending
        if copy.request is not None:
            copy.request_bytes = copy.request.size
            copy.request.close()
        copy.response.close()
        self._ear.hand_over(copy)

    def _let_go(self, name: str, copy: Copy) -> None:
        """Nothing was answered: no turn took place."""
        del self._copies[name]
        copy.release()
        self._ear.withdraw(copy.service)

    def _close_socket(self, name: str, copy: Copy, ending: Ending) -> None:
        del self._copies[name]
        self._ear.close_socket(name, copy, time.monotonic_ns(), ending)


def _headers(message: http.Message) -> dict[str, str]:
    fields = ((name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in message.headers.fields)
    return clean_headers(dict(fields))


def _is_large(request: http.Request) -> bool:
    """
    Whether the body may exceed what is left to mitmproxy's buffer; one of unknown length may.

    HTTP/2 needs to tell no length, and a call that goes both ways at once ends its request after its answer: who waits
    for that end waits for ever.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal():
        return int(length[:20]) > BUFFERED_REQUEST
    return "transfer-encoding" in request.headers or (request.is_http2 and request.method not in {"GET", "HEAD"})


def _held(service: Service) -> http.Response:
    """Say it in the shape in which chatbots' pages and clients look for what to show."""
    words = (
        f"klimaspor holds back new turns of {service.title}: your own budget is used up. "
        "See `klimaspor budget`, or continue for an hour on the page that `klimaspor open` shows."
    )
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": words}, "detail": words}
    headers = {"content-type": "application/json", "cache-control": "no-store", "retry-after": "3600"}
    headers["x-should-retry"] = "false"  # the makers' own clients would try twice more, and keep the person waiting
    return http.Response.make(429, json.dumps(body, ensure_ascii=False).encode(), headers)
