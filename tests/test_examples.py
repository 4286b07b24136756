"""Every example gives its record: whole, cut, cut off, repeated, encoded; and is matched by its own service alone."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import brotli
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Ending, Exchange
from addon.reader import Reader
from addon.service import Service, discover
from tests.examples import KEY, Example, load_examples, read_all, read_example, tell, tell_unread
from tracker.record import LARGEST_COUNT, Record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

EXAMPLES = load_examples()
QUICK = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
every_example = pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: f"{case.service}-{case.path.stem}")


@every_example
def test_an_example_gives_exactly_its_expected_records(case: Example) -> None:
    reading = read_example(case)
    assert [tell(record) for record in reading.records] == case.expected
    assert tell_unread(reading) == [list(one) for one in case.content.get("unread", [])]
    assert all(record.service == case.service for record in reading.records)


def test_every_service_has_examples_and_every_example_a_service() -> None:
    assert {case.service for case in EXAMPLES} == {service.name for service in discover()}


@every_example
def test_its_service_names_every_feature_that_it_shows(case: Example) -> None:
    (service,) = (service for service in discover() if service.name == case.service)
    shown = {feature for record in case.expected for feature, *_ in record.get("features", ())}
    assert shown <= set(service.features), f"say so in {case.service}: features = {tuple(sorted(shown))}"


def test_a_key_that_nothing_reads_is_named(tmp_path: Path) -> None:
    slip = tmp_path / "parrot" / "slip.json"
    slip.parent.mkdir()
    slip.write_text('{"exchange": {"url": "https://parrot.example/", "framing": "ndjson"}}')
    with pytest.raises(ValueError, match=r"parrot/slip\.json has 'framing', which nothing reads"):
        load_examples(tmp_path)


@every_example
@QUICK
@given(data=st.data())
def test_cut_at_any_byte_it_is_the_same_record(case: Example, data: st.DataObject) -> None:
    exchanges = [_cut(exchange, data) for exchange in case.exchanges]
    assert read_all(exchanges).records == read_example(case).records


@every_example
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_encoded_with_flushes_it_is_the_same_record(case: Example, coding: str) -> None:
    exchanges = [_encode(exchange, coding) for exchange in case.exchanges]
    assert [tell(record) for record in read_all(exchanges).records] == case.expected


@every_example
def test_a_second_sight_is_the_same_row(case: Example) -> None:
    reader = Reader(KEY)
    first = {record.id: record for record in read_example(case, reader).records}
    for record in read_example(case, reader).records:
        assert record.id in first
    again = {record.id for record in read_example(case, Reader(KEY)).records}
    assert again == set(first)


@every_example
@QUICK
@given(data=st.data())
def test_cut_off_it_is_the_same_record_or_aborted_or_none(case: Example, data: st.DataObject) -> None:
    exchanges = case.exchanges
    needs_end = next(service.needs_end for service in discover() if service.name == case.service)
    # Where an answer has no end mark, only how the connection ended tells that it was cut off.
    endings = ["complete", "aborted", "error"] if needs_end else ["aborted", "error"]
    exchanges[-1] = _cut_off(exchanges[-1], data, data.draw(st.sampled_from(endings)))
    whole = [_timeless(record) for record in read_example(case).records]
    for record in read_all(exchanges).records:
        assert record.outcome in {"aborted", "error", "limited"} or _timeless(record) in whole


@every_example
def test_it_matches_its_own_service_and_nobody_else(case: Example) -> None:
    for exchange in case.exchanges:
        matching = {service.name for service in _services() if _matches(service, exchange)}
        assert matching == {case.service}


@every_example
def test_side_calls_match_nobody(case: Example) -> None:
    reader = Reader(KEY)
    for method, host, path in case.not_turns:
        assert reader.find(method, host, path) is None, f"{method} {host}{path}"


@every_example
def test_tricks_at_label_boundaries_match_nobody(case: Example) -> None:
    reader = Reader(KEY)
    for exchange in case.exchanges:
        for host in (
            f"{exchange.host}.evil.example",
            f"evil{exchange.host}",
            f"evil-{exchange.host}.example",
            "evil.example",
        ):
            if host.startswith("evil") and any(name.startswith("*.") for name in _services_hosts(case.service)):
                continue
            assert reader.find(exchange.method, host, exchange.path) is None
        assert reader.find(exchange.method, exchange.host, "/evil" + exchange.path) is None
        assert reader.find(exchange.method, exchange.host, exchange.path + "/evil/evil/evil") is None


@every_example
@QUICK
@given(junk=st.binary(max_size=300), status=st.sampled_from([200, 101, 404, 500]))
@example(junk=b"", status=200)
@example(junk=b"data: [[[[\n\ndata: null\n\n", status=200)
def test_junk_never_gets_out_as_an_exception(case: Example, junk: bytes, status: int) -> None:
    exchanges = [replace(one, chunks=(Chunk(5, junk),), request_body=junk, status=status) for one in case.exchanges]
    for record in read_all(exchanges).records:
        _check_sane(record)


@every_example
@QUICK
@given(data=st.data())
def test_wrong_values_in_the_right_places_give_no_wrong_numbers(case: Example, data: st.DataObject) -> None:
    def poison(exchange: Exchange) -> Exchange:
        bad = data.draw(
            st.sampled_from(["-5", "1e999", "NaN", "true", '"x"', "[]", "{}", "null", "99999999999999999999"])
        )
        number = data.draw(st.integers(0, 9))
        chunks = tuple(
            replace(one, data=one.data.replace(b": %d" % number, b": " + bad.encode())) for one in exchange.chunks
        )
        messages = tuple(
            replace(one, data=one.data.replace(b": %d" % number, b": " + bad.encode())) for one in exchange.messages
        )
        return replace(exchange, chunks=chunks, messages=messages)

    for record in read_all([poison(exchange) for exchange in case.exchanges]).records:
        _check_sane(record)


def test_an_example_holds_no_secret() -> None:
    for case in EXAMPLES:
        text = case.path.read_text("utf-8").lower()
        assert not any(word in text for word in ('"cookie"', '"authorization"', "bearer ", "sk-ant-", "sk-proj-")), (
            case.path
        )


def _check_sane(record: Record) -> None:
    for name in (
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
        "reasoning_tokens",
        "media_count",
        "media_pixels",
    ):
        number = getattr(record, name)
        assert number is None or (type(number) is int and 0 <= number <= LARGEST_COUNT * 4), name
    json.dumps(tell(record), allow_nan=False)


def _timeless(record: Record) -> Record:
    """The record without what a cut changes: bytes, the time of the last byte, an id made of the content."""
    return replace(record, id="", response_bytes=None, duration_ms=None)


def _services() -> list[Service]:
    return [service() for service in discover()]


def _services_hosts(name: str) -> tuple[str, ...]:
    return next(service.hosts for service in discover() if service.name == name)


def _matches(service: Service, exchange: Exchange) -> bool:
    return service.matches(exchange.method, exchange.host, exchange.path)


def _cut(exchange: Exchange, data: st.DataObject) -> Exchange:
    pieces: list[Chunk] = []
    for chunk in exchange.chunks:
        size = data.draw(st.integers(1, 40))
        offset = data.draw(st.integers(0, size))
        pieces.append(Chunk(chunk.at_ms, chunk.data[:offset]))
        pieces.extend(Chunk(chunk.at_ms, chunk.data[at : at + size]) for at in range(offset, len(chunk.data), size))
    return replace(exchange, chunks=tuple(pieces))


def _cut_off(exchange: Exchange, data: st.DataObject, ending: Ending) -> Exchange:
    if exchange.messages:
        kept = data.draw(st.integers(1, len(exchange.messages)))
        return replace(exchange, messages=exchange.messages[:kept], ending=ending)
    left = data.draw(st.integers(0, sum(len(chunk.data) for chunk in exchange.chunks)))
    pieces = []
    for chunk in exchange.chunks:
        pieces.append(replace(chunk, data=chunk.data[:left]))
        left -= len(pieces[-1].data)
        if left <= 0:
            break
    return replace(exchange, chunks=tuple(pieces), ending=ending)


def _encode(exchange: Exchange, coding: str) -> Exchange:
    if exchange.messages:
        return exchange
    encode, flush, end = _encoder(coding)
    chunks = [Chunk(chunk.at_ms, encode(chunk.data) + flush()) for chunk in exchange.chunks]
    if chunks:
        chunks.append(Chunk(chunks[-1].at_ms, end()))
    return replace(
        exchange, chunks=tuple(chunks), response_headers={**exchange.response_headers, "content-encoding": coding}
    )


def _encoder(coding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes], Callable[[], bytes]]:
    match coding:
        case "gzip":
            packer = zlib.compressobj(wbits=31)
            return packer.compress, lambda: packer.flush(zlib.Z_SYNC_FLUSH), packer.flush
        case "deflate":
            packer = zlib.compressobj()
            return packer.compress, lambda: packer.flush(zlib.Z_SYNC_FLUSH), packer.flush
        case "br":
            brotlier = brotli.Compressor()
            return brotlier.process, brotlier.flush, brotlier.finish
        case _:
            zstder = zstd.ZstdCompressor()
            return zstder.compress, lambda: zstder.flush(zstd.ZstdCompressor.FLUSH_BLOCK), zstder.flush


def test_the_gzip_here_is_what_gzip_reads() -> None:
    encode, flush, end = _encoder("gzip")
    assert gzip.decompress(encode(b"one ") + flush() + encode(b"two") + end()) == b"one two"
