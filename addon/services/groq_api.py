"""
The Groq API, as programs use it.

Usage is always on the wire, in streams inside ``x_groq``. An error may come inside a stream with status 200.
"""

from __future__ import annotations

from datetime import date

from addon.services._openai_like import OpenaiLike, openai_routes
from addon.services._openai_media import Speech, Transcription


class GroqApi(OpenaiLike):
    name = "groq-api"
    title = "Groq API"
    provider = "groq"
    hosts = ("api.groq.com",)
    routes = (
        *openai_routes("/openai/v1"),
        (r"/openai/v1/audio/speech", Speech()),
        (r"/openai/v1/audio/(?:transcriptions|translations)", Transcription()),
    )
    features = ("reasoning", "tool", "web_search", "code", "image_input", "audio_input", "audio_output")
    grade = "captured"
    verified = date(2026, 11, 21)
