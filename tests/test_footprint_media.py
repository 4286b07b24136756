"""Pictures, video and sound: by model, size and length, from what was measured on open models."""

from __future__ import annotations

import pytest

from tests.footprint_tables import DAY, sample
from tracker.footprint import assess
from tracker.footprint.factors import load_factors
from tracker.footprint.quantities import REFERENCE_IMAGE_PIXELS, USUAL_SECONDS

FACTORS = load_factors()


def media(operation, **given):
    given = {"model": None, "output_tokens_source": "unknown", "output_known": 0} | given
    return sample(operation=operation, **given)


def wh(activity):
    return assess([activity]).energy_wh(0)


def test_a_picture_costs_by_model_and_size():
    usual = wh(media("image", model="dall-e-3", media_count=1))
    assert usual == pytest.approx(FACTORS.get("image_default", DAY).value)
    assert wh(media("image", model="dall-e-3", media_count=4)) == pytest.approx(4 * usual)
    double = media("image", model="dall-e-3", media_count=1, media_pixels=2 * REFERENCE_IMAGE_PIXELS)
    assert wh(double) == pytest.approx(2 * usual)
    assert wh(media("image", model="flux-1-dev", media_count=1)) == pytest.approx(3.8)
    assert wh(media("image", model="sana", media_count=1)) < 0.3


def test_a_picture_made_of_reported_tokens_is_priced_by_its_tokens():
    tokens = sample(operation="image", model="gpt-image-1", output_tokens=1056, media_count=1)
    more = sample(operation="image", model="gpt-image-1", output_tokens=4160, media_count=1)
    assert 0.5 < wh(tokens) < 3
    assert wh(more) == pytest.approx(wh(tokens) * 4160 / 1056)


def test_a_picture_inside_a_chat_is_its_own_part():
    one = sample(
        output_tokens=50, features=(("image_output", "used"),), feature_amounts=(("image_output", "used", 2),),
    )  # fmt: skip
    rows = {row["key"]: row for row in assess([one]).components()}
    assert rows["images"]["energy_wh"]["mid"] == pytest.approx(2 * FACTORS.get("image_default", DAY).value)


@pytest.mark.parametrize(
    ("model", "seconds", "low", "high"),
    [("sora-2-pro", 10, 484, 824), ("veo-3.1", 8, 28, 61), ("kling-v2.6", 5, 124, 151), ("hunyuanvideo", 5, 172, 292)],
)
def test_clips_that_ecologits_knows_lie_in_its_range(model, seconds, low, high):
    clip = media("video", model=model, media_count=1, media_seconds=float(seconds), media_pixels=1280 * 720)
    assert low * 0.99 <= wh(clip) <= high * 1.01
    assert assess([clip]).impacts().ghg_g.embodied.mid > 0


def test_other_clips_grow_with_pixels_and_seconds():
    clip = media("video", model="unheard-of", media_count=1, media_seconds=5.0, media_pixels=920_000)
    assert wh(clip) == pytest.approx(FACTORS.get("video_default", DAY).value)
    longer = media("video", model="unheard-of", media_count=1, media_seconds=10.0, media_pixels=920_000)
    assert wh(longer) == pytest.approx(wh(clip) * 2**1.5)
    unknown = wh(media("video", model=None))
    assert unknown == pytest.approx(wh(clip), rel=0.01)  # one clip of the usual length: never zero


def test_the_package_prints_nothing_about_zones_without_water_data(caplog, capfd):
    clip = media("video", provider="klingai", model="kling-v1.6", media_count=1, media_seconds=5.0)
    assessment = assess([clip])
    assert assessment.by_method()[0]["as_published"]["energy_wh"]["low"] > 0
    assert assessment.recipes[0].place.grid.world_average  # it is said here instead
    assert not caplog.records
    assert capfd.readouterr().err == ""


def test_sound_is_priced_by_the_minute():
    assert wh(media("transcription", media_seconds=60.0)) == pytest.approx(0.1)
    assert wh(media("speech", media_seconds=60.0)) == pytest.approx(0.2)
    assert wh(media("music", media_seconds=30.0)) == pytest.approx(1.0)
    song = wh(media("music"))
    assert song == pytest.approx(FACTORS.get("music_song", DAY).value)
    spoken = sample(output_tokens=100, features=(("audio_output", "used"),), media_seconds=60.0)
    rows = {row["key"]: row for row in assess([spoken]).components()}
    assert rows["audio"]["energy_wh"]["mid"] == pytest.approx(0.2)


def test_usual_lengths_agree_with_the_factor_file():
    seconds = USUAL_SECONDS
    assert seconds["video"] == FACTORS.get("video_reference_seconds", DAY).value
    assert seconds["speech"] == FACTORS.get("speech_default_seconds", DAY).value
    clip = FACTORS.get("music_clip", DAY).value / FACTORS.get("music_clip_seconds", DAY).value
    assert seconds["music"] * clip == pytest.approx(FACTORS.get("music_song", DAY).value)
    assert FACTORS.get("image_reference_pixels", DAY).value == REFERENCE_IMAGE_PIXELS


def test_a_picture_that_failed_was_not_made():
    assert wh(media("image", outcome="error")) == 0


def test_media_are_guesses_and_say_so():
    assessment = assess([media("image", model="dall-e-3", media_count=1)])
    impacts = assessment.impacts().energy_wh
    assert impacts.high / impacts.low > 8
    assert assessment.tiers()["2"] == pytest.approx(1)
    assert assessment.unknown_models() == []


def test_embeddings_cost_far_less_than_an_answer():
    embed = sample(operation="embeddings", model="text-embedding-3-small", input_tokens=1000, output_tokens=0)
    assert 0 < wh(embed) < 0.02 * wh(sample(output_tokens=400))
