"""
Throw bytes at every framing and every service, led by what they reach in our code: ``python -m tests.fuzz``.

It needs atheris, which is no dependency of ours: ``pip install --target /tmp/atheris atheris``, then
``PYTHONPATH=/tmp/atheris python -m tests.fuzz --seconds 600``. The corpus in ``tests/fuzz/corpus`` is kept: what
reached something new is added to it under ``--keep``. It is seeded from our own examples and holds nobody's words.
Arguments after ``--`` go to libFuzzer. A finding is written to ``crash-…`` in the current folder.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
LARGEST_SEED = 1500


def main() -> None:
    """Read the command line and fuzz; returns only where atheris does."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="write what reached something new into the corpus")
    parser.add_argument("--seed", action="store_true", help="only write the seeds from the examples")
    parser.add_argument("more", nargs="*", help="arguments for libFuzzer, after --")
    options = parser.parse_args()
    if options.seed:
        write_seeds(CORPUS)
        return
    try:
        import atheris  # type: ignore[import-not-found, unused-ignore]  # by hand, where it was installed
    except ImportError:
        sys.exit("atheris is not here · pip install --target DIR atheris · then run with PYTHONPATH=DIR")
    with atheris.instrument_imports(include=["addon"]):
        from tests.fuzz.target import throw
    with tempfile.TemporaryDirectory() as folder:
        where = [str(CORPUS)] if options.keep else [folder, str(CORPUS)]
        limits = [f"-max_total_time={options.seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=65536"]
        atheris.Setup([sys.argv[0], *limits, *options.more, *where], throw)
        atheris.Fuzz()


def write_seeds(folder: Path) -> None:
    """Write one small seed for each service and way of answering: which service, then question and answer."""
    folder.mkdir(exist_ok=True)
    for seed in seeds():
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def seeds() -> Iterator[bytes]:
    from tests.examples import load_examples
    from tests.fuzz.target import KINDS, pack

    started = datetime(2026, 11, 20, tzinfo=UTC)
    done = set()
    for case in load_examples():
        for exchange in case.exchanges:
            known = [number for number, kind in enumerate(KINDS) if kind[:3] == (case.service, *_way(exchange))]
            seed = pack(known[0], replace(exchange, started_at=started)) if known else b""
            if known and known[0] not in done and len(seed) <= LARGEST_SEED:
                done.add(known[0])
                yield seed


def _way(exchange: object) -> tuple[str, bool]:
    from addon.exchange import Exchange

    assert isinstance(exchange, Exchange)
    return exchange.path, bool(exchange.messages)


if __name__ == "__main__":
    main()
