"""The answer inside a page of Google's: which text is the answer, how many turns there are, what it cites."""

from __future__ import annotations

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

    @property
    def closed(self) -> bool:
        """Whether all boxes on the page were closed, so that nothing of it is missing."""
        return not any(tag in ("div", "span") for tag, _ in self._open)

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
        if tag not in VOID and len(self._open) < 1000:
            self._open.append((tag, part))

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth][0] == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        parts = {part for _, part in self._open}
        if "skip" in parts or "source" in parts:
            return
        if "question" in parts:
            self.turns[-1].question.append(data)
        elif "answer" in parts:
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
