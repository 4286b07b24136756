"""CONTRIBUTING's "Add a chatbot", followed word for word by somebody who has only that page."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent


def told(part: str) -> str:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(rf"<!-- newcomer:{part} -->\n\s*```\w*\n(.*?)\n\s*```", page, re.DOTALL)
    assert block, f"CONTRIBUTING.md tells no {part}"
    return textwrap.dedent(block[1])


def follow(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    assert words[:3] == ["uv", "run", "python"]
    return subprocess.run([sys.executable, *words[3:]], cwd=folder, capture_output=True, text=True, check=False)


def test_a_newcomer_who_follows_the_page_has_a_working_chatbot(tmp_path: Path) -> None:
    for room in ("addon", "tracker"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests/examples").mkdir(parents=True)
    for name in ("__init__.py", "conftest.py", "examples.py", "test_examples.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    (tmp_path / "addon/services/parrot.py").write_text(told("service") + "\n")
    example = tmp_path / "tests/examples/parrot/plain.json"
    example.parent.mkdir()
    example.write_text(told("example"))

    accepted = follow(told("accept"), tmp_path)
    assert accepted.returncode == 0, accepted.stderr
    (record,) = json.loads(example.read_text())["expected"]
    assert record["request_model"] == "gpt-4o"
    assert record["output_tokens_source"] == "counted"
    assert 3 <= record["output_tokens"] <= 5
    assert record["time_to_first_token_ms"] == 100

    ran = follow(told("run"), tmp_path)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert re.search(r"\b(1[0-9]|2[0-9]) passed", ran.stdout), ran.stdout[-500:]
