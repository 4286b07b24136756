"""From the names that sites show to parameters: never nothing, never zero, always labelled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.footprint_tables import DAY, sample
from tracker.footprint import assess
from tracker.footprint.model_names import plain, size_in, undated
from tracker.footprint.models import resolve_model


@pytest.mark.parametrize(
    ("service", "name", "key", "source"),
    [
        ("openai-api", "gpt-4o", "gpt-4o", "registry"),
        ("openai-api", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "registry"),
        ("openai-api", "gpt-4.1-nano-2025-04-14", "gpt-4.1-nano-2025-04-14", "registry"),
        ("azure", "gpt-35-turbo", "gpt-35-turbo", "registry"),
        ("chatgpt", "gpt-5-5-thinking", "gpt-5.5", "registry"),
        ("chatgpt", "gpt-5-5", "gpt-5.5", "registry"),
        ("chatgpt", "gpt-5-thinking", "gpt-5", "registry"),
        ("chatgpt", "gpt-5-instant", "gpt-5", "registry"),
        ("chatgpt", "gpt-5-4-mini", "gpt-5.4-mini", "registry"),
        ("chatgpt", "gpt-4-1-mini", "gpt-4.1-mini", "registry"),
        ("chatgpt", "gpt-5-t-mini", "gpt-5-mini", "registry"),
        ("chatgpt", "gpt-6-thinking", "gpt-6.1-sol", "sibling"),
        ("chatgpt", "auto", "gpt-5.5", "sibling"),
        ("chatgpt", None, "gpt-5.5", "sibling"),
        ("chatgpt", "o3", "o1", "sibling"),
        ("chatgpt", "gpt-4-5", "gpt-5-pro", "sibling"),
        ("openai-api", "gpt-4.5-preview", "gpt-5-pro", "sibling"),
        ("claude", "claude-sonnet-5-5", "claude-sonnet-5-5", "registry"),
        ("claude", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001", "registry"),
        ("anthropic-api", "claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20240620", "frozen"),
        ("anthropic-api", "claude-3-7-sonnet-20250219", "claude-3-7-sonnet-20250219", "frozen"),
        ("anthropic-api", "claude-3-opus-20240229", "claude-3-opus-20240229", "frozen"),
        ("bedrock", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", "claude-3-5-sonnet-20240620", "frozen"),
        ("claude", "claude-opus-9", "claude-opus-5-5", "sibling"),
        ("gemini", "3.6 Flash", "gemini-3.6-flash", "registry"),
        ("gemini", "gemini-3.6-flash", "gemini-3.6-flash", "registry"),
        ("gemini", "2.5 Pro", "gemini-2.5-pro", "registry"),
        ("gemini-api", "gemini-2.0-flash", "gemini-2.0-flash", "frozen"),
        ("gemini-api", "models/gemini-2.5-flash-lite", "gemini-2.5-flash-lite", "registry"),
        ("perplexity", "sonar", "llama3.3", "sibling"),
        ("perplexity", "pplx_pro", "llama3.3", "sibling"),
        ("perplexity", "turbo", "llama3.3", "sibling"),
        ("copilot", None, "gpt-5", "sibling"),
        ("copilot", "smart", "gpt-5", "sibling"),
        ("m365-copilot", "Claude_Sonnet", None, "sibling"),
        ("deepseek", None, "deepseek-v3", "sibling"),
        ("gemini", "gemini-flash", "gemini-3.6-flash", "sibling"),
        ("gemini-api", "gemini-3.1-pro", "gemini-3.1-pro-preview", "registry"),
        ("poe", "Claude-Sonnet-4.5", "claude-sonnet-4-5", "registry"),
        ("bedrock", "amazon.nova-pro-v1:0", "gpt-4o", "sibling"),
        ("together-api", "deepseek-ai/DeepSeek-V3.2", "deepseek-v3.2", "frozen"),
        ("deepseek-api", "deepseek-chat", "deepseek-chat", "frozen"),
        ("deepseek", "deepseek-web/default+think", "deepseek-v3", "sibling"),
        ("grok", "grok-4", "gemini-2.5-pro", "sibling"),
        ("grok", "grok-3-mini", "gpt-5-mini", "sibling"),
        ("openai-api", "gpt-image-1", "gpt-4o", "sibling"),
        ("openai-api", "text-embedding-3-small", "nomic-embed-text", "sibling"),
        ("le-chat", None, "mistral-medium-2604", "sibling"),
        ("mistral-api", "mistral-tiny", "mistral-tiny", "frozen"),
        ("ollama", "llama3", "llama3", "frozen"),
        ("ollama", "gemma3:1b", "1B", "sibling"),
        ("groq", "llama3-8b-8192", "8B", "sibling"),
        ("openrouter", "qwen/qwen3-30b-a3b", "30B", "sibling"),
        ("openai-api", "custom", "gpt-5.5", "class"),
        ("nowhere", "foo-9", "class middle", "class"),
        ("nowhere", "foo-mini", "class small", "class"),
        ("nowhere", None, "class middle", "class"),
    ],
)
def test_names_that_sites_show_become_parameters(service, name, key, source):
    provider = "openai" if service == "openai-api" else None
    model = resolve_model(service, provider, name, DAY)
    assert model.name == name
    assert model.source == source
    if key:
        assert model.key == key


def test_a_thinking_name_keeps_its_parameters_and_is_known_to_think():
    plain_model, thinking = (resolve_model("chatgpt", "openai", name, DAY) for name in ("gpt-5-5", "gpt-5-5-thinking"))
    assert plain_model.active == thinking.active
    assert thinking.always_reasons
    assert not plain_model.always_reasons
    assert resolve_model("deepseek", "deepseek", "deepseek-r1", DAY).always_reasons


def test_the_model_of_a_mode_is_the_model_of_its_day():
    days = {"2023-06-01": "gpt-3.5-turbo", "2024-06-01": "gpt-4o", "2025-09-01": "gpt-5", "2026-11-01": "gpt-5.5"}
    for day, key in days.items():
        assert resolve_model("chatgpt", "openai", "auto", day).key == key


def test_retired_models_keep_the_parameters_they_had():
    model = resolve_model("anthropic-api", "anthropic", "claude-opus-4-1", DAY)
    assert model.source == "frozen"
    assert (model.total, model.active) == ((2000, 2000), (200, 600))  # EcoLogits 0.10.2, the last that had it


def test_a_size_in_the_name_is_read():
    assert size_in("llama-3.3-70b-versatile") == (70, 70)
    assert size_in("qwen3-30b-a3b") == (30, 3)
    assert size_in("mixtral-8x7b") == pytest.approx((46.7, 14), rel=0.01)
    assert size_in("gpt-4o") is None
    assert size_in("model-0b") is None
    assert plain("us.anthropic.claude-3-haiku-20240307-v1:0") == "claude-3-haiku-20240307"
    assert undated("claude-3-haiku-20240307") == "claude-3-haiku"


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["chatgpt", "claude", "copilot", "ollama", "perplexity", "grok", "x", ""]),
    st.one_of(st.none(), st.text(max_size=80), st.from_regex(r"[A-Za-z0-9._:/@-]{1,80}", fullmatch=True)),
)
def test_any_name_at_all_has_parameters(service, name):
    model = resolve_model(service, None, name, DAY)
    assert 0 < model.active[0] <= model.active[1]
    assert 0 < model.total[0] <= model.total[1]
    assert model.speed > 0


def test_c12_an_unknown_model_is_never_zero_and_is_listed():
    assessment = assess([sample(model="foo-9", output_tokens=400), sample(output_tokens=400)])
    assert assessment.energy_wh(0) > 0
    impacts = assessment.impacts([0])
    assert impacts.ghg_g.mid > 0
    assert impacts.water_ml.mid > 0
    (row,) = assessment.unknown_models()
    assert row["model"] == "foo-9"
    assert row["source"] == "class"
    assert row["gsd"] == 4
    assert row["requests"] == 1
    assert 0 < row["share"] < 1
    assert assess([sample(model="foo-9", output_tokens=400)]).tiers()["4"] == pytest.approx(1)
    assert assessment.recipes[0].model.tier == 4
