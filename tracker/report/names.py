"""What people call the things that have keys in the JSON: services, features, components, methods."""

from __future__ import annotations

from tracker.report.language import Language
from tracker.report.service_names import TITLES


def mark(sentence: str) -> str:
    """Mark a sentence for the catalogue; it is looked up where it is shown."""
    return sentence


FEATURES = {
    "reasoning": mark("Thinking"),
    "deep_research": mark("Deep research"),
    "web_search": mark("Web search"),
    "agent": mark("Agents"),
    "tool": mark("Tools"),
    "code": mark("Running code"),
    "file_input": mark("Files sent along"),
    "image_input": mark("Pictures sent along"),
    "audio_input": mark("Speech sent along"),
    "image_output": mark("Pictures made"),
    "video_output": mark("Video made"),
    "audio_output": mark("Speech or music made"),
    "voice": mark("Voice conversation"),
    "canvas": mark("Canvas"),
    "connector": mark("Connected apps"),
    "memory": mark("Memory of earlier chats"),
    "subagent": mark("Helper agents"),
}

INITIATORS = {
    "person": mark("You asked"),
    "agent": mark("Rounds of an agent at work"),
    "unasked": mark("Nobody asked (such as overviews above search results)"),
}

IMPACTS = {"energy_wh": mark("Electricity"), "ghg_g": mark("Greenhouse gas"), "water_ml": mark("Water")}
"""The impacts that every view shows, in this order."""

COMPONENTS = {
    "answer": mark("Answers: their length"),
    "shown_reasoning": mark("Thinking that was shown"),
    "hidden_reasoning": mark("Thinking that nobody saw"),
    "new_input": mark("Prompts: what was sent in"),
    "history": mark("Long conversations: earlier messages sent again"),
    "system_prompt": mark("Instructions that the service adds"),
    "files": mark("Files: reading what you sent along"),
    "search": mark("Web search: looking and reading"),
    "images": mark("Pictures made"),
    "video": mark("Video made"),
    "audio": mark("Speech or music made"),
    "hidden_steps": mark("Research and agents: their hidden steps"),
    "request": mark("Starting an answer, whatever its length"),
    "network": mark("The network between"),
    "device": mark("Your own device"),
    "rest": mark("Everything else"),
}

SHORT_COMPONENTS = {
    "answer": mark("the length of the answers"),
    "shown_reasoning": mark("thinking that was shown"),
    "hidden_reasoning": mark("hidden thinking"),
    "new_input": mark("the length of the prompts"),
    "history": mark("long conversations"),
    "system_prompt": mark("the service's own instructions"),
    "files": mark("files"),
    "search": mark("web search"),
    "images": mark("pictures"),
    "video": mark("video"),
    "audio": mark("speech and music"),
    "hidden_steps": mark("research and agents"),
    "request": mark("the number of answers"),
    "network": mark("the network"),
    "device": mark("your own device"),
}

METHODS = {
    "ecologits": mark("EcoLogits"),
    "flop": mark("Calculations counted"),
    "measured": mark("Measured open models"),
    "vendor": mark("What the makers publish"),
    "time": mark("Time × machine power"),  # noqa: RUF001 -- the sign of multiplication is meant
}

METHOD_NOTES = {
    "ecologits": mark("a public method built on measured open models and guesses about closed ones"),
    "flop": mark("how many calculations a model of that size needs, on the usual hardware"),
    "measured": mark("power measured on open models of the same class"),
    "vendor": mark("a maker's own figure per prompt, scaled by length"),
    "time": mark("how long the answer took here, times what such a machine draws"),
}

ANCHORS = {
    "search_2009": (mark("An ordinary web search, as of 2009"), mark("the maker's word; nothing newer is published")),
    "google_median": (mark("Google: middle prompt to Gemini"), mark("the maker's word, with building and waiting")),
    "openai_average": (mark("OpenAI: average question to ChatGPT"), mark("the maker's word, one sentence")),
    "epoch_500": (mark("Epoch AI: 500 tokens of GPT-4o"), mark("calculated")),
    "oviedo_median": (mark("Microsoft's researchers: a very large model"), mark("calculated, well-run servers")),
    "score_30b": (mark("AI Energy Score: a model of 30 B, 10 tokens"), mark("measured, processor only")),
    "score_reasoning": (mark("AI Energy Score: gpt-oss with thinking"), mark("measured, processor only")),
    "image_luccioni": (mark("A picture, open models of 2023"), mark("measured")),
    "agent_session": (mark("A session of a coding agent"), mark("calculated from tokens")),
    "video_iea": (mark("IEA: 6 seconds of video"), mark("measured, processor only")),
}
"""What others say one of something takes: its name, and what kind of figure that is."""

TIERS = {
    1: mark("measured or published for this service"),
    2: mark("measured for something alike"),
    3: mark("modelled"),
    4: mark("guessed"),
}

SPREAD = {
    "serving": mark("How efficiently the servers run"),
    "hardware": mark("Which machines compute"),
    "architecture": mark("How large the closed models are"),
    "turn": mark("How busy the machines were at that moment"),
    "prefill": mark("What reading a prompt costs"),
    "pue": mark("Cooling and losses of the building"),
    "hidden": mark("Thinking and steps that nobody saw"),
    "media": mark("What a picture or a video takes"),
    "counts": mark("How many tokens there really were"),
    "place": mark("Where the servers stand"),
    "other": mark("Everything else"),
}

INCLUDED = {
    "inference": mark("computing the answers, thinking and hidden steps included"),
    "idle": mark("machines kept waiting, their hosts, cooling and losses of the building"),
    "grid": mark("making the electricity, with its gas and its water"),
    "hardware": mark("making the servers, shared out over their life"),
    "network": mark("carrying the data"),
    "device": mark("your own device while it waits"),
}

EXCLUDED = {
    "training": mark("training the models"),
    "network": mark("carrying the data"),
    "device": mark("your own device"),
    "idle": mark("machines kept waiting"),
    "end_of_life": mark("taking the machines apart at the end"),
    "rebound": mark("what you do more or less of because of it"),
    "elsewhere": mark("use that does not pass by here: phones, apps, other computers"),
}


PASSED = {
    "handshake": mark("{host} passes unrecorded until {time}: a program refuses our certificate."),
    "challenge": mark("{host} passes unrecorded until {time}: the site asked for a check."),
    "certificate": mark("{host} passes unrecorded until {time}: the site's own certificate could not be checked."),
    "refusal": mark("{host} passes unrecorded until {time}: the site refuses the proxy, or wants your certificate."),
}
"""By the reason that a proxy tells (``addon.aside.Reason``)."""


def why_passed(reason: str) -> str:
    """Return the sentence that says why ``{host}`` passes; of a reason that a newer proxy may tell, the usual one."""
    return PASSED.get(reason, PASSED["handshake"])


def label(table: dict[str, str], key: str, language: Language) -> str:
    """Return what people call it; a key that nobody named is shown as it is."""
    sentence = table.get(key)
    return language.t(sentence) if sentence else clipped(key.replace("_", " "))


def service(key: str) -> str:
    """Return the service's own name."""
    return TITLES.get(key) or clipped(key)


LONGEST_NAME = 60


def clipped(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name that came from elsewhere, no longer than is good for a table and without control characters."""
    kept = "".join(character for character in name[: 4 * longest] if character.isprintable())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"
