"""The whole way through the real proxy: bytes unchanged and at once, records at the end."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.rig import OPENAI, OTHER, QUESTION, Reply, Rig, completion, rig


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("rig")) as made:
        yield made


def client(rig: Rig, *, http2: bool = False) -> httpx.Client:
    return httpx.Client(proxy=rig.proxy_url, verify=rig.trust, http2=http2, trust_env=False, timeout=20)


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_a_streamed_answer_is_recorded_and_unchanged(way: Rig, http2: bool) -> None:
    pieces = completion(30, name=f"chatcmpl-{http2}")
    way.origin.replies["/v1/chat/completions"] = Reply(pieces)
    before = len(way.records())
    with client(way, http2=http2) as session:
        response = session.post(OPENAI, json=QUESTION)
    assert response.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert response.content == b"".join(pieces)
    (record,) = way.records()[before:]
    assert (record.service, record.response_model, record.outcome) == ("openai-api", "gpt-4o-2024-08-06", "complete")
    assert (record.input_tokens, record.output_tokens, record.source) == (12, 30, "proxy")
