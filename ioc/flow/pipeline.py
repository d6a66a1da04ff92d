"""The one loop from the intake to the hub: take, decode, resolve, store, answer, show."""

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from ingest.decode import decode
from ingest.decoders.sparkplug import Births
from ingest.intake import Intake
from ingest.payload import Decoded, Payload, nothing
from ioc.clock import Clock, monotonic
from ioc.errors import Unavailable
from ioc.flow.placing import Placing, holding
from ioc.flow.resolve import Resolver, moved
from ioc.model import Feed, Problem, Reason, Receipt
from ioc.store.flush import MOST_PROBLEMS, Flushed, Part
from ioc.store.registry import Registry
from ioc.store.writer import BatchWriter

log = logging.getLogger(__name__)

MOST_PAYLOADS: Final = 5_000
"""Payloads of one flush; with 1 observation each a commit takes some 30 ms."""

MOST_BYTES: Final = 4_000_000
"""Bytes of payloads of one flush, about 50,000 observations."""

CHECKPOINT_SECONDS: Final = 10.0

_GONE: Final = Receipt(
    received=1,
    quarantined=1,
    problems=[Problem(-1, Reason.FEED_UNKNOWN, "the feed was retired while the payload waited")],
)
"""There is no ledger left to count it in; the sender is told all the same."""


class Reader(Protocol):
    """Something that is told of every flush after its commit: live state, alerts, counters."""

    async def flushed(self, parts: Sequence[Part], flushed: Flushed) -> None:
        """Take note of what has been stored."""
        ...


class Loaded(msgspec.Struct, frozen=True, eq=False):
    """Payloads with the parts that they bring to the next flush.

    `said` holds, by the place of the payload, those that tell of places or have remarks.
    """

    payloads: list[Payload]
    parts: list[Part]
    said: dict[int, tuple[Feed, Decoded]] = {}


class Pipeline:
    """Acknowledged means stored: a payload is answered after its commit and shown after that."""

    def __init__(
        self,
        *,
        intake: Intake,
        registry: Registry,
        resolver: Resolver,
        placing: Placing,
        writer: BatchWriter,
        readers: Sequence[Reader],
        clock: Clock,
    ) -> None:
        """Join the stages; `readers` are told in their order after each commit."""
        self._intake = intake
        self._registry = registry
        self._resolver = resolver
        self._placing = placing
        self._births = Births()
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._asked: dict[str, float] = {}
        # One flush is prepared while the other is with the database.
        self._ready: asyncio.Queue[Loaded | None] = asyncio.Queue(maxsize=1)

    @property
    def asked_at(self) -> float | None:
        """When (monotonic) the database was asked for the oldest thing that it has not done yet."""
        return min(self._asked.values(), default=None)

    async def run(self) -> None:
        """Work until the intake is closed and empty."""
        storing = asyncio.create_task(self._store(), name="store")
        try:
            while payloads := await self._intake.take(most=MOST_PAYLOADS, most_bytes=MOST_BYTES):
                loaded = await self._load(payloads)
                put = asyncio.create_task(self._ready.put(loaded))
                await asyncio.wait({put, storing}, return_when=asyncio.FIRST_COMPLETED)
                if storing.done():
                    put.cancel()
                    break
            await asyncio.wait(
                {asyncio.create_task(self._ready.put(None)), storing},
                return_when=asyncio.FIRST_COMPLETED,
            )
            await storing
        finally:
            storing.cancel()

    async def _load(self, payloads: list[Payload]) -> Loaded:
        read: list[tuple[Payload, Feed, Decoded]] = []
        for payload in payloads:
            feed = self._registry.feeds.get(payload.feed_key)
            if feed is None:
                payload.answer(_GONE)
            else:
                feed = feed if payload.replay is None else _feed_of_replay(feed, payload)
                read.append((payload, feed, _decoded(payload, feed, self._births)))
        # What comes out of quarantine has a feed of its own, and is no newer than what comes in.
        again = [entry for entry in read if entry[0].replay is not None]
        if again:
            read = again + [entry for entry in read if entry[0].replay is None]
        payloads = [payload for payload, _, _ in read]
        resolver, now = self._resolver, self._clock.now()
        # A thousand sensors that report for the first time cost one statement, not a thousand.
        items = [(feed, decoded) for _, feed, decoded in read]
        resolver.read_numbers(items)
        await self._make_series(items)
        plain = [None] * len(again) + resolver.resolve_plain(read[len(again) :], now)
        parts = [
            found or resolver.resolve(payload, feed, decoded, now)
            for found, (payload, feed, decoded) in zip(plain, read, strict=True)
        ]
        for part, payload in zip(parts, payloads, strict=True):
            part.size, part.topic_key = len(payload.body), payload.topic_key
            part.replay = payload.replay
        said = {
            number: (feed, decoded)
            for number, (feed, decoded) in enumerate(items)
            if decoded.places or decoded.remarks
        }
        return Loaded(payloads, parts, said)

    async def _make_series(self, items: Sequence[tuple[Feed, Decoded]]) -> None:
        """Ask until the database is there; what is not stored is not acknowledged meanwhile."""
        self._asked["series"] = monotonic()
        while True:
            try:
                await self._resolver.make_series(items)
            except Unavailable as error:
                log.warning("unknown series wait: %s", error)
                await asyncio.sleep(0.5)
            else:
                del self._asked["series"]
                return

    async def _store(self) -> None:
        kept_at = monotonic()
        while (loaded := await self._next()) is not None:
            if loaded.parts:
                await self._flush(loaded)
            await self._placing.write(monotonic())
            if monotonic() - kept_at >= CHECKPOINT_SECONDS:
                await self._writer.checkpoint()
                kept_at = monotonic()
        await self._placing.write(math.inf)
        await self._writer.checkpoint()

    async def _flush(self, loaded: Loaded) -> None:
        self._asked["flush"] = monotonic()
        flushed = await self._writer.flush(loaded.parts, self._clock.now())
        del self._asked["flush"]
        self._place(loaded, flushed)
        for payload, receipt in zip(loaded.payloads, flushed.receipts, strict=True):
            payload.answer(receipt)
        for reader in self._readers:
            await reader.flushed(loaded.parts, flushed)

    def _place(self, loaded: Loaded, flushed: Flushed) -> None:
        """Take the places of what is stored; what there is to remark stands in the receipts."""
        now = self._clock.now()
        for number, (feed, decoded) in loaded.said.items():
            receipt, first = flushed.receipts[number], loaded.payloads[number].first_index
            held = holding(decoded.places, loaded.parts[number], receipt, first)
            remarks = [moved(remark, first) for remark in decoded.remarks]
            remarks += self._placing.note(feed, held, now)
            receipt.problems += remarks[: max(0, MOST_PROBLEMS - len(receipt.problems))]

    async def _next(self) -> Loaded | None:
        """The next flush; an empty one when none comes for a while, so that time is noticed."""
        try:
            return await asyncio.wait_for(self._ready.get(), CHECKPOINT_SECONDS)
        except TimeoutError:
            return Loaded([], [])


def _feed_of_replay(feed: Feed, payload: Payload) -> Feed:
    """The feed as a replay sees it: lateness is judged by the first receipt of the item."""
    if payload.replay is None or feed.late_limit is None:
        return feed
    return msgspec.structs.replace(feed, late_limit=feed.late_limit + payload.replay.waited)


def _decoded(payload: Payload, feed: Feed, births: Births) -> Decoded:
    if payload.retained and feed.time_source == "arrival":
        # It was kept by the broker for who knows how long: now is not its time.
        feed = msgspec.structs.replace(feed, time_source="payload")
    try:
        return decode(payload, feed, births)
    except Exception:
        # A fault of a decoder must cost one payload, never the flow.
        log.exception("a decoder failed", extra={"feed": feed.id})
        return nothing(Reason.SHAPE_INVALID, "the payload cannot be read", payload.body)
