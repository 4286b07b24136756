"""What the fuzzer begins with and what it kept: all that is true of any bytes is true of these, in every run."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.fuzz.__main__ import CORPUS, TARGETS

every_target = pytest.mark.parametrize("name", [name for name in TARGETS if name != "repeats"])
"""But the one that takes times, for which the suite has ``test_hostile_bytes``."""


def target(name: str) -> Any:
    return importlib.import_module(f"tests.fuzz.{name}")


@every_target
def test_what_the_fuzzer_kept_is_read_as_any_bytes_must_be(name: str) -> None:
    kept = sorted((CORPUS / name).iterdir())
    assert kept
    for path in kept:
        target(name).throw(path.read_bytes())


@every_target
def test_our_own_examples_are_read_as_any_bytes_must_be(name: str) -> None:
    seeds = list(target(name).seeds())
    assert len(seeds) > 30
    for seed in seeds:
        target(name).throw(seed)
