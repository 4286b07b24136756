"""From one kind of activity to its recipe: model, place, loads and every method's coefficients."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace

from tracker.footprint.charges import Charges
from tracker.footprint.factors import FactorSet
from tracker.footprint.hidden import UNANSWERED, hidden_loads, spread_of
from tracker.footprint.hourly import HourlyGrid, read_hourly
from tracker.footprint.media import media_loads, publish_clip, size_of_clip
from tracker.footprint.methods import Question, Weights, ask_all, combine
from tracker.footprint.methods.ecologits import Published, evaluate_core, publish
from tracker.footprint.methods.time import second_wh
from tracker.footprint.models import Model, default_days, resolve_model
from tracker.footprint.place import LOCAL_SERVICES, Place, locate
from tracker.footprint.quantities import MEDIA
from tracker.footprint.recipe import Load, Recipe
from tracker.footprint.settings import Settings
from tracker.record import Activity

TOOLS = frozenset({"web_search", "deep_research", "agent", "tool", "code", "subagent", "image_output", "connector"})
"""With one of these a measured duration holds other people's work, so that method ``time`` does not use it."""

COUNTS_SOURCES = {"reported": (), "counted": ("gsd_turn_counted",), "unknown": ("gsd_turn_counted",)}


MOST_KITCHENS, MOST_RECIPES = 8, 4000
"""Kept for the next question; they can always be made again."""
_kitchens: dict[Hashable, Kitchen] = {}


def kitchen_of(settings: Settings, factors: FactorSet) -> Kitchen:
    """Return the kitchen of these settings; one report asks for the same few again and again."""
    hourly = read_hourly(settings.hourly) if settings.hourly else None
    key = (
        settings.zone, settings.own_zone, tuple(sorted(settings.provider_zones.items())), settings.local_power_w,
        settings.extensions, id(factors), id(hourly),
    )  # fmt: skip
    found = _kitchens.get(key)
    if found is None or len(found.cooked) > MOST_RECIPES:
        if len(_kitchens) >= MOST_KITCHENS:
            _kitchens.clear()
        found = _kitchens[key] = Kitchen(settings, factors, hourly, Charges(factors))
    return found


@dataclass(frozen=True, slots=True)
class Kitchen:
    """What all recipes of assessments with the same settings share (but for the method, which decides no recipe)."""

    settings: Settings
    factors: FactorSet
    hourly: HourlyGrid | None
    charges: Charges
    days: dict[str, Hashable] = field(default_factory=dict)
    """Day → what of it decides recipes: factors, grid year, sites' usual models."""
    cooked: dict[Hashable, Recipe] = field(default_factory=dict)

    def recipe(self, activity: Activity) -> Recipe:
        """Return the recipe of an activity; the same object for activities of one kind."""
        key = self.key_of(activity)
        found = self.cooked.get(key)
        if found is None:
            found = self.cooked[key] = self.cook(activity)
        return found

    def key_of(self, activity: Activity) -> Hashable:
        """Return what decides the recipe: two activities with one key differ in their sums only."""
        day = activity.day
        stretch = self.days.get(day)
        if stretch is None:
            stretch = self.factors.epoch(day), day[:4], day if self.hourly else None, default_days(day)
            self.days[day] = stretch
        return (
            activity.service, activity.provider, activity.operation, activity.model, activity.effort,
            activity.outcome in UNANSWERED, activity.input_tokens_source, activity.output_tokens_source,
            activity.reasoning_tokens_source, activity.features, bool(activity.attachments),
            bool(activity.thinking_known), bool(activity.output_tokens) if activity.operation == "image" else None,
            size_of_clip(activity) if activity.operation == "video" else None,
            stretch,
        )  # fmt: skip

    def cook(self, activity: Activity) -> Recipe:
        """Return the recipe of one kind; a FootprintError if its zone has no data."""
        settings, factors, day = self.settings, self.factors, activity.day
        model = resolve_model(activity.service, activity.provider, activity.model, day)
        place = locate(
            factors, activity.service, activity.provider, day, maker=model.maker, zone=settings.zone,
            own_zone=settings.own_zone, overrides=settings.provider_zones, hourly=self.hourly,
        )  # fmt: skip
        if settings.zone is not None:  # servers elsewhere: the same work on the same machines, on another grid
            home = kitchen_of(replace(settings, zone=None), factors).recipe(activity)
            return replace(home, place=place, published=_published(activity, model, place))
        on = settings.extensions
        weights = Weights(
            prefill=factors.get("prefill_weight", day).value if "prefill" in on else 0.0,
            cached=factors.get("cached_weight", day).value if "cached_input" in on else 0.0,
            squared=factors.get("long_context_weight", day).value if "long_context" in on else 0.0,
            idle=factors.get("idle_factor", day).value if "idle" in on else 1.0,
        )
        question = Question(
            service=activity.service, model=model, place=place, factors=factors, day=day, weights=weights
        )  # fmt: skip
        answers = ask_all(question)
        local = activity.service in LOCAL_SERVICES
        loads = tuple(self._local(question)) if local else tuple(self._loads(activity, question))
        timed = model.tps and not local and activity.operation in ("chat", "text_completion")
        used = {feature for feature, _ in activity.features}
        return Recipe(
            service=activity.service,
            provider=activity.provider,
            operation=activity.operation,
            model=model,
            place=place,
            day=day,
            loads=loads,
            methods=answers,
            combined=combine(answers),
            core=evaluate_core(model, question.factor("ecologits_batch")),
            published=_published(activity, model, place),
            published_per=("seconds", "media_count") if activity.operation == "video" else ("output", "output_known"),
            turn_gsd_keys=("gsd_turn_load", *COUNTS_SOURCES.get(activity.output_tokens_source, ())),
            local=local,
            second_wh=second_wh(question) if timed and not used & TOOLS else None,
        )

    def _loads(self, activity: Activity, question: Question) -> Iterator[Load]:
        on = self.settings.extensions
        yield from media_loads(activity, question)
        if activity.operation not in MEDIA:
            yield from self._text(activity, question)
            yield from hidden_loads(activity, question, on)
        elif activity.operation == "image" and activity.output_tokens_source == "reported":
            yield Load(component="new_input", quantity="new_input", new_input=1)
        if "search" in on:
            search = question.factors.get("search_energy", question.day)
            yield Load(
                component="search", quantity="searches", wh=search.value, spreads=(spread_of(search),),
                estimated=True, factor=search.key, tier=4,
            )  # fmt: skip
        if "network" in on:
            network = question.factors.get("network", question.day)
            yield Load(
                component="network", quantity="bytes", wh=network.value / 1e9, spreads=(spread_of(network),),
                factor=network.key, tier=network.tier, embodied=(0.0, 0.0, 0.0),
            )  # fmt: skip
        if "device" in on:
            device = question.factors.get("device_power", question.day)
            yield Load(
                component="device", quantity="seconds", wh=device.value / 3600, spreads=(spread_of(device),),
                factor=device.key, tier=4, embodied=(0.0, 0.0, 0.0),
            )  # fmt: skip

    def _text(self, activity: Activity, question: Question) -> Iterator[Load]:
        yield Load(component="request", quantity="requests", requests=1)
        yield Load(component="answer", quantity="visible_output", output=1)
        seen = activity.reasoning_tokens_source == "counted"
        yield Load(component="shown_reasoning" if seen else "hidden_reasoning", quantity="reasoning", output=1)
        yield Load(component="new_input", quantity="new_input", new_input=1)
        yield Load(component="history", quantity="cached_input", cached=1)
        yield Load(component="new_input", quantity="long_input_squared", squared=1)
        if "unknown_counts" not in self.settings.extensions or activity.outcome in UNANSWERED:
            return
        answer = question.factors.get("unknown_output", question.day)
        asked = question.factors.get("unknown_input", question.day)
        if activity.operation != "embeddings":
            yield Load(
                component="answer", quantity="unknown_output", output=answer.value, spreads=(spread_of(answer),),
                estimated=True, factor=answer.key, tier=4,
            )  # fmt: skip
        yield Load(
            component="new_input", quantity="unknown_input", new_input=asked.value, spreads=(spread_of(asked),),
            estimated=True, factor=asked.key, tier=4,
        )  # fmt: skip

    def _local(self, question: Question) -> Iterator[Load]:
        """A local model: the computer's power times the measured seconds, a usual answer where none were measured."""
        power = question.factors.get("local_power", question.day)
        watts = self.settings.local_power_w or power.value
        spreads = () if self.settings.local_power_w else (spread_of(power),)
        usual = question.factor("unknown_output") / question.factor("local_speed")
        for quantity, seconds in (("seconds", 1.0), ("untimed", usual)):
            yield Load(
                component="answer", quantity=quantity, wh=seconds * watts / 3600, spreads=spreads,
                estimated=quantity == "untimed", factor=power.key, tier=4, embodied=(0.0, 0.0, 0.0),
            )  # fmt: skip


def _published(activity: Activity, model: Model, place: Place) -> Published | None:
    """What the package says of this kind, None where it says nothing: sound, most pictures, local models."""
    if activity.service in LOCAL_SERVICES:
        return None
    match activity.operation:
        case "video":
            return publish_clip(activity, place)
        case "image" if activity.output_tokens_source != "reported":
            return None
        case "music" | "speech" | "transcription":
            return None
    return publish(model, place)
