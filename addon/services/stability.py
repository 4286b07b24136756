"""Stable Diffusion where it is made: Stability's API, AUTOMATIC1111 and ComfyUI on this computer."""

from __future__ import annotations

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
    Hides: nothing that matters. Newer addresses (v2beta) and the company's own pages are not read.
    """

    name = "stability"
    title = "Stability AI API"
    provider = "stability_ai"
    hosts = ("api.stability.ai",)
    path = re.compile(r"/v1/generation/[\w.-]+/(?:text-to-image|image-to-image(?:/[a-z]+)?)")
    kind = "image"
    features = ("image_input",)
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = turn.exchange.path.split("/")[3]
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
        if isinstance(event.data, bytes) and event.data.endswith((b"IEND\xaeB`\x82", b"\xff\xd9")):
            turn.finished = True  # a whole PNG or JPEG
        super().event(turn, event)

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        made = list_at(reply, "artifacts")
        if made and all(text_at(one, "finishReason") == "CONTENT_FILTERED" for one in made):
            turn.outcome = "refused"
        turn.media_count = len(made) or turn.media_count
        return bool(made)


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
