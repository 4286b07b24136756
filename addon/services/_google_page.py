"""The answer inside a page of Google's: which text is the answer, how many turns there are, what it cites."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
ANSWER_CLASSES = frozenset({"n6owBd", "pTRUV", "aimfl"})
DISCLAIMER = "AI responses may include mistakes"
QUESTION_CLASS = "iMqumd"


@dataclass(slots=True)
class PageTurn:
    """One turn on the page."""

    question: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    cites: bool = False


class AnswerPage(HTMLParser):
    """Reads a page. Its text counts roughly: what is hidden by style cannot be told from what shows."""

    def __init__(self) -> None:
        super().__init__()
        self.thread: str | None = None
        self.turns: list[PageTurn] = [PageTurn()]
        self._open: list[tuple[str, str]] = []
        self._tags: Counter[str] = Counter()
        self._parts: Counter[str] = Counter()

    @property
    def closed(self) -> bool:
        """Whether all boxes on the page were closed, so that nothing of it is missing."""
        return not self._tags["div"] and not self._tags["span"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.thread = told.get("data-session-thread-id") or self.thread
        if told.get("data-scope-id") == "turn" and (self.turns[-1].answer or self.turns[-1].question):
            self.turns.append(PageTurn())
        if "data-icl-uuid" in told:
            self.turns[-1].cites = True
        part = _part_of(tag, told)
        if part == "source":
            self.turns[-1].cites = True
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
        elif self._parts["answer"]:
            self.turns[-1].answer.append(data.partition(DISCLAIMER)[0])


def _part_of(tag: str, told: dict[str, str | None]) -> str:
    classes = set((told.get("class") or "").split())
    container, subtree = told.get("data-target-container-id"), told.get("data-subtree")
    if tag in ("script", "style", "template", "noscript"):
        return "skip"
    if container == "13" or subtree == "msc":
        return "source"
    if QUESTION_CLASS in classes:
        return "question"
    if container == "5" or subtree in ("aimc", "aimfl") or classes & ANSWER_CLASSES or "data-huuid" in told:
        return "answer"
    return ""
