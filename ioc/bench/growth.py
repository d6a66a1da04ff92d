"""How the ingest keeps its ratio as the province grows: more series, and more rows stored."""

from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ioc.bench import ingest
from ioc.bench.figures import Part, Report, report
from ioc.bench.server import BenchFeed, Server, limit_database, serving
from ioc.clock import SystemClock
from ioc.model import Domain
from ioc.store import partitions
from ioc.store.pool import connect

_FILL: Final = """
    INSERT INTO observation (series_id, phenomenon_time, value, received_at)
    SELECT s, %(start)s::timestamptz + n * interval '1 second', n %% 80, now()
      FROM generate_series(0, %(steps)s - 1) AS n, generate_series(1, %(series)s) AS s
"""


class Plan(msgspec.Struct, frozen=True):
    """How many series in each measurement, and how many rows lie stored before the last one."""

    series: tuple[int, ...] = (1_000, 50_000, 500_000)
    stored: int = 10_000_000
    seconds: float = 2.0
    rounds: int = 3


async def run(plan: Plan) -> Report:
    """Measure REST bodies for each number of series, each with a limit of the same size."""
    parts = [await _measure(plan, series, 0) for series in plan.series]
    if plan.stored:
        middle = plan.series[len(plan.series) // 2]
        parts.append(await _measure(plan, middle, plan.stored))
    for part in parts:
        part.counts |= _of_first(part, parts[0])
    return report("growth", parts)


def _of_first(part: Part, first: Part) -> dict[str, float]:
    """How ratio, figure and limit stand to those of the first part.

    The limit is not the same for all: neighbours in the index that are written together make it
    faster where there are many series.
    """
    return {
        "of_first_ratio": round((part.ratio or 0.0) / (first.ratio or 1.0), 3),
        "of_first_figure": round(part.figure / first.figure, 3),
        "of_first_limit": round((part.limit or 0.0) / (first.limit or 1.0), 3),
    }


async def _measure(plan: Plan, series: int, stored: int) -> Part:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        limits = await stack.enter_async_context(limit_database(server))
        feed = await _feed(server, series)
        if stored:
            start = SystemClock().now() - timedelta(milliseconds=3 * ingest.HOUR_MS)
            await _make_partitions(server.database_url, start)
            for url in (server.database_url, limits):
                await _fill(url, start, series, stored)
        await server.settled(series)
        bench = ingest.Bench(stack, server, limits, ingest.Plan(plan.seconds, plan.rounds))
        bench.laid = stored // series * series
        more = f", {stored:,} rows stored before" if stored else ""
        return await bench.rest(feed, series=series, name=f"REST, {series:,} series{more}")


async def _feed(server: Server, series: int) -> BenchFeed:
    feed = await server.add_feed("growth", Domain.ENVIRONMENT)
    keys = [f"s{number:06}/speed" for number in range(series)]
    await server.make_series(feed, keys)
    return feed


async def _make_partitions(url: str, start: datetime) -> None:
    """Make the product's partitions from `start` on; the limit has one for everything."""
    now = SystemClock().now()
    async with await connect(url) as conn:
        if await partitions.existing(conn) is not None:
            await partitions.make(conn, partitions.weeks_between(start, now), now)


async def _fill(url: str, start: datetime, series: int, rows: int) -> None:
    """Lay rows into the hours before those that are measured."""
    async with await connect(url) as conn:
        await conn.execute(_FILL, {"start": start, "steps": rows // series, "series": series})
