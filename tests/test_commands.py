"""Every command helps, is documented, and ends in a sentence whatever happens to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from addon.coding import CodingError
from addon.company import BotsError
from addon.options import ProxyError
from tests.test_store import make, make_at
from tracker.cli import COMMANDS, LazyGroup, main
from tracker.errors import tell
from tracker.exports import NotARecordError
from tracker.key import KeyFileError
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


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command, groups and what is in them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*before, name)
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, *before, name)


@pytest.mark.parametrize("words", list(commands(main)), ids=" ".join)
def test_each_example_stands_whole_on_a_line_to_be_copied(words: tuple[str, ...]) -> None:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    examples = [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  klimaspor ")]
    page = CliRunner().invoke(main, [*words, "--help"], terminal_width=80, prog_name="klimaspor").output
    assert examples
    assert [line for line in page.splitlines() if line.strip() in examples] == [f"    {line}" for line in examples]
    for example in examples:
        assert example.split()[1 : len(words) + 1] == list(words)


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
        store.add([make_at(datetime.now(UTC))])
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


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("\udcff".encode, "What was typed, or the name of a file, is no UTF-8 · klimaspor try · "),
        (lambda: bytearray(1 << 62), "There is too little memory · klimaspor try · "),
    ],
    ids=["no UTF-8", "memory"],
)
def test_what_the_computer_cannot_do_is_told_as_such(error: Callable[[], object], told: str) -> None:
    with pytest.raises((UnicodeError, MemoryError)) as raised:
        error()
    assert end_with(raised.value).startswith(f"Error: {told}")


def test_a_wrong_option_is_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["report", "--no-such-option"])
    assert result.exit_code == 2


def in_a_process(code: str, **how: Any) -> subprocess.CompletedProcess[str]:
    how = {"text": True, **how}
    return subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=ROOT, check=False, **how)


def test_ctrl_c_is_no_traceback_even_while_the_first_module_is_imported() -> None:
    ended = in_a_process(
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from tracker.__main__ import main; main()"
    )
    assert (ended.returncode, ended.stderr) == (1, "Aborted!\n")


def test_ctrl_c_is_heard_also_where_python_could_only_print_it() -> None:
    ended = in_a_process(
        "import sys, tracker.cli\n"
        "class Ends:\n"
        "    def __del__(self): raise KeyboardInterrupt\n"
        "def run(**_):\n"
        "    ends = Ends(); del ends\n"
        "    for _ in range(10**9): pass\n"
        "tracker.cli.main = run\n"
        "from tracker.__main__ import main; main()",
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (1, "Aborted!\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("word", ["--help", "--version", "services"])
def test_a_full_disk_is_a_sentence_whatever_was_to_be_printed(word: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = in_a_process(
            f"from tracker.__main__ import main; import sys; sys.argv[1:] = [{word!r}]; main()", stdout=full
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: The computer refused (No space left on device) · klimaspor ")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("words", [["methods"], ["import", "--help"], ["log"]], ids=" ".join)
def test_a_terminal_that_lacks_letters_shows_the_others(tmp_path: Path, words: list[str]) -> None:
    ended = in_a_process(
        f"import sys; sys.argv[1:] = {words!r}; from tracker.__main__ import main; main()",
        stdout=subprocess.PIPE,
        env=os.environ
        | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "KLIMASPOR_DB": str(tmp_path / "\udcff.db")},
        encoding="latin-1",
    )
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout + ended.stderr) > 50


@pytest.mark.parametrize("seconds", [-62135596800, -1, 253402300799, 1 << 40, 1 << 60])
def test_a_clock_that_shows_no_year_of_ours_is_a_sentence(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(seconds, tz)

    monkeypatch.setattr("tracker.cli.datetime", Clock)
    result = CliRunner().invoke(main, ["services"])
    assert result.exit_code == 1
    assert result.output == "Error: The clock is wrong · this computer's · set it to this year, then try again\n"


@pytest.mark.parametrize("zone", [":/etc/passwd", "UTC-24:59", "UTC+24:00", "/etc/passwd"])
def test_a_time_zone_that_is_none_is_a_sentence(zone: str) -> None:
    code = "import sys; sys.argv[1:] = ['report', '--demo', '-o', '-']; from tracker.__main__ import main; main()"
    ended = in_a_process(code, env=os.environ | {"TZ": zone})
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: There is no such time zone · TZ={zone.lstrip(':')} · unset it, or name one such as Europe/Oslo\n"
    )


def test_without_anywhere_to_print_a_command_still_does_its_work(tmp_path: Path) -> None:
    words = ["report", "--format", "text", "--db", str(tmp_path / "k.db")]
    ended = in_a_process(
        f"import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-m', 'tracker', *{words!r}])"
    )
    assert ended.returncode == 0
    assert ended.stderr.startswith("Nothing has been recorded yet · ")


@pytest.mark.parametrize(
    "name", ["k.db", "k.db-wal", "k.key", "k.toml", "bots.toml", "proxy.token", "authority/ca.pem"]
)
@pytest.mark.parametrize("command", ["export", "report"])
def test_nothing_is_written_over_a_file_of_our_own(tmp_path: Path, command: str, name: str) -> None:
    with Store.open(tmp_path / "k.db") as store:
        store.add([make()])
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.touch()
    before = own.read_bytes()
    result = CliRunner().invoke(main, [command, "--db", str(tmp_path / "k.db"), "-o", str(own)])
    assert result.exit_code == 1
    assert "klimaspor's own and is not written over" in result.output
    assert own.read_bytes() == before
