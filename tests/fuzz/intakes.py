"""What holds of every import, whatever was in the files: told in a sentence, counted once, no word of it kept."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from addon.reader import Reader
from addon.reading import Reading
from tests.agent_logs import CANARY
from tests.examples import KEY
from tests.fuzz.cases import choose
from tests.fuzz.truths import check
from tracker.imports import KINDS, Context, Kind, NotReadableError, detect
from tracker.imports.intake import take_in
from tracker.naming import keep_model
from tracker.record import Record
from tracker.store import Store

NEXT = b"\x00\xff\xfd\x00"
"""Stands between two files."""
SMALL, LARGE = 16_000, 128_000
"""Bytes of one file whose middle comes again and again."""
SECONDS = 0.4
"""Of processor time, instrumented; what takes less is quick enough."""
MEMORY = 200
"""Bytes of objects for each byte, besides 30 MB."""
EXPANSIONS = {
    b'"@deep"': b"[" * 6000 + b"]" * 6000,
    b'"@nest"': b'{"$set":' * 3000 + b"{}" + b"}" * 3000,
    b'"@long"': b"9" * 6000,
    b'"@wide"': b'"' + b"w" * 20_000 + b'"',
}
"""What a fuzzer cannot write within its length: deep nests, numbers and texts without end."""
_WORD = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")
_HEX = re.compile(r"[0-9a-f]{32}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_PROBLEM = re.compile(r"its? [a-z_ ]{3,60}")

Builder = Callable[[Path, bytes], None]
"""Writes a file, given its path and what the fuzzer says is in it."""
Names = Mapping[bytes, tuple[str, Builder]]
"""The files that can be thrown: by a short name where each lies in a folder, and how it is built."""


def write_plainly(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def expand(content: bytes) -> bytes:
    """Put in what is too long for a fuzzer."""
    for mark, long in EXPANSIONS.items():
        content = content.replace(mark, long)
    return content


def throw(data: bytes, names: Names, kinds: frozenset[str]) -> None:
    """Import the files that bytes tell of, twice; raise if anything comes of it that must not."""
    told = [part.partition(b"\n") for part in data.split(NEXT)[:4]]
    files = [(*choose(name, dict(names)), expand(content)) for name, _, content in told]
    with _folder() as folder:
        path = _write(folder, files)
        kind = _kind_of(path) or (_chosen(data, kinds) if path.is_file() else None)
        if kind is None or kind.name not in kinds:
            return
        _check_twice(path, kind)
    if sum(data) % 8 == 0 and len(files[-1][2]) > 8:
        _check_time(files, kind, with_memory=sum(data) % 32 == 0)


def _write(folder: Path, files: list[tuple[str, Builder, bytes]]) -> Path:
    """Write the files; return the path to be given to the command: the file if there is one only, else the folder."""
    for name, build, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        build(path, content)
    return path if len(files) == 1 else folder


def _kind_of(path: Path) -> Kind | None:
    try:
        return detect(path)
    except NotReadableError as error:
        _check_sentence(str(error))
        return None


def _chosen(data: bytes, kinds: frozenset[str]) -> Kind:
    """Return some kind for what is told to be none: whoever reads it must not rely on what was looked at before."""
    some = [kind for kind in KINDS if kind.name in kinds]
    return some[len(data) % len(some)]


def _check_twice(path: Path, kind: Kind) -> None:
    with _store() as store:
        context = Context(Reader(KEY, services=()), KEY)
        first = take_in(path, kind, context, store, _no_progress)
        before = list(store.records())
        again = take_in(path, kind, context, store, _no_progress)
        assert list(store.records()) == before, "changed by importing it again"
        assert again.added is None or again.added.new == 0
        assert (first.fault, first.problems) == (again.fault, again.problems)
        held = [str(row) for row in store.db.execute("SELECT * FROM requests LEFT JOIN features ON id = request_id")]
        assert CANARY not in "".join(held).lower()
    assert "to its end; check the disk" not in (first.fault or ""), first.fault
    _check_sentence(first.fault or "")
    for position, problem in first.problems:
        assert position >= 0
        assert _PROBLEM.fullmatch(problem), problem
    check(Reading(records=tuple(before)))
    for record in before:
        _check_words(record)


def _check_sentence(sentence: str) -> None:
    assert sentence.isprintable()
    assert len(sentence) < 200
    assert CANARY not in sentence


def _check_words(record: Record) -> None:
    """Raise if a text of a record is of another form than such texts have."""
    assert _HEX.fullmatch(record.id)
    assert record.conversation is None or _HEX.fullmatch(record.conversation)
    assert _MOMENT.fullmatch(record.started_at)
    for word in (record.service, record.provider, record.effort, record.client, record.reader, record.source):
        assert word is None or _WORD.fullmatch(word), word
    for model in (record.request_model, record.response_model):
        assert model is None or keep_model(model) == model, model


def _check_time(files: list[tuple[str, Builder, bytes]], kind: Kind, *, with_memory: bool) -> None:
    """Raise if eight times the bytes take much more than eight times as long, or their reading much memory."""
    *others, (name, build, content) = files
    small, large = ([*others, (name, build, _grow(content, size))] for size in (SMALL, LARGE))
    taken = _time(large, kind)
    if taken > SECONDS:
        before = min(_time(small, kind) for _ in range(3))
        taken = min(taken, _time(large, kind))
        assert taken < SECONDS or taken < 3 * before * LARGE / SMALL, f"slow: {before:.3f} s, {taken:.3f} s"
    if with_memory:
        tracemalloc.start()
        _time(large, kind)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30_000_000 + MEMORY * LARGE, f"large: {peak}"


def _grow(content: bytes, size: int) -> bytes:
    """Repeat what is in the middle: two lines where there are lines, else a third of the bytes."""
    parts = content.splitlines(keepends=True)
    if len(parts) < 4:
        third = max(1, len(content) // 3)
        parts = [content[:third], content[third : 2 * third], b"", content[2 * third :]]
    middle = len(parts) // 2
    again = b"".join(parts[middle - 1 : middle + 1])
    times = max(1, size // max(1, len(again)))
    return b"".join(parts[: middle - 1]) + again * times + b"".join(parts[middle + 1 :])


def _time(files: list[tuple[str, Builder, bytes]], kind: Kind) -> float:
    with _folder() as folder:
        path = _write(folder, files)
        started = time.process_time()
        try:
            for _ in kind.load()(path, Context(Reader(KEY, services=()), KEY), _no_progress):
                continue
        except NotReadableError as error:
            _check_sentence(str(error))
        return time.process_time() - started


def _no_progress(done: int, everything: int) -> None:
    assert 0 <= done <= everything, (done, everything)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = scratch() / "files"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _store() -> Iterator[Store]:
    """A database with nothing in it; it is the same one each time, for making one takes long."""
    store = _kept_store()
    with store.writing() as connection:
        for table in ("features", "requests"):
            connection.execute(f"DELETE FROM {table}")
    yield store


@cache
def _kept_store() -> Store:
    store = Store.open(scratch() / "home" / "klimaspor.db")
    atexit.register(store.close)
    return store


@cache
def scratch() -> Path:
    """A folder in memory, where there is one."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(prefix="klimaspor-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, place)
    return place
