"""Colours that can be told apart, computed: text 4.5 to 1, marks 3 to 1, on paper and beside each other."""

from __future__ import annotations

import re

import pytest

from tracker.report import render

THEMES = ("light", "dark", "print")
TEXT = (("ink", "paper"), ("soft", "paper"), ("accent", "paper"))
MARKS = (("accent", "paper"), ("band", "paper"), ("past", "paper"), ("ink", "band"), ("ink", "past"), ("ink", "paper"),
         ("soft", "paper"))  # fmt: skip


def palettes() -> dict[str, dict[str, str]]:
    sheet = str(render.style())
    blocks = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", block))
        for block in re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    ]
    assert len(blocks) == 3
    return dict(zip(THEMES, blocks, strict=True))


def contrast(one: str, other: str) -> float:
    first, second = sorted((luminance(one), luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_measure_is_that_of_wcag() -> None:
    assert round(contrast("#fff", "#000000"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("mark", "ground"), TEXT)
def test_text_can_be_read(theme: str, mark: str, ground: str) -> None:
    assert contrast(palettes()[theme][mark], palettes()[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("mark", "ground"), MARKS)
def test_marks_can_be_seen(theme: str, mark: str, ground: str) -> None:
    assert contrast(palettes()[theme][mark], palettes()[theme][ground]) >= 3


def test_no_colour_stands_outside_the_palettes() -> None:
    sheet = re.sub(r":root \{.*?\}", "", str(render.style()), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", sheet)
