"""A desktop as programs know it: a session bus of its own, and somebody on it who shows notices."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDict, DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method

NAME = "org.freedesktop.Notifications"
Words = Annotated[list[str], DBusSignature("as")]
Server = Annotated[tuple[str, str, str, str], DBusSignature("ssss")]


class Noticeboard(ServiceInterface):
    """The part of https://specifications.freedesktop.org/notification-spec/ that a program calls."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self.shown: list[tuple[str, str, str]] = []
        """Program, title, message."""
        self.takes = threading.Event()
        """While this is not set, it does not answer."""
        self.takes.set()

    @dbus_method("Notify")
    async def notify(
        self, app: DBusStr, replaces: DBusUInt32, icon: DBusStr, title: DBusStr, body: DBusStr,
        actions: Words, hints: DBusDict, expires: DBusInt32,
    ) -> DBusUInt32:  # fmt: skip
        await asyncio.to_thread(self.takes.wait, 20)
        self.shown.append((app, title, body))
        return len(self.shown)

    @dbus_method("GetCapabilities")
    def list_capabilities(self) -> Words:
        return ["body"]

    @dbus_method("GetServerInformation")
    def describe_server(self) -> Server:
        return ("a test's desktop", "klimaspor", "1", "1.2")


@contextmanager
def session_bus() -> Iterator[str]:
    """Run a bus; yield its address."""
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().strip()
        daemon.terminate()


@contextmanager
def noticeboard(address: str) -> Iterator[Noticeboard]:
    """Put a notice board on a bus, in a thread of its own."""
    ready, stop = threading.Event(), asyncio.Event()
    boards: list[Noticeboard] = []

    async def serve() -> None:
        bus = await MessageBus(bus_address=address).connect()
        board = Noticeboard()
        bus.export("/" + NAME.replace(".", "/"), board)
        await bus.request_name(NAME)
        boards.append(board)
        loops.append(asyncio.get_running_loop())
        ready.set()
        await stop.wait()
        bus.disconnect()

    loops: list[asyncio.AbstractEventLoop] = []
    thread = threading.Thread(target=asyncio.run, args=[serve()], daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield boards[0]
    finally:
        boards[0].takes.set()
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(20)
