"""Content codings: whole, cut, stacked, broken, and bombs."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib
from itertools import pairwise

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.coding import Budget, CodingError, Decoder, TooLarge

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


ENCODE = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


def decode(encoding: str, pieces: list[bytes]) -> bytes:
    decoder = Decoder(encoding, Budget())
    decoded = b"".join(decoder.feed(piece) for piece in pieces)
    return decoded + decoder.finish()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize("encoding", ENCODE)
@given(data=st.binary(max_size=3000), places=st.lists(st.integers(0, 3000), max_size=5))
@settings(max_examples=40, deadline=None)
def test_decodes_what_was_encoded_wherever_it_is_cut(encoding: str, data: bytes, places: list[int]) -> None:
    assert decode(encoding, cut(ENCODE[encoding](data), places)) == data


@pytest.mark.parametrize("encoding", ENCODE)
def test_a_long_body_that_comes_at_once_is_decoded_to_its_end(encoding: str) -> None:
    body = b"".join(b'data: {"number":%d,"delta":"word %d"}\n\n' % (at, at * 7919 % 1000) for at in range(5000))
    assert decode(encoding, [ENCODE[encoding](body)]) == body


@given(
    data=st.binary(max_size=2000), names=st.lists(st.sampled_from(sorted(ENCODE)), min_size=1, max_size=3),
    places=st.lists(st.integers(0, 3000), max_size=4),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_codings_in_a_row_are_undone_in_reverse(data: bytes, names: list[str], places: list[int]) -> None:
    encoded = data
    for name in names:
        encoded = ENCODE[name](encoded)
    assert decode(" , ".join(names).upper(), cut(encoded, places)) == data


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(places=st.lists(st.integers(0, 200), max_size=4))
@settings(max_examples=30, deadline=None)
def test_several_members_are_one_text(encoding: str, places: list[int]) -> None:
    data = ENCODE[encoding](b"first ") + ENCODE[encoding](b"second")
    assert decode(encoding, cut(data, places)) == b"first second"


def test_padding_after_gzip_is_ignored() -> None:
    assert decode("gzip", [gzip.compress(b"text") + b"\0\0\0"]) == b"text"
    padding = b"\0" + gzip.compress(b"no part of it")
    assert decode("gzip", [gzip.compress(b"text") + padding]) == b"text"
    assert decode("gzip", [gzip.compress(b"text"), padding[:1], padding[1:]]) == b"text"


def test_deflate_without_its_header_is_read() -> None:
    data = raw_deflate(b"no header here")
    assert decode("deflate", [data[:1], data[1:]]) == b"no header here"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_cut_body_gives_what_came_and_then_says_so(encoding: str) -> None:
    text = bytes(range(256)) * 2000
    data = ENCODE[encoding](text)
    decoder = Decoder(encoding, Budget())
    came = decoder.feed(data[: len(data) - 5])
    assert text.startswith(came)
    with pytest.raises(CodingError):
        decoder.finish()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_stream_flushed_after_each_part_is_read_part_by_part(encoding: str) -> None:
    decoder = Decoder(encoding, Budget())
    for part in (b"data: one\n\n", b"data: two\n\n"):
        assert decoder.feed(flushed(encoding, part)) == part


_engines: dict[str, object] = {}


def flushed(encoding: str, part: bytes) -> bytes:
    fresh = part.startswith(b"data: one")
    match encoding:
        case "br":
            engine = _engines["br"] = brotli.Compressor() if fresh else _engines["br"]
            return engine.process(part) + engine.flush()
        case "zstd":
            engine = _engines["zstd"] = zstd.ZstdCompressor() if fresh else _engines["zstd"]
            return engine.compress(part, engine.FLUSH_BLOCK)
        case _:
            wbits = 31 if encoding == "gzip" else 15
            engine = _engines[encoding] = zlib.compressobj(wbits=wbits) if fresh else _engines[encoding]
            return engine.compress(part) + engine.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("encoding", ["compress", "gzip, what", "gzip, gzip, gzip, gzip, gzip"])
def test_unknown_codings_are_refused(encoding: str) -> None:
    with pytest.raises(CodingError):
        Decoder(encoding, Budget())


def drain(decoder: Decoder, data: bytes) -> tuple[int, type[Exception] | None]:
    total = 0
    for start in range(0, len(data) + 4096, 1024):
        try:
            total += len(decoder.feed(data[start : start + 1024]))
        except CodingError as fault:
            return total, type(fault)
    return total, None


@pytest.mark.parametrize("names", ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip", "gzip, gzip", "br, zstd"])
def test_bombs_stay_within_the_budget(names: str) -> None:
    bomb = bytes(200 * 1024 * 1024)
    for name in names.split(", "):
        bomb = ENCODE[name](bomb)
    budget = Budget()
    decoder = Decoder(names, budget)
    tracemalloc.start()
    try:
        total, fault = drain(decoder, bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fault is TooLarge
    assert total <= max(1024 * 1024, 200 * len(bomb))
    assert total <= 64 * 1024 * 1024
    assert peak < 140 * 1024 * 1024


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
@given(pieces=st.lists(st.binary(max_size=300), max_size=6))
@settings(max_examples=80, deadline=None)
def test_arbitrary_bytes_give_bytes_or_a_coding_error(encoding: str, pieces: list[bytes]) -> None:
    decoder = Decoder(encoding, Budget())
    try:
        for piece in pieces:
            assert isinstance(decoder.feed(piece), bytes)
        decoder.finish()
    except CodingError as error:
        assert str(error)  # noqa: PT017 - either way is right


def test_a_wide_zstd_window_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 27}
    engine = zstd.ZstdCompressor(options=options)
    data = engine.compress(bytes(1000)) + engine.flush()
    decoder = Decoder("zstd", Budget())
    decoder.feed(data)
    with pytest.raises(CodingError):
        decoder.finish()
