"""The answer inside a page of Google's: which text is the answer, how many turns there are, what it cites."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
ANSWER_CLASSES = frozenset({"n6owBd", "pTRUV", "aimfl"})
DISCLAIMER = "AI responses may include mistakes"
QUESTION_CLASS = "iMqumd"
UNREAD_TAGS = frozenset({
    "script", "style", "template", "noscript", "button", "svg", "textarea", "select", "iframe", "dialog", "nav",
})  # fmt: skip
UNREAD_ROLES = frozenset({"dialog", "menu", "navigation", "alert", "button", "listbox"})
UNREAD_PLACES = frozenset({"Gd7Hsc", "footer-placeholder"})
"""What stands under an answer: buttons, feedback, notices."""
SOURCES = frozenset({"rhs-col", "aim-aside-initial-corroboration-container"})
BLOCKS = frozenset({"ul", "ol", "table", "pre", "blockquote"})
BREAKS = BLOCKS | {"p", "div", "li", "tr", "td", "th", "br", "h1", "h2", "h3", "h4", "h5", "h6"}
_TARGET = "data-target-container-id"


@dataclass(slots=True)
class PageTurn:
    """One turn on the page."""

    question: list[str] = field(default_factory=list)
    pieces: list[tuple[str, str]] = field(default_factory=list)
    cites: bool = False

    @property
    def answer(self) -> str:
        """
        The text of the answer.

        Where one box holds all of it, nothing else counts; where only its paragraphs are marked, the lists, tables and
        headings between them do.
        """
        kinds = {kind for kind, _ in self.pieces}
        wanted = {"answer", "paragraph"} if "answer" in kinds else {"paragraph", "block"}
        if kinds.isdisjoint({"answer", "paragraph"}):
            return ""
        return "".join(text for kind, text in self.pieces if kind in wanted)


class AnswerPage(HTMLParser):
    """Reads a page. Its text counts roughly: what is hidden by style cannot be told from what shows."""

    def __init__(self) -> None:
        super().__init__()
        self.thread: str | None = None
        self.turns: list[PageTurn] = [PageTurn()]
        self._open: list[tuple[str, str]] = []
        self._tags: Counter[str] = Counter()
        self._parts: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.thread = told.get("data-session-thread-id") or self.thread
        if told.get("data-scope-id") == "turn" and (self.turns[-1].pieces or self.turns[-1].question):
            self.turns.append(PageTurn())
        if "data-icl-uuid" in told:
            self.turns[-1].cites = True
        part = _part_of(tag, told)
        if tag == "a" and self._parts["source"]:
            self.turns[-1].cites = True
        if tag in BREAKS and (pieces := self.turns[-1].pieces):
            pieces.append((pieces[-1][0], "\n"))
        if tag not in VOID:
            self._open.append((tag, part))
            self._tags[tag] += 1
            self._parts[part] += 1

    def handle_endtag(self, tag: str) -> None:
        while self._tags[tag]:  # boxes that were left open inside end with it
            inner, part = self._open.pop()
            self._tags[inner] -= 1
            self._parts[part] -= 1
            if inner == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._parts["skip"] or self._parts["source"]:
            return
        if self._parts["question"]:
            self.turns[-1].question.append(data)
            return
        kind = next((kind for kind in ("answer", "paragraph", "block") if self._parts[kind]), None)
        if kind and (kind != "block" or self.turns[-1].question):
            self.turns[-1].pieces.append((kind, data.partition(DISCLAIMER)[0]))


def _part_of(tag: str, told: dict[str, str | None]) -> str:
    classes = set((told.get("class") or "").split())
    container, subtree = told.get(_TARGET), told.get("data-subtree")
    places = {told.get("data-xid"), told.get("data-container-id")}
    if container == "13" or subtree == "msc" or not SOURCES.isdisjoint(places):
        return "source"
    if tag in UNREAD_TAGS or not UNREAD_PLACES.isdisjoint({*places, container}) or _is_aside(told):
        return "skip"
    if QUESTION_CLASS in classes:
        return "question"
    if container == "5" or subtree in ("aimc", "aimfl"):
        return "answer"
    if classes & ANSWER_CLASSES or "data-huuid" in told:
        return "paragraph"
    return "block" if tag in BLOCKS or told.get("role") == "heading" else ""


def _is_aside(told: dict[str, str | None]) -> bool:
    if told.get("role") in UNREAD_ROLES or told.get("aria-hidden") == "true":
        return True
    hides = "display:none" in (told.get("style") or "").replace(" ", "") or "hidden" in told
    return hides and _TARGET not in told  # a box that comes hidden is shown when all of it is there
