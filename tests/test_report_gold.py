"""Whole outputs, byte for byte, as they were looked at and found good (``python -m tests.golden`` writes them)."""

from __future__ import annotations

from tests import golden


def test_all_views_are_as_they_were_kept() -> None:
    made = dict(golden.outputs())
    kept = {path.name for path in golden.FOLDER.iterdir() if not path.name.startswith(".")}
    assert kept == set(made)
    for name, text in made.items():
        expected = (golden.FOLDER / name).read_bytes()
        assert text.encode() == expected, f"{name} differs; look at it, then run python -m tests.golden"
