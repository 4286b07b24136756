"""Pictures, video and sound: Wh a picture, a clip, a minute, by model where somebody measured it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tracker.footprint import package
from tracker.footprint.factors import Factor
from tracker.footprint.hidden import spread_of
from tracker.footprint.methods import Question
from tracker.footprint.methods.ecologits import NAMES, UNITS, Published, affine, publish_usage
from tracker.footprint.place import Place
from tracker.footprint.recipe import Load
from tracker.record import Activity

IMAGE_MODELS = (
    ("image_flux", "flux"),
    ("image_sd3_large", "sd3.*large|stable-diffusion-3.*large"),
    ("image_sd3_medium", "sd3|stable-diffusion-3"),
    ("image_sdxl", "sdxl|stable-diffusion-xl"),
    ("image_pixart", "pixart"),
    ("image_sana", "sana"),
)
VIDEO_MODELS = (
    ("openai/sora-2-pro", "sora"),
    ("google/veo-3.1-fast", "veo-?3[.]1.*fast"),
    ("google/veo-3.1", "veo-?3[.]1"),
    ("google/veo-3.0-fast", "veo-?3.*fast"),
    ("google/veo-3.0", "veo"),
    ("klingai/kling-v3", "kling.*3"),
    ("klingai/kling-v2.6", "kling.*2"),
    ("klingai/kling-v1.6", "kling"),
    ("bytedance/seedance-1.5-pro", "seedance-?1[.-]5"),
    ("bytedance/seedance-1.0", "seedance"),
    ("runway/gen-4.5", "gen-?4"),
    ("lightricks/ltx-2-t2va", "ltx"),
    ("tencent/hunyuanvideo-1.5", "hunyuan.*1[.]5"),
    ("tencent/hunyuanvideo", "hunyuan"),
    ("alibaba/wan2.2", "wan-?2[.]2"),
    ("alibaba/wan2.1", "wan"),
)
"""EcoLogits' video models and the names that are taken for them; the first match wins."""

REFERENCE_PIXELS = 1280 * 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip as EcoLogits sees it: Wh as (low, high) at the facility, hardware in g, µg, kJ."""

    model: str
    pixels: float
    seconds: float
    energy_wh: tuple[float, float]
    embodied: tuple[float, float, float]


def media_loads(activity: Activity, question: Question) -> Iterator[Load]:
    """Yield the loads of generated or transcribed media, in Wh per picture, clip or second."""
    features = {feature for feature, state in activity.features if state == "used"}
    match activity.operation:
        case "image" if activity.output_tokens_source == "reported" and activity.output_tokens:
            yield Load(component="images", quantity="visible_output", output=1)
        case "image":
            yield _image(activity, question)
        case "video":
            yield _video(activity, question)
        case "music":
            yield _sound(question, "music_clip", question.factor("music_clip_seconds"))
        case "speech":
            yield _sound(question, "speech_minute", 60)
        case "transcription":
            yield _sound(question, "transcription_minute", 60)
        case _ if "image_output" in features:
            yield _image(activity, question)
        case _ if features & {"audio_output", "voice"}:
            yield _sound(question, "speech_minute", 60)


def find_clip(activity: Activity) -> Clip | None:
    """Return the clip that this activity's videos are on average, if EcoLogits knows the model."""
    name = (activity.model or "").lower()
    model = next((key for key, pattern in VIDEO_MODELS if re.search(pattern, name)), None)
    if model is None or activity.operation != "video":
        return None
    pixels, seconds = size_of_clip(activity)
    return _clip(model, round(pixels), round(seconds, 2))


def size_of_clip(activity: Activity) -> tuple[float, float]:
    """Return the mean (pixels a frame, seconds) of this activity's videos, the reference clip where unknown."""
    count = activity.media_count or 1
    pixels = activity.media_pixels / count or REFERENCE_PIXELS
    return pixels, activity.media_seconds / count or 5.0


def publish_clip(activity: Activity, place: Place) -> Published | None:
    """Return EcoLogits' own figures for one clip, per ``media_count``, in this place."""
    clip = find_clip(activity)
    if clip is None:
        return None
    found = package.clip(clip.model, clip.pixels, clip.seconds)
    site = package.table()["video_providers"][clip.model]
    return Published(
        usage=publish_usage([[found.energy_low] * 2, [found.energy_high] * 2], site, place.grid),
        embodied={NAMES[name]: affine([[getattr(found, name)] * 2] * 2, UNITS[name]) for name in ("gwp", "adpe", "pe")},
    )


def _image(activity: Activity, question: Question) -> Load:
    name = (activity.model or "").lower()
    key = next((key for key, pattern in IMAGE_MODELS if re.search(pattern, name)), "image_default")
    factor = question.factors.get(key, question.day)
    pixels = question.factor("image_reference_pixels")
    return _load("images", "media_pixels", factor, factor.value / pixels)


def _video(activity: Activity, question: Question) -> Load:
    default = question.factors.get("video_default", question.day)
    clip = find_clip(activity)
    if clip is not None:
        low, high = clip.energy_wh
        return Load(
            component="video", quantity="media_count", wh=math.sqrt(low * high), factor=f"EcoLogits {clip.model}",
            spreads=((f"video {clip.model}", math.log(question.factor("gsd_video_known"))),), tier=3,
            embodied=clip.embodied,
        )  # fmt: skip
    pixels, seconds = size_of_clip(activity)
    exponent = question.factor("video_exponent")
    scale = (pixels / question.factor("video_reference_pixels")) ** exponent
    scale *= (seconds / question.factor("video_reference_seconds")) ** exponent
    return _load("video", "media_count", default, default.value * scale)


def _sound(question: Question, key: str, seconds: float) -> Load:
    factor = question.factors.get(key, question.day)
    return _load("audio", "media_seconds", factor, factor.value / seconds)


def _load(component: str, quantity: str, factor: Factor, wh: float) -> Load:
    return Load(
        component=component, quantity=quantity, wh=wh, spreads=(spread_of(factor),), factor=factor.key,
        tier=factor.tier, estimated=True,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _clip(model: str, pixels: float, seconds: float) -> Clip:
    found = package.clip(model, pixels, seconds)
    low, high = package.table()["video_providers"][model]["pue"]
    gwp, adpe, pe = (getattr(found, name) * UNITS[name] for name in ("gwp", "adpe", "pe"))
    energy_wh = low * found.energy_low * UNITS["energy"], high * found.energy_high * UNITS["energy"]
    return Clip(model=model, pixels=pixels, seconds=seconds, energy_wh=energy_wh, embodied=(gwp, adpe, pe))
