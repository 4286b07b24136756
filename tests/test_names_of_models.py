"""Makers' model names are stored as they are; nobody's own words get into the database through one."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.naming import CUSTOM, keep_model

REAL = [
    "anthropic.claude-3-5-sonnet-20240620-v1:0", "us.amazon.nova-pro-v1:0", "accounts/fireworks/models/qwen3-235b-a22b",
    "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", "gpt-5-5-thinking", "claude-opus-4-7", "gemini-3.6-flash", "i-5-mini",
    "llama3.2:1b", "sonar-pro", "gpt-oss:20b", "auto", "gpt-5-t-mini", "o3", "o4-mini-deep-research", "models/gemini-2.5-pro",  # noqa: E501 - a name as it is
    "deepseek/deepseek-chat-v3-0324:free", "qwen2.5-coder:7b-instruct-q4_K_M", "text-embedding-3-small", "dall-e-3",
    "us.amazon.nova-micro-v1:0", "amazon.titan-image-generator-v2:0", "gemini-robotics-er-1.5-preview", "groq/compound",
    "qwen2.5vl:7b", "granite4:micro", "distil-whisper-large-v3-en", "text-bison@001",
    "kimi-k2-0905-preview", "grok-4-fast-reasoning", "mistral.mistral-large-2402-v1:0", "chatgpt-4o-latest", "whisper-1",  # noqa: E501 - a name as it is
]  # fmt: skip

CUT = {
    "ft:gpt-4o-mini-2024-07-18:acme:secret:abc": "gpt-4o-mini-2024-07-18",
    "gpt-4o-janes-secret-bot": "gpt-4o",
    "jane-gpt-4o": "gpt-4o",
    "janes-company/Qwen3-8B": "Qwen3-8B",
    "projects/secret/locations/europe/publishers/google/models/gemini-2.5-pro": "publishers/google/models/gemini-2.5-pro",  # noqa: E501 - a name as it is
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/anthropic.claude-3-haiku-20240307-v1:0": (
        "anthropic.claude-3-haiku-20240307-v1:0"
    ),
    "davinci:ft-acme-2023-01": "davinci",
    "gpt-4o-0612345678": "gpt-4o",
    "GPT for Jane": "GPT",
    "gpt-06-12-34-56-78": "gpt-06-12-34",
    "my-bot": CUSTOM,
    "foo-9": CUSTOM,
    "my-nova": CUSTOM,
    "0612345678": CUSTOM,
    "Jane": CUSTOM,
    "кот": CUSTOM,
}


def registry() -> list[str]:
    listing = json.loads((files("ecologits") / "data" / "models.json").read_text("utf-8"))
    return sorted({entry.get("alias") or entry["name"] for entry in [*listing["models"], *listing["aliases"]]})


@pytest.mark.parametrize("name", REAL)
def test_a_makers_name_is_kept_as_it_is(name: str) -> None:
    assert keep_model(name) == name


def test_every_name_that_ecologits_knows_is_kept_as_it_is() -> None:
    assert len(registry()) > 300
    assert [name for name in registry() if keep_model(name) != name] == []


@pytest.mark.parametrize("name", CUT)
def test_words_that_a_person_put_into_a_name_are_cut_off(name: str) -> None:
    assert keep_model(name) == CUT[name]


@pytest.mark.parametrize("nothing", [None, "", "  ", 7, [], {"model": "gpt-4o"}])
def test_no_name_stays_no_name(nothing: object) -> None:
    assert keep_model(nothing) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120), st.sampled_from(["", "gpt-4o-", "claude-3-5-sonnet:", "a/b/"]), st.text(max_size=40))
def test_a_canary_never_gets_through(before: str, middle: str, after: str) -> None:
    kept = keep_model(f"{before}{middle}kanarifugl{after}")
    assert kept is not None
    assert "kanarifugl" not in kept.lower()
    assert len(kept) <= 80
    assert keep_model(kept) == kept
