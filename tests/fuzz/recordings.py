"""HAR and flow files: what cannot be read is told as such, whatever is broken in them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from addon.reader import Reader
from tests.examples import KEY, load_examples
from tests.fuzz.truths import check
from tracker.imports import Context, NotReadableError
from tracker.imports.flow import read_flow
from tracker.imports.har import read_har

LARGEST_SEED = 4000


def seeds() -> Iterator[bytes]:
    """Yield a HAR of one example of each service, and a flow of some."""
    from tests.test_importing_recordings import to_entry

    seen = set()
    for case in load_examples():
        har = b"\x00" + json.dumps({"log": {"creator": {}, "entries": [to_entry(case)]}}).encode()
        if case.service not in seen and len(har) <= LARGEST_SEED:
            seen.add(case.service)
            yield har
            if len(seen) % 5 == 0:
                yield b"\x01" + _write_flow(case.exchanges[0])


def _write_flow(exchange: Any) -> bytes:
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow

    flow = tflow.tflow(resp=True)
    flow.request.host, flow.request.path, flow.request.method = exchange.host, exchange.path, exchange.method
    flow.request.content = exchange.request_body
    flow.response.content = b"".join(chunk.data for chunk in exchange.chunks)
    for name, value in exchange.response_headers.items():
        flow.response.headers[name] = value
    file = io.BytesIO()
    FlowWriter(file).add(flow)
    return file.getvalue()


def throw(data: bytes) -> None:
    """Read bytes as a recording; raise whatever is no sentence about the file."""
    handle = os.memfd_create("recording")
    try:
        os.write(handle, data[1:])
        path = Path(f"/proc/self/fd/{handle}")
        read = read_flow if data[:1] == b"\x01" else read_har
        for part in read(path, Context(Reader(KEY), KEY), lambda _done, _all: None):
            if part.reading is not None:
                check(part.reading)
    except NotReadableError:
        pass
    finally:
        os.close(handle)
