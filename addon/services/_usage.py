"""
What each family's usage numbers mean, brought to the OpenTelemetry meaning: input includes cached, output includes
reasoning, cached counts cache reads only. One function a family; each takes the usage object as it was on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from addon.service import Usage
from addon.services._page import pick
from tracker.record import count_or_none

Read = Callable[[Any], Usage | None]


def number(value: Any, *path: str) -> int | None:
    """Return the trustworthy count at the path, or None."""
    return count_or_none(pick(value, *path))


def first(*numbers: int | None) -> int | None:
    """Return the first that is known."""
    for number in numbers:
        if number is not None:
            return number
    return None


def add(*numbers: int | None) -> int | None:
    """Add what is known; None if the first, on which the others stand, is not."""
    return None if numbers[0] is None else sum([number or 0 for number in numbers])


def read_openai_chat(usage: Any) -> Usage | None:
    """Chat completions, and everybody who imitates them: reasoning and cached are inside the two numbers."""
    if not isinstance(usage, dict):
        return None
    reasoning = first(number(usage, "completion_tokens_details", "reasoning_tokens"), number(usage, "reasoning_tokens"))
    return Usage(
        input=first(number(usage, "prompt_tokens"), number(usage, "input_tokens")),
        output=first(number(usage, "completion_tokens"), number(usage, "output_tokens")),
        cached=first(
            number(usage, "prompt_tokens_details", "cached_tokens"),
            number(usage, "num_cached_tokens"),
            number(usage, "prompt_cache_hit_tokens"),
            number(usage, "cached_tokens"),
        ),
        reasoning=reasoning,
    )


def read_openrouter(usage: Any) -> Usage | None:
    """As chat completions; once a row had more reasoning than completion, and then the larger number is right."""
    read = read_openai_chat(usage)
    if read is None or read.output is None or read.reasoning is None or read.reasoning <= read.output:
        return read
    return Usage(input=read.input, output=read.reasoning, cached=read.cached, reasoning=read.reasoning)


def read_perplexity(usage: Any) -> Usage | None:
    """As chat completions; deep research reports reasoning and the citations it read beside the two numbers."""
    read = read_openai_chat(usage)
    if read is None:
        return None
    return Usage(
        input=add(read.input, number(usage, "citation_tokens")),
        output=add(read.output, number(usage, "reasoning_tokens")),
        cached=read.cached,
        reasoning=read.reasoning,
    )


def read_timings(timings: Any) -> Usage | None:
    """llama.cpp's own timings, for streams that were not asked to include usage: the cached part is not evaluated."""
    evaluated, cached = number(timings, "prompt_n"), number(timings, "cache_n")
    read = Usage(input=add(evaluated, cached), output=number(timings, "predicted_n"), cached=cached)
    return None if read.output is None else read


def read_xai(usage: Any) -> Usage | None:
    """Chat completions whose completion leaves reasoning out, if the total says so."""
    return _with_rest_of_total(read_openai_chat(usage), usage)


def read_gemini_as_openai(usage: Any) -> Usage | None:
    """Gemini's OpenAI endpoint hides thoughts in the total only."""
    read = read_openai_chat(usage)
    total = number(usage, "total_tokens")
    if read is None or total is None or read.input is None or read.output is None or total < read.input + read.output:
        return read
    output = total - read.input
    return Usage(
        input=read.input, output=output, cached=read.cached, reasoning=first(read.reasoning, output - read.output)
    )


def read_openai_responses(usage: Any) -> Usage | None:
    """Responses: reasoning and cached are inside the two numbers."""
    if not isinstance(usage, dict):
        return None
    return Usage(
        input=number(usage, "input_tokens"),
        output=number(usage, "output_tokens"),
        cached=number(usage, "input_tokens_details", "cached_tokens"),
        reasoning=number(usage, "output_tokens_details", "reasoning_tokens"),
    )


def read_xai_responses(usage: Any) -> Usage | None:
    """Responses of xAI: checked against the total, as for its chat."""
    return _with_rest_of_total(read_openai_responses(usage), usage)


def _with_rest_of_total(read: Usage | None, usage: Any) -> Usage | None:
    """Return the usage with all of the total that is not input as output."""
    total = number(usage, "total_tokens")
    if read is None or total is None or read.input is None or read.output is None or total <= read.input + read.output:
        return read
    return Usage(input=read.input, output=total - read.input, cached=read.cached, reasoning=read.reasoning)


def read_realtime(usage: Any) -> Usage | None:
    """Realtime: as responses, with the details under names of their own."""
    if not isinstance(usage, dict) or not usage:
        return None
    return Usage(
        input=number(usage, "input_tokens"),
        output=number(usage, "output_tokens"),
        cached=number(usage, "input_token_details", "cached_tokens"),
        reasoning=number(usage, "output_token_details", "reasoning_tokens"),
    )


def read_anthropic(usage: Any) -> Usage | None:
    """Anthropic: input leaves cache reads and writes out, output includes thinking; no word of a cache means none."""
    if not isinstance(usage, dict):
        return None
    fresh, cached = count_or_none(usage.get("input_tokens")), count_or_none(usage.get("cache_read_input_tokens"))
    written = count_or_none(usage.get("cache_creation_input_tokens"))
    if written is None and isinstance(kinds := usage.get("cache_creation"), dict):
        written = add(0, *(number(kinds, kind) for kind in kinds))
    details = usage.get("output_tokens_details")
    return Usage(
        input=None if fresh is None else fresh + (cached or 0) + (written or 0),
        output=count_or_none(usage.get("output_tokens")),
        cached=0 if cached is None and fresh is not None else cached,
        reasoning=None if details is None else number(details, "thinking_tokens"),
    )


def read_gemini(usage: Any) -> Usage | None:
    """Gemini: tool prompts come on top of the prompt, thoughts on top of the candidates."""
    if not isinstance(usage, dict):
        return None
    prompt, thoughts = number(usage, "promptTokenCount"), number(usage, "thoughtsTokenCount")
    candidates = first(number(usage, "candidatesTokenCount"), number(usage, "responseTokenCount"))
    output = add(candidates, thoughts)
    if output is None and thoughts is not None:
        output = thoughts
    return Usage(
        input=add(prompt, number(usage, "toolUsePromptTokenCount")),
        output=output,
        cached=number(usage, "cachedContentTokenCount"),
        reasoning=thoughts,
    )


def read_interactions(usage: Any) -> Usage | None:
    """Google's Interactions API."""
    if not isinstance(usage, dict):
        return None
    return Usage(
        input=add(number(usage, "total_input_tokens"), number(usage, "total_tool_use_tokens")),
        output=add(number(usage, "total_output_tokens"), number(usage, "total_thought_tokens")),
        cached=number(usage, "total_cached_tokens"),
        reasoning=number(usage, "total_thought_tokens"),
    )


def read_bedrock_converse(usage: Any) -> Usage | None:
    """Bedrock converse, and Nova's own body: input leaves cache reads and writes out."""
    if not isinstance(usage, dict):
        return None
    cached = first(number(usage, "cacheReadInputTokens"), number(usage, "cacheReadInputTokenCount"))
    written = first(number(usage, "cacheWriteInputTokens"), number(usage, "cacheWriteInputTokenCount"))
    return Usage(
        input=add(number(usage, "inputTokens"), cached, written), output=number(usage, "outputTokens"), cached=cached
    )


def read_bedrock_metrics(metrics: Any) -> Usage | None:
    """Bedrock's invocation metrics at the end of a stream."""
    if not isinstance(metrics, dict):
        return None
    return Usage(
        input=add(
            number(metrics, "inputTokenCount"),
            number(metrics, "cacheReadInputTokenCount"),
            number(metrics, "cacheWriteInputTokenCount"),
        ),
        output=number(metrics, "outputTokenCount"),
        cached=number(metrics, "cacheReadInputTokenCount"),
    )


def read_cohere(usage: Any) -> Usage | None:
    """Cohere: billed units (what OpenTelemetry asks for), else tokens."""
    if not isinstance(usage, dict):
        return None
    return Usage(
        input=first(number(usage, "billed_units", "input_tokens"), number(usage, "tokens", "input_tokens")),
        output=first(number(usage, "billed_units", "output_tokens"), number(usage, "tokens", "output_tokens")),
        cached=number(usage, "cached_tokens"),
    )


def read_ollama(last: Any) -> Usage | None:
    """Ollama's last line; the prompt's count is absent when it was cached."""
    read = Usage(input=number(last, "prompt_eval_count"), output=number(last, "eval_count"))
    return None if read == Usage() else read


def read_lm_studio(stats: Any) -> Usage | None:
    """LM Studio's own chat: output includes reasoning."""
    read = Usage(
        input=number(stats, "input_tokens"),
        output=number(stats, "total_output_tokens"),
        reasoning=number(stats, "reasoning_output_tokens"),
    )
    return None if read == Usage() else read
