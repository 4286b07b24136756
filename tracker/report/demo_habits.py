"""What the made-up person of the demonstration asks, how often, and what the answers look like."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.record import Initiator, Operation


@dataclass(frozen=True, slots=True)
class Habit:
    """One kind of question, how often a week it is asked, and what its answers look like."""

    weekly: float
    service: str
    provider: str | None
    model: str | None
    prompt: int
    answer: int
    reasoning: int | None = None
    """Tokens of reasoning if the wire tells, else None."""
    thinking_s: float = 0
    features: tuple[tuple[str, str], ...] = ()
    operation: Operation = "chat"
    initiator: Initiator = "person"
    hours: tuple[int, int] = (8, 18)
    weekend: float = 0.3
    turns: int = 1
    counted: bool = True
    """Tokens were counted from visible text; otherwise the wire reported them."""
    files: int = 0
    media: int = 0
    seconds: float = 0
    client: str = "browser/chromium"
    speed: float = 70
    """Visible tokens a second."""


THINKING = (("reasoning", "asked"), ("reasoning", "used"))
SEARCH = (("web_search", "used"),)

HABITS = (
    Habit(17, "chatgpt", "openai", "gpt-5.2-chat-latest", 60, 340, turns=3, weekend=0.4),
    Habit(9, "chatgpt", "openai", "gpt-5.2", 90, 110, thinking_s=11, features=THINKING),
    Habit(4, "chatgpt", "openai", "gpt-5.2", 260, 780, thinking_s=38, features=THINKING, turns=2),
    Habit(5, "chatgpt", "openai", "gpt-5.2-chat-latest", 40, 420, features=SEARCH, hours=(17, 22), weekend=1.2),
    Habit(0.2, "chatgpt", "openai", "gpt-5.2", 110, 5200, thinking_s=540,
          features=(("deep_research", "asked"), ("deep_research", "used"), ("web_search", "used"))),
    Habit(1.6, "chatgpt", "openai", "gpt-image-1.5", 45, 30, operation="image", features=(("image_output", "used"),),
          media=1, hours=(19, 23), weekend=2),
    Habit(3, "claude", "anthropic", "claude-sonnet-4-6", 300, 520, turns=3),
    Habit(2, "claude", "anthropic", "claude-opus-4-6", 2400, 900, thinking_s=22, files=1,
          features=(*THINKING, ("file_input", "used"))),
    Habit(0.25, "claude", "anthropic", "claude-sonnet-4-6", 2400, 900, turns=6, files=2,
          features=(("file_input", "used"), ("code", "used"))),
    Habit(7, "gemini", "gcp.gemini", "gemini-3-flash-preview", 50, 300, weekend=0.8, hours=(7, 22)),
    Habit(0.12, "gemini", "gcp.gemini", "veo-3.1", 60, 20, operation="video", features=(("video_output", "used"),),
          media=1, seconds=8, hours=(19, 22), weekend=2),
    Habit(8, "google-ai", "gcp.gemini", None, 9, 160, operation="search", initiator="unasked",
          features=SEARCH, hours=(7, 22), weekend=1),
    Habit(4, "le-chat", "mistral_ai", "mistral-medium-latest", 120, 380, turns=2),
    Habit(3, "perplexity", "perplexity", "sonar", 30, 330, features=SEARCH),
    Habit(2, "copilot", "azure.ai.openai", "smart", 70, 290, hours=(9, 16), weekend=0),
    Habit(6, "anthropic-api", "anthropic", "claude-sonnet-4-6", 21000, 520, initiator="agent", counted=False,
          features=(("tool", "used"), ("code", "used")), client="cli/claude-code", weekend=0, turns=4),
    Habit(1.5, "anthropic-api", "anthropic", "claude-sonnet-4-6", 6800, 400, counted=False, reasoning=250,
          features=(("tool", "used"), ("code", "used")), client="cli/claude-code", weekend=0),
    Habit(1.4, "claude", "anthropic", "claude-sonnet-4-6", 1400, 800, turns=8, hours=(13, 17), weekend=0),
    Habit(1, "deepseek", "deepseek", "deepseek-reasoner", 80, 500, reasoning=1400, thinking_s=25, features=THINKING,
          hours=(20, 24)),
    Habit(0.6, "poe", None, "hobbyist-9b", 40, 200),
)  # fmt: skip
