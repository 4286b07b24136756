"""Rewrites a page: its boxes stay, its words and addresses go."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

from addon.scrubbing.scrubber import Scrubber
from addon.scrubbing.words import is_public, vocabulary

TAGS = frozenset(
    """
    a abbr article aside b blockquote body br button code div em figure footer form h1 h2 h3 h4 h5 h6 head header hr
    html i img input label li link main meta nav noscript ol option p pre s script section select small span strong
    style sub summary sup svg table tbody td template textarea th thead title tr u ul video wbr
    """.split()  # noqa: SIM905 - a word a line would be a page
)
_MODEL = re.compile(r"model:\"(gemini-[a-z0-9.-]{1,40})")
_UNREAD = frozenset({"script", "style", "template", "noscript"})


class _Rewriter(HTMLParser):
    """Writes what it reads: known tags, known attributes with known or redrawn values, filler for text."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self.written: list[str] = []
        self._scrubber = scrubber
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = _known(tag)
        self._unread += tag in _UNREAD
        told = "".join(f' {name}="{escape(value)}"' for name, value in self._attributes(attrs))
        self.written.append(f"<{tag}{told}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        tag = _known(tag)
        self._unread -= tag in _UNREAD
        self.written.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._note_model(data)
        if self._unread > 0:
            self._scrubber.removed["script"] += 1
            return
        if data.strip():
            self.written.append(escape(self._scrubber.string(data, "text"), quote=False))
        elif data:
            self.written.append(" ")

    def handle_comment(self, data: str) -> None:
        self._note_model(data)

    def _attributes(self, attrs: list[tuple[str, str | None]]) -> list[tuple[str, str]]:
        kept = []
        for name, value in attrs:
            self._note_model(value or "")
            if name == "class":
                classes = " ".join(one for one in (value or "").split() if one in vocabulary())
                kept += [(name, classes)] if classes else []
            elif name.startswith("data-") and name in vocabulary():
                known = not value or is_public(value) or re.fullmatch(r"\d{1,3}", value)
                kept.append((name, value or "" if known else self._scrubber.identifier(value or "")))
        return kept

    def _note_model(self, text: str) -> None:
        """Keep the one thing that the reader looks for outside of the page's words."""
        if found := _MODEL.search(text):
            self.written.append(f'<!--model:"{self._scrubber.string(found[1], "model")}"-->')


def _known(tag: str) -> str:
    return tag if tag in TAGS else "span"


def scrub_page(page: str, scrubber: Scrubber) -> str:
    """Return the page with its known tags and attributes only, and other words."""
    rewriter = _Rewriter(scrubber)
    rewriter.feed(page)
    rewriter.close()
    return "".join(rewriter.written)
