"""How units stand against their targets: gap, pace, forecast and course, with the reason."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from ioc.flow.expecting import Expecting, can_be_foreseen
from ioc.flow.figures import Figures
from ioc.flow.pace_words import in_words
from ioc.forecast.course import LEVEL, Foreseen, Method
from ioc.forecast.forecaster import Forecaster
from ioc.kpi.cube import DayCube
from ioc.kpi.indicator import Indicator
from ioc.kpi.pace import Ahead, Pace, Span, no_pace, pace_of_count, pace_of_share
from ioc.kpi.period import Period, days, parse_period
from ioc.live.wire import FigureItem, Outlook
from ioc.model import Text
from ioc.org import Level
from ioc.procedures.calendar import Calendar
from ioc.store.targets import Target

RECENT: Final = timedelta(days=28)
"""The last weeks, that the rest of a period is held against."""

MOST_ASKED: Final = 8
"""Forecasts of other periods than those of targets that are made because somebody asked."""

LONGEST_KEPT: Final = timedelta(hours=1)
"""How long these are kept."""

Key = tuple[str, date, date]
"""An indicator, and the first day of a period and the first one behind it."""


class Forecast(msgspec.Struct, frozen=True):
    """What is foreseen for the period's end: it lies from `low` to `high` in 8 of 10 cases.

    `method` is `weeks` for a model of weekly counts, and `so_far`, where the history is too short
    for one, for the rest like all that is known of the unit.
    """

    value: float
    low: float
    high: float
    level: float
    method: Method
    at: datetime


class UnitStanding(msgspec.Struct, frozen=True):
    """How one unit stands; its figure has the counts, the target, the rank and who answers."""

    figure: FigureItem
    pace: Pace | None
    forecast: Forecast | None
    reason: Text | None

    def outlook(self, figure: FigureItem) -> Outlook | None:
        """Where a newer figure is headed; None where it is of other days or has another target."""
        if self.pace is None or self.reason is None:
            return None
        if (figure.period, figure.target) != (self.figure.period, self.figure.target):
            return None
        foreseen = self.forecast
        return Outlook(
            course=self.pace.course,
            reason=self.reason,
            at=None if foreseen is None else foreseen.at,
            needed=self.pace.needed,
            recent=self.pace.recent,
            value=None if foreseen is None else foreseen.value,
            low=None if foreseen is None else foreseen.low,
            high=None if foreseen is None else foreseen.high,
        )


class Standing(msgspec.Struct, frozen=True):
    """How units stand, best first; `forecast_at` is when the forecasts were made."""

    indicator: str
    period: str
    days_left: int
    forecast_at: datetime | None
    items: list[UnitStanding]


class _Foreseen(msgspec.Struct, frozen=True):
    at: datetime
    units: Mapping[str, Foreseen]


class Standings:
    """Forecasts on a timer, kept with their age, and standings that are made of them."""

    def __init__(
        self,
        *,
        figures: Figures,
        cube: DayCube,
        targets: Callable[[], Iterable[Target]],
        calendar: Callable[[], Calendar],
        forecaster: Forecaster,
    ) -> None:
        """Foresee nothing yet."""
        self._figures = figures
        self._cube = cube
        self._targets = targets
        self._calendar = calendar
        self._forecaster = forecaster
        self._kept: dict[Key, _Foreseen] = {}
        self._asked: dict[Key, Period] = {}
        self._standing: dict[str, dict[str, UnitStanding]] = {}

    def standing_of(self, indicator: str, unit: str) -> UnitStanding | None:
        """How a unit stood in the running period of its target when it was last looked at."""
        return self._standing.get(indicator, {}).get(unit)

    @property
    def is_asked(self) -> bool:
        """Whether somebody looked at a period that nothing has been foreseen of yet."""
        return bool(self._asked)

    async def refresh(self, now: datetime) -> None:
        """Foresee each target of today anew."""
        today = self._figures.today(now)
        wanted = {
            (t.indicator, *_span(period)): period
            for t in self._targets()
            if t.holds(today)
            and self._has_periods(t.indicator, today)
            and (period := _period_of(t)) is not None
        }
        await self._foresee_all(wanted, now)
        self._kept = {
            key: found
            for key, found in self._kept.items()
            if key in wanted or now - found.at < LONGEST_KEPT
        }
        standing: dict[str, dict[str, UnitStanding]] = {}
        for (indicator, *_), period in wanted.items():
            for one in (await self.of(indicator, period, now)).items:
                if one.figure.unit is not None and one.pace is not None:
                    standing.setdefault(indicator, {})[one.figure.unit.id] = one
        self._standing = standing

    async def answer_asked(self, now: datetime) -> None:
        """Foresee what somebody looked at since."""
        wanted, self._asked = self._asked, {}
        await self._foresee_all(wanted, now)

    async def _foresee_all(self, wanted: Mapping[Key, Period], now: datetime) -> None:
        try:
            for key, period in wanted.items():
                await self._foresee(key, period, now)
        finally:
            await self._forecaster.rest()

    def _has_periods(self, id: str, today: date) -> bool:
        """Whether a target is of a figure of periods; others are of what is now."""
        indicator = self._figures.definitions.on(id, today)
        return indicator is not None and indicator.has_periods

    async def _foresee(self, key: Key, period: Period, now: datetime) -> None:
        today = self._figures.today(now)
        indicator = self._figures.definitions.on(key[0], today)
        if indicator is None or not can_be_foreseen(indicator, self._cube):
            return
        units = self._units(indicator.id, min(today, period.end - timedelta(days=1)))
        expecting = Expecting(
            self._cube, self._calendar(), self._figures.organisation,
            self._figures.definitions,
        )  # fmt: skip
        question = expecting.question(indicator, units, period, today)
        answer = await self._forecaster.foresee(question)
        named = zip(units, answer.items, strict=True)
        self._kept[key] = _Foreseen(now, {unit: one for unit, one in named if one is not None})

    def _units(self, indicator: str, on: date) -> list[str]:
        wanted = {t.unit for t in self._targets() if t.indicator == indicator and t.holds(on)}
        return sorted(unit for unit in wanted if self._figures.organisation.find(unit, on))

    async def of(
        self, id: str, period: Period, now: datetime, level: Level | None = None
    ) -> Standing:
        """How the units stand that have a figure or a target, the province first."""
        today = self._figures.today(now)
        indicator = self._figures.defined(id, period)
        key = (id, *_span(period))
        self._ask(key, indicator, period, today)
        kept = self._kept.get(key)
        figures = await self._with_figures(id, period, now, level)
        until = min(today + timedelta(days=1), period.end)
        begin = max(period.start, until - RECENT)
        recent: dict[str, FigureItem] = {}
        calendar = self._calendar()
        left = calendar.count(max(until, period.start), period.end) if until < period.end else 0
        worked = 0
        if begin < until:
            worked = calendar.count(begin, until)
            recent = await self._lately(id, figures, days(begin, until), now)
        items = [_standing(indicator, item, recent, worked, left, kept) for item in figures]
        return Standing(id, period.text, left, None if kept is None else kept.at, items)

    def _ask(self, key: Key, indicator: Indicator, period: Period, today: date) -> None:
        wanted = period.start <= today < period.end and key not in self._kept
        room = len(self._asked) < MOST_ASKED
        if wanted and room and can_be_foreseen(indicator, self._cube):
            self._asked[key] = period

    async def _with_figures(
        self, id: str, period: Period, now: datetime, level: Level | None
    ) -> list[FigureItem]:
        """The ranking, and behind it the units that have a target and no figure yet."""
        organisation = self._figures.organisation
        on = min(self._figures.today(now), period.end - timedelta(days=1))
        beside = await self._figures.beside([id], period, now)
        found = self._figures.ranked(id, beside, now, level)
        known = {item.unit.id for item in found if item.unit is not None}
        for unit in self._units(id, on):
            version = organisation.find(unit, on)
            if unit in known or version is None or level not in (None, version.level):
                continue
            item = self._figures.item(id, unit, beside, now)
            found = [item, *found] if version.level is Level.PROVINCE else [*found, item]
            await asyncio.sleep(0)
        return found

    async def _lately(
        self, id: str, figures: list[FigureItem], period: Period, now: datetime
    ) -> dict[str, FigureItem]:
        beside = await self._figures.beside([id], period, now)
        units = [item.unit.id for item in figures if item.unit is not None]
        return {unit: self._figures.item(id, unit, beside, now) for unit in units}


def _standing(
    indicator: Indicator,
    item: FigureItem,
    recent: Mapping[str, FigureItem],
    worked: int,
    left: int,
    kept: _Foreseen | None,
) -> UnitStanding:
    unit = "" if item.unit is None else item.unit.id
    foreseen = None if kept is None or not left else kept.units.get(unit)
    forecast = None
    if foreseen is not None and kept is not None:
        forecast = Forecast(
            foreseen.value, foreseen.low, foreseen.high, LEVEL, foreseen.method, kept.at
        )
    if item.target is None:
        return UnitStanding(item, None, forecast, None)
    pace = _pace(item, recent.get(unit), worked, left, foreseen)
    return UnitStanding(item, pace, forecast, in_words(indicator, pace, foreseen))


def _pace(
    item: FigureItem,
    lately: FigureItem | None,
    worked: int,
    left: int,
    foreseen: Foreseen | None,
) -> Pace:
    assert item.target is not None
    if item.kind == "share":
        pace_of = pace_of_share
    elif item.kind in ("sum", "count") and item.denominator is None:
        pace_of = pace_of_count
    else:
        return no_pace(item.value, item.target.value)
    ahead = None
    if foreseen is not None:
        ahead = Ahead(foreseen.value, foreseen.low, foreseen.high, foreseen.coming)
    return pace_of(
        Span(item.numerator, item.denominator, 0),
        Span(None, None, worked)
        if lately is None
        else Span(lately.numerator, lately.denominator, worked),
        target=item.target.value,
        direction=item.target.direction,
        days_left=left,
        ahead=ahead,
    )


def _period_of(target: Target) -> Period | None:
    """The time of a target as a period, a calendar year by its number; None without an end."""
    since, until = target.valid_from, target.valid_until
    if until is None:
        return None
    year = parse_period(str(since.year))
    return year if (year.start, year.end) == (since, until) else days(since, until)


def _span(period: Period) -> tuple[date, date]:
    return period.start, period.end
