"""What one ChatGPT answer says: the stream of its messages, and what is counted of them."""

from __future__ import annotations

from typing import Any

from addon.patching import Change, Deltas, Document
from addon.service import Event, Turn
from addon.services._chatgpt_message import (
    CITATION,
    find_pictures,
    is_visible,
    keep_slug,
    keep_word,
    name_tool,
    read_ms,
    read_recap_ms,
    read_texts,
    read_thoughts,
)
from addon.services._ending import name_ending

QUIET = frozenset(
    """
    beacon_ui_response conversation_async_status conversation_detail_metadata heartbeat message_marker
    message_stream_complete ping resume_conversation_token title_generation url_moderation
    """.split()  # noqa: SIM905 - a list of words
)
"""Typed lines that say nothing about the answer, or nothing that the messages do not say."""


class Answer:
    """
    The messages of one answer as they grow. ``take`` reads one event; ``settle`` writes what all of them say into
    the turn, and may be called for a copy of the turn while this goes on.
    """

    def __init__(self) -> None:
        self.handed_off = False
        self.stopped_short = False
        """The answer reached its length limit: the person may ask to continue it."""
        self.image_is_due = False
        """An image was begun that comes later, by another way."""
        self._deltas = Deltas()
        self._messages: dict[str, Document] = {}
        self._metadata: dict[str, Any] = {}
        self._thinking: tuple[int, int] | None = None
        self._seen: list[int] = []
        """A mark of each event read, to know it when a resumed stream says it again."""
        self._again_from: int | None = None

    def rewind(self, offset: object) -> bool:
        """
        The stream is resumed from its event number ``offset``: what comes a second time is passed over.

        Return whether all before that was heard.
        """
        self._again_from = offset if isinstance(offset, int) and not isinstance(offset, bool) and offset >= 0 else 0
        self.handed_off = False
        return self._again_from <= len(self._seen)

    def go_on(self, *, ended: bool) -> bool:
        """
        The person let an answer continue that had reached its length limit: a stream of its own begins.

        Return whether all of the answer so far was heard (``ended``: up to the end of its stream).
        """
        self.stopped_short = self.handed_off = False
        self._deltas = Deltas()
        self._seen.clear()
        self._again_from = None
        return ended

    def take(self, turn: Turn, event: Event) -> None:
        """Read one event of the stream."""
        data = event.data
        if data == "[DONE]":
            turn.finished = not self.handed_off
            return
        if data in (None, "") or (isinstance(data, dict) and data.get("type") == "ping"):
            return
        if self._is_again(event):
            return
        match data:
            case {"type": str(kind)} if event.name != "delta":
                self._take_typed(turn, kind, data)
            case dict() if event.name == "delta" or (data and data.keys() <= {"p", "o", "v", "c"}):
                for change in self._deltas.take(data):
                    self._take_change(turn, change, event.at_ms)
            case {"message": dict()}:
                self.add(turn, Document(data), event.at_ms)
            case {"error": error} | {"detail": error} if error:
                turn.outcome = name_ending(error, data.get("error_code"))

    def _is_again(self, event: Event) -> bool:
        """Whether a resumed stream repeats an event; if not, note it."""
        mark = hash((event.name, repr(event.data)))
        if self._again_from is not None:
            if event.name == "delta_encoding" and self._again_from > 0:
                return True  # said again at the head of the resumed stream
            if self._again_from < len(self._seen) and self._seen[self._again_from] == mark:
                self._again_from += 1
                return True
            del self._seen[self._again_from :]
            self._again_from = None
        self._seen.append(mark)
        return False

    def add(self, turn: Turn, document: Document, at_ms: int | None = None, channel: int = 0) -> None:
        """Take a whole message, new or again."""
        message = document.get("message")
        identity = document.get("message", "id")
        if not isinstance(message, dict):
            return
        known = isinstance(identity, str)
        self._messages[str(identity) if known else f"channel {channel}"] = document
        if isinstance(conversation := document.get("conversation_id"), str):
            turn.conversation_id = conversation
        self._learn_turn(turn, document.get("message", "metadata", "turn_exchange_id"))
        if error := document.get("error"):
            turn.outcome = name_ending(error, document.get("error_code"))
        if known and turn.message_id is None and document.get("message", "author", "role") == "assistant":
            turn.message_id = str(identity)
        self._time(turn, document, at_ms)

    def settle(self, turn: Turn) -> None:
        """Write what the messages say into the turn: text, model, features, times."""
        pictures: dict[str, int | None] = {}
        searched, thought_ms = 0, 0
        resolved = slug = None
        for identity, document in self._messages.items():
            metadata = document.get("message", "metadata")
            metadata = metadata if isinstance(metadata, dict) else {}
            role = document.get("message", "author", "role")
            if role == "tool":
                self._settle_tool(turn, document, metadata, pictures)
            if role != "assistant":
                continue
            slug = keep_slug(metadata.get("model_slug")) or slug
            resolved = keep_slug(metadata.get("resolved_model_slug")) or resolved
            turn.effort = keep_word(metadata.get("thinking_effort")) or turn.effort
            if metadata.get("is_visually_hidden_from_conversation") is True:
                continue
            searched += self._settle_message(turn, identity, document, metadata)
            thought_ms += read_ms(metadata.get("finished_duration_sec")) or read_recap_ms(document)
            pictures |= dict(find_pictures(document.get("message", "content", "parts")))
            self._settle_ending(turn, metadata)
        turn.response_model = resolved or keep_slug(self._metadata.get("model_slug")) or slug or turn.response_model
        self._settle_metadata(turn, searched)
        if thought_ms or not self._has("thoughts"):
            turn.thinking_ms = read_ms(self._metadata.get("finished_duration_sec")) or thought_ms or None
        else:
            turn.thinking_ms = self._thinking_between_messages()
        if pictures:
            self.image_is_due = False
            turn.media_count = len(pictures)
            turn.used("image_output", len(pictures))
            sizes = [pixels for pixels in pictures.values() if pixels]
            turn.media_pixels = sum(sizes) // len(sizes) if sizes else None
        elif self.image_is_due:
            turn.used("image_output", None)

    def _take_typed(self, turn: Turn, kind: str, data: dict[str, Any]) -> None:
        if isinstance(conversation := data.get("conversation_id"), str):
            turn.conversation_id = conversation
        match data:
            case {"type": "input_message", "input_message": {"metadata": dict() as metadata}}:
                self._learn_turn(turn, metadata.get("turn_exchange_id"))
            case {"type": "server_ste_metadata", "metadata": dict() as metadata}:
                self._metadata.update(metadata)
                self._learn_turn(turn, metadata.get("turn_exchange_id"))
            case {"type": "stream_handoff"}:
                self.handed_off = True
                self._learn_turn(turn, data.get("turn_exchange_id"))
            case {"type": "moderation", "moderation_response": {"blocked": True}}:
                turn.outcome = "refused"
            case {"type": "error"}:
                turn.outcome = name_ending(
                    data.get("error") or data.get("message"), data.get("error_code") or data.get("code")
                )
            case _ if kind not in QUIET and kind not in {"moderation", "input_message"}:
                turn.wonder(kind)

    def _take_change(self, turn: Turn, change: Change, at_ms: int | None) -> None:
        if not change.path:
            self.add(turn, change.document, at_ms, change.channel)
        elif change.path.startswith("/message/content"):
            self._time(turn, change.document, at_ms)

    def _time(self, turn: Turn, document: Document, at_ms: int | None) -> None:
        """Note when the first visible text came, and from when to when thoughts were shown."""
        if at_ms is None or document.get("message", "author", "role") != "assistant":
            return
        if document.get("message", "content", "content_type") == "thoughts":
            self._thinking = (self._thinking[0] if self._thinking else at_ms, at_ms)
        elif turn.first_token_ms is None and is_visible(document) and any(read_texts(document)):
            turn.first_token_ms = at_ms

    def _learn_turn(self, turn: Turn, identity: object) -> None:
        if turn.response_id is None and isinstance(identity, str) and identity:
            turn.response_id = identity

    def _settle_message(self, turn: Turn, identity: str, document: Document, metadata: dict[str, Any]) -> int:
        """Count one message of the model's; return how often it searched."""
        kind = document.get("message", "content", "content_type")
        recipient = document.get("message", "recipient")
        match kind:
            case "thoughts":
                turn.used("reasoning")
                turn.reason("\n".join(read_thoughts(document)), part=identity, replace=True)
                return 0
            case "reasoning_recap" | "model_editable_context":
                return 0
            case "system_error":
                turn.outcome = name_ending(document.get("message", "content", "name"), None)
                return 0
        text = CITATION.sub("", "\n".join(read_texts(document)))
        if recipient in (None, "all"):
            turn.answer(text, part=identity, replace=True)
            return 1 if metadata.get("search_result_groups") else 0
        turn.call_tool(text, part=identity, replace=True)
        feature = name_tool(recipient)
        if feature == "web_search":
            return 1
        if feature == "image_output":
            self.image_is_due = True
        else:
            turn.used(feature)
        return 0

    def _settle_tool(
        self, turn: Turn, document: Document, metadata: dict[str, Any], pictures: dict[str, int | None]
    ) -> None:
        pictures |= dict(find_pictures(document.get("message", "content", "parts")))
        if metadata.get("image_gen_task_id") or metadata.get("image_gen_async"):
            self.image_is_due = True
        name = document.get("message", "author", "name")
        if metadata.get("is_async_task_result_message") or (
            isinstance(name, str) and name.startswith("research_kickoff")
        ):
            turn.used("deep_research")

    def _settle_ending(self, turn: Turn, metadata: dict[str, Any]) -> None:
        match metadata.get("finish_details"):
            case {"type": "max_tokens"}:
                self.stopped_short = True
            case {"type": "interrupted"}:
                turn.outcome = turn.outcome or "aborted"
            case {"type": "content_filter"}:
                turn.outcome = "refused"
            case {"type": "stop"}:
                self.stopped_short = False

    def _settle_metadata(self, turn: Turn, searched: int) -> None:
        facts = self._metadata
        told = facts.get("search_tool_call_count")
        if isinstance(told, int) and not isinstance(told, bool) and 0 < told < 10_000:
            searched = told
        if searched or facts.get("turn_use_case") == "search":
            turn.used("web_search", searched or 1)
        if facts.get("did_auto_switch_to_reasoning") is True and not self._has("thoughts"):
            turn.used("reasoning")
        if facts.get("turn_use_case") == "image gen" and self._messages:
            self.image_is_due = True
        if turn.response_model and "research" in turn.response_model:
            turn.used("deep_research")

    def _has(self, kind: str) -> bool:
        return any(document.get("message", "content", "content_type") == kind for document in self._messages.values())

    def _thinking_between_messages(self) -> int | None:
        """Return the time from the first thought to the message after the last one, by the server's clock or ours."""
        begun = ended = None
        for document in self._messages.values():
            at_s = document.get("message", "create_time")
            if document.get("message", "author", "role") != "assistant" or not isinstance(at_s, int | float):
                continue
            if document.get("message", "content", "content_type") == "thoughts":
                begun, ended = at_s if begun is None else begun, None
            elif begun is not None and ended is None:
                ended = at_s
        if begun is not None and ended is not None and 0 < ended - begun < 86_400:
            return round((ended - begun) * 1000)
        return self._thinking[1] - self._thinking[0] or None if self._thinking else None
