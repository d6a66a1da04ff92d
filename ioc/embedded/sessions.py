"""Persistent sessions of the embedded broker: what may be on its way to them, and what comes again.

A session is a durable consumer to NATS. It keeps the settings of the day it subscribed, whatever
the settings file says later, so they are given to it anew.
"""

import asyncio
from datetime import timedelta
from typing import Final

import msgspec

from ioc.embedded.questions import Questions

STREAM: Final = "$MQTT_msgs"

RIGHTS: Final = ("$JS.API.CONSUMER.>", f"$JS.API.STREAM.INFO.{STREAM}")
"""What must be allowed to be published by who asks and settles here."""

IN_FLIGHT_BYTES: Final = 64_000_000
"""Bytes that may be on their way to a session. The broker holds them in memory while the session
does not read, and gives up one for which it holds too much, with all that it had in hand."""

LEAST_WINDOW: Final = 8
"""Messages that may be on their way however large they are."""

# The short wait outlasts the look-through, or the broker would send everything several times.
_SHORT_WAIT: Final = timedelta(milliseconds=300)
_LOOK_THROUGH_SECONDS: Final = 0.25


class _Session(msgspec.Struct):
    name: str
    config: dict[str, object]
    num_ack_pending: int = 0


class _Sessions(msgspec.Struct):
    total: int = 0
    consumers: list[_Session] = []


class _Held(msgspec.Struct):
    messages: int = 0
    bytes: int = 0


class _Info(msgspec.Struct):
    state: _Held = msgspec.field(default_factory=_Held)


class _Trouble(msgspec.Struct):
    description: str = ""


class _Outcome(msgspec.Struct):
    error: _Trouble | None = None


async def window(questions: Questions, most: int) -> int:
    """How many messages may be on their way, `most` at most, by the mean size of what waits."""
    answer = await questions.ask(f"$JS.API.STREAM.INFO.{STREAM}")
    held = msgspec.json.decode(answer, type=_Info).state
    if held.bytes * most <= held.messages * IN_FLIGHT_BYTES:
        return most
    return max(LEAST_WINDOW, IN_FLIGHT_BYTES * held.messages // held.bytes)


async def redeliver(questions: Questions, *, ack_wait: timedelta, window: int) -> None:
    """Give every session today's settings, and at once what it left unacknowledged.

    When the wait gets shorter, the broker looks through what is unacknowledged 100 ms later
    and queues what is overdue; the real wait, set after that, leaves the queue as it is.
    """
    found = await _sessions(questions)
    pending = [session for session in found if session.num_ack_pending]
    if pending:
        await asyncio.sleep(_SHORT_WAIT.total_seconds())  # now the youngest is overdue too
        await _set(questions, pending, ack_wait=_SHORT_WAIT, window=window)
        await asyncio.sleep(_LOOK_THROUGH_SECONDS)
    await _set(questions, found, ack_wait=ack_wait, window=window)


async def fit(questions: Questions, *, ack_wait: timedelta, window: int) -> None:
    """Give every session a window, and leave what is on its way where it is."""
    await _set(questions, await _sessions(questions), ack_wait=ack_wait, window=window)


async def _set(
    questions: Questions, sessions: list[_Session], *, ack_wait: timedelta, window: int
) -> None:
    nanoseconds = round(ack_wait.total_seconds() * 1e9)
    for session in sessions:
        config = session.config | {"ack_wait": nanoseconds, "max_ack_pending": window}
        question = {"stream_name": STREAM, "config": config, "action": "update"}
        subject = f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{session.name}"
        answer = msgspec.json.decode(await questions.ask(subject, question), type=_Outcome)
        if answer.error is not None:
            raise ValueError(answer.error.description)


async def _sessions(questions: Questions) -> list[_Session]:
    found: list[_Session] = []
    while True:
        answer = await questions.ask(f"$JS.API.CONSUMER.LIST.{STREAM}", {"offset": len(found)})
        page = msgspec.json.decode(answer, type=_Sessions)
        found += page.consumers
        if not page.consumers or len(found) >= page.total:
            return found
