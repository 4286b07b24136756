"""What can be told from a model's name alone: its plain form, a size in it, whether it always reasons."""

from __future__ import annotations

import re

_PREFIX = re.compile(
    r"(?:.*/)?(?:models/|accounts/[^/]+/models/)?(?:(?:us|eu|apac|au|jp|ca|global)[.])?"
    r"(?:(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|google)[.])?"
)
_SUFFIX = re.compile(r"(?:-v\d+:\d+(?::\d+k)?|:(?:free|latest|beta|nitro|extended|thinking|online|cloud)|@[\w-]+)$")
_DATED = re.compile(
    r"[-@](?:20\d{6}|20\d\d-\d\d(?:-\d\d)?|\d\d-\d\d|\d\d-20\d\d|0\d{3}|1[012]\d\d|2[3-9](?:0[1-9]|1[012])|00\d|latest|preview)$"
)
_EXPERTS = re.compile(r"(?<![\d.])(\d{1,2})x(\d{1,3}(?:[.]\d+)?)b(?![a-z])")
_ACTIVE = re.compile(r"(?<![\d.])(\d{1,4}(?:[.]\d+)?)b-a(\d{1,3}(?:[.]\d+)?)b(?![a-z])")
_SIZE = re.compile(r"(?<![\d.a-z])(\d{1,4}(?:[.]\d+)?)b(?![a-z])")
_REASONS = re.compile(
    r"(?:^|[-_/.])(?:o1|o3|o4|r1|qwq|magistral)(?:[-_:]|$)|think|reason|deep-?research|(?:^|[-_])(?:heavy|expert)(?:[-_]|$)"
)

SHARE_OF_EXPERTS = 0.83
"""Total over (experts x size): experts share attention; Mixtral 8x7B has 46.7 of 56, 8x22B has 140.6 of 176."""


def plain(name: str) -> str:
    """Return the name in lower case without a host's prefix and suffix: ``us.anthropic.claude-x-v1:0``."""
    name = name.strip().lower().replace(" ", "-").replace("_", "-")
    if matched := _PREFIX.match(name):
        name = name[matched.end() :] or name
    return _SUFFIX.sub("", name)


def undated(name: str) -> str:
    """Return the name without the date, ``-latest`` or ``-preview`` at its end."""
    return _DATED.sub("", name)


def size_in(name: str) -> tuple[float, float] | None:
    """Return (total, active) parameters in billions if the name says them: ``30b-a3b``, ``8x7b``, ``70b``."""
    if matched := _ACTIVE.search(name):
        total, active = float(matched[1]), float(matched[2])
        return (total, min(active, total)) if total and active else None
    if matched := _EXPERTS.search(name):
        experts, size = int(matched[1]), float(matched[2])
        total = SHARE_OF_EXPERTS * experts * size
        return (total, min(total, 2 * size)) if total else None
    if (matched := _SIZE.search(name)) and (size := float(matched[1])):
        return size, size
    return None


def always_reasons(name: str) -> bool:
    """Whether the name is that of a model or mode that always thinks before it answers."""
    return _REASONS.search(name) is not None and "non-reasoning" not in name


def words_of(name: str) -> list[str]:
    """Return the words of a name: ``gpt-5.4-mini`` → gpt, 5, 4, mini."""
    return [word for word in re.split(r"[-_.:/ ]+|(?<=[a-z])(?=\d)", name) if word]
