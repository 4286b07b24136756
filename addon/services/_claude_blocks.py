"""The blocks of one of Claude's answers on its conversation's timeline: texts, thoughts, tools."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from addon.service import Turn, Usage
from addon.services._page import tool_feature
from addon.services._protobuf import Fields, dig_fields, fields_in, number_in, read_fields, text_in
from addon.waiting import elapsed_ms

TOOLS = {
    "websearch": "web_search", "webfetch": "web_search", "web_search": "web_search", "web_fetch": "web_search",
    "launch_extended_search_task": "deep_research", "bash": "code", "read": "code", "edit": "code", "write": "code",
    "grep": "code", "glob": "code", "notebookedit": "code", "repl": "code", "view": "code", "present_files": "code",
    "agent": "subagent", "task": "subagent", "artifacts": "canvas", "create_file": "canvas", "show_widget": "canvas",
    "conversation_search": "memory", "recent_chats": "memory",
}  # fmt: skip
SHOWN = {9: "deep_research", 26: "connector", 30: "memory", 38: "image_input"}
"""What a tool shows, where its name does not tell enough."""


@dataclass(slots=True)
class Block:
    """One block of an answer: text, a thought, or a tool's call with its result."""

    group: str
    kind: str = "text"
    text: str = ""
    estimate: int = 0
    thought_ms: int = 0
    feature: str = ""


def write_blocks(turn: Turn) -> None:
    """Write down what the blocks of an answer hold in the end."""
    blocks: dict[str, Block] = turn.state.get("blocks", {})
    thought = estimate = 0
    for key, block in blocks.items():
        match block.kind:
            case "thought":
                turn.reason(block.text, part=key)
                thought += block.thought_ms
                estimate += block.estimate
            case "tool":
                turn.call_tool(block.text, part=key)
                turn.used(block.feature)
            case "text":
                turn.answer(block.text, part=key)
    if any(block.kind == "thought" for block in blocks.values()):
        turn.used("reasoning", None)
    turn.thinking_ms = thought or None
    if estimate:
        turn.counted = Usage(reasoning=estimate)


def begin(turn: Turn) -> None:
    """Something is written for the answer: from here on the conversation's rest is its end."""
    turn.state.setdefault("blocks", {})
    turn.state.setdefault("groups", {})


def fill_blocks(turns: Iterable[Turn], update: Fields, size: int, now: datetime | None, *, whole: bool) -> None:
    """Take an update's groups and blocks of the answers under way; a ``whole`` update tells all that they have."""
    under_way = {turn.response_id: turn for turn in turns}
    if not under_way:
        return
    for group in map(read_fields, update.get(4, [])):
        turn, identity = under_way.get(text_in(group, 2)), text_in(group, 1)
        if turn is None or identity is None:
            continue
        begin(turn)
        turn.state["groups"][identity] = True
        if whole:  # the same blocks come again, under other names
            blocks: dict[str, Block] = turn.state["blocks"]
            turn.state["blocks"] = {key: one for key, one in blocks.items() if one.group != identity}
    for block in map(read_fields, update.get(5, [])):
        for turn in under_way.values():
            if text_in(block, 2) in turn.state.get("groups", {}):
                turn.response_bytes = (turn.response_bytes or 0) + size
                size = 0
                _take_block(turn, block, now)
    gone = {value.decode("utf-8", "replace") for value in update.get(12, []) if isinstance(value, bytes)}
    for turn in under_way.values():
        blocks = turn.state.get("blocks", {})
        for key in gone & blocks.keys():
            if blocks[key].kind == "text":
                del blocks[key]


def append_piece(turns: Iterable[Turn], piece: Fields, size: int, now: datetime | None) -> None:
    """Write on in the block that a piece belongs to."""
    identity = text_in(piece, 1)
    for turn in turns:
        block: Block | None = turn.state.get("blocks", {}).get(identity)
        if block is None or number_in(piece, 8):
            continue
        turn.response_bytes = (turn.response_bytes or 0) + size
        block.text += text_in(piece, 2) or text_in(piece, 6, 1) or ""
        block.estimate = max(block.estimate, number_in(piece, 9, 1))
        _note_first(turn, block, now)


def _take_block(turn: Turn, fields: Fields, now: datetime | None) -> None:
    identity = text_in(fields, 1) or ""
    blocks: dict[str, Block] = turn.state["blocks"]
    block = blocks.setdefault(identity, Block(text_in(fields, 2) or ""))
    if 22 in fields:
        block.kind = "setup"
    elif 21 in fields or 12 in fields:
        block.kind = "thought"
        summaries = [text_in(read_fields(summary), 1) or "" for summary in fields.get(12, [])]
        block.text = text_in(fields, 9) or "".join(summaries) or block.text
        block.estimate = max(block.estimate, number_in(fields, 21, 3))
        begun, ended = (_moment(fields_in(fields, 21, place)) for place in (1, 2))
        if begun and ended and 0 <= ended - begun < 86_400_000:
            block.thought_ms = ended - begun
    elif not {13, 15, 16, 28, 40, 41}.isdisjoint(fields) or block.kind == "tool":
        block.kind = "tool"
        block.text = text_in(fields, 16) or block.text
        block.feature = _name_tool(fields) or block.feature or "tool"
    else:
        block.text = text_in(fields, 9) or block.text
    _note_first(turn, block, now)


def _note_first(turn: Turn, block: Block, now: datetime | None) -> None:
    if turn.first_byte_ms is None and now is not None:
        turn.first_byte_ms = elapsed_ms(turn.exchange.started_at, now)
    if turn.first_token_ms is None and now is not None and block.kind == "text" and block.text:
        turn.first_token_ms = elapsed_ms(turn.exchange.started_at, now)


def _name_tool(fields: Fields) -> str | None:
    for place, feature in SHOWN.items():
        if dig_fields(fields, 13, place):
            return feature
    name = text_in(fields, 40) or text_in(fields, 15)
    return (TOOLS.get(name.lower()) or tool_feature(name)) if name else None


def _moment(timestamp: Fields) -> int:
    """Return a timestamp in milliseconds; 0 for none."""
    return number_in(timestamp, 1) * 1000 + number_in(timestamp, 2) // 1_000_000
