"""Of messages in a row that say again all that was said, and more, a listener hears the first and the last."""

from __future__ import annotations

from collections.abc import Iterable

from addon.exchange import Ending, Message
from addon.framing.snapshots import Repeats, Snapshots
from addon.service import KEPT_BACK, Listener, Turn


def hear_news(listener: Listener, repeats: Repeats | None) -> Listener:
    """Return a listener that hears for another, but for what the next message says again."""
    return listener if repeats is None else _News(listener, repeats)


class _News:
    """Keeps a message back that is only more of the one before, until another comes."""

    def __init__(self, listener: Listener, repeats: Repeats) -> None:
        self._listener, self._snapshots = listener, Snapshots(repeats)
        self._held: Message | None = None

    def hear(self, message: Message) -> Iterable[Turn]:
        if not message.from_client and self._snapshots.end_of_next(message.data) == len(message.data) > 0:
            self._held = message
            return KEPT_BACK
        turns = self._catch_up()
        if message.from_client:
            self._snapshots.forget()
        else:
            self._snapshots.begin(message.data)
        return (*turns, *self._listener.hear(message))

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return (*self._catch_up(), *self._listener.close(ending, at_ms))

    def open_turns(self) -> int:
        return self._listener.open_turns()

    def _catch_up(self) -> tuple[Turn, ...]:
        held, self._held = self._held, None
        return tuple(self._listener.hear(held)) if held else ()
