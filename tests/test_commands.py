"""Every command helps, is documented, and ends in a sentence whatever happens to it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from addon.coding import CodingError
from addon.company import BotsError
from addon.options import ProxyError
from tests.test_store import make
from tracker.cli import COMMANDS, LazyGroup, main
from tracker.errors import tell
from tracker.exports import NotARecordError
from tracker.key import KeyFileError
from tracker.moments import timestamp, utc_offset_minutes
from tracker.store import Store, StoreError

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


def end_with(error: Exception) -> str:
    """Return what a person reads when a command ends with this error."""

    @click.command()
    def broken() -> None:
        raise error

    class Broken(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return broken

    result = CliRunner().invoke(Broken(name="klimaspor", callback=lambda: None), ["try"])
    assert result.exit_code == 1
    return result.output


@pytest.mark.parametrize("kind", [KeyError, CodingError, NotARecordError], ids=lambda kind: kind.__name__)
def test_what_nobody_foresaw_is_a_sentence_without_what_was_read(kind: type[Exception]) -> None:
    told = end_with(kind("a word from a chat"))
    assert f"Something we did not foresee ({kind.__name__}) · klimaspor try · " in told
    assert "a word from a chat" not in told


@pytest.mark.parametrize("kind", [BotsError, KeyFileError, ProxyError, StoreError], ids=lambda kind: kind.__name__)
def test_a_rooms_own_error_is_told_in_its_own_words_by_command_and_worker_alike(kind: type[Exception]) -> None:
    sentence = "It is not there · /x · look again"
    assert end_with(kind(sentence)) == f"Error: {sentence}\n"
    assert tell(kind(sentence)) == sentence
    assert tell(CodingError("a word from a chat")) == "CodingError"


def test_a_wrong_option_is_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["report", "--no-such-option"])
    assert result.exit_code == 2
