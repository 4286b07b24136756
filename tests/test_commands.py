"""Every command helps, is documented, and ends in a sentence whatever happens to it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.test_store import make
from tracker.cli import COMMANDS, LazyGroup, main
from tracker.moments import timestamp, utc_offset_minutes
from tracker.store import Store

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_page_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.get_short_help_str(limit=80) == COMMANDS[name].line


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_an_example_and_is_in_the_readme(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"klimaspor {name}" in result.output
    assert "Example" in result.output
    assert f"| `klimaspor {name}` |" in (ROOT / "README.md").read_text()


def test_the_help_page_imports_no_command() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom tracker.cli import main\n"
        "CliRunner().invoke(main, ['--help'])\n"
        "print([name for name in sys.modules if name.startswith(('tracker.', 'addon.')) and name != 'tracker.cli'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"


def test_today_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    with Store.open(tmp_path / "k.db") as store:
        now = datetime.now(UTC)
        store.add([make(started_at=timestamp(now), utc_offset_minutes=utc_offset_minutes(now))])
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom tracker.cli import main\n"
        f"result = CliRunner().invoke(main, ['today', '--db', {str(tmp_path / 'k.db')!r}, '--lang', 'en'])\n"
        "assert '1 answer' in result.output, result.output\n"
        "slow = {'ecologits', 'pydantic', 'sqlite_utils', 'jinja2', 'mitmproxy', 'rich', 'toktok'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"


def test_what_nobody_foresaw_is_a_sentence_without_what_was_read() -> None:
    @click.group(cls=LazyGroup)
    def group() -> None: ...

    @click.command()
    def broken() -> None:
        raise KeyError("a word from a chat")

    class Broken(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return broken

    result = CliRunner().invoke(Broken(name="klimaspor", callback=lambda: None), ["try"])
    assert result.exit_code == 1
    assert "Something we did not foresee (KeyError)" in result.output
    assert "a word from a chat" not in result.output


def test_a_wrong_option_is_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["report", "--no-such-option"])
    assert result.exit_code == 2
