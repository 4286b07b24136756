"""The public words: what our readers look for, which tells nothing of a person, and filler to put in place of text."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

FILLER = """
    time people way day man thing woman life child world school state family student group country
    problem hand part place case week company system program question work government number night point
    home water room mother area money story fact month lot right study book eye job word business issue
    side kind head house
""".split()  # noqa: SIM905 - a word a line would be a page
"""Common English words; each is one token of its own after a space."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*[A-Za-z0-9]")
MARKS = re.compile(
    r"(</?think>|<details(?: [a-z_]{1,20}=\"[a-z0-9_]{1,20}\"){0,4}>|</details>|</?summary>"
    r"|</?xai:tool_(?:name|args|usage_card|usage_card_id)>|<!\[CDATA\[|\]\]>|AI responses may include mistakes|search-results://query)"
)
"""What tells thinking and tools from the answer where a service writes them into its text."""
_PUBLIC_FORM = re.compile(r"[\w./:\- ]{1,60}")
_SHOWN_MODEL = re.compile(
    r"\d(\.\d)? (Flash|Pro|Ultra|Thinking|Deep Think)(-Lite| Lite| Thinking)?"
    r"|(claude|gpt|grok|gemini|kimi|glm|qwen|o)\d{1,3}(sonnet|opus|haiku|pro|flash|mini|thinking|non|reasoning|high|low)*"
)
_POINTER = re.compile(r"/?[A-Za-z_]{1,30}(?:/(?:[A-Za-z_]{1,30}|-|-?\d{1,4}))*")
_NAME = re.compile(r"\[?[A-Za-z][A-Za-z0-9_.:/-]{1,99}\]?")
_PART = re.compile(r"([^A-Za-z0-9]|[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|\d+)")
STEM = re.compile(r"search|code|python|browse|image|memory|canvas|audio|video|think")
"""What readers look for inside of words."""
_JOINTS = frozenset("._-:/@[] ")
_SMALL = re.compile(r"\d{1,2}|20\d\d(\d{4})?|[a-zA-Z]")
_READING = ("service.py", "recording.py", "patching.py", "jobs.py", "answers.py")
_PROSE = frozenset({"title", "closed"})
"""What a service says of itself in sentences is nothing that it looks for."""


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Every word in the string constants of our readers: what they look for is public, all else is treated as text."""
    words: set[str] = set()
    for source in _sources():
        tree = ast.parse(source.read_text(encoding="utf-8"))
        prose = {id(constant) for node in ast.walk(tree) if _is_prose(node) for constant in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                # A regular expression, too, says which words are looked for.
                words.update(_WORD.findall(node.value), [node.value])
    return frozenset(word for word in words if _PUBLIC_FORM.fullmatch(word))


def is_public(text: str) -> bool:
    """Whether the string is a word our readers look for, made of such words, or a model's name as a site shows it."""
    if _is_word(text) or _SHOWN_MODEL.fullmatch(text):
        return True
    parts = re.split(r"[_.-]", text)
    return len(parts) > 1 and all(_is_word(part) for part in parts)


def is_marker(text: str) -> bool:
    """Whether the string is one that readers look for and nobody says: a known word such as ``wrb.fr``, a letter."""
    return text in vocabulary() and ((len(text) == 1 and text.isalpha()) or re.search(r"\w[._/:-]\w", text) is not None)


def is_public_name(text: str) -> bool:
    """Whether a name such as ``markdownBlock`` is made of nothing but words our readers look for."""
    return bool(_NAME.fullmatch(text)) and all(_stays(part) for part in split_name(text))


def keep_parts(text: str) -> str | None:
    """
    Return a name such as ``SearchWebPages`` or ``web_search_20250305`` with only its public words and small numbers
    left; None if it is no name, or has no public word.
    """
    if not _NAME.fullmatch(text):
        return None
    lowered = [part.lower() for part in split_name(text) if len(part) > 2]
    return blank_parts(text) if any(part in parts() or STEM.search(part) for part in lowered) else None


def blank_parts(text: str) -> str:
    """Return the text with a letter or a zero for every part of it that is no public word."""
    return "".join(part if _stays(part) else _blank(part) for part in split_name(text))


def keep_start(text: str) -> str:
    """Return what the text begins with if our readers look for that beginning, such as ``conversation-turn-``."""
    return max((start for start in _starts() if text.startswith(start)), key=len, default="")


@lru_cache(maxsize=1)
def parts() -> frozenset[str]:
    """The single words, in small letters, that the public words are made of."""
    return frozenset(part.lower() for word in vocabulary() for part in split_name(word) if len(part) > 1)


@lru_cache(maxsize=1)
def _starts() -> tuple[str, ...]:
    return tuple(word for word in vocabulary() if len(word) > 4 and word[-1] in "-_:/")


def split_name(text: str) -> list[str]:
    return [part for part in _PART.split(text) if part]


def _is_word(text: str) -> bool:
    return text in vocabulary() or text.lower() in _folded()


@lru_cache(maxsize=1)
def _folded() -> frozenset[str]:
    return frozenset(word.lower() for word in vocabulary())


def _stays(part: str) -> bool:
    return part.lower() in parts() or part in _JOINTS or bool(_SMALL.fullmatch(part))


def _blank(part: str) -> str:
    if known := STEM.findall(part.lower()):
        return "".join(known)
    return "0" if part.isdigit() else "X" if part[:1].isupper() else "x"


def is_pointer(text: str) -> bool:
    """Whether it is a path into the answer's own structure, made of words that readers look for."""
    return bool(_POINTER.fullmatch(text)) and all(
        is_public_name(part) or part in vocabulary() or part.lstrip("-").isdigit() or part in {"", "-"}
        for part in text.strip("/").split("/")
    )


def _sources() -> list[Traversable]:
    folders = (files("addon.services"), files("addon.framing"))
    found = [source for folder in folders for source in folder.iterdir() if source.name.endswith(".py")]
    return [*found, *(files("addon") / name for name in _READING)]


def _is_prose(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in _PROSE
    return False
