"""Stable Diffusion where it is made: Stability's API, AUTOMATIC1111 and ComfyUI on this computer."""

from __future__ import annotations

import base64
import re
from datetime import date
from typing import Any

from addon.framing import parse_or_none
from addon.local import CLOSED, name_host
from addon.service import Event, Turn
from addon.services._job import JobService
from addon.services._page import identity_at, list_at, pick, pixels, size_at, text_at


class Stability(JobService):
    """
    One blocking call; the pictures are in the reply.

    Shows: prompts, number and size of the pictures, the engine. Steps are on the wire too and have no column.
    Hides: on the newer addresses (v2beta, one picture a call) the size, unless the picture is a PNG, and the model
    where it is left to them. The company's own pages are not read.
    """

    name = "stability"
    title = "Stability AI API"
    provider = "stability_ai"
    hosts = ("api.stability.ai",)
    path = re.compile(
        r"/v1/generation/[\w.-]+/(?:text-to-image|image-to-image(?:/[a-z]+)?)"
        r"|/v2beta/stable-image/(?:generate|edit|control|upscale)/[a-z0-9-]+"
    )
    kind = "image"
    features = ("image_input",)
    grade = "documented"
    verified = date(2026, 11, 22)

    def request(self, turn: Turn, body: Any) -> None:
        _, version, _, name, *rest = turn.exchange.path.split("/")
        fields = pick(body, "fields") or body
        told = text_at(fields, "model") or _NAMES.get("/".join([name, *rest]))
        turn.request_model = name if version == "v1" else told
        turn.prompt(text_at(fields, "prompt"))
        turn.prompt(text_at(fields, "negative_prompt"))
        fields = pick(body, "fields") or body
        for prompt in list_at(fields, "text_prompts"):
            turn.prompt(text_at(prompt, "text"))
        for key in fields if isinstance(fields, dict) else ():
            if re.fullmatch(r"text_prompts\[\d+\]\[text\]", key):
                turn.prompt(fields[key])
        turn.media_count = size_at(fields, "samples")
        turn.media_pixels = pixels(size_at(fields, "width"), size_at(fields, "height"))
        for file in list_at(body, "files"):
            turn.attach(pick(file, "size"), text_at(file, "type"))

    def event(self, turn: Turn, event: Event) -> None:
        picture = event.data if isinstance(event.data, bytes) else b""
        if picture.endswith((b"IEND\xaeB`\x82", b"\xff\xd9")) or _is_whole_webp(picture):
            turn.finished = True
            turn.media_pixels = turn.media_pixels or _png_pixels(picture)
        super().event(turn, event)

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        picture = text_at(reply, "image")
        made = [reply] if picture else list_at(reply, "artifacts")
        ends = [text_at(one, "finishReason") or text_at(one, "finish_reason") for one in made]
        if made and all(end == "CONTENT_FILTERED" for end in ends):
            turn.outcome = "refused"
        if picture:
            turn.media_pixels = turn.media_pixels or _png_pixels(_head_of(picture))
        turn.response_id = identity_at(reply, "id")  # some upscales are made elsewhere, and polled
        turn.media_count = len(made) or turn.media_count
        return bool(made) or turn.response_id is not None


_NAMES = {"generate/ultra": "stable-image-ultra", "generate/core": "stable-image-core"}
"""Models that are named by the address alone."""


def _head_of(picture: str) -> bytes:
    try:
        return base64.b64decode(picture[:64])
    except ValueError:
        return b""


def _png_pixels(picture: bytes) -> int | None:
    """Return the pixels that a PNG's head tells; None for any other kind."""
    if len(picture) < 24 or not picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    return pixels(int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) or None


def _is_whole_webp(picture: bytes) -> bool:
    return picture[:4] == b"RIFF" and len(picture) >= int.from_bytes(picture[4:8], "little") + 8


class Automatic1111(JobService):
    """
    One blocking call to the person's own computer; the pictures are in the reply.

    Shows: prompts, number and size of the pictures. Steps have no column. Hides: the checkpoint, unless it is set in
    the call. The program's own page goes another way (Gradio) and is not read.
    """

    name = "automatic1111"
    title = "AUTOMATIC1111 on this computer"
    provider = "automatic1111"
    hosts = (name_host("automatic1111"),)
    path = re.compile(r"/sdapi/v1/(?:txt2img|img2img)")
    kind = "image"
    features = ("image_input",)
    grade = "documented"
    verified = date(2026, 11, 21)
    closed = CLOSED

    def request(self, turn: Turn, body: Any) -> None:
        turn.prompt(text_at(body, "prompt"))
        turn.prompt(text_at(body, "negative_prompt"))
        turn.request_model = text_at(body, "override_settings", "sd_model_checkpoint")
        turn.media_count = (size_at(body, "batch_size") or 1) * (size_at(body, "n_iter") or 1)
        turn.media_pixels = pixels(size_at(body, "width"), size_at(body, "height"))
        for _ in list_at(body, "init_images"):
            turn.attach(kind="image")

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        info = parse_or_none(reply.get("info"))
        made = pixels(size_at(info, "width"), size_at(info, "height"))
        turn.media_pixels = turn.media_pixels or made
        turn.response_model = text_at(info, "sd_model_name")
        return bool(list_at(reply, "images"))


class ComfyUi(JobService):
    """
    A graph of nodes is handed to the person's own computer and queued.

    Shows: what the graph's nodes say: prompts, size, number, checkpoint. Hides: how long the making took (told on a
    socket), whether it was made in the end. Nodes that others wrote may say it differently.
    """

    name = "comfyui"
    title = "ComfyUI on this computer"
    provider = "comfyui"
    hosts = (name_host("comfyui"),)
    path = re.compile(r"(?:/api)?/prompt")
    kind = "image"
    features = ("image_input",)
    grade = "documented"
    verified = date(2026, 11, 21)
    closed = CLOSED

    def request(self, turn: Turn, body: Any) -> None:
        graph = pick(body, "prompt")
        for node in list(graph.values())[:1000] if isinstance(graph, dict) else ():
            kind, inputs = text_at(node, "class_type") or "", pick(node, "inputs")
            if kind.startswith("Empty") and "Latent" in kind:
                turn.media_count = size_at(inputs, "batch_size") or 1
                turn.media_pixels = pixels(size_at(inputs, "width"), size_at(inputs, "height"))
            elif kind.startswith("CLIPTextEncode"):
                turn.prompt(text_at(inputs, "text"))
            elif kind in {"CheckpointLoaderSimple", "UNETLoader"}:
                checkpoint = text_at(inputs, "ckpt_name") or text_at(inputs, "unet_name")
                turn.request_model = checkpoint.rpartition(".")[0] if checkpoint else None
            elif kind == "LoadImage":
                turn.attach(kind="image")

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        turn.response_id = identity_at(reply, "prompt_id")
        return turn.response_id is not None
