"""
How fast each service is read: ``python -m tests.bench readers [--events 2000] [--services claude chatgpt]``.

Of each service the example with the longest run of events that look alike is made long by repeating them, one event a
chunk, as a long answer comes. Beside it stands what plain ``json.loads`` of the same lines costs. The last columns are
of an answer of 2,000 tokens in as many events as its service sends it in (``tests/bench/answers.py``). The times are of
this process's processor.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from random import Random

from addon.exchange import Chunk, Exchange, Message
from addon.framing import read_events
from addon.reader import Reader
from tests.bench.answers import WORDS, Answer, as_sent, made_of, wrapped_in
from tests.bench.processes import machine, timed
from tests.bench.units import runs_of, texts_of, units_of
from tests.examples import KEY, Example, load_examples

LETTERS = string.ascii_letters + string.digits
TOKENS = 2000
GOAL = 0.5
GOAL_MS = 5.0


@dataclass(frozen=True, slots=True)
class Long:
    """An answer made long, and the JSON texts in it."""

    name: str
    run: int
    """How many like events the example itself has in a row."""
    exchange: Exchange
    texts: tuple[bytes, ...]
    asked: tuple[Exchange, ...] = ()
    """What the answer belongs to, where it comes by another way; read before, and not measured."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds of one reading: the median and the 95th percentile, of ``json.loads`` and of the framing alone."""

    name: str
    events: int
    kilobytes: float
    read_ms: float
    p95_ms: float
    framing_ms: float
    plain_ms: float

    @property
    def ratio(self) -> float:
        """How many times as fast as plain decoding; 1 is as fast."""
        return self.plain_ms / self.read_ms


def lengthen(example: Example, events: int) -> Long | None:
    """Return the last exchange of an example with its longest run of like events repeated, if it has one."""
    exchange = example.exchanges[-1]
    answers = len(Reader(KEY).read(exchange).records)
    found = units_of(exchange)
    for start, run in runs_of(found):
        repeated = islice(cycle(found[start : start + run]), max(run, events - len(found) + run))
        units = [*found[:start], *repeated, *found[start + run :]]
        made = made_of(exchange, units)
        if len(Reader(KEY).read(made).records) == answers:  # what was repeated did not end the answer
            return Long(f"{example.service}/{example.path.stem}", run, made, texts_of(units))
    return None


def as_openai_sends(example: Example, words: int) -> Long:
    """Return an answer of random words of a token each, an event a word, with all that OpenAI puts around them."""
    random = Random(1)
    units = [_openai_piece(" " + random.choice(WORDS), "".join(random.choices(LETTERS, k=random.randint(3, 12))))
             for _ in range(words)]  # fmt: skip
    chunks = tuple(Chunk(n, unit) for n, unit in enumerate([*units, b"data: [DONE]\n\n"]))
    made = replace(example.exchanges[-1], chunks=chunks)
    return Long(f"{example.service}/random-words", words, made, texts_of(units))


def _openai_piece(word: str, letters: str) -> bytes:
    piece = {
        "id": "chatcmpl-AbC1dEf2GhI3jKl4MnO5pQr6StU7v", "object": "chat.completion.chunk", "created": 1763283000,
        "model": "gpt-4o-2024-08-06", "service_tier": "default", "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": {"content": word}, "logprobs": None, "finish_reason": None}],
        "usage": None, "obfuscation": letters,
    }  # fmt: skip
    return f"data: {json.dumps(piece, separators=(',', ':'))}\n\n".encode()


def as_poe_sends(example: Example, updates: int) -> Long:
    """Return the answer of an example with four random words more in each update, which repeats those before."""
    random, text, units = Random(1), "", []
    question, socket = example.exchanges
    update = json.loads(json.loads(socket.messages[-1].data)["messages"][0])
    for left in reversed(range(updates)):
        text += " " + " ".join(random.choices(WORDS, k=4))
        update["payload"]["data"]["messageAdded"] |= {"text": text, "state": "incomplete" if left else "complete"}
        units.append(json.dumps({"messages": [json.dumps(update)], "min_seq": 5}).encode())
    made = replace(socket, messages=tuple(Message(n, False, unit) for n, unit in enumerate(units)))
    return Long(f"{example.service}/random-words", updates, made, texts_of(units), (question,))


def measure(long: Long, rounds: int, *, apart: bool = False) -> Speed:
    """Read a long answer again and again, and decode its lines in between; ``apart``: join no events."""
    reader = _reader(apart=apart)
    service = reader.find(long.exchange.method, long.exchange.host, long.exchange.path)
    framing = service.framing if service else "auto"
    reads, framings, plains = [], [], []
    for one in (*long.asked, long.exchange):
        reader.read(one)
    for _ in range(rounds):
        reader = _reader(apart=apart) if long.asked else reader  # which knows that it has read the answer
        for one in long.asked:
            reader.read(one)
        reads.append(timed(lambda: reader.read(long.exchange)))  # noqa: B023 - called at once
        framings.append(timed(lambda: sum(1 for _ in read_events(long.exchange, framing))))
        plains.append(timed(lambda: [json.loads(text) for text in long.texts]))
    size = sum(map(len, long.texts)) / 1000
    return Speed(long.name, len(long.texts), size, statistics.median(reads), at_p95(reads), statistics.median(framings),
                 statistics.median(plains))  # fmt: skip


def _reader(*, apart: bool) -> Reader:
    reader = Reader(KEY)
    for known in reader.services if apart else ():
        vars(known).update(adds=None, repeats=None, patches=None)
    return reader


def measure_answer(answer: Answer, rounds: int) -> float:
    """Return how many milliseconds it takes at the 95th percentile to read an answer and to count it."""
    reads = []
    for _ in range(rounds + 1):
        reader = Reader(KEY)
        for one in answer.before:
            reader.read(one)
        reads.append(timed(lambda: reader.read(answer.exchange)))  # noqa: B023 - called at once
    return at_p95(reads[1:])


def _with_wrapped(speed: Speed, longest: Iterable[Long], rounds: int) -> float:
    """Return how many times as fast as plain decoding of the lines, and of the JSON in their strings, it was read."""
    texts = next(long.texts for long in longest if long.name == speed.name)
    inner = [decode for text in texts for decode in wrapped_in(text)]
    times = [timed(lambda: [decode() for decode in inner]) for _ in range(rounds)]
    return (speed.plain_ms + statistics.median(times)) / speed.read_ms


def at_p95(times: Sequence[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench readers")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--services", nargs="+", help="names, or examples such as bedrock/converse-stream")
    parser.add_argument("--tokens-an-event", type=float, default=1, help="at least, in the answers of 2,000 tokens")
    parser.add_argument(
        "--apart", action="store_true", help="read each event by itself, also where only a text differs"
    )
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    wished = set(options.services or ())
    chosen = [one for one in load_examples() if not wished or wished & {one.service, f"{one.service}/{one.path.stem}"}]
    longest: dict[str, Long] = {}
    for example in chosen:
        long = lengthen(example, options.events)
        if long and long.run > getattr(longest.get(example.service), "run", 0):
            longest[example.service] = long
        if f"{example.service}/{example.path.stem}" == "openai-api/chat-stream-without-usage":
            longest["random words"] = as_openai_sends(example, options.events)
        if f"{example.service}/{example.path.stem}" == "poe/both-halves":
            longest["poe"] = as_poe_sends(example, options.events // 4)
    answers = {
        service: as_sent([one for one in chosen if one.service == service], TOKENS, options.tokens_an_event)
        for service in {one.service for one in chosen}
    }
    gc.collect()
    gc.freeze()  # a worker has no thousand examples in its memory, for each collection to go through
    speeds = sorted(
        (measure(long, options.rounds, apart=options.apart) for long in longest.values()), key=lambda one: one.ratio
    )
    print("| read | events | kB | read, ms | p95, ms | framing, ms | json.loads, ms | json.loads ÷ read "
          f"| {TOKENS:,} tokens: events | kB | p95, ms |")  # fmt: skip
    print("| --- " + "| ---: " * 10 + "|")
    late = []
    for one in speeds:
        service = one.name.partition("/")[0]
        answer = answers.pop(service, None)
        told = "- | - | -"
        if answer:
            p95_ms = measure_answer(answer, options.rounds)
            told = f"{answer.events} | {answer.kilobytes:.0f} | {p95_ms:.1f}"
            late += [service] * (p95_ms > GOAL_MS)
        print(f"| {one.name} | {one.events} | {one.kilobytes:.0f} | {one.read_ms:.1f} | {one.p95_ms:.1f} "
              f"| {one.framing_ms:.1f} | {one.plain_ms:.1f} | {one.ratio:.2f} | {told} |", flush=True)  # fmt: skip
    slow = [one for one in speeds if one.ratio < GOAL]
    told = ", ".join(
        f"{one.name} ({_with_wrapped(one, longest.values(), options.rounds):.2f}, where the yardstick decodes the JSON "
        "within its strings as well)"
        for one in slow
    )
    print(f"{len(speeds)} answers; below {GOAL} times: {told or 'none'}.")
    long = [one.name for one in speeds if one.p95_ms > GOAL_MS]
    print(f"{options.events} events above {GOAL_MS:g} ms at p95: {len(long)} ({', '.join(long) or 'none'}).")
    print(f"{TOKENS:,} tokens above {GOAL_MS:g} ms at p95: {len(late)} ({', '.join(late) or 'none'}).")
