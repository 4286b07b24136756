"""How many tokens an answer took: what the wire reports, else what its text counts to. No text leaves this file."""

from __future__ import annotations

from typing import NamedTuple

from addon.turn import Role, Turn, Usage
from tracker.record import TokenSource, count_or_none


class Count(NamedTuple):
    """One number of tokens and where it comes from."""

    tokens: int | None
    source: TokenSource


UNKNOWN = Count(None, "unknown")
_NOTHING = Usage()


class Tokens(NamedTuple):
    """The tokens of one answer: output includes reasoning, input includes cached."""

    input: Count
    output: Count
    reasoning: Count
    cached: int | None


def count_tokens(turn: Turn, model: str | None) -> Tokens:
    """
    Return the turn's tokens: as the wire reports them, else as the service counted them, else counted from the text
    with the model's tokenizer. Of an answer that was cut off for its size, the text counts nothing.
    """
    reported, counted = _trusted(turn.usage), _trusted(turn.counted)
    prompt = _known(reported.input, counted.input)
    answer = _known(reported.output, counted.output)
    reasoning = _known(reported.reasoning, counted.reasoning)
    whole = not turn.exchange.truncated
    if prompt is UNKNOWN and turn.has_text("prompt"):
        prompt = Count(_count_text(turn, model, "prompt") + turn.prompt_overhead, "counted")
    if reasoning is UNKNOWN and whole and turn.reasoning_is_whole and turn.has_text("reasoning"):
        reasoning = Count(_count_text(turn, model, "reasoning"), "counted")
    if answer is UNKNOWN and whole and (turn.has_text("answer") or turn.has_text("tool_call")):
        thought = (reasoning.tokens or 0) if reasoning.source == "counted" else 0
        answer = Count(_count_text(turn, model, "answer", "tool_call") + thought, "counted")
    if answer.tokens is not None and reasoning.tokens is not None and reasoning.tokens > answer.tokens:
        reasoning = UNKNOWN
    return Tokens(prompt, answer, reasoning, reported.cached)


def _known(reported: int | None, counted: int | None) -> Count:
    if reported is not None:
        return Count(reported, "reported")
    return UNKNOWN if counted is None else Count(counted, "counted")


def _count_text(turn: Turn, model: str | None, *roles: Role) -> int:
    from tracker.tokens import count

    texts = [turn.text(role) for role in roles if turn.has_text(role)]
    return sum(count(text, model, service=turn.service.name) for text in texts)


def _trusted(usage: Usage | None) -> Usage:
    """Return the counts without the impossible ones."""
    if usage is None:
        return _NOTHING
    taken, cached = count_or_none(usage.input), count_or_none(usage.cached)
    if cached is not None and taken is not None and cached > taken:
        cached = None
    return Usage(
        input=taken, output=count_or_none(usage.output), cached=cached, reasoning=count_or_none(usage.reasoning)
    )
