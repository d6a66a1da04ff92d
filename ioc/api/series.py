"""Series: finding them and reading what they were."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from ioc.api.deps import CurrentSubject, Known, Live, Now, Reads, ServerFacts
from ioc.api.encode import answer, shape
from ioc.api.feeds import window
from ioc.auth.policy import Permission, Role, Subject
from ioc.errors import Invalid, NotFound, NotPermitted
from ioc.live.wire import Value
from ioc.model import Feed, Series, to_micros
from ioc.store import observations

router = APIRouter(tags=["series"])

MOST_POINTS = 10_000
"""Buckets or observations that one answer holds."""

_WIDTH = re.compile(
    r"P(?:(\d{1,7})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,7})S)?)?|P(\d{1,7})W"
)


class SeriesItem(msgspec.Struct):
    """A series with its newest value."""

    id: int
    key: str
    feed: str
    feature: str
    property: str
    uom: str | None
    value_kind: str
    interval: float | None
    latest: Value


class SeriesList(msgspec.Struct):
    """Series in order of their ids."""

    items: list[SeriesItem]
    next: str | None


class SeriesColumns(msgspec.Struct):
    """Buckets as columns: `time` in ms since 1970 UTC; a bucket without observations is absent."""

    time: list[int]
    mean: list[float]
    min: list[float]
    max: list[float]
    observed: list[int]
    expected: list[int | None]


def parse_width(text: str) -> timedelta:
    """A length such as PT15M, PT1H, P1D or P1W."""
    match = _WIDTH.fullmatch(text)
    parts = [int(part or 0) for part in match.groups()] if match else []
    if not any(parts) or max(parts) > 1_000_000:
        raise Invalid(f"width {text[:40]!r} is not like PT15M, PT1H, P1D or P1W")
    days, hours, minutes, seconds, weeks = parts
    return timedelta(days=days + 7 * weeks, hours=hours, minutes=minutes, seconds=seconds)


def _readable(subject: Subject, feed: Feed) -> bool:
    if subject.role is Role.FEED:
        return subject.feed == feed.id
    return subject.may(Permission.CITY_READ)


@router.get("/series", responses=shape(SeriesList))
async def get_series(
    subject: CurrentSubject,
    registry: Known,
    live: Live,
    now: Now,
    key: Annotated[str | None, Query(description="feed/series key")] = None,
    feed: str | None = None,
    feature: Annotated[str | None, Query(description="feed/feature")] = None,
    domain: str | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000,
) -> Response:
    """Find series by key, feed, feature or domain."""
    if key is not None:
        feed, _, named = key.partition("/")
        owner = registry.feed_by_id.get(feed)
        found = registry.keys.get(owner.key, {}).get(named) if owner else None
        candidates = [] if found is None else [registry.series[found]]
    elif feature is not None:
        candidates = list(registry.series_of_feature.get(feature, []))
    else:
        candidates = list(registry.series.values())
    items: list[SeriesItem] = []
    for series in candidates:
        owner = registry.feeds[series.feed_key]
        if (
            series.id > after
            and (feed is None or owner.id == feed)
            and (domain is None or owner.domain.value == domain)
            and _readable(subject, owner)
        ):
            items.append(_item(series, owner, live, now))
            if len(items) == limit:
                break
    return answer(SeriesList(items, str(items[-1].id) if len(items) == limit else None))


def _item(series: Series, feed: Feed, live: Live, now: datetime) -> SeriesItem:
    return SeriesItem(
        series.id,
        series.key,
        feed.id,
        series.feature,
        series.property,
        series.uom,
        series.value_kind.value,
        series.interval or feed.interval,
        live.value(series, now),
    )


@router.get("/series/{series}/observations", responses=shape(SeriesColumns))
async def get_observations(
    series: int,
    subject: CurrentSubject,
    registry: Known,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    since: datetime | None = None,
    until: datetime | None = None,
    width: str | None = None,
) -> Response:
    """What a series was, in buckets of a width, or each observation without one."""
    found = registry.series.get(series)
    if found is None:
        raise NotFound(f"there is no series {series}")
    owner = registry.feeds[found.feed_key]
    if not _readable(subject, owner):
        raise NotPermitted("this account or key may not read that series")
    start, end = window(since, until, now + timedelta(minutes=5))
    interval = found.interval or owner.interval
    if width is None:
        rows = await observations.raw(reads, series, since=start, until=end, limit=MOST_POINTS)
        expected: int | None = None
    else:
        step = parse_width(width)
        if (end - start) / step > MOST_POINTS:
            raise Invalid(f"more than {MOST_POINTS} buckets; ask for a wider width or less time")
        rows = await observations.buckets(
            reads, series, since=start, until=end, width=step, zone=facts.zone
        )
        expected = None if interval is None else max(1, round(step.total_seconds() / interval))
    return answer(
        SeriesColumns(
            [to_micros(row.start) // 1000 for row in rows],
            [row.mean for row in rows],
            [row.low for row in rows],
            [row.high for row in rows],
            [row.observed for row in rows],
            [expected] * len(rows),
        )
    )
