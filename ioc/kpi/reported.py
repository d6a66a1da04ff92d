"""Measures that agencies hand in, the reports of them, and who owes which by when; pure."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from ioc.kpi.cycle import Cycle
from ioc.kpi.evaluate import PERCENT, printed
from ioc.kpi.period import Period
from ioc.model import Text
from ioc.org import Level, Organisation, UnitVersion

ReportedKind = Literal["flow", "stock", "score", "rank"]
Bound = Literal["=", ">=", "<=", "~"]
ReportState = Literal["draft", "submitted", "approved", "closed"]

PRINTED_DISAGREES: Final = "printed_disagrees"
"""The flag of a printed figure that is not what its counts give."""

PERCENT_UOM: Final = "%"

COUNTED: Final = ("submitted", "approved", "closed")
"""States of which the figure counts; a draft does not."""

FINAL: Final = ("approved", "closed")
"""States of which the figure is the unit's own word; a submitted one is provisional."""


class ReportedMeasure(msgspec.Struct, frozen=True, kw_only=True):
    """A named count that agencies hand in, as `[[measure]]` of `measures.toml` has it.

    A flow adds up over the periods of its cycle, a stock is a state at a period's end; a score
    and a rank are given by somebody else and are neither added up nor averaged. `parent` is the
    measure that this one is a component of; `unit` answers for it.
    """

    id: str
    name: Text
    uom: str
    kind: ReportedKind
    cycle: str
    decimals: int = 0
    group: str | None = None
    parent: str | None = None
    unit: str | None = None
    maximum: float | None = None
    legal_reference: str | None = None
    note: Text | None = None

    @property
    def is_share(self) -> bool:
        """Whether it is a percentage, which needs its numerator and denominator."""
        return self.uom == PERCENT_UOM and self.kind not in ("score", "rank")


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """Who hands in which group of measures, and by when after each period.

    That is named units, or each unit of a level (below another one, if `within`). The deadline is
    `time_of_day` of the day that lies `days` days (working days, where `working`) after
    the last day of the period; 0 is that day itself. `post` is who answers within the unit.
    """

    id: str
    name: Text
    group: str
    cycle: str
    units: tuple[str, ...] = ()
    each: Level | None = None
    within: str | None = None
    days: int = 0
    time_of_day: time = time(17)
    working: bool = True
    post: str | None = None
    legal_reference: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def due_at(
        self, period: Period, zone: ZoneInfo, after: Callable[[date, int], date]
    ) -> datetime:
        """When the report of a period must be in; `after` counts working days."""
        last = period.end - timedelta(days=1)
        day = after(last, self.days) if self.working and self.days else None
        return datetime.combine(day or last + timedelta(days=self.days), self.time_of_day, zone)

    def obliged(self, organisation: Organisation, period: Period) -> list[str]:
        """The units that owe the report of a period: those that existed on its last day."""
        last = period.end - timedelta(days=1)
        if self.each is None:
            return [unit for unit in self.units if organisation.find(unit, last) is not None]
        there: Iterable[UnitVersion] = (
            organisation.as_of(last).values()
            if self.within is None
            else organisation.descendants(self.within, last)
        )
        return [version.unit for version in there if version.level == self.each]

    def owed(self, period: Period) -> bool:
        """Whether the obligation was in force when the period began."""
        return (self.valid_from is None or self.valid_from <= period.start) and (
            self.valid_until is None or period.start < self.valid_until
        )

    def periods(
        self, cycle: Cycle, at: datetime, zone: ZoneInfo, after: Callable[[date, int], date]
    ) -> list[Period]:
        """The newest period that was due by then, and those that have ended since; oldest first."""
        found: list[Period] = []
        period = cycle.of(at.astimezone(zone).date())
        if period.end - timedelta(days=1) > at.astimezone(zone).date():
            period = cycle.previous(period)
        while self.owed(period):
            found.append(period)
            if self.due_at(period, zone, after) <= at:
                break
            period = cycle.previous(period)
        return found[::-1]


def agrees(
    figure: float, numerator: float | None, denominator: float | None, decimals: int, bound: Bound
) -> bool:
    """Whether a printed percentage is what its counts give, rounded half up to its decimals."""
    if numerator is None or not denominator:
        return True
    exact = numerator * PERCENT / denominator
    match bound:
        case "=":
            return printed(exact, decimals) == Decimal(repr(figure)).quantize(
                Decimal(1).scaleb(-decimals)
            )
        case ">=":
            return exact >= figure
        case "<=":
            return exact <= figure
        case "~":
            return True


def previous_rank(rank: int | None, movement: int | None) -> int | None:
    """The rank of the period before; a movement upwards is positive."""
    return None if rank is None or movement is None else rank + movement
