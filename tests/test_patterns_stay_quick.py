"""No regular expression of ours can be made to run for long: attacks are built from each pattern's own parts."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
WITH_PATTERNS = ("compile", "search", "match", "fullmatch", "sub", "split", "findall", "finditer")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from re import _constants as codes
    from re import _parser as parser

# The attacks run in a process of their own: only the kernel can stop a regular expression.
ATTACK = """
import json, re, signal, sys, time
signal.setitimer(signal.ITIMER_REAL, 60)
patterns = json.load(sys.stdin)
worst = {}
for text, flags, methods, attacks in patterns:
    pattern = re.compile(text, flags)
    for before, pump, after in attacks:
        for n in (26, 1000, 12000):
            victim = before + pump * n + after
            for attempt in (getattr(pattern, method) for method in methods):
                print(json.dumps([text, attempt.__name__, before[:9], pump, n]), flush=True)
                started = time.process_time()
                attempt(victim)
                taken = time.process_time() - started
                if taken > worst.get((text, attempt.__name__), (0,))[0]:
                    worst[text, attempt.__name__] = taken, n, pump
                if taken > 0.3:
                    break
print(json.dumps({"worst": [[*key, *value] for key, value in worst.items()]}))
"""


def patterns_of(room: str) -> dict[str, tuple[int, list[str]]]:
    """Every pattern written down in a room, with its flags and how it is used: matched whole, or looked for."""
    found: dict[str, tuple[int, list[str]]] = {}
    files = {path: path.read_text("utf-8") for path in sorted((ROOT / room).rglob("*.py"))}
    everything = "\n".join(files.values())
    for source in files.values():
        for statement in ast.walk(ast.parse(source)):
            for node in ast.iter_child_nodes(statement):
                if not is_pattern(node):
                    continue
                text, told = node.args[0].value, ast.dump(node)
                flags = sum(getattr(re, name) for name in ("DOTALL", "IGNORECASE", "MULTILINE") if name in told)
                uses = {node.func.attr}
                if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                    uses = set(re.findall(rf"\b{statement.targets[0].id}\.(\w+)\b", everything))
                searched = uses & {"search", "sub", "findall", "finditer", "split"}
                methods = ["search"] if searched else ["match"] if "match" in uses else ["fullmatch"]
                found[text if isinstance(text, str) else text.decode("latin-1")] = int(flags), methods
    return found


def is_pattern(node: Any) -> bool:
    """Whether this is a call such as ``re.compile("…")``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr in WITH_PATTERNS) == ("re", True)
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
    )


def made_patterns() -> dict[str, tuple[int, list[str]]]:
    """The ones that are put together when the services are made: their paths, routes, sockets and polls."""
    from addon.service import discover

    found = {}
    for service in discover():
        routes: list[Any] = [service.path, *(one for one, _ in getattr(service, "routes", ()))]
        for told in (*routes, *getattr(service, "polled", ()), *getattr(service, "sockets", ())):
            found[told.pattern if isinstance(told, re.Pattern) else told] = 0, ["fullmatch"]
    return found


def sample(nodes: Any) -> str:
    """A short text that the parsed pattern matches, more or less."""
    told = ""
    for code, value in nodes:
        match code:
            case codes.LITERAL:
                told += chr(value)
            case codes.NOT_LITERAL:
                told += "a" if value != ord("a") else "b"
            case codes.ANY:
                told += "a"
            case codes.IN:
                told += member(value)
            case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                told += sample(value[2]) * max(1, value[0])
            case codes.SUBPATTERN:
                told += sample(value[3])
            case codes.ATOMIC_GROUP:
                told += sample(value)
            case codes.BRANCH:
                told += sample(value[1][0])
    return told


def member(choices: Any) -> str:
    """One character of a set."""
    negated = choices[0][0] is codes.NEGATE
    for letter in "a0 /._-:A,é" + chr(0xE200):
        if holds(choices, letter) != negated:
            return letter
    return next((chr(value) for code, value in choices if code is codes.LITERAL), "a")


def holds(choices: Any, letter: str) -> bool:
    for code, value in choices:
        match code:
            case codes.LITERAL if chr(value) == letter:
                return True
            case codes.RANGE if value[0] <= ord(letter) <= value[1]:
                return True
            case codes.CATEGORY:
                name = str(value)
                kind = (
                    letter.isdigit() if "DIGIT" in name else letter.isspace() if "SPACE" in name else letter.isalnum()
                )
                if kind != ("NOT" in name):
                    return True
    return False


def attacks(text: str, flags: int) -> Iterator[tuple[str, str, str]]:
    """Before each repeated part a text that leads there, the part again and again, and an end that fits nowhere."""
    tree = parser.parse(text, flags)

    def walk(nodes: Any, before: str) -> Iterator[tuple[str, str]]:
        for code, value in nodes:
            match code:
                case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                    pump = sample(value[2])
                    if value[1] > 20:
                        yield before, pump or "a"
                        yield "", before + pump  # the way there again and again: what a search tries anew
                    yield from walk(value[2], before)
                case codes.SUBPATTERN:
                    yield from walk(value[3], before)
                case codes.BRANCH:
                    for one in value[1]:
                        yield from walk(one, before)
                case codes.ASSERT | codes.ASSERT_NOT:
                    yield from walk(value[1], before)
            before += sample([(code, value)])

    for before, pump in dict.fromkeys(walk(tree, "")):
        for after in ("\x01", "", "\n"):
            yield before, pump, after


def run(patterns: dict[str, tuple[int, list[str]]], seconds: int = 60) -> tuple[list[Any], str]:
    """Return ``[pattern, method, seconds, n, pump]`` of each at its worst, and which one did not come back."""
    told = [[text, flags, methods, list(attacks(text, flags))] for text, (flags, methods) in patterns.items()]
    code = ATTACK.replace("ITIMER_REAL, 60", f"ITIMER_REAL, {seconds}")
    result = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(told), capture_output=True, text=True, check=False
    )
    lines = result.stdout.splitlines()
    if result.returncode:
        return [], lines[-1] if lines else result.stderr
    return json.loads(lines[-1])["worst"], ""


@pytest.mark.parametrize("room", ["addon", "tracker"])
def test_no_pattern_runs_for_long(room: str) -> None:
    patterns = patterns_of(room)
    assert len(patterns) > 40
    worst, stuck = run(patterns)
    assert stuck == ""
    assert [told for told in worst if told[2] > 0.3] == []


def test_no_path_of_a_service_holds_up_the_proxy() -> None:
    # These run in the process that carries the chats, so a long path must not even be felt.
    worst, stuck = run(made_patterns())
    assert stuck == ""
    assert [told for told in worst if told[2] > 0.02] == []


def test_the_attacks_find_a_pattern_that_is_open_to_them() -> None:
    for bad in (r"/(a|a)*b", r"x(?:[a-z]+)+!", r"(?:[^/]+[^/]+[^/]+)+/"):
        worst, stuck = run({bad: (0, ["fullmatch"])}, seconds=1)
        assert stuck or worst[0][2] > 0.3
