"""
Throw bytes at what reads bytes, led by what they reach in our code: ``python -m tests.fuzz``.

It needs atheris, which is no dependency of ours: ``pip install --target /tmp/atheris atheris``, then
``PYTHONPATH=/tmp/atheris python -m tests.fuzz services framings --seconds 600``; without names all targets, one after
the other. It begins with our own examples and with ``tests/fuzz/corpus``, which ``tests/test_fuzz_corpus.py`` reads in
every run of the tests. What reaches something new is written to ``--found``; ``--keep`` then takes the least of it that
reaches all into the corpus. Arguments after ``--`` go to libFuzzer. A finding is written to ``crash-…`` in the current
folder; ``python -m tests.fuzz services -- crash-…`` shows it again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
TARGETS = ("services", "framings", "codings", "questions", "patches", "names", "recordings", "repeats")
LARGEST_KEPT = 1500


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
    if len(targets) == 1:
        fuzz(targets[0], found / targets[0], options.seconds, more, keep=options.keep)
    told = ["--seconds", str(options.seconds), "--found", str(found), *["--keep"] * options.keep]
    for target in targets:
        print(f"{target}:", flush=True)
        subprocess.run([sys.executable, "-m", "tests.fuzz", target, *told, "--", *more], check=True)


def fuzz(target: str, found: Path, seconds: int, more: list[str], *, keep: bool) -> None:
    """Fuzz one target; does not return."""
    try:
        import atheris  # type: ignore[import-not-found, unused-ignore]  # by hand, where it was installed
    except ImportError:
        sys.exit("atheris is not here · pip install --target DIR atheris · then run with PYTHONPATH=DIR")
    with atheris.instrument_imports(include=["addon", "tracker"]):
        module: Any = importlib.import_module(f"tests.fuzz.{target}")
        seeds = list(module.seeds())
        for seed in seeds:
            module.throw(seed)  # our code imports much where it is first needed
    from tests.fuzz.changes import mutate

    found.mkdir(parents=True, exist_ok=True)
    kept = CORPUS / target
    kept.mkdir(parents=True, exist_ok=True)
    if keep:
        arguments = ["-merge=1", f"-max_len={LARGEST_KEPT}", str(kept), str(found)]
    else:
        for seed in seeds:
            (found / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]
        arguments = more if any(not one.startswith("-") for one in more) else [*limits, *more, str(found), str(kept)]
    atheris.Setup([sys.argv[0], *arguments], module.throw, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
