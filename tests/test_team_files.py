"""What is handed to a person of an organisation, a policy or a join code, may be anything: then it is a sentence."""

from __future__ import annotations

import base64
import re
import sys
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracker.cli import main
from tracker.team import TeamError
from tracker.team.keys import make_transport
from tracker.team.policy import Policy, first_policy


@pytest.mark.parametrize("name", ["", 'The "Fjellvik"', "back\\slash", "Føroyar 🐑", "two\nlines\x7f"])
def test_the_first_policy_can_be_read_whatever_the_organisation_is_called(tmp_path: Path, name: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(first_policy(name), "utf-8")
    assert Policy.load(path).organisation == name.replace("\x7f", "\ufffd")


def say(command: str, path: Path, folder: Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["team", command, str(path), "--db", str(folder / "klimaspor.db")])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"least_people = ", b"least_people = " + b"9" * 5000, b"services = 'all'", b"a = " + b"[" * 5000],
    ids=["no-text", "cut", "long-number", "no-table", "deep"],
)
def test_a_policy_that_is_none_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(content)
    code, told = say("remind", path, tmp_path)
    assert code == 1
    assert re.fullmatch(r"Error: The policy .+ · .+ · .+\n", told)


@pytest.mark.parametrize(
    "content",
    [
        "publish_after_days = true", "organisation = 2026-11-16", "reminder = 1", '"\\u001b[2Jx" = 1', '"a\\nb" = 1',
        '[services."\\u202ex"]\nstate = "unapproved"', '[services.x]\nstate = ["approved"]\nreason = "r"',
        '[services.x]\nstate = "unapproved"\nreason = 2026-11-16', '[services.x]\nstate = "unapproved"\nreason = " "',
        '[services.x]\nstate = "approved"\nreason = "r"\nsince = 2026-11-16',
    ],
)  # fmt: skip
def test_a_value_that_no_database_or_terminal_takes_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(content)
    with pytest.raises(TeamError) as refusal:
        Policy.load(path)
    assert str(refusal.value).isprintable()
    assert str(refusal.value).count(" · ") == 2


@pytest.mark.parametrize("content", ["", "{}", '{"url": 5, "replicas": 1}', "[" * 200_000, "\xff"])
def test_settings_of_the_transport_that_are_none_are_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "transport.json").write_text(content, "latin-1")
    result = CliRunner().invoke(main, ["team", "load", "--keys", str(tmp_path), "--dsn", "postgresql://127.0.0.1:1/x"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: The settings of the transport cannot be read · ")


def test_without_the_organisation_s_packages_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_transport(tmp_path / "keys", url="tls://127.0.0.1:1", units={"city": 1}, replicas=1)
    monkeypatch.delitem(sys.modules, "tracker.team.client", raising=False)
    monkeypatch.setitem(sys.modules, "nats.aio.client", None)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for command in (["load", "--keys", str(tmp_path / "keys")], ["report"]):
        result = CliRunner().invoke(main, ["team", *command, "--dsn", "postgresql://127.0.0.1:1/x"])
        assert result.exit_code == 1
        assert result.output.startswith("Error: The organisation's part is not installed · ")
        assert result.output.endswith("uv tool install 'klimaspor[team]'\n")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"aGVsbG8=", zlib.compress(b"[" * 60_000)], ids=repr)
def test_a_file_that_is_no_join_code_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "device.code"
    path.write_bytes(content if content[:1] != b"x" else base64.urlsafe_b64encode(content))
    code, told = say("join", path, tmp_path)
    assert (code, told.split(" · ")[0]) == (1, "Error: This is not a whole join code")
