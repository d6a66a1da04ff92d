"""Series: finding them and reading what they were."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query, Response

from ioc.api.deps import CurrentSubject, Known, Live, Now, Reads, ServerFacts
from ioc.api.encode import answer, shape
from ioc.api.feeds import window
from ioc.auth.policy import Permission, Role, Subject
from ioc.errors import Invalid, NotFound, NotPermitted
from ioc.live.wire import Coverage, Value
from ioc.model import Feed, FlagName, Series, ValueKind, flag_names, to_micros
from ioc.store import observations, plausibility
from ioc.store.aggregates import StoreKind
from ioc.store.buckets import Width, expected, parse_width
from ioc.store.pool import ReadPool

router = APIRouter(tags=["series"])

MOST_POINTS = 10_000
"""Buckets or observations that one answer holds."""


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
    """Buckets as columns: `time` in ms since 1970 UTC; a bucket without observations is absent.

    `expected` counts only what is asked for and over; null where nothing regular is expected.
    `coverage` is of all the time asked for, the gaps in it too, so it is the same for each width;
    with `next` it is of the time before that. With `next`, more follows: ask again with it as
    `since`. `suspect` names the observations, by time, that are not plausible; it comes with each
    observation, not with buckets.
    """

    time: list[int]
    mean: list[float]
    min: list[float]
    max: list[float]
    observed: list[int]
    expected: list[int | None]
    coverage: Coverage
    next: datetime | None = None
    suspect: dict[int, tuple[FlagName, ...]] = {}


class TextColumns(msgspec.Struct):
    """The observations of a text series; `time` in ms since 1970 UTC, `next` as of numbers."""

    time: list[int]
    value: list[str]
    next: datetime | None = None


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


_ONE_OF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Columns of numbers, or of texts where the series has texts",
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        answered[200]["content"]["application/json"]["schema"]
                        for answered in (shape(SeriesColumns), shape(TextColumns))
                    ]
                }
            }
        },
    }
}


@router.get("/series/{series}/observations", responses=_ONE_OF)
async def get_observations(
    series: int,
    subject: CurrentSubject,
    registry: Known,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    since: datetime | None = None,
    until: datetime | None = None,
    width: Annotated[
        str | None, Query(description="PT15M, PT1H, P1D, P1W, P1M, P3M, P1Y …")
    ] = None,
) -> Response:
    """What a series was, in buckets of a width, or each observation without one.

    A bucket without observations is left out. What was expected in all the time asked for, and how
    much of it is there, says `coverage`.
    """
    found = registry.series.get(series)
    if found is None:
        raise NotFound(f"there is no series {series}")
    owner = registry.feeds[found.feed_key]
    if not _readable(subject, owner):
        raise NotPermitted("this account or key may not read that series")
    start, end = window(since, until, now + timedelta(minutes=5))
    if found.value_kind is ValueKind.TEXT:
        if width is not None:
            raise Invalid("texts have no mean: ask for this series without `width`")
        return answer(await _texts(reads, series, start, end))
    asked = _Asked(found.id, start, end, found.interval or owner.interval, now)
    if width is None:
        return answer(await _each(reads, asked))
    step = parse_width(width)
    if (end - start) / step.length > MOST_POINTS:
        raise Invalid(f"more than {MOST_POINTS} buckets; ask for a wider width or less time")
    return answer(await _buckets(reads, asked, step, ZoneInfo(facts.zone), facts.identity.store))


class _Asked(msgspec.Struct, frozen=True):
    """The time of a series that is asked for, and the seconds between its observations."""

    series: int
    since: datetime
    until: datetime
    interval: float | None
    now: datetime

    def expected(self, start: datetime, end: datetime) -> int | None:
        return expected(
            start, end, interval=self.interval, since=self.since, until=self.until, now=self.now
        )


async def _buckets(
    reads: ReadPool, asked: _Asked, width: Width, zone: ZoneInfo, store: StoreKind
) -> SeriesColumns:
    rows = await observations.buckets(
        reads, asked.series, since=asked.since, until=asked.until, width=width, zone=zone,
        store=store,
    )  # fmt: skip
    observed = [row.observed for row in rows]
    return SeriesColumns(
        [to_micros(row.start) // 1000 for row in rows],
        [row.mean for row in rows],
        [row.low for row in rows],
        [row.high for row in rows],
        observed,
        [asked.expected(row.start, width.end(row.start, zone)) for row in rows],
        Coverage(sum(observed), asked.expected(asked.since, asked.until)),
    )


async def _each(reads: ReadPool, asked: _Asked) -> SeriesColumns:
    since, until = asked.since, asked.until
    rows = await observations.raw(
        reads, asked.series, since=since, until=until, limit=MOST_POINTS + 1
    )
    following = rows.pop()[0] if len(rows) > MOST_POINTS else None
    values = [value for _, value in rows]
    read_until = following or until
    flags = await plausibility.flags_of(reads, asked.series, since=since, until=read_until)
    return SeriesColumns(
        [to_micros(time) // 1000 for time, _ in rows],
        values, values, values, [1] * len(rows), [None] * len(rows),
        Coverage(len(rows), asked.expected(since, read_until)), following,
        {to_micros(time) // 1000: flag_names(found) for time, found in flags},
    )  # fmt: skip


async def _texts(reads: ReadPool, series: int, since: datetime, until: datetime) -> TextColumns:
    rows = await observations.raw_text(
        reads, series, since=since, until=until, limit=MOST_POINTS + 1
    )
    following = rows.pop()[0] if len(rows) > MOST_POINTS else None
    return TextColumns(
        [to_micros(time) // 1000 for time, _ in rows], [value for _, value in rows], following
    )
