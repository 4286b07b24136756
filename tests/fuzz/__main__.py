"""
Throw bytes at what reads bytes, led by what they reach in our code: ``python -m tests.fuzz``.

It needs atheris, which is no dependency of ours: ``pip install --target /tmp/atheris atheris``, then
``PYTHONPATH=/tmp/atheris python -m tests.fuzz services framings --seconds 600``; without names all targets, one after
the other. It begins with our own examples and with ``tests/fuzz/corpus``, which ``tests/test_fuzz_corpus.py`` reads in
every run of the tests. What reaches something new is written to ``--found``; ``--keep`` then takes into the corpus what
of it reaches lines that neither the examples nor the corpus reach. Arguments after ``--`` go to libFuzzer. A finding is
written to ``crash-…`` in the current folder; ``python -m tests.fuzz services -- crash-…`` shows it again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
TARGETS = (
    "services", "framings", "codings", "questions", "patches", "names", "recordings", "repeats", "exports", "logs",
    "tables",
)  # fmt: skip
LARGEST_KEPT = 800


def main() -> None:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--found", type=Path, help="folder for what reaches something new")
    parser.add_argument("--keep", action="store_true", help="take the least of what was found into the corpus")
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, more = parser.parse_args(sys.argv[1:split]), sys.argv[split + 1 :]
    targets = options.targets or list(TARGETS)
    if unknown := set(targets) - set(TARGETS):
        parser.error(f"there is no target {min(unknown)!r}")
    found = options.found or Path(tempfile.mkdtemp(prefix="fuzz-"))
    if len(targets) == 1 and not options.keep:
        fuzz(targets[0], found / targets[0], options.seconds, more)
    for target in targets:
        print(f"{target}:", flush=True)
        if options.keep:
            keep(target, found / target)
        else:
            _run(target, "--seconds", str(options.seconds), "--found", str(found), "--", *more)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.fuzz", *arguments], check=True)


def fuzz(target: str, found: Path, seconds: int, more: list[str]) -> None:
    """Fuzz one target; does not return."""
    try:
        import atheris  # type: ignore[import-not-found, unused-ignore]  # by hand, where it was installed
    except ImportError:
        sys.exit("atheris is not here · pip install --target DIR atheris · then run with PYTHONPATH=DIR")
    with atheris.instrument_imports(include=["addon", "tracker"]):
        module: Any = importlib.import_module(f"tests.fuzz.{target}")
        seeds = list(module.seeds())
        for seed in seeds[::10]:
            module.throw(seed)  # our code imports much where it is first needed
    from tests.fuzz.changes import mutate

    arguments = more
    if all(one.startswith("-") for one in more):  # no files
        write(seeds, found)
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]
        arguments = [*limits, *more, str(found), str(CORPUS / target)]
    itself = f"{sys.executable} -m tests.fuzz {target} --"  # which libFuzzer starts again to merge
    atheris.Setup([itself, *arguments], module.throw, custom_mutator=mutate)
    atheris.Fuzz()


def keep(target: str, found: Path) -> None:
    """Take what was found into the corpus, as far as it reaches lines that nothing in it reaches."""
    seeds: list[bytes] = list(importlib.import_module(f"tests.fuzz.{target}").seeds())
    kept = CORPUS / target
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        known = write([*seeds, *(path.read_bytes() for path in kept.iterdir())], Path(folder))
        _run(target, "--", "-merge=1", "-use_counters=0", f"-max_len={LARGEST_KEPT}", folder, str(found))
        write([path.read_bytes() for path in Path(folder).iterdir() if path.name not in known], kept)


def write(contents: Iterable[bytes], folder: Path) -> set[str]:
    """Write each to a file of its own, named by its digest; return the names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {hashlib.sha256(content).hexdigest()[:16]: content for content in contents}
    for name, content in names.items():
        (folder / name).write_bytes(content)
    return set(names)


if __name__ == "__main__":
    main()
