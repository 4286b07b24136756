"""NATS JetStream between devices and the loader: publish until acknowledged, take until committed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tracker.private import read_json
from tracker.team import TeamError
from tracker.team.device import Parcel
from tracker.team.keys import LOADER, STREAM, SUBJECTS, JoinCode

if TYPE_CHECKING:
    from nats.aio.client import Client

    from tracker.team.client import Pull

KEPT_SECONDS = 14 * 24 * 3600
DUPLICATES_SECONDS = 3600
WAIT_SECONDS = 8.0
CONNECT_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the loader takes it."""

    data: bytes
    acknowledge: Callable[[], Awaitable[None]]
    refuse: Callable[[], Awaitable[None]]
    """It can never be taken: do not bring it again."""
    hold: Callable[[float], Awaitable[None]]
    """Bring it again after so many seconds."""


async def publish(code: JoinCode, parcels: Sequence[Parcel]) -> list[Parcel]:
    """
    Publish parcels to the device's own subject; return those that are acknowledged, which means: on the server's disk.

    Raises ``TeamError`` if the server cannot be reached or refuses the device, or did not take the first.
    """
    done: list[Parcel] = []
    with TemporaryDirectory(prefix="klimaspor-team-") as folder:
        tls = _device_tls(code, Path(folder))
        async with _connected(code.url, tls, f"_INBOX_{code.name}".encode()) as client:
            stream = client.jetstream(timeout=WAIT_SECONDS)
            for parcel in parcels:
                try:
                    await stream.publish(code.subject, parcel.payload, headers={"Nats-Msg-Id": parcel.message_id})
                except Exception as error:  # noqa: BLE001 - nats-py raises many kinds; all mean: not acknowledged
                    if done:
                        return done
                    raise _not_taken(error) from None
                done.append(parcel)
    return done


def _not_taken(error: Exception) -> TeamError:
    if "resource" in str(getattr(error, "description", "")):  # NATS's words: insufficient or exceeded resources
        what = "The server has no room left"
    else:
        what = f"The server did not take the week ({type(error).__name__})"
    return TeamError(f"{what} · NATS · it stays in the outbox and goes next time")


def _settings(folder: Path) -> tuple[str, int]:
    """Return where the server is, and how many copies it keeps, as ``team init`` wrote it."""
    path = folder / "transport.json"
    with suppress(OSError, ValueError):  # said below, for all ways of being damaged
        match read_json(path):
            case {"url": str(url), "replicas": int(replicas)}:
                return url, replicas
    raise TeamError(
        f"The settings of the transport cannot be read · {path} · make them anew with `klimaspor team init`"
    )


async def make_stream(folder: Path) -> None:
    """Make the stream if it is not there: on files, kept until loaded, with the copies ``team init`` was told."""
    url, replicas = _settings(folder)
    async with _connected(url, _loader_tls(folder)) as client:
        from nats.js.api import RetentionPolicy, StorageType, StreamConfig

        await client.jetstream(timeout=WAIT_SECONDS).add_stream(
            StreamConfig(
                name=STREAM,
                subjects=[f"{SUBJECTS}.*"],
                retention=RetentionPolicy.WORK_QUEUE,
                storage=StorageType.FILE,
                max_age=KEPT_SECONDS,
                duplicate_window=DUPLICATES_SECONDS,
                num_replicas=replicas,
                max_msg_size=1_000_000,
            )
        )


async def bring(folder: Path, *, follow: bool, idle_seconds: float = 2.0) -> AsyncGenerator[list[Message]]:
    """
    Yield messages in batches until none is left; with ``follow`` for ever, and [] whenever nothing waits.

    Who takes them acknowledges each, after what was in it has been committed.
    """
    url, _ = _settings(folder)
    async with _connected(url, _loader_tls(folder), lasting=follow) as client:
        from nats.js.api import AckPolicy, ConsumerConfig
        from nats.js.errors import NotFoundError

        from tracker.team.client import Pull

        # No limit on what is pending: whoever sends weeks that have to be held must not hold up the others.
        config = ConsumerConfig(
            durable_name=LOADER, filter_subject=f"{SUBJECTS}.*", ack_policy=AckPolicy.EXPLICIT, ack_wait=60,
            max_ack_pending=-1,
        )  # fmt: skip
        stream = client.jetstream(timeout=WAIT_SECONDS)
        try:
            try:
                await stream.consumer_info(STREAM, LOADER)
            except NotFoundError:
                await stream.add_consumer(STREAM, config)
        except Exception as error:  # noqa: BLE001 - no leader, no stream, no answer: one sentence for all
            raise _unanswered(error) from None
        pull = Pull(client, STREAM, LOADER, WAIT_SECONDS)
        while True:
            fetched = await _fetch(pull, idle_seconds, follow=follow)
            if not fetched and not follow:
                return
            yield fetched


async def _fetch(pull: Pull, idle_seconds: float, *, follow: bool) -> list[Message]:
    """Return the next messages; none where nothing waits, or, when following, where the server is away for a while."""
    try:
        fetched = await pull.fetch(idle_seconds)
    except Exception as error:  # noqa: BLE001 - no leader, no stream, no answer: one sentence for all
        if not follow:
            raise _unanswered(error) from None
        await asyncio.sleep(WAIT_SECONDS)
        return []
    return [Message(one.data, one.ack, one.term, one.nak) for one in fetched]


def _unanswered(error: Exception) -> TeamError:
    return TeamError(
        f"The server does not answer ({type(error).__name__}) · NATS · nothing is lost: run `klimaspor team load` again"
    )


@asynccontextmanager
async def _connected(
    url: str, tls: ssl.SSLContext, inbox: bytes = b"_INBOX", *, lasting: bool = False
) -> AsyncIterator[Client]:
    try:
        from tracker.team.client import DeafClient
    except ImportError:
        raise TeamError(
            "The organisation's part is not installed · nats-py · uv tool install 'klimaspor[team]'"
        ) from None

    # asyncio warns about nats-py's way of hearing the end of a TLS connection; it is harmless. What a server says that
    # is none of NATS, nats-py would print.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    logging.getLogger("nats").setLevel(logging.CRITICAL)

    async def ignore(_error: Exception) -> None:
        """Errors come up where the work is; nats-py would print them as well."""

    client = DeafClient()
    options: dict[str, Any] = {"tls": tls, "inbox_prefix": inbox, "error_cb": ignore, "name": "klimaspor"}
    try:
        servers = url.split(",")
        connecting = client.connect(
            servers, connect_timeout=5, allow_reconnect=lasting, max_reconnect_attempts=-1, **options
        )
        await asyncio.wait_for(connecting, CONNECT_SECONDS * len(servers))
    except Exception as error:  # noqa: BLE001 - refused, unreachable, wrong certificate: one sentence for all
        await client.end()
        raise TeamError(
            f"The server cannot be reached or refuses this key ({type(error).__name__}) · NATS · check the address, or "
            "ask for a new code"
        ) from None
    try:
        yield client
    finally:
        await client.end()


def _device_tls(code: JoinCode, folder: Path) -> ssl.SSLContext:
    """Return the TLS settings of a device; its key is on the disk only while OpenSSL reads it."""
    context = ssl.create_default_context(cadata=code.authority)
    path = folder / "device.pem"
    path.touch(mode=0o600)
    path.write_text(code.certificate + code.key)
    context.load_cert_chain(path)
    path.unlink()
    return context


def _loader_tls(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / f"{LOADER}.pem", folder / f"{LOADER}.key")
    return context
