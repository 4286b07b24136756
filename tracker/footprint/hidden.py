"""Estimates of what the wire hides: reasoning, re-sent history, system prompts, files, search pages, hidden steps."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tracker.footprint.factors import Factor
from tracker.footprint.methods import Question
from tracker.footprint.recipe import Load
from tracker.footprint.uncertainty import Spread
from tracker.record import Activity

Z90 = 1.6448536269514722
"""Standard normal deviate of the 95 % point: a 90 % range is exp(Z90 · sigma) either way."""

WHOLE_PROMPT_SERVICES = frozenset({
    "duck-ai", "duck-ai-on-duckduckgo", "z-ai", "grok-on-x", "cursor", "copilot-ide", "code-assist", "codex",
    "azure-openai", "bedrock", "vertex-ai", "openrouter", "huggingface-router", "github-models", "elevenlabs",
})  # fmt: skip
"""Services whose request carries all that the model reads: nothing re-sent behind the wire, no prompt in front."""

EFFORTS = {
    "none": None, "off": None, "disabled": None, "non-thinking": None,
    "minimal": "low", "min": "low", "low": "low", "light": "low", "fast": "low", "instant": "low", "quick": "low",
    "medium": "medium", "thinking": "medium", "reasoning": "medium", "expert": "medium",
    "high": "high", "extended": "high", "expanded": "high", "max": "high", "xhigh": "high", "heavy": "high",
}  # fmt: skip
"""Effort in the service's word → class of the prior; None is no reasoning. Other words (auto, standard) are silent."""

UNANSWERED = frozenset({"error", "refused", "limited"})
"""Outcomes after which nobody knows that the model thought or went on by itself: no prior stands for that."""

NO_PROMISE = frozenset({"minimal", "min", "fast", "instant", "quick"})
"""Words that do not by themselves say that there was any reasoning."""


def whole_prompt(activity: Activity) -> bool:
    """Whether the input tokens of this activity are all that the model read."""
    return (
        activity.input_tokens_source == "reported"
        or activity.service.endswith("-api")
        or activity.service in WHOLE_PROMPT_SERVICES
    )


def hidden_loads(activity: Activity, question: Question, extensions: frozenset[str]) -> Iterator[Load]:
    """Yield the loads that the wire does not show, each marked estimated, each switchable by its extension's name."""
    features = set(activity.features)
    used = {feature for feature, _ in features}
    if "hidden_reasoning" in extensions:
        yield from _reasoning(activity, question, used)
    if activity.operation not in ("chat", "search", "text_completion") or whole_prompt(activity):
        return
    if "history" in extensions:
        share = question.factor("history_cached_share")
        yield _read(question, "history", "earlier_tokens", "history", (1 - share, share))
    if "system_prompt" in extensions and activity.operation == "chat":
        tokens = question.factor("system_prompt_tokens")
        share = question.factor("system_prompt_cached_share")
        split = tokens * (1 - share), tokens * share
        yield _read(question, "system_prompt", "requests", "system_prompt_tokens", split)
    if "files" in extensions and activity.attachments:
        key = "image_tokens" if "image_input" in used and "file_input" not in used else "file_tokens"
        yield _read(question, "files", "attachments", key, (question.factor(key), 0))
    if "search_pages" in extensions:
        pages = "search_pages_tokens"
        yield _read(question, "search", "searches", pages, (question.factor(pages), 0))
    steps = activity.output_tokens_source != "reported" and activity.outcome not in UNANSWERED
    if "hidden_steps" in extensions and steps:
        yield from _steps(question, features)


def spread_of(factor: Factor) -> Spread:
    """Return a factor's 90 % range as a shared log-normal uncertainty."""
    if factor.low <= 0 or factor.high <= factor.low:
        return factor.key, 0.0
    return factor.key, math.log(factor.high / factor.low) / (2 * Z90)


def _reasoning(activity: Activity, question: Question, used: set[str]) -> Iterator[Load]:
    """Reasoning that was neither reported nor shown whole: timed where timed, else by the effort's class."""
    if activity.reasoning_tokens_source != "unknown" or activity.output_tokens_source == "reported":
        return
    timed = question.factors.get("reasoning_timed", question.day)
    if activity.thinking_known:
        yield Load(
            component="hidden_reasoning", quantity="thinking_seconds", output=question.model.speed * timed.value,
            spreads=(spread_of(timed),), estimated=True, factor=timed.key, tier=4,
        )  # fmt: skip
    effort = (activity.effort or "").strip().lower().replace("_", "-")
    asked = "reasoning" in used or question.model.always_reasons or (effort in EFFORTS and effort not in NO_PROMISE)
    effort_class = EFFORTS.get(effort, "medium")
    if not asked or effort_class is None or activity.outcome in UNANSWERED:
        return
    prior = question.factors.get(f"reasoning_{effort_class}", question.day)
    yield Load(
        component="hidden_reasoning", quantity="untimed_thinking", output=prior.value, spreads=(spread_of(prior),),
        estimated=True, factor=prior.key, tier=4,
    )  # fmt: skip


def _read(question: Question, component: str, quantity: str, key: str, tokens: tuple[float, float]) -> Load:
    """Input of so many (new, cached) tokens per unit of the quantity, as uncertain as the factor ``key``."""
    return Load(
        component=component, quantity=quantity, new_input=tokens[0], cached=tokens[1],
        spreads=(spread_of(question.factors.get(key, question.day)),), estimated=True, factor=key, tier=4,
    )  # fmt: skip


def _steps(question: Question, features: set[tuple[str, str]]) -> Iterator[Load]:
    """Model calls of a research run or an agent that happen on the site's side."""
    used = {feature for feature, state in features if state == "used"}
    if any(feature == "deep_research" for feature, _ in features):
        kind = "research"
    elif used & {"agent", "subagent"}:
        kind = "agent"
    else:
        return
    share = question.factor("steps_cached_share")
    output = question.factors.get(f"{kind}_output", question.day)
    tokens = question.factor(f"{kind}_input")
    yield Load(
        component="hidden_steps", quantity="requests", output=output.value, new_input=tokens * (1 - share),
        cached=tokens * share, spreads=(spread_of(output),), estimated=True, factor=output.key, tier=4,
    )  # fmt: skip
