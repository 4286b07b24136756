"""The forms of the proxy's own page: they do what they say, for nobody but the page itself."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy.http import Headers, Request

from addon.forms import LARGEST_FORM, comes_from, is_small, read_form
from tests.canary import CANARY
from tests.rig import OPENAI, QUESTION, Reply, Rig, completion, rig
from tests.test_report_page import Reader
from tracker import limits
from tracker.budget import Budget
from tracker.report import render
from tracker.report.language import language
from tracker.report.own_page import Standings, view
from tracker.settings import Settings, load, settings_path
from tracker.settings_file import save
from tracker.store import Rating, Store
from tracker.talks import Talk

ASKED = {**QUESTION, "messages": [{"role": "user", "content": CANARY}], "user": CANARY, "title": CANARY}
FORM_TYPE = "application/x-www-form-urlencoded"
BROWSER = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "origin": "null"}


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("rig")) as made:
        made.origin.replies["/v1/chat/completions"] = Reply(completion(5, name="chatcmpl-@"), numbered=True)
        yield made


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def home(way: Rig) -> str:
    return way.proxy.state.page


def show(way: Rig, query: str = "") -> str:
    answer = httpx.get(home(way) + query, trust_env=False, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text


def form_token(way: Rig) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{32})"', show(way))
    assert found
    return found[1]


def send(way: Rig, headers: dict[str, str] | None = None, /, **fields: str) -> httpx.Response:
    fields.setdefault("token", form_token(way))
    sent = BROWSER if headers is None else headers
    return httpx.post(home(way), data=fields, headers=sent, trust_env=False, timeout=60)


def ask(way: Rig) -> int:
    with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False, timeout=20) as session:
        return session.post(OPENAI, json=ASKED).status_code


def ratings(way: Rig) -> list[Rating]:
    with Store.open(way.db, readonly=True) as store:
        return store.ratings()


def pauses(way: Rig) -> dict[str, datetime]:
    with Store.open(way.db, readonly=True) as store:
        return limits.pauses(store, datetime.now(UTC))


def test_a_conversation_is_rated_and_keeps_the_minutes_told_before(way: Rig) -> None:
    assert ask(way) == 200
    newest = way.records()[-1]
    subject = newest.conversation or newest.id
    page = show(way)
    assert subject in page
    assert CANARY not in page
    with Store.open(way.db) as store:
        store.rate(Rating(subject, "request", 2, 25, "2026-11-20T10:00:00Z"))
    answer = send(way, do="rate", subject=subject, worth="4")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/{way.proxy.state.token}/"
    assert [(r.subject, r.worth, r.minutes_saved) for r in ratings(way)] == [(subject, 4, 25)]
    assert 'value="4" class="chosen" aria-pressed="true"' in show(way)


def test_a_pause_lets_traffic_pass_unrecorded_until_it_is_taken_back(way: Rig) -> None:
    assert ask(way) == 200
    before = len(way.records())
    assert send(way, do="pause", service="openai-api", length="30m").status_code == 303
    left = pauses(way)["openai-api"] - datetime.now(UTC)
    assert timedelta(minutes=28) < left <= timedelta(minutes=30)
    assert way.proxy.ear.gate.verdict("openai-api") == "pass"
    assert ask(way) == 200
    assert len(way.records()) == before
    assert "is not recorded until" in show(way)
    assert send(way, do="pause", service="", length="2h").status_code == 303
    assert "Nothing is recorded until" in show(way)
    assert send(way, do="pause", service="", length="off").status_code == 303
    assert pauses(way) == {}
    assert ask(way) == 200
    assert len(way.records()) == before + 1


def test_a_used_budget_holds_and_continuing_lets_the_next_turn_through(way: Rig) -> None:
    assert ask(way) == 200
    way.records()
    assert send(way, do="budget", amount="0,5", unit="questions", per="day", service="", hold="on").status_code == 303
    assert load(way.db).budgets == (Budget(0.5, "questions", "day", hold=True),)
    with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False, timeout=20) as session:
        held = session.post(OPENAI, json=ASKED)
    assert held.status_code == 429
    assert "klimaspor open" in held.text
    assert way.proxy.state.token not in held.text
    assert "Continue for an hour" in show(way)
    assert send(way, do="continue").status_code == 303
    assert ask(way) == 200
    assert "Continue for an hour" not in show(way)
    assert send(way, do="drop", budget=load(way.db).budgets[0].name).status_code == 303
    assert load(way.db).budgets == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "rate", "subject": "f" * 32, "worth": "3"},
        {"do": "rate", "subject": "' OR 1=1 --", "worth": "3"},
        {"do": "budget", "amount": "-1", "unit": "questions", "per": "day", "service": ""},
        {"do": "budget", "amount": "0", "unit": "questions", "per": "day", "service": ""},
        {"do": "budget", "amount": "5", "unit": "kisses", "per": "day", "service": ""},
        {"do": "budget", "amount": "5", "unit": "questions", "per": "day", "service": "nobody"},
        {"do": "budget", "amount": "5", "unit": "questions", "per": "day", "service": "", "feature": "nonsense"},
        {"do": "drop", "budget": "nothing"},
        {"do": "pause", "service": "nobody", "length": "2h"},
        {"do": "pause", "service": "", "length": "99d"},
        {"do": "forget"},
        {},
    ],
)
def test_a_form_that_does_not_fit_changes_nothing(way: Rig, fields: dict[str, str]) -> None:
    before = ratings(way), load(way.db), pauses(way)
    answer = send(way, None, **fields)
    assert answer.status_code == 400
    assert re.search(r'role="alert">[A-Z][^<]+\.</p>', answer.text)
    assert (ratings(way), load(way.db), pauses(way)) == before


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "is not a number"), ("nb", "er ikke et tall"), ("nl", "is geen getal")]
)
def test_a_refused_form_says_why_in_the_persons_language_and_can_be_sent_again(way: Rig, lang: str, words: str) -> None:
    save(way.db, Settings({"language": lang}))
    try:
        answer = send(way, do="budget", amount="many", unit="questions", per="day", service="")
        assert words in answer.text
        assert Reader(answer.text).faults == []
        token = re.search(r'name="token" value="([0-9a-f]{32})"', answer.text)
        assert token
        fields = {"amount": "7", "unit": "questions", "per": "week", "service": "", "feature": "deep_research"}
        assert send(way, token=token[1], do="budget", **fields).status_code == 303
        assert load(way.db).budgets == (Budget(7, "questions", "week", None, "deep_research"),)
    finally:
        settings_path(way.db).unlink()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site", "origin": "{own}"},
        {"sec-fetch-site": "same-site", "origin": "{own}"},
        {"sec-fetch-site": "none", "origin": "{own}"},
        {"sec-fetch-site": "same-origin, cross-site"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1"},
    ],
)
def test_another_page_can_change_nothing_even_with_all_secrets(way: Rig, headers: dict[str, str]) -> None:
    told = {name: value.format(own=way.proxy_url) for name, value in headers.items()}
    assert send(way, told, do="pause", service="", length="2h").status_code == 403
    assert pauses(way) == {}


def test_a_program_that_names_our_own_origin_may_send_a_form(way: Rig) -> None:
    assert send(way, {"origin": way.proxy_url}, do="pause", service="", length="off").status_code == 303


@pytest.mark.parametrize("token", ["0" * 32, "", "é", "0" * 3000])
def test_a_form_without_the_right_token_is_refused(way: Rig, token: str) -> None:
    body = urlencode({"token": token, "do": "pause", "service": "", "length": "2h"})
    headers = {**BROWSER, "content-type": FORM_TYPE}
    answer = httpx.post(home(way), content=body, headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 403
    assert "was started anew since this page was opened, so nothing was changed" in answer.text
    assert pauses(way) == {}


def test_the_secret_path_does_not_stand_in_for_the_form_token(way: Rig) -> None:
    assert send(way, token=way.proxy.state.token, do="pause", service="", length="2h").status_code == 403
    assert form_token(way) != way.proxy.state.token


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}"])
def test_a_name_that_leads_here_can_change_nothing(way: Rig, host: str) -> None:
    body = urlencode({"token": form_token(way), "do": "pause", "service": "", "length": "2h"})
    connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=60)
    connection.putrequest("POST", f"/{way.proxy.state.token}/", skip_host=True)
    for name, value in {
        **BROWSER, "host": host.format(port=way.port), "content-length": str(len(body)),
        "content-type": FORM_TYPE,
    }.items():  # fmt: skip
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    try:
        assert connection.getresponse().status in {403, 421, 502}
    except http.client.RemoteDisconnected:
        pass  # it was taken for a request to that name, which leads to no private address
    finally:
        connection.close()
    assert pauses(way) == {}


def test_reading_changes_nothing_whatever_it_says(way: Rig) -> None:
    token = form_token(way)
    before = ratings(way), load(way.db), pauses(way), settings_path(way.db).exists()
    for fields in ({"do": "pause", "service": "", "length": "2h"}, {"do": "continue"},
                   {"do": "budget", "amount": "5", "unit": "questions", "per": "day"}):  # fmt: skip
        show(way, "?" + urlencode({"token": token, **fields}))
    assert (ratings(way), load(way.db), pauses(way), settings_path(way.db).exists()) == before


def test_a_guessed_path_says_nothing_of_what_is_there(way: Rig) -> None:
    for method in ("GET", "POST", "PUT"):
        for path in ("/", f"/{'0' * 32}/", f"/{way.proxy.state.token[:-1]}/", "/report"):
            answer = httpx.request(method, way.proxy_url + path, headers=BROWSER, trust_env=False, timeout=60)
            assert (answer.status_code, answer.text) == (404, "Not found.\n")
            assert "server" not in answer.headers


def test_a_large_form_is_not_kept(way: Rig) -> None:
    token = form_token(way)
    with pytest.raises(httpx.HTTPError):
        send(way, token=token, do="pause", service="", length="2h", more="x" * LARGEST_FORM)
    body = iter([urlencode({"token": token, "do": "pause", "service": "", "length": "2h"}).encode()])
    with pytest.raises(httpx.HTTPError):
        httpx.post(home(way), content=body, headers=BROWSER, trust_env=False, timeout=60)
    assert pauses(way) == {}


@pytest.mark.parametrize("lang", ["en", "nb", "nl"])
def test_the_page_keeps_the_rules_of_its_family(way: Rig, lang: str) -> None:
    assert ask(way) == 200
    way.records()
    budgets = (
        Budget(0.25, "questions", hold=True),
        Budget(5, "wh", "day"),
        Budget(100, "tokens", service="openai-api"),
    )
    save(way.db, Settings({"language": lang}, budgets))
    try:
        answer = httpx.get(home(way), trust_env=False, timeout=60)
        for path in ("report", "report/now"):
            report = httpx.get(home(way) + path, trust_env=False, timeout=60)
            assert f'<html lang="{lang}">' in report.text
            assert "form-action 'none'" in report.headers["content-security-policy"]
    finally:
        settings_path(way.db).unlink()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert way.proxy.state.token not in answer.text
    assert CANARY not in answer.text
    reader = Reader(answer.text)
    assert reader.faults == []
    assert reader.open == []
    assert ("html", {"lang": lang}) in reader.tags
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "base", "video", "audio"}
    for tag, attributes in reader.tags:
        assert not {name for name in attributes if name in {"style", "src"} or name.startswith("on")}, tag
        if tag == "a":
            assert attributes["href"] in {"report", "report/now", "certificate"}
        if tag == "form":
            assert (attributes["method"], attributes["action"]) == ("post", "./")
    (sheet,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'"
    assert answer.headers["content-security-policy"] == policy + "; frame-ancestors 'none'"
    assert any(unescape(str(attributes.get("content"))) == policy for tag, attributes in reader.tags if tag == "meta")


def test_what_the_settings_spoil_is_told_in_words(way: Rig) -> None:
    settings_path(way.db).write_text("nonsense = = 1")
    try:
        answer = httpx.get(home(way), trust_env=False, timeout=60)
    finally:
        settings_path(way.db).unlink()
    assert answer.status_code == 503
    assert "settings cannot be read" in answer.text
    assert "Traceback" not in answer.text


def test_a_page_that_takes_too_long_is_given_up(way: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addon.pages.PAGE_SECONDS", 0.01)
    answer = httpx.get(home(way), trust_env=False, timeout=60)
    assert answer.status_code == 503
    assert "Try again" in answer.text


def test_a_form_that_waits_for_the_database_holds_nobody_up(way: Rig) -> None:
    token = form_token(way)
    way.records()
    answers: list[httpx.Response] = []
    sending = threading.Thread(
        target=lambda: answers.append(send(way, token=token, do="pause", service="", length="2h"))
    )
    with closing(sqlite3.connect(way.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        sending.start()
        waited: list[float] = []
        while sending.is_alive() and len(waited) < 40:
            began = time.monotonic()
            assert httpx.get(way.proxy_url + "/proxy.pac", trust_env=False, timeout=20).status_code == 200
            waited.append(time.monotonic() - began)
            time.sleep(0.1)
        sending.join(30)
        other.execute("ROLLBACK")
    assert len(waited) > 5
    assert max(waited) < 2
    assert answers[0].status_code == 503
    assert answers[0].text.count("·") == 2
    assert pauses(way) == {}


@given(st.binary(max_size=400), st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_no_form(body: bytes, kind: str) -> None:
    request = Request.make("POST", "http://127.0.0.1/", body, Headers(content_type=FORM_TYPE))
    assert read_form(request, "0" * 32) is None
    request.headers["content-type"] = kind
    request.headers["sec-fetch-site"] = kind
    request.headers["content-length"] = kind
    assert read_form(request, "0" * 32) is None
    assert not comes_from(request, "http://127.0.0.1") or kind == "same-origin"
    assert isinstance(is_small(request), bool)


def test_a_form_with_a_field_twice_is_none() -> None:
    twice = b"token=" + b"0" * 32 + b"&do=continue&do=pause"
    kind = Headers(content_type=FORM_TYPE)
    assert read_form(Request.make("POST", "http://127.0.0.1/", twice, kind), "0" * 32) is None


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.sampled_from(["en", "nb", "nl"]))
@settings(max_examples=40, deadline=None)
def test_the_page_shows_words_and_never_markup(trouble: str, host: str, model: str, lang: str) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    status = {
        "port": 1, "started_at": now.isoformat(), "hosts": 3, "turns": {"heard": 1, "lost": {}}, "local": {host: 2},
        "trouble": trouble + "<b>", "passing": [{"host": host + "<script>", "reason": "challenge", "until": 2e9}],
    }  # fmt: skip
    talk = Talk("f" * 32, "request", now, host + "<i>", model + "</style>", 1, None)
    standings = Standings([talk], [], {host: now}, held=False, services=[model + '"><script>'])
    shown = view(status, {"requests": 0}, standings, now, language(lang))
    page = render.page("own.html.jinja", lang, sheets=("report.css", "forms.css"), view=shown, form_token="0" * 32)
    reader = Reader(page)
    assert reader.faults == []
    assert page.count("</style>") == 1
    assert "<script" not in page
    assert "<i>" not in page
