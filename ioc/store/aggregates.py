"""Which aggregate of the store may answer for a width, and how much of the time asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ioc.model import EPOCH
from ioc.store.buckets import ORIGIN, Width

StoreKind = Literal["plain", "timescale"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A continuous aggregate and the length of its own buckets; None is the province's day."""

    name: str
    step: timedelta | None


MINUTE: Final = Aggregate("observation_minute", timedelta(minutes=1))
QUARTER: Final = Aggregate("observation_quarter", timedelta(minutes=15))
HOUR: Final = Aggregate("observation_hour", timedelta(hours=1))
DAY: Final = Aggregate("observation_day", None)

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
    for aggregate in reversed(AGGREGATES):
        if not _fills(aggregate, width, zone):
            continue
        inner = Reading(aggregate, _ceiling(since, aggregate, zone), _floor(until, aggregate, zone))
        if inner.since < inner.until:
            return inner
    return None


def _fills(aggregate: Aggregate, width: Width, zone: ZoneInfo) -> bool:
    if aggregate.step is None:
        return width.span is not None
    if width.span is not None:
        # Midnight falls on a quarter of an hour everywhere, but not on an hour of UTC.
        return aggregate in (MINUTE, QUARTER)
    origin = ORIGIN.replace(tzinfo=zone) - EPOCH
    return not width.length % aggregate.step and not origin % aggregate.step


def _floor(instant: datetime, aggregate: Aggregate, zone: ZoneInfo) -> datetime:
    if aggregate.step is None:
        local = instant.astimezone(zone)
        return datetime.combine(local.date(), time(), zone).astimezone(UTC)
    return instant - (instant - EPOCH) % aggregate.step


def _ceiling(instant: datetime, aggregate: Aggregate, zone: ZoneInfo) -> datetime:
    below = _floor(instant, aggregate, zone)
    if below == instant:
        return instant
    if aggregate.step is None:
        following = below.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(following, time(), zone).astimezone(UTC)
    return below + aggregate.step
