"""The PAC file sends exactly the listed hosts to us, judged by a JavaScript engine where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.pac import Previous, as_data_url, write_pac

OURS = "PROXY 127.0.0.1:47821"
HELPERS = r"""
function dnsDomainIs(host, domain) { return host.endsWith(domain); }
function shExpMatch(text, pattern) {
  var expression = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
  return new RegExp('^' + expression + '$').test(text);
}
function toNumber(address) { return address.split('.').reduce((n, part) => n * 256 + Number(part), 0); }
function isInNet(host, net, mask) { return (toNumber(host) & toNumber(mask)) === (toNumber(net) & toNumber(mask)); }
"""  # what browsers bring along

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node, as a JavaScript engine")


def ask(pac: str, *urls: str) -> list[str]:
    calls = [[url, url.split("/")[2].partition(":")[0]] for url in urls]
    script = f"{HELPERS}\n{pac}\nconsole.log(JSON.stringify({json.dumps(calls)}.map(c => FindProxyForURL(c[0], c[1]))))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=30)
    return list(json.loads(done.stdout))


@needs_node
def test_listed_hosts_and_only_those_come_to_us() -> None:
    pac = write_pac(["claude.ai", "*.openai.azure.com"], 47821)
    urls = {
        "https://claude.ai/": f"{OURS}; DIRECT",
        "https://CLAUDE.AI/": f"{OURS}; DIRECT",
        "wss://claude.ai/": f"{OURS}; DIRECT",
        "http://claude.ai/": "DIRECT",
        "https://login.claude.ai/": "DIRECT",
        "https://claude.ai.example.no/": "DIRECT",
        "https://notclaude.ai/": "DIRECT",
        "https://x.openai.azure.com/": "DIRECT",
        "https://constructor/": "DIRECT",
        "https://__proto__/": "DIRECT",
        "https://nettbank.example.no/": "DIRECT",
    }
    assert ask(pac, *urls) == list(urls.values())


@needs_node
def test_without_the_way_round_a_listed_host_has_no_other_way() -> None:
    assert ask(write_pac(["claude.ai"], 47821, fail_open=False), "https://claude.ai/") == [OURS]


@needs_node
def test_a_company_s_pac_keeps_its_own_answers() -> None:
    theirs = """
    var listed = 'mine';   // the same names as ours
    function before() { return 'PROXY corp:3128'; }
    function FindProxyForURL(url, host) { return host === 'intern.example' ? 'DIRECT' : before(); }
    """
    pac = write_pac(["claude.ai"], 47821, Previous(kind="pac", pac_url="http://corp/pac", pac_text=theirs))
    answers = ask(pac, "https://claude.ai/", "https://intern.example/", "https://example.no/", "http://claude.ai/")
    assert answers == [f"{OURS}; PROXY corp:3128", "DIRECT", "PROXY corp:3128", "PROXY corp:3128"]


@needs_node
def test_a_company_s_pac_that_throws_is_direct() -> None:
    theirs = "function FindProxyForURL(url, host) { throw new Error('no'); }"
    pac = write_pac(["claude.ai"], 47821, Previous(kind="pac", pac_text=theirs))
    assert ask(pac, "https://example.no/") == ["DIRECT"]


@needs_node
def test_fixed_proxies_and_their_exceptions_stay() -> None:
    ignore = ("localhost", "*.intern.example", ".corp.example", "10.0.0.0/8", "::1", "fe80::/10", "")
    previous = Previous(kind="manual", https="corp:3128", http="corp:8080", ignore=ignore)
    pac = write_pac(["claude.ai"], 47821, previous)
    urls = {
        "https://claude.ai/": f"{OURS}; PROXY corp:3128",
        "https://example.no/": "PROXY corp:3128",
        "http://example.no/": "PROXY corp:8080",
        "https://git.intern.example/": "DIRECT",
        "https://intern.example/": "DIRECT",
        "https://wiki.corp.example/": "DIRECT",
        "https://localhost/": "DIRECT",
        "https://10.1.2.3/": "DIRECT",
        "https://11.1.2.3/": "PROXY corp:3128",
    }
    assert ask(pac, *urls) == list(urls.values())
    socks = write_pac([], 47821, Previous(kind="manual", socks="corp:1080"))
    assert ask(socks, "https://example.no/") == ["SOCKS corp:1080"]


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=4))
@settings(max_examples=60, deadline=None)
def test_names_from_settings_never_become_code(address: str, ignore: list[str]) -> None:
    """Every word of somebody's settings stands in the script as one JSON string."""
    pac = write_pac(["claude.ai"], 1, Previous(kind="manual", https=address, ignore=tuple(ignore)))
    plain = write_pac(["claude.ai"], 1, Previous(kind="manual", https="X", ignore=()))
    assert pac.count("\n") == plain.count("\n")
    assert json.dumps(f"PROXY {address}" if address else "DIRECT") in pac


def test_it_is_the_same_text_every_time() -> None:
    assert write_pac({"b.example", "a.example"}, 1) == write_pac(["a.example", "b.example"], 1)
    assert as_data_url("x").startswith("data:application/x-ns-proxy-autoconfig;base64,")
