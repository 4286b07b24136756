"""Content codings undone piece by piece, within a budget, so that a bomb costs little."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # ships no types

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 64 * 1024
LEAST_BYTES = 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
LARGEST_RATIO = 200
MOST_LAYERS = 4
ZSTD_WINDOW_LOG = 23  # 8 MiB, the most that RFC 9659 allows on the web

_KNOWN = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "br": "br", "zstd": "zstd"}


class CodingError(ValueError):
    """The bytes are not what their content coding says, or they end too early."""


class TooLarge(CodingError):  # noqa: N818 - reads better where it is caught
    """Decoding gives more than the budget allows."""


class Budget:
    """How much may be decoded: max(1 MiB, 200 x the bytes on the wire), never more than 64 MiB for each layer."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self.wire_bytes = 0

    def receive(self, size: int) -> None:
        """Count ``size`` bytes that came over the wire."""
        self.wire_bytes += size

    @property
    def limit(self) -> int:
        return min(self.most, max(LEAST_BYTES, LARGEST_RATIO * self.wire_bytes))


class Decoder:
    """
    Undo one ``content-encoding`` header, several codings in a row included.

    What was decoded before a fault is always returned first; the fault is raised by the next call. So a cut
    or broken body gives all that came.
    """

    def __init__(self, encoding: str, budget: Budget) -> None:
        """Raise ``CodingError`` for a coding that is not gzip, deflate, br, zstd or identity."""
        self._budget = budget
        self._layers: list[_Layer] = []
        self._produced: list[int] = []
        self._fault: CodingError | None = None
        names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
        if len(names) > MOST_LAYERS:
            raise CodingError("too many codings in a row")
        for name in reversed(names):
            if name not in _KNOWN:
                raise CodingError("unknown coding")
            self._layers.append(_new_layer(_KNOWN[name]))
            self._produced.append(0)

    @property
    def is_plain(self) -> bool:
        """Whether there is no coding to undo."""
        return not self._layers

    def feed(self, data: bytes) -> bytes:
        """Return what ``data`` adds. Raise ``CodingError`` or ``TooLarge`` if the call before met a fault."""
        if self._fault:
            raise self._fault
        self._budget.receive(len(data))
        if not self._layers:
            return data
        pieces: list[bytes] = []
        try:
            pieces.extend(self._decode(data, 0))
        except CodingError as fault:
            self._fault = fault
        # A generator that raised inside extend has already handed its earlier pieces over.
        return b"".join(pieces)

    def finish(self) -> bytes:
        """Return what is left (nothing today). Raise ``CodingError`` for a fault or an end that came too early."""
        if self._fault:
            raise self._fault
        if any(layer.started and not layer.complete for layer in self._layers):
            raise CodingError("ends too early")
        return b""

    def _decode(self, data: bytes, depth: int) -> Iterator[bytes]:
        if depth == len(self._layers):
            yield data
            return
        for piece in self._layers[depth].pieces(data):
            self._produced[depth] += len(piece)
            if self._produced[depth] > self._budget.limit:
                raise TooLarge("decodes to more than the budget")
            yield from self._decode(piece, depth + 1)


class _Layer(Protocol):
    @property
    def started(self) -> bool: ...

    @property
    def complete(self) -> bool: ...

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` decodes to, in pieces of about ``PIECE_BYTES``."""
        ...


def _new_layer(name: str) -> _Layer:
    match name:
        case "gzip":
            return _Zlib(31)
        case "deflate":
            return _Zlib(None)
        case "br":
            return _Brotli()
        case _:
            return _Zstd()


class _Zlib:
    """Gzip with its members, or deflate with or without the zlib header (some servers forget it)."""

    def __init__(self, window_bits: int | None) -> None:
        self._window_bits = window_bits
        self._engine = zlib.decompressobj(window_bits) if window_bits else None
        self._head = b""
        self._is_over = False
        """After the last member came padding: what follows is padding, too, even if it begins as a member does."""
        self.started = False
        self.complete = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self.started = self.started or bool(data)
        if self._is_over:
            return
        if self._engine is None:
            self._head += data
            if len(self._head) < 2:
                return
            data, self._head = self._head, b""
            has_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
            self._engine = zlib.decompressobj(15 if has_header else -15)
        while data or not self.complete:
            if self.complete:
                data = self._head + data
                if self._window_bits is None or not b"\x1f\x8b".startswith(data[:2]):
                    self._is_over = True
                    return
                if len(data) < 2:
                    self._head = data
                    return
                self._head = b""
                self._engine = zlib.decompressobj(31)
                self.complete = False
            try:
                piece = self._engine.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise CodingError("not what its coding says") from error
            if piece:
                yield piece
            if self._engine.eof:
                self.complete = True
                data = self._engine.unused_data
            else:
                data = self._engine.unconsumed_tail
                if not data and len(piece) < PIECE_BYTES:
                    return


class _Brotli:
    def __init__(self) -> None:
        self._engine = brotli.Decompressor()
        self.started = False

    @property
    def complete(self) -> bool:
        return bool(self._engine.is_finished())

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self.started = self.started or bool(data)
        if self.complete:
            return
        try:
            piece = self._engine.process(data, output_buffer_limit=PIECE_BYTES)
            while piece:
                yield piece
                # Not asked whether it could accept more data: it may say so and still have output to give.
                piece = b"" if self.complete else self._engine.process(b"", output_buffer_limit=PIECE_BYTES)
        except brotli.error as error:
            raise CodingError("not what its coding says") from error


class _Zstd:
    def __init__(self) -> None:
        self._engine = self._new_engine()
        self.started = False

    @staticmethod
    def _new_engine() -> zstd.ZstdDecompressor:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})

    @property
    def complete(self) -> bool:
        return self._engine.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self.started = self.started or bool(data)
        while True:
            if self._engine.eof:
                if not data:
                    return
                self._engine = self._new_engine()
            try:
                piece = self._engine.decompress(data, PIECE_BYTES)
            except zstd.ZstdError as error:
                raise CodingError("not what its coding says") from error
            if piece:
                yield piece
            data = self._engine.unused_data if self._engine.eof else b""
            if not self._engine.eof and self._engine.needs_input:
                return
