"""The blocks of one of Claude's answers as server-sent events bring them: texts, thoughts, tools and their results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from addon.service import Turn
from addon.services._page import text_at

TOOLS = {
    "web_search": "web_search", "web_fetch": "web_search", "launch_extended_search_task": "deep_research",
    "repl": "code", "bash_tool": "code", "view": "code", "str_replace": "code", "present_files": "code",
    "create_file": "canvas", "artifacts": "canvas", "show_widget": "canvas",
    "conversation_search": "memory", "recent_chats": "memory", "memory_user_edits": "memory",
}  # fmt: skip

QUIET = frozenset(
    """
    cache_performance citation_end_delta citation_start_delta citations_delta compaction_status connector_text_delta
    conversation_ready flag_delta mcp_auth_required message_stop ping signature_delta thinking_cut_off_delta
    tool_approval tool_use_block_update_delta
    """.split()  # noqa: SIM905 - a list of words
)
"""Events and deltas that say nothing that is counted."""


@dataclass(slots=True)
class Block:
    """One block of the answer's content: text, thinking, a tool's call or its result."""

    kind: str
    begun: datetime | None
    summaries: str = ""
    has_thinking: bool = False


def begin(turn: Turn, index: int, block: dict[str, Any], at_ms: int | None) -> None:
    """A block begins: note what it is, and what it holds already."""
    kind = text_at(block, "type") or ""
    turn.state["blocks"][index] = Block(kind, _time(block.get("start_timestamp")))
    match kind:
        case "text":
            turn.answer(block.get("text"), at_ms, part=str(index))
        case "thinking":
            turn.used("reasoning")
        case "tool_use":
            turn.used(name_tool(block))
        case "tool_result" | "redacted_thinking":
            pass
        case _:
            turn.wonder(kind)


def grow(turn: Turn, index: int, delta: dict[str, Any], at_ms: int | None) -> None:
    """A piece of a block."""
    block: Block = turn.state["blocks"].setdefault(index, Block("text", None))
    match delta:
        case {"type": "text_delta"} if block.kind != "tool_result":
            turn.answer(delta.get("text"), at_ms, part=str(index))
        case {"type": "thinking_delta"}:
            block.has_thinking = block.has_thinking or bool(delta.get("thinking"))
            turn.reason(delta.get("thinking"), at_ms, part=str(index))
        case {"type": "thinking_summary_delta"}:
            summary = delta.get("summary")
            block.summaries += text_at(summary, "summary") or (summary if isinstance(summary, str) else "") or ""
        case {"type": "input_json_delta"} if block.kind == "tool_use":
            turn.call_tool(delta.get("partial_json"), at_ms, part=str(index))
        case {"type": "text_delta" | "input_json_delta"}:
            pass  # a tool's result: the model reads it, it did not write it
        case {"type": str(kind)} if kind not in QUIET:
            turn.wonder(kind)


def end(turn: Turn, index: int, data: dict[str, Any]) -> None:
    """A block ends: of a thought, the server says when."""
    block: Block | None = turn.state["blocks"].get(index)
    stopped = _time(data.get("stop_timestamp"))
    if block is None or block.kind != "thinking" or block.begun is None or stopped is None:
        return
    thought_ms = round((stopped - block.begun).total_seconds() * 1000)
    if 0 <= thought_ms < 86_400_000:
        turn.thinking_ms = (turn.thinking_ms or 0) + thought_ms


def tell_summaries(turn: Turn) -> None:
    """Take the summaries of thoughts that were not shown themselves for what was thought."""
    for index, block in turn.state["blocks"].items():
        if block.summaries and not block.has_thinking:
            turn.reason(block.summaries, part=str(index))


def name_tool(block: dict[str, Any]) -> str:
    """Return the feature behind a tool's call. A server that the person connected may name its tools as it likes."""
    if text_at(block, "mcp_server_url"):
        return "connector"
    feature = TOOLS.get(text_at(block, "name") or "")
    return feature or ("connector" if text_at(block, "integration_name") else "tool")


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
