"""Chatbots' data exports: every answer once, in little memory, and bad zips change nothing."""

from __future__ import annotations

import json
import random
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from addon.reader import Reader
from tests.data_exports import (
    BEGAN,
    CANARY,
    assistant,
    claude_conversation,
    claude_message,
    conversation,
    node,
    pack,
)
from tracker.cli import main
from tracker.imports import Context, NotReadableError, Part, detect
from tracker.imports.arrays import read_array
from tracker.record import Record, identify
from tracker.store import Store

KEY = b"k" * 32


def read(path: Path) -> tuple[list[Record], list[Part]]:
    kind = detect(path)
    assert kind is not None
    parts = list(kind.load()(path, Context(Reader(KEY, services=()), KEY), lambda _done, _all: None))
    return [r for part in parts if part.reading for r in part.reading.records], [p for p in parts if p.problem]


def features(record: Record) -> set[tuple[str, str]]:
    return {(feature.feature, feature.state) for feature in record.features}


def test_a_plain_conversation_is_a_record_a_turn(tmp_path: Path) -> None:
    talk = conversation(
        node("s", "root", "system", metadata={"is_visually_hidden_from_conversation": True}),
        node("u1", "s", "user"), assistant("a1", "u1"),
        node("u2", "a1", "user", at=BEGAN + 60), assistant("a2", "u2", model="gpt-4o"),
    )  # fmt: skip
    records, problems = read(pack(tmp_path / "export.zip", [talk]))
    assert problems == []
    assert [(r.response_model, r.output_tokens_source, r.source) for r in records] == [
        ("gpt-5-5", "counted", "export"), ("gpt-4o", "counted", "export")
    ]  # fmt: skip
    assert [r.started_at for r in records] == ["2026-11-16T09:00:00.000Z", "2026-11-16T09:01:00.000Z"]
    assert all(r.duration_ms is None and r.response_bytes is None for r in records)
    assert len({r.conversation for r in records}) == 1
    assert all(5 < (r.output_tokens or 0) < 25 and 5 < (r.input_tokens or 0) < 25 for r in records)


def test_an_answer_that_the_proxy_heard_has_the_same_id(tmp_path: Path) -> None:
    told = assistant("a1", "u1", metadata={"turn_exchange_id": "turn-7"})
    old = conversation(node("u2", "root", "user"), assistant("a2", "u2"), identity="c2")
    records, _ = read(pack(tmp_path / "export.zip", [conversation(node("u1", "root", "user"), told), old]))
    assert [r.id for r in records] == [identify(KEY, "chatgpt", "turn-7"), identify(KEY, "chatgpt", "c2", "u2")]


def test_every_branch_is_an_answer_of_its_own(tmp_path: Path) -> None:
    talk = conversation(
        node("u1", "root", "user"), assistant("a1", "u1"), assistant("b1", "u1"), assistant("c1", "u1"),
        node("u2", "b1", "user"), assistant("a2", "u2"),
        node("u3", "b1", "user"), assistant("a3", "u3"),
    )  # fmt: skip
    records, _ = read(pack(tmp_path / "export.zip", [talk]))
    assert len(records) == len({record.id for record in records}) == 5


def test_timed_thinking_tools_and_search_are_one_turn(tmp_path: Path) -> None:
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": CANARY, "content": CANARY}]}
    talk = conversation(
        node("u1", "root", "user", metadata={"system_hints": ["search"]}),
        assistant("t1", "u1", content=thoughts, metadata={"thinking_effort": "extended"}),
        assistant("q1", "t1", content={"content_type": "code", "text": "search()"}, recipient="web.run"),
        node("r1", "q1", "tool", name="web.run"),
        assistant("p1", "r1", content={"content_type": "reasoning_recap", "content": "Thought for 12s"},
                  metadata={"finished_duration_sec": 12}),
        assistant("a1", "p1", model="gpt-5-5-thinking"),
    )  # fmt: skip
    ((record,), _) = read(pack(tmp_path / "export.zip", [talk]))
    assert record.thinking_ms == 12_000
    assert record.effort == "extended"
    assert record.reasoning_tokens is None
    assert {("web_search", "asked"), ("web_search", "used"), ("reasoning", "used")} <= features(record)


def test_images_voice_and_custom_gpts_are_told(tmp_path: Path) -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://x", "width": 1024, "height": 1024}
    spoken = [{"content_type": "audio_transcription", "text": "Hello there, how are you today?"},
              {"content_type": "real_time_user_audio_video_asset_pointer"}]  # fmt: skip
    reply = [{"content_type": "audio_transcription", "text": "Fine."}, {"content_type": "audio_asset_pointer"}]
    talk = conversation(
        node("u1", "root", "user", content={"content_type": "multimodal_text", "parts": [picture, "What is it?"]}),
        assistant("a1", "u1", model="g-abc123-janes-bot"),
        node("u2", "a1", "user"),
        node("i1", "u2", "tool", content={"content_type": "multimodal_text", "parts": [picture]}),
        assistant("a2", "i1"),
        node("u3", "a2", "user", content={"content_type": "multimodal_text", "parts": spoken}),
        assistant("a3", "u3", content={"content_type": "multimodal_text", "parts": reply}),
        gizmo_id="g-abc123",
    )  # fmt: skip
    seen, drawn, said = read(pack(tmp_path / "export.zip", [talk]))[0]
    assert seen.response_model == "custom"
    assert (seen.attachments, features(seen)) == (1, {("image_input", "used")})
    assert (drawn.media_count, drawn.media_pixels) == (1, 1024 * 1024)
    assert {("voice", "used"), ("audio_input", "used"), ("audio_output", "used")} <= features(said)
    assert 5 <= (said.input_tokens or 0) <= 15


def test_a_conversation_without_times_or_answers_is_left_out_quietly(tmp_path: Path) -> None:
    timeless = conversation(node("u1", "root", "user", at=None), assistant("a1", "u1", at=None), create_time=None)
    silent = conversation(node("u1", "root", "user"), identity="c2")
    unfinished = conversation(node("u1", "root", "user"), assistant("a1", "u1", status="in_progress"), identity="c3")
    records, problems = read(pack(tmp_path / "export.zip", [timeless, silent, unfinished]))
    assert problems == []
    assert [record.outcome for record in records] == ["aborted"]


def test_a_broken_conversation_loses_only_itself_and_is_named_by_its_place(tmp_path: Path) -> None:
    good = [
        json.dumps(conversation(node("u", "root", "user"), assistant("a", "u"), identity=f"c{n}")) for n in range(3)
    ]
    damaged = good[1].replace('"mapping"', CANARY + '"mapping"')
    content = f"[{good[0]},\n{damaged},\n{good[1]}, 7, {{}},\n{good[2]}]".encode()
    records, problems = read(pack(tmp_path / "export.zip", content))
    assert len(records) == 3
    assert [(part.position, part.problem) for part in problems] == [
        (2, "it is damaged"), (4, "it is damaged"), (5, "it is no conversation")
    ]  # fmt: skip


def test_cycles_and_odd_trees_come_to_an_end(tmp_path: Path) -> None:
    loop = conversation(node("u1", "root", "user"), assistant("a1", "u1"))
    loop["mapping"]["a1"]["children"] = ["u1", "a1", "nobody", 7]
    odd: dict[str, Any] = {**conversation(), "mapping": {"a": None, "b": {"message": {"author": 3}}, "c": []}}
    records, problems = read(pack(tmp_path / "export.zip", [loop, odd]))
    assert (len(records), problems) == (1, [])


def test_a_long_conversation_does_not_need_recursion(tmp_path: Path) -> None:
    nodes = [node("u0", "root", "user")]
    for number in range(5000):
        nodes.append(assistant(f"a{number}", f"u{number}"))
        nodes.append(node(f"u{number + 1}", f"a{number}", "user"))
    assert len(read(pack(tmp_path / "export.zip", [conversation(*nodes)]))[0]) == 5000


def test_claude_exports_are_read_with_branches_thinking_and_files(tmp_path: Path) -> None:
    thinking = {"type": "thinking", "thinking": CANARY, "start_timestamp": "2026-11-16T09:00:01Z",
                "stop_timestamp": "2026-11-16T09:00:05.500Z"}  # fmt: skip
    search = {"type": "tool_use", "name": "web_search", "input": {"query": CANARY}}
    attachment = {"file_name": CANARY, "file_size": 1234, "file_type": "text/plain", "extracted_content": "words " * 50}
    talk = claude_conversation(
        claude_message("h1", "human", attachments=[attachment]),
        claude_message("a1", "assistant", parent="h1", content=[thinking, search, {"type": "text", "text": "Sunny."}]),
        claude_message("a2", "assistant", parent="h1"),
        claude_message("h2", "human", parent="a2"),
        claude_message("a3", "assistant", parent="h2", stop_reason="user_canceled", content=[]),
    )
    records, problems = read(pack(tmp_path / "export.zip", [talk]))
    assert problems == []
    first, again, cancelled = records
    assert first.id == identify(KEY, "claude", "a1")
    assert (first.thinking_ms, first.attachments, first.attachment_bytes) == (4500, 1, 1234)
    assert {("reasoning", "used"), ("web_search", "used"), ("file_input", "used")} == features(first)
    assert (first.input_tokens or 0) > 50
    assert first.response_model is None
    assert (again.outcome, cancelled.outcome) == ("complete", "aborted")


def test_claude_exports_tell_pictures_by_their_ending_and_how_long_an_answer_took(tmp_path: Path) -> None:
    text = {
        "type": "text", "text": "Sunny.", "citations": [],
        "start_timestamp": "2026-11-16T09:00:02Z", "stop_timestamp": "2026-11-16T09:00:07Z",
    }  # fmt: skip
    files = [{"file_uuid": "f1", "file_name": f"{CANARY}.PNG"}, {"file_uuid": "f2", "file_name": f"{CANARY}.pdf"}]
    late = text | {"start_timestamp": "2026-11-16T11:00:02Z", "stop_timestamp": "2026-11-16T11:00:07Z"}
    talk = claude_conversation(
        claude_message("h1", "human", files=files, files_v2=files),
        claude_message("a1", "assistant", parent="h1", content=[text]),
        claude_message("a2", "assistant", parent="h1", content=[late]),
        claude_message("h2", "human", parent="a1"),
        claude_message("a3", "assistant", parent="h2", content=[], text=""),
    )
    answer, again, nothing = read(pack(tmp_path / "export.zip", [talk]))[0]
    assert features(answer) == {("image_input", "used"), ("file_input", "used")}
    assert (answer.attachments, answer.duration_ms, again.duration_ms) == (2, 7000, None)
    assert (nothing.outcome, nothing.output_tokens) == ("aborted", None)


@pytest.mark.parametrize("unpacked", ["file", "folder"])
def test_an_unpacked_export_is_read_too(tmp_path: Path, unpacked: str) -> None:
    talk = conversation(node("u1", "root", "user"), assistant("a1", "u1"))
    (tmp_path / "conversations.json").write_text(json.dumps([talk]))
    assert len(read(tmp_path if unpacked == "folder" else tmp_path / "conversations.json")[0]) == 1


def test_no_word_of_an_export_gets_into_a_record(tmp_path: Path) -> None:
    talk = conversation(node("u1", "root", "user"), assistant("a1", "u1", model=f"gpt-5-{CANARY}"))
    records, _ = read(pack(tmp_path / "a.zip", [talk]))
    other = claude_conversation(claude_message("h", "human"), claude_message("a", "assistant", model=CANARY))
    records += read(pack(tmp_path / "b.zip", [other]))[0]
    assert len(records) == 2
    assert CANARY not in repr(records)


def bad_zips(folder: Path) -> Iterator[tuple[str, Path, str]]:
    good = pack(folder / "good.zip", [conversation(node("u1", "root", "user"), assistant("a1", "u1"))])
    content = good.read_bytes()
    (folder / "truncated.zip").write_bytes(content[: len(content) // 2])
    yield "truncated", folder / "truncated.zip", "damaged"
    flipped = bytearray(content)
    at = content.index(b"conversations.json") + 60
    flipped[at] ^= 0xFF
    (folder / "flipped.zip").write_bytes(flipped)
    yield "flipped", folder / "flipped.zip", "damaged"
    yield "bomb", pack(folder / "bomb.zip", b"[" + b" " * (64 << 20) + b"]"), "unpack to far more"
    traversal = pack(folder / "traversal.zip", [conversation()])
    with zipfile.ZipFile(traversal, "a") as archive:
        archive.writestr("../../etc/cron.d/x", "x")
    yield "traversal", traversal, "lead out of it"
    with zipfile.ZipFile(folder / "link.zip", "w") as archive:
        link = zipfile.ZipInfo("conversations.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    yield "link", folder / "link.zip", "link"
    yield "utf-16", pack(folder / "utf16.zip", '[{"mapping": {}}]'.encode("utf-16")), "not UTF-8"
    yield "no list", pack(folder / "object.zip", b'{"mapping": {}}'), "not a list"
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("holiday.jpg", b"\xff\xd8")
    yield "photos", folder / "photos.zip", "no conversations.json"


def test_bad_zips_are_a_sentence_and_nothing_is_read(tmp_path: Path) -> None:
    from tracker.imports.chatgpt_export import read_chatgpt_export

    context = Context(Reader(KEY, services=()), KEY)
    seen = 0
    for name, path, words in bad_zips(tmp_path):
        with pytest.raises(NotReadableError, match=words):
            next(read_chatgpt_export(path, context, lambda _done, _all: None))
        seen += 1
        assert name
    assert seen == 8


def test_what_was_read_before_a_file_that_cannot_be_read_stays_read(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    talk = conversation(node("u1", "root", "user"), assistant("a1", "u1"))
    (folder / "conversations-001.json").write_text(json.dumps([talk]))
    (folder / "conversations-002.json").write_text(json.dumps([talk]), encoding="utf-16")
    result = CliRunner().invoke(main, ["import", "--db", str(tmp_path / "k.db"), str(folder)])
    assert result.exit_code == 1
    assert "its text is not UTF-8" in result.output
    with Store.open(tmp_path / "k.db", readonly=True) as store:
        assert len(list(store.records())) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_an_array_is_read_from_any_pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int) -> None:
    monkeypatch.setattr("tracker.imports.arrays.PIECE", size)
    elements = [{"a": ["\\", '"', "é😀", "\n"], "b": 1.5}, [], "x" * 300, {"title": "{[,]}"}, None, -12]
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf \n" + json.dumps(elements, ensure_ascii=False).encode())
    with path.open("rb") as file:
        assert list(read_array(file)) == elements


@pytest.mark.parametrize("end", ["", ",", ",{", ',{"a": "', ",{}"])
def test_an_array_that_lost_its_end_gives_what_there_is(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1}' + end)
    with path.open("rb") as file:
        elements = list(read_array(file))
    assert elements[0] == {"a": 1}
    assert len(elements) <= 3


MEASURED = r"""
import re, sys
from pathlib import Path
from addon.reader import Reader
from tracker.imports import Context, detect
path = Path(sys.argv[1])
parts = detect(path).load()(path, Context(Reader(b"k" * 32, services=()), b"k" * 32), lambda done, everything: None)
records = sum(len(part.reading.records) for part in parts)
print(records, int(re.search("VmHWM:[ \t]+([0-9]+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_a_large_export_is_read_in_little_memory(tmp_path: Path) -> None:
    chance = random.Random(7)
    words = ["weather", "bread", "Oslo", "river", "train", "green", "seven", "because", "window", "quickly"]

    def talks() -> Iterator[dict[str, Any]]:
        text = " ".join(chance.choice(words) for _ in range(20_000))
        for number in range(600):
            content = {"content_type": "text", "parts": [text[number:]]}
            yield conversation(
                node("u1", "root", "user"), assistant("a1", "u1", content=content), identity=f"c{number}"
            )

    path = tmp_path / "conversations.json"
    with path.open("w") as file:
        for number, talk in enumerate(talks()):
            file.write(("," if number else "[") + json.dumps(talk))
        file.write("]")
    assert path.stat().st_size > 70 << 20
    command = [sys.executable, "-c", MEASURED, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    records, megabytes = map(int, result.stdout.split())
    assert records == 600
    assert megabytes < 200
