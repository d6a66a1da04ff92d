"""The figures of the boards, computed on a timer from what is stored, and shown as topics."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from ioc.clock import Clock
from ioc.errors import Invalid, NotFound
from ioc.flow.counting import Counting, ReportCounts
from ioc.flow.dossier_counts import DossierCounts
from ioc.flow.figures import Figures
from ioc.flow.newest import NewestValues
from ioc.flow.present import PresentFigures
from ioc.flow.standing import UnitStanding
from ioc.flow.tables import Tables
from ioc.flow.ticket_counts import TicketCounts
from ioc.flow.trends import Trends
from ioc.flow.unit_layer import UnitLayer
from ioc.kpi.evaluate import Figure
from ioc.kpi.indicator import Definitions, Indicator, decode_indicator
from ioc.kpi.period import Period, parse_period
from ioc.live.feeds import FeedHealth
from ioc.live.latest import Latest as Newest
from ioc.live.topic import StateTopic
from ioc.live.wire import FigureItem, LateDossier, TargetRef, Trend, UnitRef, encoder
from ioc.org import Organisation
from ioc.procedures.calendar import Calendar, working_days_after
from ioc.procedures.catalogue import Catalogue
from ioc.store import indicators, late
from ioc.store.city import Described
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry
from ioc.store.targets import Target

log = logging.getLogger(__name__)

TREND_SECONDS: Final = 60.0
"""How often the lines behind the figures are drawn anew."""

NO_FIGURES: Final[Mapping[str, Figure]] = {}

DOSSIERS: Final = "dossiers"
"""The source of indicators whose figures the layer of units carries, besides its own."""

OVERDUE: Final = "in_hand_overdue"
"""The measure whose figure of the province names the dossiers that are overdue longest."""


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
        self._reads = reads
        self._epoch = epoch
        self._clock = clock
        newest = NewestValues(registry, latest)
        reports = ReportCounts(reads)
        tickets = TicketCounts(reads, zone)
        self.dossiers = DossierCounts(reads, writes, zone)
        self.counting = Counting([self.dossiers, tickets, reports])
        self.tables = Tables(self.counting, reports)
        self.figures = Figures(self.tables, zone)
        self.present = PresentFigures(registry, newest, health)
        self.standing_of: Callable[[str, str], UnitStanding | None] = lambda _indicator, _unit: None
        """How a unit stood when the forecasts were made."""
        self._layer = UnitLayer(units_topic)
        self._drawing = Trends(newest, reads, zone)
        self.topics: dict[str, StateTopic] = {}
        self._boards: Mapping[str, dict[str, Any]] = {}
        self._targets: Sequence[Target] = ()
        self._organisation = Organisation([])
        self._procedures = Catalogue()
        self._calendar = Calendar()
        self._province = ""
        self._stamp: object = None
        self._counted: dict[str, list[FigureItem]] = {}
        self._counted_of: object = None
        self._late: tuple[LateDossier, ...] = ()
        self._newest: Mapping[str, Figure] = NO_FIGURES
        self._trends: dict[str, Trend] = {}
        self._trends_at: datetime | None = None
        self._trends_of: object = None
        self.computed_at: datetime | None = None

    def load(self, city: Described, province: str) -> None:
        """Take boards, targets and units, and at first the definitions, whose versions follow."""
        self._boards = city.boards
        self._targets = city.targets
        self._organisation = city.organisation
        self._procedures = city.procedures
        self._calendar = city.calendar
        self._province = province
        colours = {layer.get("indicator") for layer in city.layers.values()}
        counted = {id for id, document in city.indicators.items() if document["source"] == DOSSIERS}
        self._layer.load(
            city.organisation, city.outlines, sorted({*counted, *filter(None, colours)})
        )
        self.present.load(city.organisation, province)
        known = self.figures.definitions
        if self._stamp is None:
            known = Definitions(decode_indicator(id, doc) for id, doc in city.indicators.items())
        self._define(known)
        for board in city.boards:
            name = "summary" if board == "summary" else f"board:{board}"
            if board not in self.topics:
                self.topics[board] = StateTopic(name, self._epoch, pace=0.5)

    @property
    def indicators(self) -> dict[str, Indicator]:
        """The definitions that hold today."""
        return self.figures.definitions.current(self.figures.today(self._clock.now()))

    async def look(self) -> None:
        """Evaluate the figures of newest values, which `refresh` shows from then on.

        They cost with the number of series, the others do not, and so have a pace of their own.
        """
        self._newest = await self.present.of_latest(self._shown(), self._clock.now())

    async def refresh(self) -> list[StateTopic]:
        """Bring every other figure up to date; returns the topics that changed."""
        now = self._clock.now()
        await self._learn()
        await self.counting.refresh(now)
        await self._draw(now)
        changed: list[StateTopic] = []
        if await self._count(now):
            table = await self.tables.of(self._layer.indicators, self._year(now), now)
            if self._layer.show(table, self.present.dossiers_at(), now):
                changed.append(self._layer.topic)
        changed += [
            topic
            for board, topic in self.topics.items()
            if self._show(topic, self.items(board, self._newest))
        ]
        self.computed_at = now
        return changed

    def _shown(self) -> list[Indicator]:
        """The indicators that stand on any board."""
        named = {id for board in self._boards.values() for id in board["figures"]}
        return [indicator for id, indicator in self.indicators.items() if id in named]

    async def _learn(self) -> None:
        """Take definitions that were written since."""
        stamp = await indicators.stamp(self._reads)
        if stamp == self._stamp or stamp[0] == 0:
            return
        self._define(Definitions(_decoded(await indicators.read(self._reads))))
        self._stamp = stamp

    def _define(self, known: Definitions) -> None:
        self.figures.load(known, self._organisation, self._targets, self._province)
        self._counted_of = self._trends_of = None

    async def _draw(self, now: datetime) -> None:
        """Draw the lines anew: those of values each minute, those of counts once any moved."""
        due = self._trends_at is None or now - self._trends_at > timedelta(seconds=TREND_SECONDS)
        if not due and self._trends_of is not None:
            return
        shown = self._shown()
        for indicator in shown:
            drawn = await self._drawing.day(indicator, now)
            if drawn is not None:
                self._trends[indicator.id] = drawn
        if self._trends_of != self.counting.generation:
            counted = [indicator.id for indicator in shown if indicator.has_periods]
            self._trends |= await self._drawing.months(self.figures, counted, self._province, now)
        self._trends_at, self._trends_of = now, self.counting.generation

    async def _count(self, now: datetime) -> bool:
        """Compute the figures of the running year anew where any count moved."""
        state = (
            self.counting.generation, self.figures.today(now), self.present.dossiers_at(),
            self._trends_at,
        )  # fmt: skip
        if state == self._counted_of:
            return False
        self._late = tuple(self._overdue(one, now) for one in await late.oldest(self._reads, now))
        self._counted = {
            board: await self.of_period(board, self._year(now)) for board in self._boards
        }
        self._counted_of = state
        return True

    def _overdue(self, one: late.Late, now: datetime) -> LateDossier:
        today = self.figures.today(now)
        unit = self._organisation.find(one.unit, today)
        filed = self._procedures.find(one.procedure, one.received_day)
        stopped = min(now, one.paused_since or now)
        return LateDossier(
            code=one.code,
            procedure=one.procedure,
            procedure_name=filed.name if filed else None,
            unit=UnitRef(one.unit, unit.short_name if unit else one.unit),
            office=one.office,
            due_at=one.due_at,
            days_late=working_days_after(
                self._calendar, self.figures.today(one.due_at), self.figures.today(stopped)
            ),
        )

    async def of_period(self, board: str, period: Period) -> list[FigureItem]:
        """The figures of a board that have periods, for one of them."""
        now = self._clock.now()
        document = self._document(board)
        beside = await self.figures.beside({i.id for i in self._shown()}, period, now)
        wanted = [id for id in document["figures"] if beside.now.find(id) is not None]
        found = [
            self._dressed(self.figures.item(id, self._province, beside, now), period, now)
            for id in wanted
        ]
        if document.get("units") == "children":
            for id in document.get("ranked") or wanted:
                # Thousands of figures take a tenth of a second: the flow gets its turn between.
                await asyncio.sleep(0)
                found += [
                    self._dressed(item, period, now)
                    for item in self.figures.ranked(id, beside, now)
                ]
        return found

    def _dressed(self, item: FigureItem, period: Period, now: datetime) -> FigureItem:
        """A figure with its age and, of the province in the running year, with what lies behind."""
        indicator = self.figures.definitions.of(item.indicator, period)
        names = indicator.formulas.names if indicator and indicator.formulas else ()
        if indicator is None or not self.tables.counts_dossiers(names):
            return item
        late_after, stale_after = self.present.limits(indicator)
        of_province = item.id == item.indicator
        running = of_province and period == self._year(now)
        stood = self.standing_of(item.indicator, self._province) if running else None
        at = self.present.dossiers_at()
        return msgspec.structs.replace(
            item,
            # To the minute, else each dossier that comes in would send the figures of all units.
            time=at if of_province or at is None else at.replace(second=0, microsecond=0),
            late_after=late_after,
            stale_after=stale_after,
            trend=self._trends.get(item.id) if running else None,
            late=self._late if running and names == (OVERDUE,) else (),
            outlook=None if stood is None else stood.outlook(item),
        )

    async def of_rules(self, wanted: Iterable[str]) -> list[FigureItem]:
        """The figures that rules look at as they are now, of the province and of each unit."""
        now = self._clock.now()
        ids = [id for id in wanted if id in self.indicators]
        lasting = [id for id in ids if self.indicators[id].has_periods]
        found = [
            self.present.item(one, self._province, self.present.figure(one, now), now, self._target)
            for one in (self.indicators[id] for id in ids if id not in lasting)
        ]
        if lasting:
            period = self._year(now)
            beside = await self.figures.beside(set(lasting), period, now)
            for id in lasting:
                own = self.figures.item(id, self._province, beside, now)
                found.append(self._dressed(own, period, now))
                await asyncio.sleep(0)
                found += self.figures.ranked(id, beside, now)
        return found

    def items(self, board: str, figures: Mapping[str, Figure] = NO_FIGURES) -> list[FigureItem]:
        """The figures of a board as they are now; `figures` holds those that are known already."""
        document = self._document(board)
        now = self._clock.now()
        counted = self._counted.get(board, [])
        own = {item.id: item for item in counted}
        wanted = [self.indicators[id] for id in document["figures"] if id in self.indicators]
        found: list[FigureItem] = []
        for indicator in wanted:
            if indicator.has_periods:
                found += [own[indicator.id]] if indicator.id in own else []
                continue
            figure = figures.get(indicator.id) or self.present.figure(indicator, now)
            item = self.present.item(indicator, self._province, figure, now, self._target)
            found.append(msgspec.structs.replace(item, trend=self._trends.get(indicator.id)))
        found += [item for item in counted if item.id != item.indicator]
        if document.get("units") == "children":
            ranked = document.get("ranked") or document["figures"]
            for indicator in (one for one in wanted if one.id in ranked):
                found += self.present.ranking(indicator, now, self._target)
        return found

    async def board(self, board: str, period: Period | None) -> list[FigureItem]:
        """A board as it is now, or of a period."""
        return self.items(board) if period is None else await self.of_period(board, period)

    async def value(self, id: str, unit: str) -> FigureItem:
        """A figure that has no periods, as it is now."""
        now = self._clock.now()
        indicator = self.indicators.get(id)
        if indicator is None:
            raise NotFound(f"there is no indicator `{id}`")
        if unit != self._province:
            raise Invalid(f"`{id}` is one figure of the whole province; leave the unit out")
        figure = self.present.figure(indicator, now)
        return self.present.item(indicator, unit, figure, now, self._target)

    def _target(self, indicator: str, unit: str) -> TargetRef | None:
        return self.figures.target(indicator, unit, self.figures.today(self._clock.now()))

    def _document(self, board: str) -> dict[str, Any]:
        if board not in self._boards:
            raise NotFound(f"there is no board `{board}`")
        return self._boards[board]

    def _year(self, now: datetime) -> Period:
        return parse_period(str(self.figures.today(now).year))

    def _show(self, topic: StateTopic, items: Iterable[FigureItem]) -> bool:
        keys: list[str] = []
        changed = False
        for item in items:
            keys.append(item.id)
            changed |= topic.put_if_changed(item.id, encoder.encode(item))
        before = topic.offset
        topic.keep_only(keys)
        return changed or topic.offset != before


def _decoded(stored: Iterable[indicators.Stored]) -> Iterable[Indicator]:
    """The definitions that can be read; one that cannot takes no other with it."""
    for one in stored:
        try:
            yield decode_indicator(one.id, {**one.document, "version": one.version})
        except Invalid:
            log.exception("a definition cannot be read and is left out")
