"""Perplexity."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any

from addon.exchange import Exchange
from addon.framing import parse_or_none
from addon.patching import text_of
from addon.service import Event, Turn
from addon.services._page import Resumable, identity_at, list_at, once, pick, text_at
from addon.services._perplexity_blocks import PATCHES, Blocks
from tracker.record import Outcome

_MODES = {
    "pplx_alpha": "deep_research", "pplx_agentic_research": "deep_research", "pplx_beta": "agent", "pplx_asi": "agent",
}  # fmt: skip
_ANSWER = re.compile(r"ask_text(?:_(\d+)_markdown)?|workflow_root")
"""The blocks that an answer may be in; the group is the number of its part."""
_MOST_LOOKS = 2000
"""How many events are searched for the first word; a stream that has said nothing by then gets no time for it."""
_OTHERS = re.compile(r"(claude|gpt|gemini|grok|kimi)(k?\d)(\d?)(?!\d)_?([a-z_]*)")
_OTHERS_WORDS = re.compile(r"sonnet|opus|haiku|pro|flash|lite|mini|fast|thinking|non|reasoning|high|low|medium|codex")


class Perplexity(Resumable):
    """
    Server-sent patches to blocks, in one of two shapes (markdown blocks, or one workflow), and a full copy at the end.

    Shows: the answer with the report of a deep research, the model asked for and the one that served, searches,
    uploads, the mode (research, labs). Hides: token counts, the true reasoning (plans and thoughts are summaries),
    search results as the model saw them, the history. The page often drops the stream of a new thread and
    re-attaches: both are one row. A cut stream is read from its patches. Related questions are nobody's turn.
    """

    name = "perplexity"
    title = "Perplexity"
    provider = "perplexity"
    hosts = ("www.perplexity.ai", "perplexity.ai")
    path = re.compile(r"/rest/sse/perplexity_ask(?:/reconnect/[0-9a-f-]+)?")
    methods = ("POST", "GET")
    features = ("reasoning", "deep_research", "web_search", "agent", "file_input", "image_output", "voice")
    grade = "captured"
    verified = date(2026, 11, 21)
    patches = PATCHES

    def matches(self, method: str, host: str, path: str) -> bool:
        return super().matches(method, host, path) and (method == "POST" or "/reconnect/" in path)

    def continues(self, exchange: Exchange, body: Any) -> str | None:
        return exchange.path.rpartition("/")[2] if "/reconnect/" in exchange.path else None

    def request(self, turn: Turn, body: Any) -> None:
        turn.state["blocks"] = Blocks()
        if "/reconnect/" in turn.exchange.path:
            turn.response_id = turn.exchange.path.rpartition("/")[2]
        asked = pick(body, "params")
        turn.prompt(text_at(body, "query_str") or text_at(asked, "query_str"))
        wished = text_at(asked, "model_preference") or ""
        turn.request_model = spell_model(wished)
        if list_at(asked, "sources"):
            turn.asked("web_search")
        if feature := _MODES.get(wished):
            turn.asked(feature)
        elif wished.startswith("comet_browser_agent"):
            turn.asked("agent")
        if "thinking" in wished:
            turn.asked("reasoning")
        if pick(asked, "is_voice_to_voice") is True:
            turn.asked("voice")
        for _ in list_at(asked, "attachments"):
            turn.attach()

    def event(self, turn: Turn, event: Event) -> None:
        if event.name == "end_of_stream":
            return
        data = event.data
        if not isinstance(data, dict):
            return
        turn.response_id = identity_at(data, "backend_uuid") or turn.response_id
        turn.conversation_id = turn.conversation_id or identity_at(data, "context_uuid")
        turn.response_model = spell_model(text_at(data, "display_model")) or turn.response_model
        turn.request_model = spell_model(text_at(data, "user_selected_model")) or turn.request_model
        match (text_at(data, "status") or "").upper():
            case "FAILED":
                turn.outcome = _name_failure(data)
            case "COMPLETED" if data.get("text_completed") is not False:
                turn.finished = True
            case "COMPLETED":
                turn.outcome = "aborted"  # stopped by the person: it says completed, its text does not
        if data.get("final_sse_message") is True and not turn.has_text("prompt"):
            turn.prompt(data.get("query_str"))
        if text := data.get("text"):
            turn.state["steps"] = text
        if data.get("final_sse_message") is True or data.get("search_mode"):
            turn.state["mode"] = data.get("search_mode")
        blocks: Blocks = turn.state["blocks"]
        patched = [blocks.take(block) for block in list_at(data, "blocks") if isinstance(block, dict)]
        if turn.first_token_ms is None and any(usage and _ANSWER.fullmatch(usage) for usage in patched):
            self._look(turn, event.at_ms)
        if "backend_uuid" not in data and "blocks" not in data:
            if data.get("error_code") or data.get("error"):
                turn.outcome = _name_failure(data)
                return
            for name in data:
                turn.wonder(name)

    def finish(self, turn: Turn) -> None:
        blocks: Blocks = turn.state["blocks"]
        steps = parse_or_none(turn.state.get("steps"))
        turn.answer(_answer_of(blocks) or _answer_in(steps), replace=True)
        for position, report in enumerate(_reports_in(blocks)):
            turn.answer(report, part=f"report {position}", replace=True)
        searches = _count_searches(blocks, steps)
        if searches:
            turn.used("web_search", searches)
        if turn.state.get("mode") == "RESEARCH":
            turn.used("deep_research")
        for thought in list_at(steps):
            if text_at(thought, "step_type") == "THOUGHT":
                once(turn, "reasoning", None)
        images = _count_images(blocks)
        if images:
            turn.media_count = images
            turn.used("image_output", images)

    def _look(self, turn: Turn, at_ms: int | None) -> None:
        """Look for the first word of the answer, to know when it came."""
        if at_ms is not None and turn.state.setdefault("looks", 0) < _MOST_LOOKS:
            turn.state["looks"] += 1
            turn.answer(_answer_of(turn.state["blocks"]), at_ms, replace=True)


@lru_cache(maxsize=256)
def spell_model(name: str | None) -> str | None:
    """Return the name with the separators of its maker, where Perplexity runs it together (``claude45sonnet``)."""
    found = _OTHERS.fullmatch(name or "")
    if found is None:
        return name
    version = found[2] + (f".{found[3]}" if found[3] else "")
    return "-".join([found[1], version, *_OTHERS_WORDS.findall(found[4])])


def _answer_of(blocks: Blocks) -> str:
    """Return the answer: the same text is in ``ask_text`` and once more in its numbered parts; one of them counts."""
    if whole := _markdown(blocks.look_at("ask_text")):
        return whole
    numbered = sorted((int(found[1]), name) for name in blocks if (found := _ANSWER.fullmatch(name)) and found[1])
    if parts := "".join(_markdown(blocks.look_at(name)) for _, name in numbered):
        return parts
    told = [({text_at(payload, "variant"), text_at(item, "variant")} - {None}, payload)
            for item, payload in _workflow_items(blocks)]  # fmt: skip
    return "\n".join(
        text_of(payload.get("text")) or "".join(map(text_of, list_at(payload, "chunks")))
        for variants, payload in told
        if "answer" in variants or not any(others for others, _ in told)
    )


def _markdown(block: Any) -> str:
    return text_of(pick(block, "answer")) or "".join(map(text_of, list_at(block, "chunks")))


def _workflow_items(blocks: Blocks) -> list[tuple[Any, Any]]:
    items = []
    for step in list_at(blocks.look_at("workflow_root"), "steps"):
        for item in list_at(step, "items"):
            payload = pick(item, "payload", "text_payload")
            if isinstance(payload, dict):
                items.append((item, payload))
    return items


def _reports_in(blocks: Blocks) -> list[str]:
    """Return what deep research wrote; the answer is then only a note on it. It is told in one of two places."""
    assets = list_at(blocks.look_at("unified_assets"), "assets") or [
        asset
        for step in list_at(blocks.look_at("workflow_root"), "steps")
        for item in list_at(step, "items")
        for asset in list_at(item, "payload", "sources_payload", "assets")
    ]
    return [text for asset in assets if (text := text_of(pick(asset, "research_report", "source_content")))]


def _answer_in(steps: Any) -> str:
    if isinstance(steps, dict):
        return text_at(steps, "answer") or ""
    for step in list_at(steps):
        if text_at(step, "step_type") == "FINAL":
            return text_at(parse_or_none(pick(step, "content", "answer")), "answer") or ""
    return ""


def _count_searches(blocks: Blocks, steps: Any) -> int:
    """Return how many searches ran: the three places that tell it repeat one another."""
    in_steps = sum(
        len(list_at(step, "content", "queries"))
        for step in list_at(steps)
        if text_at(step, "step_type") == "SEARCH_WEB"
    )
    in_workflow = sum(
        len(list_at(item, "payload", "queries_payload", "queries"))
        for step in list_at(blocks.look_at("workflow_root"), "steps")
        for item in list_at(step, "items")
    )
    return max(in_steps, in_workflow) or len(list_at(blocks.look_at("answer_tabs"), "reformulated_queries"))


def _count_images(blocks: Blocks) -> int:
    """Return how many pictures were made; those found on the web are another block."""
    return sum(
        text_at(asset, "asset_type") == "GENERATE_IMAGE_RESULTS"
        for step in list_at(blocks.look_at("plan"), "steps")
        for asset in list_at(step, "assets")
    )


def _name_failure(data: Any) -> Outcome:
    """Everything comes with the status 200; what went wrong is said inside."""
    words = f"{pick(data, 'error_code')} {pick(data, 'error')}".lower()
    return "limited" if any(word in words for word in ("limit", "quota", "exceeded")) else "error"
