"""Texts are counted offline, whatever is in them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tracker.tokens import count, error_of


def test_gpt_4_counts_are_exact() -> None:
    assert count("hello world", "gpt-4") == 2
    assert count("tiktoken is great!", "gpt-4-0613") == 6  # as OpenAI's cookbook prints it


def test_an_empty_text_has_no_tokens() -> None:
    assert count("", "claude-opus-5") == 0


def test_special_markers_are_ordinary_text() -> None:
    assert count("<|im_start|><|endoftext|>", "gpt-4") > 6


@pytest.mark.parametrize("text", ["a\ud800b", "\x00" * 50, "👩‍👩‍👧" * 9, "字" * 99])
def test_odd_text_is_counted(text: str) -> None:
    assert 0 < count(text, "gpt-5") < 1000


@pytest.mark.parametrize("unit", ["x", " ", "ab ", "line\n"])
def test_millions_of_characters_are_counted(unit: str) -> None:
    tokens = count(unit * (3_000_000 // len(unit)), "gpt-4o")
    assert 1000 < tokens <= 3_000_001


def test_cutting_a_long_text_changes_the_count_by_less_than_a_thousandth() -> None:
    line = "The quick brown fox jumps over the lazy dog, 42 times.\n"
    one = count(line * 1000, "gpt-4")
    assert count(line * 40_000, "gpt-4") == pytest.approx(one * 40, rel=0.001)


def test_families_differ_and_say_how_sure_they_are() -> None:
    text = "Et ord til om dagen, det er nok. " * 20
    assert count(text, "claude-opus-4-7") > count(text, "claude-sonnet-4-5") > count(text, "gpt-4o")
    assert error_of("gpt-4") < error_of("claude-opus-4-7") < error_of("nobody-knows-this")
    assert count(text, None, service="claude") == count(text, "claude-sonnet-5")
    assert count(text, "auto", service="chatgpt") == count(text, "gpt-5")


def test_the_tokenizer_is_loaded_only_when_it_is_needed() -> None:
    code = "import sys, tracker.tokens; tracker.tokens.error_of('gpt-5'); sys.exit('toktok' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
