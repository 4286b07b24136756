"""Which kind of program asked: a word from a fixed list, never the user agent itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

_FAMILIES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, family, re.compile(pattern, re.IGNORECASE))
    for kind, family, pattern in (
        ("cli", "claude-code", r"^claude-(cli|code)/"),
        ("cli", "codex", r"^codex[_a-z-]*/"),
        ("cli", "gemini-cli", r"^gemini-?cli"),
        ("cli", "copilot-cli", r"^copilot(-cli)?/"),
        ("cli", "aider", r"\baider\b"),
        ("cli", "opencode", r"\bopencode\b"),
        ("app", "cline", r"\b(cline|roo-?code)\b"),
        ("app", "vscode", r"^(githubcopilotchat|githubcopilot|vscode|visual studio code)|\bcode/\d"),
        ("app", "jetbrains", r"jetbrains|intellij|pycharm|webstorm"),
        ("app", "zed", r"^zed/"),
        ("app", "cursor", r"\bcursor/"),
        ("app", "chatgpt", r"^chatgpt/|\bchatgpt-?(desktop|mac)"),
        ("app", "claude", r"\bclaude/\d"),
        ("app", "electron", r"\belectron/"),
        ("library", "openai", r"^(async)?openai/|openai-python|openai/(js|go|java|ruby)"),
        ("library", "anthropic", r"^(async)?anthropic/"),
        ("library", "google-genai", r"google-genai-sdk|genai-js"),
        ("library", "mistral", r"^mistral-client|speakeasy-sdk.*mistral"),
        ("library", "groq", r"^(async)?groq/"),
        ("library", "cohere", r"\bcohere\b"),
        ("library", "ollama", r"^ollama[-/]"),
        ("library", "boto3", r"^(boto3|botocore|aws-sdk|aws-cli)"),
        ("library", "huggingface", r"huggingface|^hf_hub|^unknown/None; hf_hub"),
        ("library", "litellm", r"^litellm"),
        ("library", "langchain", r"langchain"),
        ("cli", "curl", r"^(curl|wget|httpie)/"),
        ("library", "python", r"^(python|httpx|aiohttp|requests)"),
        ("library", "node", r"^(node|axios|undici|got)\b"),
        ("library", "go", r"^go-http-client"),
        ("library", "java", r"^(java|okhttp|apache-httpclient)"),
        ("browser", "edge", r"\bedga?(ios)?/"),
        ("browser", "opera", r"\bopr/"),
        ("browser", "vivaldi", r"\bvivaldi/"),
        ("browser", "firefox", r"\b(firefox|fxios)/"),
        ("browser", "chrome", r"\b(headlesschrome|chrome|chromium|crios)/"),
        ("browser", "safari", r"\bsafari/"),
        ("browser", "other", r"^mozilla/"),
    )
)


def name_client(headers: Mapping[str, str]) -> str | None:
    """
    Return ``kind/family`` such as ``browser/firefox`` or ``cli/claude-code``, or None.

    Both words come from the list above; nothing of the header itself is returned.
    """
    found = {key.lower(): value for key, value in headers.items()}
    agent = found.get("user-agent", "")[:400]
    for kind, family, pattern in _FAMILIES:
        if pattern.search(agent):
            return f"{kind}/{family}"
    return "library/openai" if "x-stainless-lang" in found else None
