"""Aggregates: the same numbers as from the observations, on every store, also for late data."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.live.latest import Latest
from ioc.model import from_micros, to_micros
from ioc.store import layout, observations
from ioc.store.aggregates import AGGREGATES, DAY, HOUR, MINUTE, QUARTER, StoreKind, reading
from ioc.store.buckets import ORIGIN, Width, parse_width
from ioc.store.housekeeping import keep_house
from ioc.store.layout import Layout
from ioc.store.migrate import store_kind
from ioc.store.pool import ReadPool, connect, open_pools
from ioc.store.writer import BatchWriter
from tests.fixtures.store import NOW, a_feed_key, a_part, rows_of, some_series
from tests.fixtures.twin_stores import a_migrated_database, a_plain_server

VIETNAM, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
FIRST, LAST = datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC)
WIDTHS = ["PT1M", "PT5M", "PT15M", "PT1H", "PT6H", "P1D", "P2D", "P1W", "P1M", "P3M", "P1Y"]

# Edges of days, weeks, months and the year in all three zones, and both changes of the clock.
EDGES = [
    datetime.fromisoformat(text).replace(tzinfo=zone)
    for zone in (UTC, VIETNAM, BERLIN, KOLKATA)
    for text in (
        "2025-12-29T00:00", "2026-01-01T00:00", "2026-02-01T00:00", "2026-03-02T00:00",
        "2026-03-29T02:00", "2026-03-29T00:00", "2026-03-30T00:00", "2026-04-01T00:00",
    )
]  # fmt: skip


# In the order in which they are made of each other.
_REFRESHES = """
    SELECT job_id FROM timescaledb_information.jobs
     WHERE proc_name = 'policy_refresh_continuous_aggregate'
     ORDER BY array_position(ARRAY['observation_minute', 'observation_quarter',
                                   'observation_hour', 'observation_day'], hypertable_name::text)
"""

_RUNNING = """
    SELECT 1 FROM pg_stat_activity
     WHERE datname = current_database() AND application_name ~ 'Policy'
"""


@dataclass
class Store:
    """A database with its kind, its pool and its writer."""

    url: str
    kind: StoreKind
    reads: ReadPool
    writer: BatchWriter
    zones: dict[str, None] = field(default_factory=dict[str, None])

    async def put(self, series: int, rows: dict[int, float]) -> None:
        feed = await a_feed_key(self.url, late_limit=None)
        part = a_part(feed, [(series, time, value) for time, value in rows.items()])
        await self.writer.flush([part], NOW)

    async def in_zone(self, zone: ZoneInfo) -> None:
        """Let days begin by the clock of that zone, as `ioc city load` does."""
        async with await connect(self.url) as conn:
            await layout.settle(conn, Layout(1e6, timedelta(days=14), {}), zone.key)
        await self.rest()

    async def rest(self) -> None:
        """Run jobs only by hand from now on, so that they do not run into each other."""
        if self.kind == "plain":
            return
        await rows_of(
            self.url,
            "SELECT alter_job(job_id, scheduled => false) "
            "FROM timescaledb_information.jobs WHERE hypertable_name ~ '^observation'",
        )
        async with asyncio.timeout(60):
            while await rows_of(self.url, _RUNNING):  # noqa: ASYNC110 - another process ends
                await asyncio.sleep(0.02)

    async def run_policies(self) -> None:
        """What the store's own scheduler does every few minutes."""
        if self.kind == "plain":
            return
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as conn:
            jobs = await (await conn.execute(_REFRESHES)).fetchall()
            assert len(jobs) == len(AGGREGATES)
            for job in jobs:
                await conn.execute("CALL run_job(%s)", job)

    async def read(
        self, series: int, width: str, zone: ZoneInfo, since: datetime, until: datetime
    ) -> list[tuple[datetime, float, float, float, int]]:
        found = await observations.buckets(
            self.reads, series, since=since, until=until, width=parse_width(width), zone=zone,
            store=self.kind,
        )  # fmt: skip
        return [(b.start, round(b.mean, 9), b.low, b.high, b.observed) for b in found]


async def _opened(url: str) -> AsyncIterator[Store]:
    async with await connect(url) as conn:
        kind: StoreKind = "timescale" if await store_kind(conn) == "timescale" else "plain"
    async with open_pools(url) as (reads, _):
        writer = BatchWriter(url, Latest())
        await writer.open()
        yield Store(url, kind, reads, writer)
        await writer.close()


@pytest.fixture
async def store(database_server: str) -> AsyncIterator[Store]:
    async with a_migrated_database(database_server) as url:
        async for opened in _opened(url):
            await opened.rest()
            yield opened


@pytest.fixture
async def twin(store: Store, tmp_path: Path) -> AsyncIterator[Store | None]:
    """The other kind of store, where the first is TimescaleDB."""
    if store.kind == "plain":
        yield None
        return
    async with a_plain_server(tmp_path / "plain") as server, a_migrated_database(server) as url:
        async for opened in _opened(url):
            yield opened


def _start(time: datetime, width: Width, zone: ZoneInfo) -> datetime:
    """Where the bucket of an instant begins, by Python's calendar."""
    if width.span is None:
        origin = ORIGIN.replace(tzinfo=zone).astimezone(UTC)
        return origin + (time - origin) // width.length * width.length
    local = time.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    match width.span:
        case "day":
            pass
        case "week":
            local -= timedelta(days=local.weekday())
        case "month":
            local = local.replace(day=1)
        case "quarter":
            local = local.replace(day=1, month=(local.month - 1) // 3 * 3 + 1)
        case "year":
            local = local.replace(day=1, month=1)
    return local.replace(tzinfo=zone).astimezone(UTC)


def _computed(
    rows: dict[int, float], width: str, zone: ZoneInfo, since: datetime, until: datetime
) -> list[tuple[datetime, float, float, float, int]]:
    """The buckets by Python."""
    found: dict[datetime, list[float]] = {}
    for micros, value in sorted(rows.items()):
        time = from_micros(micros)
        if since <= time < until:
            found.setdefault(_start(time, parse_width(width), zone), []).append(value)
    return [
        (start, round(sum(values) / len(values), 9), min(values), max(values), len(values))
        for start, values in sorted(found.items())
    ]


def _near(edge: datetime) -> st.SearchStrategy[int]:
    micros = to_micros(edge)
    return st.integers(micros - 4_000_000, micros + 4_000_000)


times = st.one_of(
    st.integers(to_micros(FIRST), to_micros(LAST) - 1),
    st.sampled_from(EDGES).flatmap(_near),
    st.sampled_from(EDGES).map(to_micros),
)
rows_strategy = st.dictionaries(
    times, st.floats(-1e6, 1e6).map(lambda v: round(v, 3)), min_size=1, max_size=40
)
ends = st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]).map(sorted)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("zone", [VIETNAM, BERLIN, KOLKATA], ids=lambda zone: zone.key)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=rows_strategy, late=rows_strategy, ends=ends)
async def test_every_width_gives_the_same_numbers_on_both_stores(
    store: Store, twin: Store | None, zone: ZoneInfo,
    first: dict[int, float], late: dict[int, float], ends: list[int],
) -> None:  # fmt: skip
    [series] = some_series(1)
    since, until = from_micros(ends[0]), from_micros(ends[1])
    for each in (store, twin):
        if each is not None:
            if zone.key not in each.zones:
                await each.in_zone(zone)
                each.zones = {zone.key: None}
            await each.put(series, first)
            await each.run_policies()
            await each.put(series, late)  # late data and corrections, behind what was refreshed
            await each.run_policies()
    held = {**first, **late}
    for width in WIDTHS:
        for low, high in ((since, until), (FIRST, LAST)):
            wanted = _computed(held, width, zone, low, high)
            found = await store.read(series, width, zone, low, high)
            assert _alike(found, wanted), width
            if twin is not None:
                assert _alike(await twin.read(series, width, zone, low, high), found)


def _alike(
    one: list[tuple[datetime, float, float, float, int]],
    other: list[tuple[datetime, float, float, float, int]],
) -> bool:
    """The same buckets; sums of floating-point numbers may differ in the last digits."""
    return [(row[0], *row[2:]) for row in one] == [(row[0], *row[2:]) for row in other] and [
        row[1] for row in one
    ] == pytest.approx([row[1] for row in other], abs=1e-6)


@pytest.mark.parametrize(
    ("width", "zone", "aggregate"),
    [
        ("PT30S", VIETNAM, None), ("PT1M", VIETNAM, MINUTE), ("PT5M", VIETNAM, MINUTE),
        ("PT15M", VIETNAM, QUARTER), ("PT1H", VIETNAM, HOUR), ("PT1H", KOLKATA, HOUR),
        ("P2D", VIETNAM, DAY), ("P1D", KOLKATA, DAY), ("P1M", BERLIN, HOUR),
    ],
)  # fmt: skip
def test_a_width_is_read_from_the_coarsest_aggregate_that_fills_it(
    width: str, zone: ZoneInfo, aggregate: object
) -> None:
    found = reading(parse_width(width), zone, since=FIRST, until=LAST, store="timescale")
    assert (None if found is None else found.aggregate) == aggregate
    assert reading(parse_width(width), zone, since=FIRST, until=LAST, store="plain") is None


def test_only_whole_buckets_of_an_aggregate_are_taken_from_it() -> None:
    since, until = FIRST + timedelta(minutes=7), FIRST + timedelta(days=3, minutes=1)
    found = reading(parse_width("P1D"), VIETNAM, since=since, until=until, store="timescale")
    assert found is not None
    assert found.since == datetime(2025, 12, 2, tzinfo=VIETNAM)
    assert found.until == datetime(2025, 12, 4, tzinfo=VIETNAM)
    short = reading(
        parse_width("P1D"), VIETNAM, since=since, until=since + timedelta(hours=2),
        store="timescale",
    )  # fmt: skip
    assert short is not None
    assert short.aggregate == HOUR


async def test_data_later_than_any_window_and_corrections_reopen_compressed_chunks(
    store: Store,
) -> None:
    if store.kind == "plain":
        pytest.skip("plain PostgreSQL compresses nothing")
    [series] = some_series(1)
    long_ago = datetime(2024, 5, 17, tzinfo=VIETNAM)
    rows = {to_micros(long_ago + timedelta(minutes=10 * n)): float(n) for n in range(500)}
    await store.put(series, rows)
    await store.run_policies()
    compressed = await rows_of(
        store.url, "SELECT count(compress_chunk(c)) FROM show_chunks('observation') c"
    )
    assert compressed[0][0] >= 1
    corrected = {to_micros(long_ago + timedelta(hours=5)): 9_000.0}
    late = {to_micros(long_ago + timedelta(minutes=2)): -70.0}
    feed = await a_feed_key(store.url, late_limit=None)
    flushed = await store.writer.flush(
        [a_part(feed, [(series, t, v) for t, v in (corrected | late).items()])], NOW
    )
    assert (flushed.receipts[0].corrected, flushed.receipts[0].stored) == (1, 1)
    await store.run_policies()
    held = rows | corrected | late
    for width in ("PT1M", "PT15M", "PT1H", "P1D", "P1M"):
        since, until = long_ago, long_ago + timedelta(days=5)
        wanted = _computed(held, width, VIETNAM, since, until)
        assert _alike(await store.read(series, width, VIETNAM, since, until), wanted), width
        if aggregate := reading(
            parse_width(width), VIETNAM, since=since, until=until, store="timescale"
        ):
            sums = await rows_of(
                store.url,
                f"SELECT sum(observed)::int, max(high), min(low) "
                f"FROM {aggregate.aggregate.name} WHERE series_id = %s",
                series,
            )
            assert sums == [(len(held), 9_000.0, -70.0)]


async def test_a_refresh_that_was_cut_off_is_done_again(store: Store) -> None:
    if store.kind == "plain":
        pytest.skip("plain PostgreSQL keeps no aggregates")
    [series] = some_series(1)
    start = datetime(2026, 5, 17, tzinfo=VIETNAM)
    await store.put(series, {to_micros(start): 1.0})
    await store.run_policies()
    # As a killed server leaves it: the range is noted, and nobody works on it.
    await rows_of(
        store.url,
        "INSERT INTO _timescaledb_catalog.continuous_aggs_materialization_ranges "
        "SELECT mat_hypertable_id, %s, %s FROM _timescaledb_catalog.continuous_agg "
        "WHERE user_view_name = 'observation_hour'",
        to_micros(start - timedelta(days=1)), to_micros(start + timedelta(days=1)),
    )  # fmt: skip
    await store.put(series, {to_micros(start + timedelta(minutes=1)): 3.0})
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="overlaps"):
        await store.run_policies()
    await keep_house(store.url, NOW)
    await store.run_policies()
    for aggregate in AGGREGATES:
        sums = await rows_of(
            store.url, f"SELECT sum(observed)::int, max(high) FROM {aggregate.name}"
        )
        assert sums == [(2, 3.0)], aggregate.name


async def test_means_of_whole_hours_are_the_same_from_the_aggregate(store: Store) -> None:
    [series] = some_series(1)
    first = to_micros(FIRST)
    await store.put(series, {first + n * 600_000_000: float(n % 7) for n in range(6 * 48)})
    await store.run_policies()

    async def read(kind: StoreKind) -> list[tuple[int, float]]:
        found = observations.hourly_means(
            store.reads, [series], since=FIRST, until=FIRST + timedelta(hours=40), zone=VIETNAM,
            store=kind,
        )  # fmt: skip
        rows = [zip(m.time.tolist(), m.value.tolist(), strict=True) async for m in found]
        return sorted((time, round(mean, 9)) for some in rows for time, mean in some)

    assert len(await read("plain")) == 40
    assert await read(store.kind) == await read("plain")
