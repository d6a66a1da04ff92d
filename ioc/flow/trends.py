"""The lines behind the figures: how an indicator came to stand where it does."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from ioc.flow.figures import Figures
from ioc.flow.newest import Known, NewestValues
from ioc.kpi.evaluate import Latest, evaluate_latest
from ioc.kpi.indicator import Indicator
from ioc.kpi.period import month_of
from ioc.live.wire import Trend
from ioc.model import from_micros, to_micros
from ioc.store import observations
from ioc.store.pool import ReadPool

MOST_DRAWN: Final = 5_000
"""Series behind a line of a day, which is read anew each minute: a figure of more has none."""

_WIDTH: Final = timedelta(minutes=30)
_LENGTH: Final = timedelta(hours=24)
_WEEK: Final = timedelta(days=7)
_LEAST_COVERED: Final = 0.5
"""A point of a line needs that share of the series that the others have: the running half hour
begins with one series and would draw a spike."""

_MONTHS: Final = 12


class Trends:
    """Draws lines of what is stored."""

    def __init__(self, newest: NewestValues, reads: ReadPool, zone: str) -> None:
        """Read through `reads`; days begin in `zone`."""
        self._newest = newest
        self._reads = reads
        self._zone = zone

    async def day(self, indicator: Indicator, now: datetime) -> Trend | None:
        """24 hours of newest values with the week before as ghost; None for others."""
        known = self._newest.layout().of(indicator.properties)
        members: list[int] = known.ids.tolist()
        if not 0 < len(members) <= MOST_DRAWN:
            return None
        step = int(_WIDTH.total_seconds())
        until = now.timestamp() // step * step + step
        end = from_micros(int(until) * 1_000_000)
        lines: list[dict[datetime, float | None]] = []
        for shift in (timedelta(0), _WEEK):
            means = await observations.means(
                self._reads,
                members,
                since=end - _LENGTH - shift,
                until=end - shift,
                width=_WIDTH,
            )
            lines.append(_evaluated(indicator, means, known, shift))
        steps = int(_LENGTH / _WIDTH)
        starts = [end - _LENGTH + _WIDTH * place for place in range(steps)]
        return Trend(
            [int(start.timestamp() * 1000) for start in starts],
            [lines[0].get(start) for start in starts],
            [lines[1].get(start) for start in starts],
        )

    async def months(
        self, figures: Figures, ids: Collection[str], unit: str, now: datetime
    ) -> dict[str, Trend]:
        """12 months of each, with the 12 before as ghost; without those that have no figure."""
        month = figures.today(now).replace(day=1)
        firsts = [_months_before(month, back) for back in range(2 * _MONTHS - 1, -1, -1)]
        lines = await figures.lines(ids, unit, [month_of(first) for first in firsts], now)
        starts = [_midnight_ms(first, self._zone) for first in firsts[_MONTHS:]]
        found: dict[str, Trend] = {}
        for id, line in lines.items():
            values = [figure.value for figure in line]
            if any(value is not None for value in values):
                found[id] = Trend(starts, values[_MONTHS:], values[:_MONTHS])
        return found


def _evaluated(
    indicator: Indicator,
    means: Sequence[tuple[datetime, int, float]],
    known: Known,
    shift: timedelta,
) -> dict[datetime, float | None]:
    """The indicator of each width of time, from the means of its series."""
    place = {series: at for at, series in enumerate(known.ids.tolist())}
    by_start: dict[datetime, list[tuple[int, float]]] = {}
    for start, series, mean in means:
        by_start.setdefault(start + shift, []).append((place[series], mean))
    found: dict[datetime, float | None] = {}
    most = max((len(pairs) for pairs in by_start.values()), default=0)
    for start, pairs in by_start.items():
        if len(pairs) < most * _LEAST_COVERED:
            continue
        at = np.array([p for p, _ in pairs])
        newest = Latest(
            feature=known.feature[at],
            property=known.property[at],
            value=np.array([m for _, m in pairs]),
            time=np.full(len(at), to_micros(start)),
            state=np.zeros(len(at), np.int8),
        )
        found[start] = evaluate_latest(indicator, newest).value
    return found


def _months_before(month: date, count: int) -> date:
    """The first of the month that lies `count` months before; negative counts lie after."""
    place = month.year * 12 + month.month - 1 - count
    return date(place // 12, place % 12 + 1, 1)


def _midnight_ms(day: date, zone: str) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
