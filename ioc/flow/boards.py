"""The figures of the boards, computed on a timer from what is stored, and shown as topics."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.clock import Clock
from ioc.errors import Invalid, NotFound
from ioc.flow.newest import NewestValues, tightest
from ioc.flow.trends import Trends
from ioc.kpi.evaluate import (
    Figure,
    by_rank,
    evaluate_counts,
    evaluate_latest,
    ranks,
    standing,
)
from ioc.kpi.indicator import Indicator, decode_indicator
from ioc.kpi.origin import CountSource, LatestSource
from ioc.kpi.period import Period, parse_period
from ioc.live.feeds import FeedHealth
from ioc.live.latest import Latest as Newest
from ioc.live.topic import StateTopic
from ioc.live.wire import (
    Coverage,
    FigureItem,
    LayerFeature,
    LayerProperties,
    TargetRef,
    Text,
    Trend,
    UnitRef,
    Value,
    encoder,
)
from ioc.model import Freshness, from_micros
from ioc.org import Level, Organisation
from ioc.quality.score import Today, total
from ioc.store import dossiers
from ioc.store.city import Described, Target
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry

log = logging.getLogger(__name__)

TREND_SECONDS: Final = 60.0
"""How often the lines behind the figures are drawn anew."""

SCORES_LATE: Final = 300.0
SCORES_STALE: Final = 1800.0
"""Seconds after which the four words, which are counted all the time, are late and stale."""

NO_FIGURES: Final[Mapping[str, Figure]] = {}

RANKED_LEVELS: Final = frozenset({Level.DEPARTMENT, Level.COMMUNE, Level.SERVICE_CENTER})


class Boards:
    """Evaluates the indicators and keeps the board topics, the summary and the units' layer."""

    def __init__(
        self,
        *,
        registry: Registry,
        latest: Newest,
        health: FeedHealth,
        reads: ReadPool,
        writes: WritePool,
        units_topic: StateTopic,
        epoch: str,
        clock: Clock,
        zone: str,
    ) -> None:
        """Start without indicators; `load` brings them."""
        self._registry = registry
        self._health = health
        self._reads = reads
        self._writes = writes
        self._units_topic = units_topic
        self._epoch = epoch
        self._clock = clock
        self._zone = zone
        self.topics: dict[str, StateTopic] = {}
        self.indicators: dict[str, Indicator] = {}
        self._boards: Mapping[str, dict[str, Any]] = {}
        self._targets: Sequence[Target] = ()
        self._organisation = Organisation([])
        self._outlines: Mapping[str, tuple[dict[str, Any], str]] = {}
        self._province = ""
        self._sums: dict[str, dict[str, int]] = {}
        self._sums_of: date | None = None
        self._in_hand: dict[str, dict[str, int]] = {}
        self.quality: Callable[[], Today] = Today
        """The four words of the running day by agency."""
        self._newest = NewestValues(registry, latest)
        self._drawing = Trends(self._newest, reads, zone)
        self._trends: dict[str, Trend] = {}
        self._trends_at: datetime | None = None
        self.computed_at: datetime | None = None

    def load(self, city: Described, province: str) -> None:
        """Take boards, indicators, targets and units."""
        self.indicators = {id: decode_indicator(id, doc) for id, doc in city.indicators.items()}
        self._boards = city.boards
        self._targets = city.targets
        self._organisation = city.organisation
        self._outlines = city.outlines
        self._province = province
        for board in city.boards:
            name = "summary" if board == "summary" else f"board:{board}"
            if board not in self.topics:
                self.topics[board] = StateTopic(name, self._epoch, pace=0.5)
        self._sums_of = None

    async def refresh(self) -> list[StateTopic]:
        """Compute every figure anew; returns the topics that changed."""
        now = self._clock.now()
        await self._count(now)
        if self._trends_at is None or now - self._trends_at > timedelta(seconds=TREND_SECONDS):
            drawn = {id: await self._drawing.draw(one, now) for id, one in self.indicators.items()}
            self._trends |= {id: trend for id, trend in drawn.items() if trend is not None}
            self._trends_at = now
        figures = await self._figures_of_latest(now)
        changed = [
            topic
            for board, topic in self.topics.items()
            if self._show(topic, self.items(board, figures))
        ]
        if self._show_units(now):
            changed.append(self._units_topic)
        self.computed_at = now
        return changed

    async def _figures_of_latest(self, now: datetime) -> dict[str, Figure]:
        """The figures of newest values, each once however many boards show it.

        Half a million series take some hundredths of a second, so the flow gets its turn between.
        """
        shown = {id for board in self._boards.values() for id in board["figures"]}
        members: dict[frozenset[str], list[Indicator]] = {}
        for indicator in self.indicators.values():
            if indicator.id in shown and indicator.properties:
                members.setdefault(indicator.properties, []).append(indicator)
        found: dict[str, Figure] = {}
        for properties, indicators in members.items():
            values = self._newest.of(properties, now)
            for indicator in indicators:
                found[indicator.id] = evaluate_latest(indicator, values)
                await asyncio.sleep(0)
        return found

    async def _count(self, now: datetime) -> None:
        """Bring the sums of dossiers up to date."""
        moved = False
        while await dossiers.recount(self._writes, zone=self._zone, now=now):
            moved = True
        today = now.astimezone(ZoneInfo(self._zone)).date()
        if moved or self._sums_of != today:
            year = self._year(now)
            self._sums = await dossiers.sums(self._reads, since=year.start, until=year.end)
            self._sums_of = today
            self._trends_at = None
        self._in_hand = await dossiers.in_hand(self._reads, now)

    def _year(self, now: datetime) -> Period:
        return parse_period(str(now.astimezone(ZoneInfo(self._zone)).year))

    def _show(self, topic: StateTopic, items: Iterable[FigureItem]) -> bool:
        keys: list[str] = []
        changed = False
        for item in items:
            keys.append(item.id)
            changed |= topic.put_if_changed(item.id, encoder.encode(item))
        before = topic.offset
        topic.keep_only(keys)
        return changed or topic.offset != before

    def items(self, board: str, figures: Mapping[str, Figure] = NO_FIGURES) -> list[FigureItem]:
        """The figures of a board as they are now; `figures` holds those that are known already."""
        if board not in self._boards:
            raise NotFound(f"there is no board `{board}`")
        now = self._clock.now()
        document = self._boards[board]
        wanted = [self.indicators[id] for id in document["figures"] if id in self.indicators]
        found: list[FigureItem] = []
        for indicator in wanted:
            figure = figures.get(indicator.id) or self._figure(indicator, self._province, now)
            found.append(self._shown(indicator, self._province, figure, now, None))
        if document.get("units") == "children":
            for indicator in wanted:
                if indicator.counts_dossiers or indicator.is_scored:
                    found += self.ranking(indicator.id)
        return found

    def ranking(self, indicator_id: str, sums: Mapping[str, Mapping[str, int]] | None = None,
                period: Period | None = None) -> list[FigureItem]:  # fmt: skip
        """The figure of every unit that has one, best first."""
        indicator = self._indicator(indicator_id)
        now = self._clock.now()
        units = [
            unit
            for unit, version in self._organisation.as_of(now.date()).items()
            if version.level in RANKED_LEVELS
        ]
        if indicator.is_scored:
            units = sorted(self.quality().counts)
            figures = {unit: self._scored(indicator, [unit]) for unit in units}
        else:
            figures = {unit: self._counted(indicator, [unit], sums) for unit in units}
        known = [unit for unit in units if figures[unit].numerator is not None]
        values = [figures[unit].value for unit in known]
        place = ranks(values, indicator.direction)
        return [
            msgspec.structs.replace(
                self._shown(indicator, known[at], figures[known[at]], now, period), rank=place[at]
            )
            for at in by_rank(values, indicator.direction)
        ]

    async def ranking_of(self, indicator_id: str, period: Period) -> list[FigureItem]:
        """The ranking for another period than the present year."""
        self._refuse_scored(indicator_id)
        sums = await dossiers.sums(self._reads, since=period.start, until=period.end)
        return self.ranking(indicator_id, sums, period)

    async def values(self, indicator_id: str, unit: str, period: Period) -> FigureItem:
        """One figure of one unit for a period of whole months."""
        self._refuse_scored(indicator_id)
        indicator = self._indicator(indicator_id)
        now = self._clock.now()
        self._organisation.versions(unit)
        sums = await dossiers.sums(self._reads, since=period.start, until=period.end)
        figure = self._counted(indicator, self._below(unit, now), sums)
        return self._shown(indicator, unit, figure, now, period)

    def _refuse_scored(self, indicator_id: str) -> None:
        if self._indicator(indicator_id).is_scored:
            raise Invalid(f"`{indicator_id}` is counted by day; ask /quality?day=…")

    def _indicator(self, indicator_id: str) -> Indicator:
        if indicator_id not in self.indicators:
            raise NotFound(f"there is no indicator `{indicator_id}`")
        return self.indicators[indicator_id]

    def _below(self, unit: str, now: datetime) -> list[str]:
        """A unit and all that are below it today."""
        return [unit, *(v.unit for v in self._organisation.descendants(unit, now.date()))]

    def _figure(self, indicator: Indicator, unit: str, now: datetime) -> Figure:
        """One figure of a unit as it is now."""
        source = indicator.source
        if isinstance(source, LatestSource):
            return evaluate_latest(indicator, self._newest.of(indicator.properties, now))
        if not isinstance(source, CountSource):
            return Figure(value=None, state=Freshness.NEVER)
        if source.source == "feeds":
            return evaluate_counts(indicator, self._health.counts(now))
        if source.source == "ledger":
            return evaluate_counts(indicator, self._health.day(now))
        if source.source == "quality":
            own = None if unit == self._province else self._below(unit, now)
            return self._scored(indicator, own)
        return self._counted(indicator, self._below(unit, now), None)

    def _counted(
        self,
        indicator: Indicator,
        units: Sequence[str],
        sums: Mapping[str, Mapping[str, int]] | None,
    ) -> Figure:
        """A figure of dossiers over units; counts that no unit has are unknown, not 0."""
        total: dict[str, int | None] = {}
        for table in (self._sums if sums is None else sums, self._in_hand):
            for unit in units:
                for name, count in table.get(unit, {}).items():
                    total[name] = (total.get(name) or 0) + count
        if total:
            # A unit with dossiers but none in hand is missing from that count: it has 0.
            total.setdefault("in_hand", 0)
            total.setdefault("in_hand_overdue", 0)
        return evaluate_counts(indicator, total)

    def _scored(self, indicator: Indicator, units: Iterable[str] | None) -> Figure:
        """A figure of the quality of data over the agencies among the units, or over all."""
        table = self.quality().counts
        counts = total(table[unit] for unit in (units or table) if unit in table)
        return evaluate_counts(indicator, msgspec.structs.asdict(counts))

    def _shown(
        self, indicator: Indicator, unit: str, figure: Figure, now: datetime, period: Period | None
    ) -> FigureItem:
        version = self._organisation.find(unit, now.date())
        target = self._target(indicator.id, unit, now)
        counted = indicator.counts_dossiers
        late, stale = self._limits(indicator)
        wanted = standing(figure.value, target.value if target else None, indicator.direction)
        year = period or (self._year(now) if counted else None)
        feeds_only = isinstance(indicator.source, CountSource) and not counted
        time = from_micros(figure.time) if figure.time else now if feeds_only else None
        return FigureItem(
            id=indicator.id if unit == self._province else f"{indicator.id}@{unit}",
            indicator=indicator.id,
            version=indicator.version,
            name=Text(indicator.name.vi, indicator.name.en),
            domain=indicator.domain.value,
            unit=UnitRef(unit, version.short_name if version else unit),
            period=year.text if year else None,
            kind=indicator.kind,
            value=figure.value,
            numerator=figure.numerator,
            denominator=figure.denominator,
            uom=indicator.uom,
            decimals=indicator.decimals,
            state=figure.state,
            time=self.quality().at
            if indicator.is_scored
            else None
            if feeds_only
            else self._dossiers_at()
            if counted
            else time,
            late_after=late,
            stale_after=stale,
            coverage=None
            if figure.observed is None
            else Coverage(figure.observed, figure.expected),
            target=target,
            standing=wanted.value,
            trend=self._trends.get(indicator.id) if unit == self._province else None,
            note=None if indicator.note is None else Text(indicator.note.vi, indicator.note.en),
        )

    def _dossiers_at(self) -> datetime | None:
        """When dossiers last came in: the age of every figure that is made of them."""
        received = self._health.last_received()
        times = [
            at
            for feed in self._registry.feeds.values()
            if feed.domain.value == "service" and (at := received.get(feed.key)) is not None
        ]
        return from_micros(max(times)) if times else None

    def _limits(self, indicator: Indicator) -> tuple[float | None, float | None]:
        """The age limits of the feeds that an indicator is made of; the tightest counts."""
        if indicator.is_scored:
            return SCORES_LATE, SCORES_STALE
        if isinstance(indicator.source, LatestSource):
            limits = self._newest.layout().limits
            return limits.get(indicator.source.numerator.property, (None, None))
        feeds = self._registry.feeds.values()
        return tightest([feed for feed in feeds if feed.domain == indicator.domain])

    def _target(self, indicator: str, unit: str, now: datetime) -> TargetRef | None:
        today = now.astimezone(ZoneInfo(self._zone)).date()
        for target in self._targets:
            if (
                target.indicator == indicator
                and target.unit == unit
                and target.valid_from <= today
                and (target.valid_until is None or today < target.valid_until)
            ):
                until = target.valid_until
                return TargetRef(
                    value=target.value,
                    direction="up" if target.direction == "up" else "down",
                    until=until.isoformat() if until else None,
                    document=target.document,
                    sample=target.sample,
                )
        return None

    def _show_units(self, now: datetime) -> bool:
        """Colour the units by what the layer of units shows."""
        before = self._units_topic.offset
        wanted = [i for i in self.indicators.values() if i.counts_dossiers]
        today = self._organisation.as_of(now.date())
        for unit, (geometry, _) in self._outlines.items():
            version = today.get(unit)
            if version is None or version.level is not Level.COMMUNE:
                continue
            values: dict[str, Value] = {}
            for indicator in wanted:
                figure = self._counted(indicator, [unit], None)
                known = figure.value is not None
                values[indicator.id] = Value(
                    figure.value,
                    self._dossiers_at(),
                    indicator.uom,
                    Freshness.FRESH if known else Freshness.NEVER,
                )
            fragment = encoder.encode(
                LayerFeature(
                    id=unit,
                    geometry=geometry,
                    properties=LayerProperties(
                        name=version.name, unit=unit, unit_name=version.short_name, values=values
                    ),
                )
            )
            self._units_topic.put_if_changed(unit, fragment)
        return self._units_topic.offset != before
