"""Which aggregate of the store may answer for a width, and how much of the time asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ioc.store.buckets import ORIGIN, Width

StoreKind = Literal["plain", "timescale"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A continuous aggregate; its buckets are of even length, counted from `ORIGIN`."""

    name: str
    step: timedelta


MINUTE: Final = Aggregate("observation_minute", timedelta(minutes=1))
QUARTER: Final = Aggregate("observation_quarter", timedelta(minutes=15))
HOUR: Final = Aggregate("observation_hour", timedelta(hours=1))
DAY: Final = Aggregate("observation_day", timedelta(days=1))

AGGREGATES: Final = (MINUTE, QUARTER, HOUR, DAY)
"""In the order in which they are made of each other."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An aggregate and the part of the time asked for that it covers whole; the rest is raw."""

    aggregate: Aggregate
    since: datetime
    until: datetime


def reading(
    width: Width, zone: ZoneInfo, *, since: datetime, until: datetime, store: StoreKind
) -> Reading | None:
    """The coarsest aggregate whose buckets fill those of the width; None: read the observations.

    The ends of the time asked for seldom fall on the edges of an aggregate's buckets. They are
    read from the observations, so that the answer is the same on a store without aggregates.
    """
    if store == "plain":
        return None
    origin = ORIGIN.replace(tzinfo=zone).astimezone(UTC)
    shifts = _shifts(zone, since, until)
    for aggregate in reversed(AGGREGATES):
        if width.span is None:
            fills = not width.length % aggregate.step
        else:
            # After a change of the clock midnight is no longer a whole number of days from origin.
            fills = not any(shift % aggregate.step for shift in shifts)
        if not fills:
            continue
        low, high = since + (origin - since) % aggregate.step, until
        high -= (until - origin) % aggregate.step
        if low < high:
            return Reading(aggregate, low, high)
    return None


def _shifts(zone: ZoneInfo, since: datetime, until: datetime) -> set[timedelta]:
    """By how much the clock of a zone is off that of the origin, over a time; looked at weekly."""
    usual = zone.utcoffset(ORIGIN)
    weeks = (until - since) // timedelta(days=7) + 1
    looked_at = [min(since + n * timedelta(days=7), until) for n in range(weeks)] + [until]
    offsets = {at.astimezone(zone).utcoffset() for at in looked_at}
    return {offset - usual for offset in offsets if offset is not None and usual is not None}
