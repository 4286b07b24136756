"""
Google's Code Assist, as Gemini CLI and editors with a Google login use it: Gemini's dialect in an envelope.

Usage is on the wire, thoughts included. Telemetry and account calls pass on the same host and are nobody's turn.
"""

from __future__ import annotations

from datetime import date

from addon.services._dialect import ApiService
from addon.services._gemini import GenerateContent


class CodeAssist(ApiService):
    name = "code-assist"
    title = "Gemini CLI and Code Assist"
    provider = "gcp.gemini"
    hosts = (
        "cloudcode-pa.googleapis.com",
        "daily-cloudcode-pa.googleapis.com",
        "daily-cloudcode-pa.sandbox.googleapis.com",
    )
    routes = ((r"/v1internal:(?:generateContent|streamGenerateContent)", GenerateContent()),)
    features = ("reasoning", "web_search", "code", "tool", "file_input", "image_input")
    grade = "documented"
    verified = date(2026, 11, 21)
