"""The one loop from the intake to the hub: take, decode, resolve, store, answer, show."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, Protocol, TypeVar

import msgspec

from ingest.decode import decode
from ingest.decoders.births import Births
from ingest.decoders.sparkplug import node_of
from ingest.intake import Intake
from ingest.payload import Decoded, Payload, nothing
from ioc.clock import Clock, monotonic
from ioc.errors import Unavailable
from ioc.flow.lanes import Lanes
from ioc.flow.placing import Placing, holding
from ioc.flow.report_intake import ReportIntake
from ioc.flow.resolve import Resolver, moved
from ioc.flow.warning_intake import WarningIntake
from ioc.model import Feed, Problem, Reason, Receipt
from ioc.store.births import KeptBirths
from ioc.store.flush import MOST_PROBLEMS, Flushed, Part
from ioc.store.registry import Registry
from ioc.store.writer import BatchWriter

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_PAYLOADS: Final = 5_000
"""Payloads of one flush; with 1 observation each a commit takes some 30 ms."""

MOST_BYTES: Final = 4_000_000
"""Bytes of payloads of one flush, about 50,000 observations."""

IDLE_SECONDS: Final = 10.0
"""How long nothing comes until places that wait are written all the same."""

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

    `said` holds, by the place of the payload, those that tell of places or have remarks, and
    `handed_in` those that hold reports or warnings.
    """

    payloads: list[Payload]
    parts: list[Part]
    said: dict[int, tuple[Feed, Decoded]] = {}
    handed_in: dict[int, tuple[Feed, Decoded]] = {}


Read = tuple[Payload, Feed, Decoded]
"""A payload, its feed, and what was found in it."""


class Pipeline:
    """Acknowledged means stored: a payload is answered after its commit and shown after that."""

    def __init__(
        self,
        *,
        intake: Intake,
        registry: Registry,
        resolver: Resolver,
        placing: Placing,
        reports: ReportIntake,
        warnings: WarningIntake,
        writer: BatchWriter,
        births: KeptBirths,
        readers: Sequence[Reader],
        clock: Clock,
    ) -> None:
        """Join the stages; `readers` are told in their order after each commit."""
        self._intake = intake
        self._registry = registry
        self._resolver = resolver
        self._placing = placing
        self._reports = reports
        self._warnings = warnings
        self._births = births
        self._lanes = Lanes(registry, self._beside)
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._asked: dict[object, float] = {}
        # One flush is prepared while the other is with the database.
        self._ready: asyncio.Queue[Loaded | None] = asyncio.Queue(maxsize=1)
        self._taken = asyncio.Event()

    @property
    def asked_at(self) -> float | None:
        """When (monotonic) the database was asked for the oldest thing that it has not done yet."""
        return min(self._asked.values(), default=None)

    async def run(self) -> None:
        """Work until the intake is closed and empty."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store(), name="store")
            while payloads := await self._take():
                passing, beside = self._lanes.divide(payloads)
                await self._ready.put(await self._load(await self._read(passing)))
                # What came before it of the same feed is on its way now.
                await self._lanes.add(beside, group)
            await self._lanes.emptied()
            await self._ready.put(None)

    async def _take(self) -> Sequence[Payload]:
        """What waits, once no flush lies ready: what comes meanwhile shares its commit."""
        while self._ready.full():
            self._taken.clear()
            await self._taken.wait()
        return await self._intake.take(most=MOST_PAYLOADS, most_bytes=MOST_BYTES)

    async def _read(self, payloads: Sequence[Payload]) -> list[Read]:
        """Decode payloads in their order; births are written down before anything is answered."""
        nodes = {
            (payload.feed_key, node)
            for payload in payloads
            if (node := node_of(payload.topic_key)) is not None
        }
        if nodes:
            await self._until_there("births", lambda: self._births.look_up(nodes))
        read: list[Read] = []
        for payload in payloads:
            feed = self._feed(payload)
            if feed is not None:
                read.append((payload, feed, _decoded(payload, feed, self._births.known)))
        changes = self._births.known.changes()
        if changes:
            now = self._clock.now()
            await self._until_there("births", lambda: self._births.keep(changes, now))
        return read

    async def _beside(self, payload: Payload) -> None:
        """The same for a payload that takes long, in a thread of its own."""
        feed = self._feed(payload)
        if feed is not None:
            decoded = await asyncio.to_thread(_decoded, payload, feed, None)
            await self._ready.put(await self._load([(payload, feed, decoded)]))

    def _feed(self, payload: Payload) -> Feed | None:
        """The feed as the payload sees it; None where there is none any more, which is answered."""
        feed = self._registry.feeds.get(payload.feed_key)
        if feed is None:
            payload.answer(_GONE)
            return None
        return _feed_of_replay(feed, payload)

    async def _load(self, read: list[Read]) -> Loaded:
        # What comes out of quarantine has a feed of its own, and is no newer than what comes in.
        again = [entry for entry in read if entry[0].replay is not None]
        if again:
            read = again + [entry for entry in read if entry[0].replay is None]
        payloads = [payload for payload, _, _ in read]
        resolver, now = self._resolver, self._clock.now()
        # A thousand sensors that report for the first time cost one statement, not a thousand.
        items = [(feed, decoded) for _, feed, decoded in read]
        resolver.read_numbers(items)
        await self._until_there("unknown series", lambda: resolver.make_series(items))
        plain = [None] * len(again) + resolver.resolve_plain(read[len(again) :], now)
        parts = [
            found or resolver.resolve(payload, feed, decoded, now)
            for found, (payload, feed, decoded) in zip(plain, read, strict=True)
        ]
        for part, payload in zip(parts, payloads, strict=True):
            part.size, part.replay = len(payload.body), payload.replay
            part.topic_key, part.source = payload.topic_key, payload.source
        said = {
            number: (feed, decoded)
            for number, (feed, decoded) in enumerate(items)
            if decoded.places or decoded.remarks
        }
        handed_in = {
            number: (feed, decoded)
            for number, (feed, decoded) in enumerate(items)
            if decoded.reports or decoded.warnings
        }
        return Loaded(payloads, parts, said, handed_in)

    async def _until_there(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the database is there; what is not stored is not acknowledged meanwhile."""
        with self._asking():
            while True:
                try:
                    return await ask()
                except Unavailable as error:
                    log.warning("%s wait: %s", what, error)
                    await asyncio.sleep(0.5)

    @contextmanager
    def _asking(self) -> Generator[None]:
        ticket = object()
        self._asked[ticket] = monotonic()
        try:
            yield
        finally:
            del self._asked[ticket]

    async def _store(self) -> None:
        while (loaded := await self._next()) is not None:
            if loaded.parts:
                await self._flush(loaded)
            await self._placing.write(monotonic())
        await self._placing.write(math.inf)
        await self._writer.checkpoint.keep()

    async def _flush(self, loaded: Loaded) -> None:
        handed_in = await self._hand_in(loaded)
        with self._asking():
            flushed = await self._writer.flush(loaded.parts, self._clock.now())
        for number, receipt in handed_in.items():
            flushed.receipts[number].join(receipt, most_problems=MOST_PROBLEMS)
        self._place(loaded, flushed)
        for payload, receipt in zip(loaded.payloads, flushed.receipts, strict=True):
            payload.answer(receipt)
        for reader in self._readers:
            await reader.flushed(loaded.parts, flushed)

    async def _hand_in(self, loaded: Loaded) -> dict[int, Receipt]:
        """Store reports and warnings of payloads; whoever sends them again gets duplicates."""
        receipts: dict[int, Receipt] = {}
        for number, (feed, decoded) in loaded.handed_in.items():
            payload, now = loaded.payloads[number], self._clock.now()
            receipt = receipts[number] = Receipt()
            if decoded.reports:
                take = partial(self._reports.take, payload, feed, decoded.reports, now)
                taken = await self._until_there("reports", take)
                receipt.join(taken, most_problems=MOST_PROBLEMS)
            if decoded.warnings:
                take = partial(self._warnings.take, payload, feed, decoded.warnings, now)
                taken = await self._until_there("warnings", take)
                receipt.join(taken, most_problems=MOST_PROBLEMS)
        return receipts

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
            loaded = await asyncio.wait_for(self._ready.get(), IDLE_SECONDS)
        except TimeoutError:
            return Loaded([], [])
        self._taken.set()
        return loaded


def _feed_of_replay(feed: Feed, payload: Payload) -> Feed:
    """The feed as a replay sees it: lateness is judged by the first receipt of the item."""
    if payload.replay is None or feed.late_limit is None:
        return feed
    return msgspec.structs.replace(feed, late_limit=feed.late_limit + payload.replay.waited)


def _decoded(payload: Payload, feed: Feed, births: Births | None) -> Decoded:
    if payload.retained and not feed.is_idempotent:
        # It was kept by the broker for who knows how long: now is not its time.
        feed = msgspec.structs.replace(feed, time_source="payload")
    try:
        return decode(payload, feed, births)
    except Exception:
        # A fault of a decoder must cost one payload, never the flow.
        log.exception("a decoder failed", extra={"feed": feed.id})
        return nothing(Reason.SHAPE_INVALID, "the payload cannot be read", payload.body)
