"""
How fast bytes become events: ``python -m tests.bench framings [--events 2000] [--rounds 21]``.

The same JSON texts in every framing, once an event a piece and once in pieces of 64 kB as large answers come, beside
plain ``json.loads`` of them. Processor time; MB are those of the texts.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from addon.exchange import Chunk, Exchange
from addon.framing import FRAMINGS, read_events
from tests.bench.peers import event
from tests.bench.processes import machine, timed
from tests.test_framing import aws_frame, envelope, gemini_frame

PIECE_BYTES = 65536
KINDS = {
    "connect": "application/connect+json",
    "aws_event_stream": "application/vnd.amazon.eventstream",
}
"""Content types without which a framing would read its frames otherwise."""

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "sse": lambda text: b"data: " + text + b"\n\n",
    "sse_text": lambda text: b"data: " + text + b"\n\n",
    "ndjson": lambda text: text + b"\n",
    "json": lambda text: text,
    "json_array": lambda text: text + b",\r\n",
    "length_prefixed": lambda text: gemini_frame(text.decode()).encode(),
    "connect": lambda text: envelope(0, text),
    "signalr": lambda text: text + b"\x1e",
    "aws_event_stream": lambda text: aws_frame(text, event_type="chunk", content_type="application/json"),
    "coded_lines": lambda text: b"0:" + text + b"\n",
    "raw": lambda text: text,
}
AROUND = {"json_array": (b"[", b"null]"), "length_prefixed": (b")]}'\n\n", b"")}


def texts_of(events: int) -> list[bytes]:
    """Return so many different JSON texts, as OpenAI's chat sends them."""
    return [event(n, f"word{n} ").removeprefix(b"data: ").strip() for n in range(events)]


def answer(framing: str, pieces: Sequence[bytes]) -> Exchange:
    return Exchange(
        method="POST", host="chat.example", path="/", status=200, started_at=datetime(2026, 11, 20, tzinfo=UTC),
        response_headers={"content-type": KINDS.get(framing, "")},
        chunks=tuple(Chunk(n, piece) for n, piece in enumerate(pieces)),
    )  # fmt: skip


def pieces_of(framing: str, texts: Sequence[bytes]) -> list[bytes]:
    before, after = AROUND.get(framing, (b"", b""))
    first, *rest = map(ENCODE[framing], texts)
    return [before + first, *rest[:-1], rest[-1] + after]


def cut(data: bytes) -> list[bytes]:
    return [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]


def measure(framing: str, texts: Sequence[bytes], rounds: int) -> tuple[float, float, float]:
    """Return medians in milliseconds: an event a piece, in large pieces, and ``json.loads`` of the texts."""
    pieces = pieces_of(framing, texts)
    each, large = answer(framing, pieces), answer(framing, cut(b"".join(pieces)))
    found = sum(1 for _ in read_events(each, "auto" if framing == "json_array" else framing))
    if framing != "raw" and found < len(texts):
        raise AssertionError(f"{framing}: {found} events of {len(texts)}")
    taken: list[tuple[float, float, float]] = [
        (
            timed(lambda: sum(1 for _ in read_events(each, framing))),
            timed(lambda: sum(1 for _ in read_events(large, framing))),
            timed(lambda: [json.loads(text) for text in texts]),
        )
        for _ in range(rounds)
    ]
    one, two, plain = map(statistics.median, zip(*taken, strict=True))
    return one, two, plain


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench framings")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    texts = texts_of(options.events)
    megabytes = sum(map(len, texts)) / 1e6
    ways = ("an event a piece, MB/s", "in pieces of 64 kB, MB/s", "json.loads, MB/s", "÷ json.loads", "the large ÷ it")
    print(f"| framing | {' | '.join(ways)} |\n| --- " + "| ---: " * len(ways) + "|")
    for framing in (one for one in FRAMINGS if one != "auto"):
        each, large, plain = measure(framing, texts, options.rounds)
        speeds = " | ".join(f"{megabytes / ms * 1000:.0f}" for ms in (each, large, plain))
        print(f"| {framing} | {speeds} | {plain / each:.2f} | {plain / large:.2f} |", flush=True)
