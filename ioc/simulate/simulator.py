"""Drives the simulated province through the front door: its past first, its present for ever."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from ioc.city.spec import CityFeed
from ioc.clock import Clock
from ioc.model import Domain
from ioc.simulate import backfill, encode, progress
from ioc.simulate.backfill import Run, Slice, Span
from ioc.simulate.calendar import DAY
from ioc.simulate.door import RestDoor
from ioc.simulate.dossiers import Counter, Office, days_back
from ioc.simulate.progress import Progress
from ioc.simulate.province import SimulatedFeed, SimulatedProvince
from ioc.simulate.publisher import Publisher, SignInRefused
from ioc.simulate.rhythm import Rhythm
from ioc.simulate.tickets import DAYS_BACK, TicketDesk, ticket_bodies
from ioc.simulate.truth import TruthFile

log = logging.getLogger(__name__)

BY_MQTT: Final = frozenset({Domain.TRAFFIC, Domain.ELECTRICITY, Domain.ENVIRONMENT})
"""Domains whose live observations come over MQTT; the other agencies use REST."""

IN_FLIGHT: Final = 3
"""Bodies of the past that are on their way at once, beside one of dossiers."""

LOOK_SECONDS: Final = 5.0
"""How often dossiers and the truth file are looked at."""

DOSSIER_SPAN: Final = 20 * DAY
ROWS_PER_DOSSIER: Final = 4.0
"""What a dossier costs against an observation, for the progress of the back-fill."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How much past there is to be, and how fast the province lives."""

    days: int = 35
    months: int = 24
    dossiers: int = 60_000
    rate: float = 1.0
    backfill: bool = True


@dataclass
class Doors:
    """The ways in: REST with a key per feed, MQTT with a client per agency."""

    rest: RestDoor
    keys: Mapping[str, str]
    publishers: Mapping[str, Publisher] = field(default_factory=dict[str, Publisher])


class Simulator:
    """One run of the simulated province."""

    def __init__(
        self,
        province: SimulatedProvince,
        doors: Doors,
        settings: Settings,
        *,
        clock: Clock,
        memory: Progress,
        memory_path: Path,
        truth: TruthFile,
        say: Callable[[float], None],
    ) -> None:
        """Nothing runs until `run`; `say` is told how much of the past has been sent, 0 to 1."""
        self._province = province
        self._doors = doors
        self._settings = settings
        self._clock = clock
        self._memory = memory
        self._memory_path = memory_path
        self._truth = truth
        self._say = say
        self._start = self._now()
        self._rhythm = Rhythm(self._start, settings.rate)
        self._wanted = 0.0
        self._done = 0.0
        self.sent = 0
        today = province.calendar.day(self._start)
        self._office = Office(
            province.city.organisation,
            province.city.province.unit,
            province.calendar,
            seed=province.seed,
            a_month=settings.dossiers / max(settings.months, 1),
            ends=today,
        )
        # Dossiers of a faster life get codes of their own: their days will come again.
        run = "" if settings.rate == 1.0 else f"-{self._start:x}"
        self._prefix = f"{_code(province)}{run}"

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    async def run(self) -> None:
        """Send the past and the present; returns only when cancelled."""
        # Asked before the first live report, which would look as if the past were there already.
        pieces = await self._missing_pieces()
        spans = {feed.id: self._dossier_spans(feed) for feed in self._province.dossier_feeds}
        self.remember()
        self._begin_truth()
        async with asyncio.TaskGroup() as tasks:
            for feed in self._province.feeds.values():
                tasks.create_task(self._live(feed))
            tasks.create_task(self._tell_truth())
            past = [tasks.create_task(self._past(pieces))]
            for feed in self._province.dossier_feeds:
                sent = tasks.create_task(self._past_dossiers(feed, spans[feed.id]))
                tasks.create_task(self._dossiers(feed, sent))
                past.append(sent)
            for feed in self._province.ticket_feeds:
                tasks.create_task(self._tickets(feed))
            tasks.create_task(self._report(past))

    def remember(self) -> None:
        """Write down how far the past has been sent."""
        progress.save(self._memory_path, self._memory)

    # The past

    async def _report(self, past: list[asyncio.Task[None]]) -> None:
        while not all(task.done() for task in past):
            self._say(min(self._done / self._wanted, 0.999) if self._wanted else 0.0)
            self.remember()
            await asyncio.wait(past, timeout=1.0)
        self._say(1.0)
        self.remember()

    async def _missing_pieces(self) -> list[tuple[Slice, Mapping[str, int]]]:
        """The slices of all series that are not stored, the newest first."""
        pieces: list[tuple[Slice, Mapping[str, int]]] = []
        if not self._settings.backfill:
            return pieces
        window = (self._start - self._settings.days * DAY, self._start)
        for feed in self._province.feeds.values():
            newest = await self._doors.rest.newest(feed.id, self._doors.keys[feed.id])
            spans, gap = backfill.missing(window, newest, self._memory.open.get(feed.id, []))
            for span in spans:
                pieces += [(piece, {}) for piece in backfill.slices(feed, span, self._start)]
            if gap is not None:
                pieces += [(piece, newest) for piece in backfill.slices(feed, gap, self._start)]
            self._memory.open[feed.id] = [*spans, *([gap] if gap else [])]
        self._wanted += sum(piece.rows for piece, _ in pieces)
        return sorted(pieces, key=lambda item: -item[0].until)

    async def _past(self, pieces: list[tuple[Slice, Mapping[str, int]]]) -> None:
        """Send what is missing of all series, slice by slice."""
        waiting = iter(pieces)

        async def send_some() -> None:
            for piece, newest in waiting:
                await self._send_slice(piece, newest)

        async with asyncio.TaskGroup() as senders:
            for _ in range(IN_FLIGHT):
                senders.create_task(send_some())

    async def _send_slice(self, piece: Slice, newest: Mapping[str, int]) -> None:
        spec = self._province.feeds[piece.feed].spec
        found = await asyncio.to_thread(
            lambda: list(
                encode.bodies(
                    backfill.runs(self._province, piece, self._start, newest), spec.format
                )
            )
        )
        for body in found:
            await self._post(spec, body)
        self._memory.close(piece.feed, (piece.since, piece.until))
        self._done += piece.rows

    async def _post(self, feed: CityFeed, body: bytes, part: str = "observations") -> None:
        observed = part == "observations"
        kind = encode.content_type(feed.format) if observed else encode.JSON
        key = self._doors.keys[feed.id]
        receipt = await self._doors.rest.send(feed.id, part, key, body, kind)
        self.sent += receipt.received

    async def _past_dossiers(self, feed: CityFeed, spans: list[Span]) -> None:
        """Send the dossiers of the past as they stand now, the newest month first."""
        for since, until in spans:
            await self._send_dossiers(feed, since, until)
            self._memory.close(feed.id, (since, until))
            self._done += self._cost(until - since)

    def _dossier_spans(self, feed: CityFeed) -> list[Span]:
        """The open spans of the past in pieces, the newest first."""
        if not self._settings.backfill:
            return []
        if feed.id not in self._memory.told:
            back = round(self._settings.months * 365.2425 / 12) * DAY
            self._memory.open[feed.id] = [(self._start - back, self._start)]
            self._memory.told[feed.id] = self._start
        pieces: list[Span] = []
        for since, until in self._memory.open.get(feed.id, []):
            edges = [*range(until, since, -DOSSIER_SPAN), since]
            pieces += [(edges[n + 1], edges[n]) for n in range(len(edges) - 1)]
        pieces.sort(key=lambda span: -span[1])
        self._wanted += self._cost(sum(until - since for since, until in pieces))
        return pieces

    def _cost(self, seconds: int) -> float:
        a_day = self._settings.dossiers / max(self._settings.months, 1) / 30.4
        return ROWS_PER_DOSSIER * a_day * seconds / DAY

    async def _send_dossiers(self, feed: CityFeed, since: int, until: int) -> None:
        def made() -> list[bytes]:
            calendar = self._province.calendar
            first, last = calendar.day(since), calendar.day(until)
            told = [
                encode.told(dossier, self._start, self._rhythm, self._prefix)
                for day in days_back(first, last)
                for dossier in self._office.day(day)
                if since < dossier.received_at <= until
            ]
            return list(encode.dossier_bodies(told))

        for body in await asyncio.to_thread(made):
            await self._post(feed, body, "dossiers")

    # The present

    async def _live(self, feed: SimulatedFeed) -> None:
        """Send each report of a feed when it is due; what is late goes together."""
        rate = self._settings.rate
        due = {name: feed.next_report(name, self._start, rate) for name in feed.features}
        while due:
            await self._until(min(due.values()))
            now = self._now()
            ready = sorted((at, name) for name, at in due.items() if at <= now)
            ready = ready[: encode.ROWS_PER_BODY // 8]
            runs = [run for at, name in ready for run in self._report_of(feed, name, at)]
            for body in encode.bodies(runs, feed.spec.format):
                await self._send_live(feed.spec, body)
            for at, name in ready:
                due[name] = feed.next_report(name, at, rate)

    def _report_of(self, feed: SimulatedFeed, feature: str, at: int) -> list[Run]:
        clock = np.array([at], np.int64)
        lived = self._rhythm.lived(clock)
        if not self._province.speaks(feed, feature, lived)[0]:
            return []
        kinds = {series.key: (series.value_kind, series.uom) for series in feed.spec.series}
        return [
            Run(f"{feature}/{name}", *kinds[f"{feature}/{name}"], clock, value)
            for name, value in feed.values(feature, lived).items()
        ]

    async def _send_live(self, feed: CityFeed, body: bytes) -> None:
        publisher = self._doors.publishers.get(feed.agency) if feed.domain in BY_MQTT else None
        if publisher is not None and not publisher.refused:
            try:
                await publisher.publish(feed.id, body)
            except SignInRefused:
                log.debug("the broker refused; the body goes over REST")
            else:
                return
        await self._post(feed, body)

    async def _until(self, instant: int) -> None:
        ahead = instant - self._clock.now().timestamp()
        if ahead > 0:
            await asyncio.sleep(ahead)

    async def _dossiers(self, feed: CityFeed, past: asyncio.Task[None]) -> None:
        """Send every dossier that is received or resolved, soon after it is."""
        told = self._memory.told.get(feed.id, self._start)
        earliest = self._start - self._settings.months * 31 * DAY
        await asyncio.wait([past])  # one at a time: both work through the same dossiers
        counter = await self._counter(max(told, earliest))
        while True:
            now = self._now()
            lived = self._rhythm.lived_at(now)
            changed = await asyncio.to_thread(counter.changed, lived)
            for body in encode.dossier_bodies(
                [encode.told(d, lived, self._rhythm, self._prefix) for d in changed]
            ):
                await self._post(feed, body, "dossiers")
            if feed.id in self._memory.told:
                self._memory.told[feed.id] = now
                if changed:
                    self.remember()
            await asyncio.sleep(LOOK_SECONDS)

    async def _counter(self, since: int) -> Counter:
        """The dossiers in hand at an instant, found by going through those of the past again."""
        counter = Counter(self._office, self._province.calendar, since)
        last = self._province.calendar.day(since) - timedelta(days=1)
        first = last - timedelta(days=round(self._settings.months * 365.2425 / 12))
        for day in days_back(first, last):
            counter.remember(await asyncio.to_thread(self._office.day, day))
        return counter

    async def _tickets(self, feed: CityFeed) -> None:
        """Send every ticket that changes soon after it does, those of the past at once."""
        desk = TicketDesk(self._province.city, self._province.calendar, seed=self._province.seed)
        past = self._start - DAYS_BACK * DAY if self._settings.backfill else self._start
        told = self._memory.told.get(feed.id, past)
        while True:
            now = self._now()
            since, until = self._rhythm.lived_at(told), self._rhythm.lived_at(now)
            changed = await asyncio.to_thread(lambda: list(desk.changed(since, until)))  # noqa: B023
            found = [one.told(until, self._rhythm.shown, self._prefix) for one in changed]
            for body in ticket_bodies(found):
                await self._post(feed, body, "tickets")
            told = now
            if found and self._settings.backfill:
                self._memory.told[feed.id] = told
                self.remember()
            await asyncio.sleep(LOOK_SECONDS)

    # The truth

    def _begin_truth(self) -> None:
        if self._settings.backfill:
            since = self._start - self._settings.days * DAY
            self._truth.tell(list(self._province.episodes(since, self._start)), self._rhythm)

    async def _tell_truth(self) -> None:
        before = self._start
        while True:
            lived = self._rhythm.lived_at(self._now())
            if lived > before:
                found = list(self._province.episodes(before, lived))
                self._truth.tell(found, self._rhythm)
            before = lived
            await asyncio.sleep(LOOK_SECONDS)


def _code(province: SimulatedProvince) -> str:
    """The official code of the province, with which codes of dossiers begin."""
    unit = province.city.province.unit
    version = province.city.organisation.find(unit, date.max - timedelta(days=1))
    return (version.codes.get("gso") if version else None) or unit
