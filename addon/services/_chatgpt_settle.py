"""What a whole ChatGPT answer comes to: text, model, features, times."""

from __future__ import annotations

from typing import Any

from addon.patching import Document
from addon.service import Turn
from addon.services._chatgpt import Answer
from addon.services._chatgpt_message import (
    CITATION,
    find_pictures,
    keep_slug,
    keep_word,
    name_tool,
    read_ms,
    read_recap_ms,
    read_texts,
    read_thoughts,
)
from addon.services._ending import name_ending
from addon.services._page import once

READ_KINDS = ("text", "multimodal_text", "code")
"""The kinds of content whose text is known to be where we look for it."""
SHOWING = ("web_search", "code", "agent")
"""What shows pictures that no model made: a page, a plot, a screen."""


def settle(turn: Turn, answer: Answer) -> None:
    """Write what the messages say into the turn: text, model, features, times."""
    pictures: dict[str, int | None] = {}
    searched, thought_ms = 0, 0
    resolved = slug = None
    for identity, document in answer.messages.items():
        metadata = document.get("message", "metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        role = document.get("message", "author", "role")
        if role == "tool":
            _settle_tool(answer, turn, document, metadata, pictures)
        if role != "assistant":
            continue
        slug = keep_slug(metadata.get("model_slug")) or slug
        resolved = keep_slug(metadata.get("resolved_model_slug")) or resolved
        turn.effort = keep_word(metadata.get("thinking_effort")) or turn.effort
        if metadata.get("is_visually_hidden_from_conversation") is True:
            continue
        searched += _settle_message(answer, turn, identity, document, metadata)
        thought_ms += read_ms(metadata.get("finished_duration_sec")) or read_recap_ms(document)
        pictures |= dict(find_pictures(document.get("message", "content", "parts")))
        _settle_ending(answer, turn, metadata)
    turn.response_model = resolved or keep_slug(answer.facts.get("model_slug")) or slug or turn.response_model
    _settle_metadata(answer, turn, searched)
    turn.thinking_ms = read_ms(answer.facts.get("finished_duration_sec")) or thought_ms or _time_thinking(answer)
    if pictures:
        answer.image_is_due = False
        turn.media_count = len(pictures)
        turn.used("image_output", len(pictures))
        sizes = [pixels for pixels in pictures.values() if pixels]
        turn.media_pixels = sum(sizes) // len(sizes) if sizes else None
    elif answer.image_is_due:
        turn.used("image_output", None)


def _settle_message(answer: Answer, turn: Turn, identity: str, document: Document, metadata: dict[str, Any]) -> int:
    """Count one message of the model's; return how often it searched."""
    kind = document.get("message", "content", "content_type")
    recipient = document.get("message", "recipient")
    match kind:
        case "thoughts":
            turn.used("reasoning")
            turn.reason("\n".join(read_thoughts(document)), part=identity, replace=True)
            return 0
        case "reasoning_recap":
            once(turn, "reasoning")
            return 0
        case "model_editable_context":
            return 0
        case "system_error":
            turn.outcome = name_ending(document.get("message", "content", "name"), None)
            return 0
    text = CITATION.sub("", "\n".join(read_texts(document)))
    if not text and isinstance(kind, str) and kind not in READ_KINDS:
        turn.wonder(kind)
    if recipient in (None, "all"):
        turn.answer(text, part=identity, replace=True)
        return 1 if metadata.get("search_result_groups") else 0
    turn.call_tool(text, part=identity, replace=True)
    feature = name_tool(recipient)
    if feature == "web_search":
        return 1
    if feature == "image_output":
        answer.image_is_due = True
    elif feature == "deep_research":
        once(turn, feature)
    else:
        turn.used(feature)
    return 0


def _settle_tool(
    answer: Answer, turn: Turn, document: Document, metadata: dict[str, Any], pictures: dict[str, int | None]
) -> None:
    name = document.get("message", "author", "name")
    if name_tool(name) not in SHOWING:
        pictures |= dict(find_pictures(document.get("message", "content", "parts")))
    if metadata.get("image_gen_task_id") or metadata.get("image_gen_async"):
        answer.image_is_due = True
    if metadata.get("is_async_task_result_message") or (isinstance(name, str) and name.startswith("research_kickoff")):
        once(turn, "deep_research")


def _settle_ending(answer: Answer, turn: Turn, metadata: dict[str, Any]) -> None:
    match metadata.get("finish_details"):
        case {"type": "max_tokens"}:
            answer.stopped_short = True
        case {"type": "interrupted"}:
            turn.outcome = turn.outcome or "aborted"
        case {"type": "content_filter"}:
            turn.outcome = "refused"
        case {"type": "stop"}:
            answer.stopped_short = False


def _settle_metadata(answer: Answer, turn: Turn, searched: int) -> None:
    facts = answer.facts
    told = facts.get("search_tool_call_count")
    if isinstance(told, int) and not isinstance(told, bool) and 0 < told < 10_000:
        searched = told
    if searched or facts.get("turn_use_case") == "search":
        turn.used("web_search", searched or 1)
    if facts.get("did_auto_switch_to_reasoning") is True:
        once(turn, "reasoning")
    if facts.get("turn_use_case") == "image gen" and answer.messages:
        answer.image_is_due = True
    if turn.response_model and "research" in turn.response_model:
        once(turn, "deep_research")


def _time_thinking(answer: Answer) -> int | None:
    """Return the time from the first thought to the message after the last one, by the server's clock or ours."""
    begun = ended = None
    for document in answer.messages.values():
        at_s = document.get("message", "create_time")
        if document.get("message", "author", "role") != "assistant" or not isinstance(at_s, int | float):
            continue
        if document.get("message", "content", "content_type") == "thoughts":
            begun, ended = at_s if begun is None else begun, None
        elif begun is not None and ended is None:
            ended = at_s
    if begun is not None and ended is not None and 0 < ended - begun < 86_400:
        return round((ended - begun) * 1000)
    return answer.thinking_shown[1] - answer.thinking_shown[0] or None if answer.thinking_shown else None
