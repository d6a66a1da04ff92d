"""The figures of the boards, computed on a timer from what is stored, and shown as topics."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from ioc.clock import Clock
from ioc.errors import Invalid, NotFound
from ioc.kpi.evaluate import (
    FRESHNESS_CODES,
    Figure,
    Latest,
    by_rank,
    evaluate_counts,
    evaluate_latest,
    ranks,
    standing,
)
from ioc.kpi.indicator import CountSource, Indicator, LatestSource, decode_indicator
from ioc.kpi.period import Period, parse_period
from ioc.live.feeds import FeedHealth
from ioc.live.latest import NEVER
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
from ioc.model import Freshness, from_micros, to_micros
from ioc.org import Level, Organisation
from ioc.quality.score import Today, total
from ioc.store import dossiers, observations
from ioc.store.city import Described, Target
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry

log = logging.getLogger(__name__)

TREND_SECONDS: Final = 60.0
"""How often the lines behind the figures are drawn anew."""

TREND_WIDTH: Final = timedelta(minutes=30)
TREND_LENGTH: Final = timedelta(hours=24)
WEEK: Final = timedelta(days=7)
LEAST_COVERED: Final = 0.5
"""A point of a line needs that share of the series that the others have: the running half hour
begins with one series and would draw a spike."""

TREND_MONTHS: Final = 12

SCORES_LATE: Final = 300.0
SCORES_STALE: Final = 1800.0
"""Seconds after which the four words, which are counted all the time, are late and stale."""

RANKED_LEVELS: Final = frozenset({Level.DEPARTMENT, Level.COMMUNE, Level.SERVICE_CENTER})


@dataclass(slots=True)
class _Rows:
    """The newest values laid out for the evaluation, as long as the registry stays the same."""

    generation: int
    ids: Any
    feature: Any
    property: Any
    late: Any
    stale: Any
    members: dict[str, list[int]]


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
        self._latest = latest
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
        self._trends: dict[str, Trend] = {}
        self._trends_at: datetime | None = None
        self._rows: _Rows | None = None
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
            await self._draw(now)
            self._trends_at = now
        changed = [
            topic for board, topic in self.topics.items() if self._show(topic, self.items(board))
        ]
        if self._show_units(now):
            changed.append(self._units_topic)
        self.computed_at = now
        return changed

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

    def items(self, board: str) -> list[FigureItem]:
        """The figures of a board as they are now."""
        if board not in self._boards:
            raise NotFound(f"there is no board `{board}`")
        now = self._clock.now()
        document = self._boards[board]
        wanted = [self.indicators[id] for id in document["figures"] if id in self.indicators]
        found = [self.item(indicator, self._province, now) for indicator in wanted]
        if document.get("units") == "children":
            for indicator in wanted:
                if _counts_by_unit(indicator):
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
        if _is_scored(indicator):
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
        if _is_scored(self._indicator(indicator_id)):
            raise Invalid(f"`{indicator_id}` is counted by day; ask /quality?day=…")

    def _indicator(self, indicator_id: str) -> Indicator:
        if indicator_id not in self.indicators:
            raise NotFound(f"there is no indicator `{indicator_id}`")
        return self.indicators[indicator_id]

    def _below(self, unit: str, now: datetime) -> list[str]:
        """A unit and all that are below it today."""
        return [unit, *(v.unit for v in self._organisation.descendants(unit, now.date()))]

    def item(self, indicator: Indicator, unit: str, now: datetime) -> FigureItem:
        """One figure of a unit as it is now."""
        source = indicator.source
        if isinstance(source, LatestSource):
            figure = evaluate_latest(indicator, self._newest(now))
        elif source.source == "feeds":
            figure = evaluate_counts(indicator, self._health.counts(now))
        elif source.source == "ledger":
            figure = evaluate_counts(indicator, self._health.day(now))
        elif source.source == "quality":
            own = None if unit == self._province else self._below(unit, now)
            figure = self._scored(indicator, own)
        else:
            figure = self._counted(indicator, self._below(unit, now), None)
        return self._shown(indicator, unit, figure, now, None)

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
        counted = _counts_dossiers(indicator)
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
            if _is_scored(indicator)
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
        if _is_scored(indicator):
            return SCORES_LATE, SCORES_STALE
        found = [
            feed
            for feed in self._registry.feeds.values()
            if feed.domain == indicator.domain and not isinstance(indicator.source, LatestSource)
        ]
        if isinstance(indicator.source, LatestSource):
            rows = self._layout()
            members = rows.members.get(indicator.source.numerator.property, [])
            keys = {self._registry.series[series].feed_key for series in members}
            found = [self._registry.feeds[key] for key in keys]
        late = [feed.late_after for feed in found if feed.late_after is not None]
        stale = [feed.stale_after for feed in found if feed.stale_after is not None]
        return min(late, default=None), min(stale, default=None)

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

    def _layout(self) -> _Rows:
        if self._rows is not None and self._rows.generation == self._registry.generation:
            return self._rows
        series = list(self._registry.series.values())
        features = {key: n for n, key in enumerate(dict.fromkeys(s.feature for s in series))}
        limits = [self._registry.feeds[s.feed_key] for s in series]
        members: dict[str, list[int]] = {}
        for one in series:
            members.setdefault(one.property, []).append(one.id)
        self._latest.reserve(self._registry.highest)
        self._rows = _Rows(
            self._registry.generation,
            np.array([s.id for s in series], np.int32),
            np.array([features[s.feature] for s in series], np.int64),
            np.array([s.property for s in series], np.str_),
            np.array([np.inf if f.late_after is None else f.late_after for f in limits]),
            np.array([np.inf if f.stale_after is None else f.stale_after for f in limits]),
            members,
        )
        return self._rows

    def _newest(self, now: datetime) -> Latest:
        rows = self._layout()
        times = self._latest.time[rows.ids]
        age = (to_micros(now) - times) / 1e6
        state = np.where(age > rows.late, FRESHNESS_CODES[Freshness.LATE], 0)
        state = np.where(age > rows.stale, FRESHNESS_CODES[Freshness.STALE], state)
        state = np.where(times == NEVER, FRESHNESS_CODES[Freshness.NEVER], state)
        return Latest(
            feature=rows.feature,
            property=rows.property,
            # What is suspect does not enter a figure that people act on; the coverage tells of it.
            value=np.where(self._latest.flags[rows.ids], np.nan, self._latest.value[rows.ids]),
            time=times,
            state=state.astype(np.int8),
        )

    async def _draw(self, now: datetime) -> None:
        """Draw the lines: 24 hours with the week before as ghost, or 12 months of dossiers."""
        for indicator in self.indicators.values():
            if isinstance(indicator.source, LatestSource):
                drawn = await self._day_line(indicator, now)
            elif _counts_dossiers(indicator):
                drawn = await self._month_line(indicator, now)
            else:
                continue
            if drawn is not None:
                self._trends[indicator.id] = drawn

    async def _day_line(self, indicator: Indicator, now: datetime) -> Trend | None:
        source = indicator.source
        assert isinstance(source, LatestSource)
        rows = self._layout()
        names = {source.numerator.property}
        if source.denominator is not None:
            names.add(source.denominator.property)
        members = [series for name in names for series in rows.members.get(name, [])]
        if not members:
            return None
        step = int(TREND_WIDTH.total_seconds())
        until = now.timestamp() // step * step + step
        end = from_micros(int(until) * 1_000_000)
        lines: list[dict[datetime, float | None]] = []
        for shift in (timedelta(0), WEEK):
            means = await observations.means(
                self._reads,
                members,
                since=end - TREND_LENGTH - shift,
                until=end - shift,
                width=TREND_WIDTH,
            )
            lines.append(self._evaluated(indicator, means, rows, shift))
        steps = int(TREND_LENGTH / TREND_WIDTH)
        starts = [end - TREND_LENGTH + TREND_WIDTH * place for place in range(steps)]
        return Trend(
            [int(start.timestamp() * 1000) for start in starts],
            [lines[0].get(start) for start in starts],
            [lines[1].get(start) for start in starts],
        )

    def _evaluated(
        self,
        indicator: Indicator,
        means: Sequence[tuple[datetime, int, float]],
        rows: _Rows,
        shift: timedelta,
    ) -> dict[datetime, float | None]:
        """The indicator of each width of time, from the means of its series."""
        place = {series: at for at, series in enumerate(rows.ids.tolist())}
        by_start: dict[datetime, list[tuple[int, float]]] = {}
        for start, series, mean in means:
            by_start.setdefault(start + shift, []).append((place[series], mean))
        found: dict[datetime, float | None] = {}
        most = max((len(pairs) for pairs in by_start.values()), default=0)
        for start, pairs in by_start.items():
            if len(pairs) < most * LEAST_COVERED:
                continue
            at = np.array([p for p, _ in pairs])
            newest = Latest(
                feature=rows.feature[at],
                property=rows.property[at],
                value=np.array([m for _, m in pairs]),
                time=np.full(len(at), to_micros(start)),
                state=np.zeros(len(at), np.int8),
            )
            found[start] = evaluate_latest(indicator, newest).value
        return found

    async def _month_line(self, indicator: Indicator, now: datetime) -> Trend | None:
        today = now.astimezone(ZoneInfo(self._zone)).date()
        first = _months_before(today.replace(day=1), 2 * TREND_MONTHS - 1)
        until = _months_before(today.replace(day=1), -1)
        by_month = await dossiers.monthly(self._reads, since=first, until=until)
        if not by_month:
            return None
        line: dict[date, float | None] = {}
        for month, sums in by_month.items():
            total: dict[str, int | None] = {}
            for counts in sums.values():
                for name, count in counts.items():
                    total[name] = (total.get(name) or 0) + count
            line[month] = evaluate_counts(indicator, total).value
        months = [
            _months_before(today.replace(day=1), back) for back in range(TREND_MONTHS - 1, -1, -1)
        ]
        return Trend(
            [_midnight_ms(month, self._zone) for month in months],
            [line.get(month) for month in months],
            [line.get(_months_before(month, TREND_MONTHS)) for month in months],
        )

    def _show_units(self, now: datetime) -> bool:
        """Colour the units by what the layer of units shows."""
        before = self._units_topic.offset
        wanted = [i for i in self.indicators.values() if _counts_dossiers(i)]
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


def _counts_dossiers(indicator: Indicator) -> bool:
    return isinstance(indicator.source, CountSource) and indicator.source.source == "dossiers"


def _is_scored(indicator: Indicator) -> bool:
    return isinstance(indicator.source, CountSource) and indicator.source.source == "quality"


def _counts_by_unit(indicator: Indicator) -> bool:
    return _counts_dossiers(indicator) or _is_scored(indicator)


def _months_before(month: date, count: int) -> date:
    """The first of the month that lies `count` months before; negative counts lie after."""
    place = month.year * 12 + month.month - 1 - count
    return date(place // 12, place % 12 + 1, 1)


def _midnight_ms(day: date, zone: str) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
