"""What Grok's two JSON dialects have in common: deltas with a tag, a full copy at the end, media cards."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from addon.framing import parse_or_none
from addon.service import Turn
from addon.services._ending import name_ending
from addon.services._page import identity_at, list_at, once, pick, pixels, size_at, text_at
from tracker.record import Operation

_HEADINGS = ("header", "summary")
_RICH = frozenset({
    "toolUsageCard", "webSearchResults", "xSearchResults", "modelResponse", "finalMetadata",
    "streamingImageGenerationResponse", "streamingVideoGenerationResponse", "cardAttachment", "cardAttachments",
})  # fmt: skip
_TOOL = re.compile(r"<xai:tool_name>\s*(?:<!\[CDATA\[\s*)?(\w{1,40})")
"""Older answers tell of a tool in the text of its step."""


def read_result(turn: Turn, result: dict[str, Any], at_ms: int | None) -> None:
    """Read one line's content: a delta, a card, or the final copy."""
    if "token" in result or "message" in result:
        text, tag = result.get("token", result.get("message")), result.get("messageTag")
        if tag == "tool_usage_card":
            if "toolUsageCard" not in result and (named := _TOOL.search(text if isinstance(text, str) else "")):
                turn.used(card_feature({named[1]: None}))
                turn.state.setdefault("cards", set()).add(f"step {len(turn.state['cards'])}")
        elif result.get("isThinking") is True or tag in _HEADINGS:
            turn.reason(text, at_ms)
            once(turn, "reasoning", None)
        elif tag is None or tag == "final":
            turn.answer(text, at_ms)
    if turn.response_id is None:
        turn.response_id = identity_at(result, "responseId")
    if _RICH.isdisjoint(result):
        return
    if isinstance(card := result.get("toolUsageCard"), dict):
        cards = turn.state.setdefault("cards", set())
        identity = identity_at(card, "toolUsageCardId") or str(len(cards))
        if identity not in cards:
            cards.add(identity)
            turn.used(card_feature(card))
    elif ("webSearchResults" in result or "xSearchResults" in result) and not turn.state.get("cards"):
        once(turn, "web_search")
    _read_media(turn, result)
    if isinstance(whole := result.get("modelResponse"), dict):
        _read_whole(turn, whole)
    if isinstance(result.get("finalMetadata"), dict):
        turn.finished = True


def card_feature(card: dict[str, Any]) -> str:
    """Return the feature of a tool card: each kind of tool is a key of its own."""
    names = " ".join(card).lower()
    for part, feature in (
        ("search", "web_search"), ("open_page", "web_search"), ("openpage", "web_search"), ("browse", "web_search"),
        ("code", "code"), ("image", "image_output"), ("connector", "connector"), ("memory", "memory"),
    ):  # fmt: skip
        if part in names:
            return feature
    return "tool"


def draw(turn: Turn, card: Any) -> None:
    """Note the picture that a card shows, once it is whole; the same one comes again and again as it sharpens."""
    told = pick(card, "jsonData") or card
    told = parse_or_none(told) if isinstance(told, str) else told
    chunk = pick(told, "image_chunk") or pick(told, "imageChunk")
    if not isinstance(chunk, dict) or pick(chunk, "progress") not in (100, None):
        return
    drawn = turn.state.setdefault("done_images", set())
    name = text_at(chunk, "imageUrl") or text_at(chunk, "image_url") or text_at(told, "id") or "0"
    if name not in drawn:
        drawn.add(name)
        turn.state["images"] = True
        make_media(turn, "image", 1)


def make_media(turn: Turn, operation: Operation, count: int) -> None:
    """Note pictures or films that were made."""
    turn.media_count = (turn.media_count or 0) + count
    turn.used("video_output" if operation == "video" else "image_output", count)


def _read_whole(turn: Turn, whole: dict[str, Any]) -> None:
    turn.finished = True
    turn.response_id = identity_at(whole, "responseId") or turn.response_id
    turn.response_model = text_at(whole, "model") or turn.response_model
    turn.answer(text_at(whole, "message"), replace=True)
    turn.thinking_ms = _between(whole.get("thinkingStartTime"), whole.get("thinkingEndTime"))
    for card in list_at(whole, "cardAttachmentsJson"):
        draw(turn, {"jsonData": card})
    for error in list_at(whole, "streamErrors"):
        if not turn.has_text("answer"):
            turn.outcome = name_ending(error, pick(error, "message") or pick(error, "error", "message"))
    images = len(list_at(whole, "generatedImageUrls"))
    if images and not turn.state.get("images"):
        turn.state["images"] = True
        make_media(turn, "image", images)
    side = pixels(size_at(whole, "generatedImageWidth"), size_at(whole, "generatedImageHeight"))
    turn.media_pixels = side or turn.media_pixels


def _read_media(turn: Turn, result: dict[str, Any]) -> None:
    for card in (result.get("cardAttachment"), *list_at(result, "cardAttachments")):
        draw(turn, card)
    image = result.get("streamingImageGenerationResponse")
    if isinstance(image, dict) and (image.get("progress") == 100 or image.get("isFinal") is True):
        done = turn.state.setdefault("done_images", set())
        index = identity_at(image, "imageIndex") or identity_at(image, "imageUrl") or "0"
        if index not in done:
            done.add(index)
            turn.state["images"] = True
            make_media(turn, "image", 1)
    video = result.get("streamingVideoGenerationResponse")
    if isinstance(video, dict):
        turn.response_id = turn.response_id or identity_at(video, "videoId")
        turn.operation = "video"
        if video.get("progress") == 100 and not turn.state.get("filmed"):
            turn.state["filmed"] = True
            make_media(turn, "video", 1)
            turn.finished = True


def _between(start: Any, end: Any) -> int | None:
    try:
        passed = datetime.fromisoformat(start) - datetime.fromisoformat(end)
    except (TypeError, ValueError):
        return None
    return round(abs(passed.total_seconds()) * 1000)


def read_film(turn: Turn, body: Any) -> None:
    """Read what a request for pictures or films asks for: both travel on the chat's own path."""
    model = text_at(body, "modelName") or ""
    told = pick(body, "responseMetadata", "modelConfigOverride", "modelMap", "videoGenModelConfig")
    newer = pick(body, "mediaGenInput")
    film = told or pick(newer, "textToVideo") or pick(newer, "imageToVideo")
    if "video" in model or isinstance(film, dict):
        turn.operation = "video"
        turn.asked("video_output")
        turn.media_seconds = size_at(film, "videoLength") or size_at(film, "duration")
    elif "image" in model or pick(newer, "imageToImage"):
        turn.operation = "image"
        turn.asked("image_output")
