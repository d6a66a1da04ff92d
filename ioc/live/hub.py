"""Fan-out: each client reads topics at its own pace, from where it stands."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from ioc.clock import monotonic
from ioc.errors import Invalid, NotFound
from ioc.live.topic import Box, Topic

LAG_SECONDS = 1.0
"""A client that is behind by more is told so."""

MOST_SUBSCRIPTIONS = 64
"""Subscriptions that one connection may hold."""

MOST_FRAMED = 256
"""Frames of one topic that are kept for other clients at the same place, until it moves on."""

NEVER = -1e9
"""Before every reading of the clock."""

_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True)
class _Subscription:
    id: str
    prefix: bytes
    topic: Topic
    box: Box | None
    offset: int
    sent_at: float = NEVER
    greeting: list[bytes] | None = None


@dataclass(slots=True)
class _Framed:
    offset: int
    frames: dict[tuple[int, Box | None, bytes], list[bytes]]


class Hub:
    """The topics, and who waits for news of them."""

    def __init__(self) -> None:
        """Start without topics."""
        self._topics: dict[str, Topic] = {}
        self._waiting: dict[str, set[Client]] = {}
        self._makers: list[Callable[[str], Topic | None]] = []
        self._released: dict[str, float] = {}
        self._due: set[str] = set()
        self._framed: dict[str, _Framed] = {}
        self.clients: set[Client] = set()
        self.frames = 0
        self.resyncs = 0

    def add(self, topic: Topic) -> None:
        """Offer a topic."""
        self._topics[topic.name] = topic

    def on_demand(self, maker: Callable[[str], Topic | None]) -> None:
        """Let `maker` make topics that nobody asked for yet."""
        self._makers.append(maker)

    def find(self, name: str) -> Topic:
        """The topic of that name, or `NotFound`."""
        topic = self._topics.get(name)
        if topic is None:
            made = (maker(name) for maker in self._makers)
            topic = next((one for one in made if one is not None), None)
            if topic is None:
                raise NotFound(f"there is no topic `{name}`")
            self._topics[name] = topic
        return topic

    def watched(self, name: str) -> bool:
        """Whether anybody subscribes to the topic now."""
        return bool(self._waiting.get(name))

    def changed(self, topic: Topic) -> None:
        """Tell the clients of a topic that it moved, once in its pace; cheap if nobody listens."""
        name = topic.name
        if name not in self._waiting or name in self._due:
            return
        wait = self._released.get(name, NEVER) + topic.pace - monotonic()
        if wait > 0:
            # One timer for all: a timer for each client doubles the cost of a frame.
            self._due.add(name)
            asyncio.get_running_loop().call_later(wait, self._release, name)
        else:
            self._release(name)

    def _release(self, name: str) -> None:
        self._due.discard(name)
        self._released[name] = monotonic()
        for client in self._waiting.get(name, ()):
            client.wake()

    def released(self, topic: Topic) -> float | None:
        """When the clients of the topic were last told that it moved."""
        return self._released.get(topic.name)

    def deltas(
        self, topic: Topic, offset: int, box: Box | None, prefix: bytes
    ) -> list[bytes] | None:
        """The delta frames from an offset to the present, made once for all who stand there."""
        framed = self._framed.get(topic.name)
        if framed is None or framed.offset != topic.offset:
            framed = self._framed[topic.name] = _Framed(topic.offset, {})
        key = (offset, box, prefix)
        frames = framed.frames.get(key)
        if frames is None:
            found = topic.since(offset, box)
            if found is None:
                return None
            frames = [_frame(topic, prefix, b"delta", at, data) for at, data in found]
            if len(framed.frames) < MOST_FRAMED:
                framed.frames[key] = frames
        return frames

    def enter(self, client: "Client", name: str) -> None:
        """Count a client among those who wait for a topic."""
        self._waiting.setdefault(name, set()).add(client)

    def leave(self, client: "Client", name: str) -> None:
        """Count it there no more; a topic made on demand goes with its last client."""
        waiting = self._waiting.get(name)
        if waiting is not None:
            waiting.discard(client)
            if not waiting:
                del self._waiting[name]
                self._framed.pop(name, None)
                if name.startswith("series:"):
                    self._topics.pop(name, None)
                    self._released.pop(name, None)


class Client:
    """One connection's subscriptions; holds positions, never queues of frames."""

    def __init__(self, hub: Hub) -> None:
        """Begin without subscriptions."""
        self._hub = hub
        self._subscriptions: dict[str, _Subscription] = {}
        self._event = asyncio.Event()
        self._woken_at: float | None = None
        hub.clients.add(self)

    def close(self) -> None:
        """Give up every subscription."""
        for key in list(self._subscriptions):
            self.unsubscribe(key)
        self._hub.clients.discard(self)

    def wake(self) -> None:
        """Say that a topic of this client moved."""
        if self._woken_at is None:
            self._woken_at = monotonic()
        self._event.set()

    def subscribe(self, key: str, name: str, *, box: Box | None, cursor: str | None) -> None:
        """Begin to follow a topic, from a cursor where it is still held, else from a snapshot.

        Snapshot and position are taken in one step, without an await between, so that no
        change falls between them.
        """
        if key in self._subscriptions:
            self.unsubscribe(key)
        if len(self._subscriptions) >= MOST_SUBSCRIPTIONS:
            raise Invalid(f"a connection holds at most {MOST_SUBSCRIPTIONS} subscriptions")
        topic = self._hub.find(name)
        prefix = b'","id":' + msgspec.json.encode(key)
        made = _Subscription(key, prefix, topic, box, topic.offset)
        offset = _offset(cursor, topic.epoch)
        if cursor is None:
            made.greeting = [_frame(topic, prefix, b"snapshot", topic.offset, topic.snapshot(box))]
        elif offset is None or topic.since(offset, box) is None:
            self._hub.resyncs += 1
            reason = b"the server was started anew" if offset is None else b"the cursor is too old"
            made.greeting = [
                b'{"type":"resync' + prefix + b',"reason":"' + reason + b'"}',
                _frame(topic, prefix, b"snapshot", topic.offset, topic.snapshot(box)),
            ]
        else:
            made.offset = offset
        self._subscriptions[key] = made
        self._hub.enter(self, name)
        self._event.set()

    def unsubscribe(self, key: str) -> None:
        """Follow a topic no longer."""
        gone = self._subscriptions.pop(key, None)
        if gone is not None and all(
            other.topic is not gone.topic for other in self._subscriptions.values()
        ):
            self._hub.leave(self, gone.topic.name)

    async def frames(self) -> list[bytes]:
        """Wait until there is something to send, and return it; paced per topic."""
        while True:
            self._event.clear()
            now = monotonic()
            # While this waits it is called at once; what waited longer waited for the client.
            behind = 0.0 if self._woken_at is None else now - self._woken_at
            self._woken_at = None
            out, pause = self._gather(now)
            if out:
                if behind > LAG_SECONDS:
                    out.insert(0, b'{"type":"lag","behind_ms":%d}' % round(behind * 1000))
                self._hub.frames += len(out)
                return out
            if pause is None:
                await self._event.wait()
            else:
                # Something is due later; an alert must not wait for it.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._event.wait(), pause)
                self._woken_at = None

    def _gather(self, now: float) -> tuple[list[bytes], float | None]:
        out: list[bytes] = []
        pause: float | None = None
        for held in self._subscriptions.values():
            if held.greeting is not None:
                out += held.greeting
                held.greeting = None
                continue
            topic = held.topic
            if topic.offset == held.offset:
                continue
            wait = held.sent_at + topic.pace - now
            if wait > 0:
                pause = wait if pause is None else min(pause, wait)
                continue
            out += self._advance(held, now)
        return out, pause

    def _advance(self, held: _Subscription, now: float) -> list[bytes]:
        topic = held.topic
        frames = self._hub.deltas(topic, held.offset, held.box, held.prefix)
        # Counted from the common release: who comes last in one round may be first in the next.
        held.sent_at = self._hub.released(topic) or now
        if frames is None:
            self._hub.resyncs += 1
            held.offset = topic.offset
            return [
                b'{"type":"resync' + held.prefix + b',"reason":"the cursor is too old"}',
                _frame(topic, held.prefix, b"snapshot", topic.offset, topic.snapshot(held.box)),
            ]
        held.offset = topic.offset
        return frames


def _frame(topic: Topic, prefix: bytes, kind: bytes, offset: int, data: bytes) -> bytes:
    cursor = f"{topic.epoch}.{offset}".encode()
    return b'{"type":"' + kind + prefix + b',"cursor":"' + cursor + b'","data":' + data + b"}"


def _offset(cursor: str | None, epoch: str) -> int | None:
    """The offset of a cursor of this epoch, else None."""
    if cursor is None:
        return None
    named, _, offset = cursor.rpartition(".")
    if named != epoch or _DIGITS.fullmatch(offset) is None:
        return None
    return int(offset)
