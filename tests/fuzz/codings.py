"""Content codings, alone and in a row: what is coded is decoded wherever it is cut, and nothing exceeds the budget."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from addon.coding import Budget, CodingError, Decoder
from tests.fuzz.cases import CODERS, choose, code, cut_up

NAMES = [*CODERS, *(f"{one}, {other}" for one, other in product(CODERS, CODERS)), "x-gzip", "identity", "GZIP , br"]
WAYS = {name.encode(): name for name in NAMES}


def seeds() -> Iterator[bytes]:
    """Yield a text in each coding, and one twice over: several members."""
    for name in NAMES[:20]:
        coded = code(b'data: {"text": "the tide"}\n\n' * 9, name)
        yield name.encode() + b"\n\x05\x11" + coded
        yield name.encode() + b"\n\x03\x20" + coded + coded


def throw(data: bytes) -> None:
    """Decode bytes that may be no such thing, and bytes that are."""
    name, _, rest = data.partition(b"\n")
    coding, places, body = choose(name, WAYS), rest[:2], rest[2:]
    pieces = cut_up(body, places)
    whole, is_sound = _decode(coding, [body])
    if is_sound:
        assert _decode(coding, pieces) == (whole, True), "cut and whole"
    else:
        _decode(coding, pieces)
    if coding in NAMES[:20]:
        assert _decode(coding, cut_up(code(body, coding), places)) == (body, True) or not body, "coded and decoded"


def _decode(coding: str, pieces: list[bytes]) -> tuple[bytes, bool]:
    budget, decoded = Budget(), b""
    decoder = Decoder(coding, budget)
    try:
        for piece in pieces:
            decoded += decoder.feed(piece)
        decoded += decoder.finish()
    except CodingError:
        return decoded, False
    finally:
        assert len(decoded) <= budget.limit
    return decoded, True
