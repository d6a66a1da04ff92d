"""Retention and partitions: what is too old goes by domain, and nothing else with it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.live.latest import Latest
from ioc.model import Series, SeriesId, to_micros
from ioc.quality.plausible import Limits
from ioc.store import layout, partitions
from ioc.store.flush import Flushed
from ioc.store.housekeeping import keep_house
from ioc.store.layout import Layout, chunk_width
from ioc.store.migrate import store_kind
from ioc.store.pool import Connection, connect
from ioc.store.writer import BatchWriter
from tests.fixtures.store import a_feed_key, a_part, real_series, rows_of

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def old_writer(database: str) -> AsyncIterator[BatchWriter]:
    made = BatchWriter(database, Latest())
    await made.open()
    yield made
    await made.close()


async def _keep(url: str, **domains: timedelta) -> None:
    async with await connect(url) as conn:
        await layout.settle(conn, Layout(1e6, timedelta(days=14), domains), "Asia/Ho_Chi_Minh")


async def _a_series(url: str, domain: str, **more: Any) -> tuple[int, int]:
    feed = await a_feed_key(url, **more)
    await rows_of(url, "UPDATE feed SET domain = %s WHERE feed_key = %s", domain, feed)
    [series] = await real_series(url, feed, "a/x")
    return feed, series


async def _put(
    writer: BatchWriter, feed: int, series: int, days: range, received_at: datetime | None = None
) -> None:
    for day in days:
        at = NOW - day * DAY
        row = [(series, to_micros(at), float(day))]
        await writer.flush([a_part(feed, row, received_at=received_at or at)], NOW)


async def _ages(url: str, series: int) -> list[int]:
    """In days, what is left of a series."""
    found = await rows_of(
        url,
        "SELECT phenomenon_time FROM observation WHERE series_id = %s ORDER BY 1 DESC",
        series,
    )
    return [(NOW - row[0]).days for row in found]


async def test_a_domain_is_deleted_by_its_age_and_others_are_kept(
    database: str, old_writer: BatchWriter
) -> None:
    feed, cars = await _a_series(database, "traffic")
    other, beds = await _a_series(database, "health")
    days = range(0, 60, 3)
    await _put(old_writer, feed, cars, days)
    await _put(old_writer, other, beds, days)
    await _keep(database, traffic=30 * DAY)
    assert await keep_house(database, NOW) > 0
    left = await _ages(database, cars)
    assert set(range(0, 31, 3)) <= set(left)
    assert max(left) <= 30 + 7  # a week goes once it is wholly too old
    assert await _ages(database, beds) == list(days)
    assert await keep_house(database, NOW) == 0


async def test_a_piece_that_is_too_old_for_all_is_dropped_as_a_whole(
    database: str, old_writer: BatchWriter
) -> None:
    feed, cars = await _a_series(database, "traffic")
    await _put(old_writer, feed, cars, range(0, 60, 3))
    async with await connect(database) as conn:
        before = await partitions.pieces(conn)
    await _keep(database, traffic=30 * DAY, health=20 * DAY)
    assert await keep_house(database, NOW) > 0
    async with await connect(database) as conn:
        after = await partitions.pieces(conn)
    gone = [piece for piece in before if piece not in after]
    assert gone == [piece for piece in before if piece.until <= NOW - 30 * DAY]
    assert gone


async def test_old_data_that_just_came_in_are_kept_where_a_feed_takes_any_age(
    database: str, old_writer: BatchWriter
) -> None:
    feed, past = await _a_series(database, "traffic", late_limit=None)
    await _put(old_writer, feed, past, range(100, 160, 20), received_at=NOW - 2 * DAY)
    await _keep(database, traffic=30 * DAY)
    assert await keep_house(database, NOW) == 0
    assert len(await _ages(database, past)) == 3
    assert await keep_house(database, NOW + 29 * DAY) > 0
    assert await _ages(database, past) == []


@pytest.mark.parametrize("days", [100, 400])
async def test_the_writer_makes_anew_what_was_dropped(
    database: str, old_writer: BatchWriter, days: int
) -> None:
    feed, cars = await _a_series(database, "traffic", late_limit=None)
    await _put(old_writer, feed, cars, range(days, days + 1))
    await _keep(database, traffic=30 * DAY)
    assert await keep_house(database, NOW) > 0
    assert await _ages(database, cars) == []
    at = NOW - (days - 1) * DAY
    part = a_part(feed, [(cars, to_micros(at), 5.0)], received_at=NOW)
    flushed = await old_writer.flush([part], NOW)
    assert (flushed.receipts[0].stored, flushed.receipts[0].quarantined) == (1, 0)
    assert await _ages(database, cars) == [days - 1]


async def test_texts_and_old_ledgers_go_too(database: str, old_writer: BatchWriter) -> None:
    feed, words = await _a_series(database, "traffic")
    for days in (1, 29, 31, 500):
        at = NOW - days * DAY
        text = [(words, to_micros(at), f"{days} days old")]
        await old_writer.flush([a_part(feed, text=text, received_at=at)], NOW)
    await _keep(database, traffic=30 * DAY)
    assert await keep_house(database, NOW) == 3
    assert await rows_of(database, "SELECT value FROM observation_text ORDER BY 1") == [
        ("1 days old",), ("29 days old",),
    ]  # fmt: skip
    [oldest] = await rows_of(database, "SELECT min(minute) FROM ledger")
    assert (NOW - oldest[0]).days == 31


async def test_texts_that_are_compressed_are_still_corrected_and_deleted_by_their_age(
    database: str, old_writer: BatchWriter
) -> None:
    feed, words = await _a_series(database, "traffic")
    moment = {days: to_micros(NOW - days * DAY) for days in (20, 21, 500)}
    for days, at in moment.items():
        await old_writer.flush(
            [a_part(feed, text=[(words, at, f"{days} days old")], received_at=NOW - days * DAY)],
            NOW,
        )
    async with await connect(database) as conn:
        kind = await store_kind(conn)
    if kind == "timescale":
        compressed = await rows_of(
            database, "SELECT count(compress_chunk(c)) FROM show_chunks('observation_text') c"
        )
        assert compressed[0][0] > 0
    text = [(words, moment[20], "20 days old"), (words, moment[21], "mended")]
    flushed = await old_writer.flush([a_part(feed, text=text, received_at=NOW)], NOW)
    assert (flushed.receipts[0].duplicate, flushed.receipts[0].corrected) == (1, 1)
    await _keep(database, traffic=30 * DAY)
    await keep_house(database, NOW)
    assert await rows_of(database, "SELECT value FROM observation_text ORDER BY 1") == [
        ("20 days old",), ("mended",),
    ]  # fmt: skip


async def test_what_is_in_use_is_left_for_the_next_time(
    database: str, old_writer: BatchWriter
) -> None:
    feed, cars = await _a_series(database, "traffic")
    await _put(old_writer, feed, cars, range(90, 91))
    await _keep(database, traffic=30 * DAY)
    async with await connect(database) as reader:
        await reader.execute("SELECT count(*) FROM observation")
        assert await keep_house(database, NOW) == 0
        # Meanwhile nobody waits for it: the writer stores, in a new week too.
        fresh = a_part(feed, [(cars, to_micros(NOW + 90 * DAY), 1.0)])
        assert (await old_writer.flush([fresh], NOW)).receipts[0].stored == 1
    assert await keep_house(database, NOW) > 0
    assert len(await _ages(database, cars)) == 1


async def test_what_comes_while_a_piece_is_looked_at_does_not_go_with_it(
    database: str, old_writer: BatchWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, cars = await _a_series(database, "traffic")
    other, beds = await _a_series(database, "health", late_limit=None)
    await _put(old_writer, feed, cars, range(90, 91))
    await _keep(database, traffic=30 * DAY)
    drop, flushes = partitions.drop, list[asyncio.Task[Flushed]]()

    async def drop_late(conn: Connection, piece: partitions.Piece) -> None:
        part = a_part(other, [(beds, to_micros(NOW - 90 * DAY), 1.0)], received_at=NOW)
        flushes.append(asyncio.create_task(old_writer.flush([part], NOW)))
        await asyncio.wait(flushes, timeout=0.5)
        await drop(conn, piece)

    monkeypatch.setattr(partitions, "drop", drop_late)
    await keep_house(database, NOW)
    [flush] = flushes
    assert (await flush).receipts[0].stored == 1
    assert await _ages(database, beds) == [90]


@pytest.mark.usefixtures("plain_store")
async def test_partitions_stand_ready_before_the_writer_needs_them(database: str) -> None:
    await keep_house(database, NOW)
    async with await connect(database) as conn:
        week = partitions.week_of(NOW)
        assert await partitions.existing(conn) == set(range(week, week + 5))
    writer = BatchWriter(database, Latest())
    await writer.open()
    feed = await a_feed_key(database)
    await writer.flush([a_part(feed, [(1, to_micros(NOW + 20 * DAY), 1.0)])], NOW)
    await writer.close()
    async with await connect(database) as conn:
        assert await partitions.existing(conn) == set(range(week, week + 5))


@pytest.mark.usefixtures("plain_store")
async def test_a_partition_has_the_key_of_the_table(database: str) -> None:
    async with await connect(database) as conn:
        week = partitions.week_of(NOW)
        await partitions.make(conn, [week, week + 1, week], NOW)
        await partitions.make(conn, [week + 1], NOW)
    insert = f"INSERT INTO observation_w{week} VALUES (1, '{NOW}', 1, now())"
    await rows_of(database, insert)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await rows_of(database, insert)


_weeks = st.integers(-3_000, 3_000)


@given(_weeks, st.sets(_weeks, max_size=40), st.integers(-60, 300))
def test_a_partition_fills_what_is_free_of_its_block_and_no_recent_week(
    week: int, there: set[int], ago: int
) -> None:
    there -= {week}
    now = datetime(1970, 1, 5, tzinfo=UTC) + (week + ago) * timedelta(days=7)
    found = partitions.stretch(week, there, now)
    assert week in found
    assert there.isdisjoint(found)
    if ago <= partitions.RECENT_WEEKS:
        assert found == range(week, week + 1)
        return
    block = partitions.BLOCK_WEEKS
    recent = week + ago - partitions.RECENT_WEEKS
    assert found.start // block == (found.stop - 1) // block
    for edge, next_to in ((found.start, found.start - 1), (found.stop, found.stop)):
        assert edge % block == 0 or next_to in there or next_to == recent
    assert found.stop <= recent


@pytest.fixture
def plain(plain_store: None, old_writer: BatchWriter) -> BatchWriter:
    return old_writer


async def _tables(url: str) -> list[tuple[str, datetime, datetime]]:
    async with await connect(url) as conn:
        found = await partitions.pieces(conn)
    return [(piece.table[1], piece.since, piece.until) for piece in found]


async def _make_weekly(url: str, *weeks: int) -> None:
    """As they were made before old weeks shared a partition."""
    for week in weeks:
        since = datetime(1970, 1, 5, tzinfo=UTC) + week * timedelta(days=7)
        await rows_of(
            url,
            f"CREATE TABLE observation_w{week} PARTITION OF observation "
            f"FOR VALUES FROM ('{since}') TO ('{since + timedelta(days=7)}')",
        )


async def test_a_row_of_every_week_since_1970_needs_some_dozens_of_tables(
    database: str, plain: BatchWriter
) -> None:
    feed, past = await _a_series(database, "traffic", late_limit=None)
    times = list(range(0, to_micros(NOW), partitions.WEEK_US))
    part = a_part(feed, [(past, time, 1.0) for time in times])
    flushed = await plain.flush([part], NOW)
    assert flushed.receipts[0].stored == len(times) > 2_900
    tables = await _tables(database)
    assert len(tables) < 90
    assert [until for *_, until in tables[:-1]] == [since for _, since, _ in tables[1:]]
    assert (await plain.flush([part], NOW)).receipts[0].duplicate == len(times)
    assert len(await _tables(database)) == len(tables)


async def test_weekly_partitions_of_long_ago_stay_and_what_is_free_between_them_is_filled(
    database: str, plain: BatchWriter
) -> None:
    await _make_weekly(database, 2602, 2607)
    await plain.close()
    await plain.open()
    feed, past = await _a_series(database, "traffic", late_limit=None)
    weeks = [2601, 2602, 2604, 2607, 2608]
    rows = [(past, week * partitions.WEEK_US + partitions.MONDAY_US, 1.0) for week in weeks]
    assert (await plain.flush([a_part(feed, rows)], NOW)).receipts[0].stored == 5
    assert [name.removeprefix("observation_w") for name, *_ in await _tables(database)] == [
        "2600_2601", "2602", "2603_2606", "2607", "2608_2651",
    ]  # fmt: skip
    async with await connect(database) as conn:
        assert await partitions.existing(conn) == set(range(2600, 2652))


async def test_the_writer_takes_partitions_that_another_process_made(
    database: str, plain: BatchWriter
) -> None:
    async with await connect(database) as conn:
        await partitions.make(conn, [2601], NOW)
    feed, past = await _a_series(database, "traffic", late_limit=None)
    rows = [(past, week * partitions.WEEK_US, 1.0) for week in (2610, 2620)]
    assert (await plain.flush([a_part(feed, rows)], NOW)).receipts[0].stored == 2
    assert len(await _tables(database)) == 1


async def test_a_wide_partition_is_emptied_week_by_week_and_goes_with_its_last_row(
    database: str, plain: BatchWriter
) -> None:
    feed, cars = await _a_series(database, "traffic")
    other, beds = await _a_series(database, "health")
    days = range(0, 700, 5)
    for series, of in ((cars, feed), (beds, other)):
        rows = [(series, to_micros(NOW - day * DAY), float(day)) for day in days]
        await plain.flush([a_part(of, rows, received_at=NOW - 700 * DAY)], NOW)
    wide = [table for table in await _tables(database) if table[2] - table[1] > 7 * DAY]
    assert len(wide) == 2
    await _keep(database, traffic=400 * DAY, health=500 * DAY)
    assert await keep_house(database, NOW) > 0
    assert set(days[:81]) <= set(await _ages(database, cars))
    assert max(await _ages(database, cars)) <= 400 + 7
    assert max(await _ages(database, beds)) <= 500 + 7
    assert await keep_house(database, NOW) == 0
    later = NOW + 250 * DAY
    assert await keep_house(database, later) > 0
    assert max(await _ages(database, beds)) <= 250 + 7
    left = await _tables(database)
    assert len([table for table in left if table in wide]) == 1
    assert await keep_house(database, later + 1_000 * DAY) > 0
    assert len(await _tables(database)) == partitions.WEEKS_AHEAD + 1


async def _flagged(url: str, *series: int) -> list[tuple[int, int]]:
    """Series and age in days of each flag."""
    found = await rows_of(
        url,
        "SELECT series_id, phenomenon_time FROM observation_flag WHERE series_id = ANY(%s) "
        "ORDER BY 1, 2 DESC",
        list(series),
    )
    return [(one, (NOW - time).days) for one, time in found]


async def test_flags_go_with_their_observations(database: str) -> None:
    limits = Limits()
    writer = BatchWriter(database, Latest(), limits)
    await writer.open()
    feed, cars = await _a_series(database, "traffic")
    other, beds = await _a_series(database, "health")
    past, old = await _a_series(database, "traffic", late_limit=None)
    for series in (cars, beds, old):
        limits.put(
            Series(
                id=SeriesId(series), key="a/x", feed_key=feed, feature="a", property="x", high=-1.0
            ),
            None,
        )
    days = range(0, 700, 20)
    await _put(writer, feed, cars, days)
    await _put(writer, other, beds, days)
    await _put(writer, past, old, days, received_at=NOW - 2 * DAY)
    await writer.close()
    every = [(one, day) for one in sorted((cars, beds, old)) for day in days]
    assert await _flagged(database, cars, beds, old) == every
    await _keep(database, traffic=30 * DAY)
    assert await keep_house(database, NOW) > 0
    for series in (cars, beds, old):
        assert [day for _, day in await _flagged(database, series)] == await _ages(database, series)
    assert await _ages(database, beds) == await _ages(database, old) == list(days)
    await _keep(database, traffic=30 * DAY, health=30 * DAY)
    assert await keep_house(database, NOW + 29 * DAY) > 0
    for series in (cars, beds, old):
        assert [day for _, day in await _flagged(database, series)] == await _ages(database, series)
    assert await _ages(database, old) == [0]


async def test_one_process_at_a_time_keeps_house(database: str) -> None:
    async with await connect(database) as other:
        await other.execute("SELECT pg_advisory_lock(%s)", [0x10C_0003])
        await keep_house(database, NOW)
        assert not await partitions.existing(other)


async def test_a_database_that_is_away_is_for_the_next_time() -> None:
    assert await keep_house("host=127.0.0.1 port=1 dbname=x connect_timeout=2", NOW) == 0


@pytest.mark.parametrize(
    ("per_day", "megabytes", "hours"),
    [(1_000, 256, 672), (500_000, 256, 48), (5_000_000, 256, 6), (5_000_000, 8_192, 168),
     (1e12, 256, 1)],
)  # fmt: skip
def test_a_chunk_holds_as_much_as_stays_in_memory(
    per_day: float, megabytes: int, hours: int
) -> None:
    assert chunk_width(per_day, megabytes * 2**20) == timedelta(hours=hours)


async def test_the_layout_is_what_the_city_said(database: str) -> None:
    said = Layout(5_000_000.0, timedelta(days=9), {"traffic": 30 * DAY, "it": 400 * DAY})
    async with await connect(database) as conn:
        await layout.settle(conn, said, "Asia/Kolkata")
        found = await layout.read(conn)
    assert (found.per_day, found.compress_after, found.keep) == (
        said.per_day, said.compress_after, said.keep,
    )  # fmt: skip
    if found.chunk is None:
        return
    assert found.chunk < timedelta(days=7)
    jobs = await rows_of(
        database,
        "SELECT DISTINCT config->>'compress_after' FROM timescaledb_information.jobs "
        "WHERE proc_name = 'policy_compression'",
    )
    assert jobs == [("9 days",)]
    midnight = datetime(2026, 11, 20, tzinfo=ZoneInfo("Asia/Kolkata"))
    feed, series = await _a_series(database, "traffic")
    writer = BatchWriter(database, Latest())
    await writer.open()
    await _put_at(writer, feed, series, midnight - timedelta(seconds=1), midnight)
    await writer.close()
    starts = await rows_of(database, "SELECT start FROM observation_day ORDER BY 1")
    assert [row[0] for row in starts] == [midnight - DAY, midnight]


async def _put_at(writer: BatchWriter, feed: int, series: int, *times: datetime) -> None:
    rows = [(series, to_micros(at), 1.0) for at in times]
    await writer.flush([a_part(feed, rows)], NOW)
