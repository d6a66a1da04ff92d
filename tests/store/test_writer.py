"""The writer against a plain dictionary: what is stored, what is counted, what is the newest."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.errors import Conflict
from ioc.live.latest import NEVER, Latest
from ioc.model import Columns, Receipt, from_micros, to_micros
from ioc.store import ledger, observations
from ioc.store.checkpoint import Checkpoint
from ioc.store.flush import Part
from ioc.store.partitions import MONDAY_US, WEEK_US, week_of
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.writer import BatchWriter
from tests.fixtures.store import (
    NOW,
    a_feed_key,
    a_part,
    adds_up,
    ledger_rows,
    real_series,
    rows_of,
    some_series,
)

MONDAY = to_micros(datetime(2026, 11, 16, tzinfo=UTC))
SECOND = 1_000_000

FAST = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# Few series, times around two Mondays and few values: keys meet again within and across flushes.
_row = st.tuples(
    st.integers(0, 3),
    st.sampled_from([MONDAY + s * SECOND for s in (-604_801, -1, 0, 1, 2, 604_799, 604_800)]),
    st.integers(0, 2).map(float),
)
_text = st.tuples(st.integers(4, 5), st.sampled_from([MONDAY, MONDAY + 1]), st.sampled_from("ab"))
_payload = st.tuples(
    st.lists(_row, max_size=8), st.lists(_text, max_size=4), st.integers(0, 2), st.integers(0, 2)
)
_flushes = st.lists(st.lists(_payload, min_size=1, max_size=3), min_size=1, max_size=4)

Table = dict[tuple[int, int], object]


def _expected(parts: list[Part], numbers: Table, texts: Table) -> list[list[int]]:
    """Stored, duplicate and corrected of each part, and the tables after the flush."""
    counts = [[0, 0, 0] for _ in parts]
    arrivals: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for owner, part in enumerate(parts):
        columns = (part.rows.series.tolist(), part.rows.time.tolist(), part.rows.value.tolist())
        for series, time, value in zip(*columns, strict=True):
            arrivals.setdefault((series, time), []).append((owner, value))
    for key, came in arrivals.items():
        for (owner, value), (_, after) in pairwise(came):
            counts[owner][1 if value == after else 2] += 1
        owner, value = came[-1]
        counts[owner][0 if key not in numbers else 1 if numbers[key] == value else 2] += 1
        numbers[key] = value
    for owner, part in enumerate(parts):
        offered: dict[tuple[int, int], str] = {}
        for series, time, value, _ in part.text:
            if (series, time) in offered:
                counts[owner][1 if offered[series, time] == value else 2] += 1
            offered[series, time] = value
        for key, value in offered.items():
            counts[owner][0 if key not in texts else 1 if texts[key] == value else 2] += 1
            texts[key] = value
    return counts


def _counts(receipt: Receipt) -> list[int]:
    return [receipt.stored, receipt.duplicate, receipt.corrected]


async def _table(url: str, name: str, series: list[int]) -> Table:
    found = await rows_of(
        url,
        f"SELECT series_id, phenomenon_time, value FROM {name} WHERE series_id = ANY(%s)",
        series,
    )
    return {(row[0], to_micros(row[1])): row[2] for row in found}


@FAST
@given(_flushes)
async def test_the_store_holds_what_a_dictionary_would_and_counts_it_so(
    database: str, writer: BatchWriter, flushes: list[Any]
) -> None:
    feed = await a_feed_key(database)
    series = some_series(6)
    numbers: Table = {}
    texts: Table = {}
    received = 0
    for payloads in flushes:
        parts = [
            a_part(
                feed, [(series[s], t, v) for s, t, v in rows],
                text=[(series[s], t, v) for s, t, v in text],
                late=late, quarantined=kept,
            )
            for rows, text, late, kept in payloads
        ]  # fmt: skip
        received += sum(part.received for part in parts)
        flushed = await writer.flush(parts, NOW)
        assert [_counts(r) for r in flushed.receipts] == _expected(parts, numbers, texts)
        assert all(adds_up({**vars_of(receipt)}) for receipt in flushed.receipts)
    assert await _table(database, "observation", series) == numbers
    assert await _table(database, "observation_text", series) == texts
    rows = await ledger_rows(database, feed)
    assert all(adds_up(row) for row in rows)
    assert sum(row["received"] for row in rows) == received
    for one in series[:4]:
        newest = max((time for s, time in numbers if s == one), default=NEVER)
        assert writer._latest.time[one] == newest
        if newest != NEVER:
            assert writer._latest.value[one] == numbers[one, newest]


def vars_of(receipt: Receipt) -> dict[str, int]:
    names = ("received", "stored", "duplicate", "corrected", "late", "quarantined")
    return {name: getattr(receipt, name) for name in names}


async def test_only_new_and_changed_rows_are_told_to_the_readers(
    database: str, writer: BatchWriter
) -> None:
    feed, [a, b] = await a_feed_key(database), some_series(2)
    await writer.flush([a_part(feed, [(a, MONDAY, 1), (b, MONDAY, 1)])], NOW)
    part = a_part(feed, [(a, MONDAY, 1), (b, MONDAY, 2), (a, MONDAY - 1, 5), (a, MONDAY + 1, 7)])
    flushed = await writer.flush([part], NOW)
    changed = flushed.changed
    assert sorted(zip(changed.series.tolist(), changed.time.tolist(), strict=True)) == sorted(
        [(b, MONDAY), (a, MONDAY - 1), (a, MONDAY + 1)]
    )
    assert sorted(flushed.advanced.tolist()) == sorted([a, b])


async def test_a_flush_after_a_restart_knows_what_is_stored(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    feed = await a_feed_key(database)
    [a] = await real_series(database, feed, "a/x")
    await writer.flush([a_part(feed, [(a, MONDAY, 1), (a, MONDAY + 5, 2)])], NOW)
    await writer.checkpoint.keep()
    await writer.flush([a_part(feed, [(a, MONDAY + 9, 3)])], NOW)
    await writer.close()
    latest = Latest()
    for series, time, value, _ in await observations.newest(pools[0]):
        latest.time[series], latest.value[series] = to_micros(time), value
    assert (latest.time[a], latest.value[a]) == (MONDAY + 9, 3)
    after = BatchWriter(database, latest)
    await after.open()
    part = a_part(feed, [(a, MONDAY + 9, 3), (a, MONDAY + 5, 4), (a, MONDAY + 10, 1)])
    try:
        assert _counts((await after.flush([part], NOW)).receipts[0]) == [1, 1, 1]
    finally:
        await after.close()


async def test_the_checkpoint_holds_the_newest_of_each_series(
    database: str, writer: BatchWriter
) -> None:
    feed = await a_feed_key(database)
    [a] = await real_series(database, feed, "a/x")
    for step in (5, 9, 2):
        await writer.flush([a_part(feed, [(a, MONDAY + step, step)])], NOW)
        await writer.checkpoint.keep()
    found = await rows_of(database, "SELECT series_id, phenomenon_time, value FROM series_latest")
    assert found == [(a, from_micros(MONDAY + 9), 9.0)]


async def test_what_the_database_does_not_take_is_noted_for_the_next_checkpoint(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioc.store.checkpoint.SLICE", 2)
    series = await real_series(database, await a_feed_key(database), "a/x", "b/x", "c/x")
    latest, ids = Latest(), np.array(series, np.int32)
    rows = Columns(ids, np.full(3, MONDAY), np.ones(3))
    away = Checkpoint("host=127.0.0.1 port=1", latest)
    away.note(latest.apply(rows, MONDAY))
    [first, rest] = away.slices()
    assert not await away.keep_some(first)
    assert [some.tolist() for some in away.slices()] == [first.tolist(), rest.tolist()]
    there = Checkpoint(database, latest)
    there.note(ids)
    for some in there.slices():
        assert await there.keep_some(some)
    assert there.slices() == []
    await there.close()
    found = await rows_of(database, "SELECT series_id FROM series_latest ORDER BY 1")
    assert [one for (one,) in found] == sorted(series)


@pytest.mark.usefixtures("plain_store")
async def test_a_partition_is_a_week_from_monday_to_monday(
    database: str, writer: BatchWriter
) -> None:
    feed, [a] = await a_feed_key(database), some_series(1)
    times = [MONDAY - 1, MONDAY, MONDAY + WEEK_US - 1, MONDAY + WEEK_US, 0, MONDAY_US - 1]
    await writer.flush([a_part(feed, [(a, time, 1) for time in times])], NOW)
    found = await rows_of(
        database,
        "SELECT tableoid::regclass::text, min(phenomenon_time), max(phenomenon_time) "
        "FROM observation GROUP BY 1 ORDER BY 2",
    )
    assert [(to_micros(low), to_micros(high)) for _, low, high in found] == [
        (0, MONDAY_US - 1), (MONDAY - 1, MONDAY - 1), (MONDAY, MONDAY + WEEK_US - 1),
        (MONDAY + WEEK_US, MONDAY + WEEK_US),
    ]  # fmt: skip
    await writer.close()
    await writer.open()
    assert writer._weeks is not None
    assert writer._weeks >= {week_of(from_micros(time)) for time in times}


async def test_a_commit_whose_answer_was_lost_is_not_done_twice(
    database: str, writer: BatchWriter
) -> None:
    feed, [a] = await a_feed_key(database), some_series(1)
    conn = writer._conn
    assert conn is not None
    real = conn.commit

    async def commits_and_goes() -> None:
        await real()
        async with await connect(database) as other:
            # Whoever counts something else of the same minute meanwhile changes nothing.
            await ledger.drop(other, feed, 1, NOW)
        raise psycopg.OperationalError("the connection was lost")

    await writer.flush([a_part(feed, [(a, MONDAY - 5, 1)])], NOW)
    conn.commit = commits_and_goes  # pyright: ignore[reportAttributeAccessIssue]
    part = a_part(feed, [(a, MONDAY, 1)], quarantined=1)
    flushed = await writer.flush([part], NOW)
    assert _counts(flushed.receipts[0]) == [1, 0, 0]
    assert flushed.advanced.tolist() == [a]
    [row] = await ledger_rows(database, feed)
    assert (row["received"], row["stored"], row["quarantined"]) == (3, 2, 1)
    assert len(await rows_of(database, "SELECT 1 FROM quarantine")) == 1


async def test_a_commit_that_did_not_happen_is_done_anew(
    database: str, writer: BatchWriter
) -> None:
    feed, [a] = await a_feed_key(database), some_series(1)
    await writer.flush([a_part(feed, [(a, MONDAY - 5, 1)])], NOW)
    conn = writer._conn
    assert conn is not None

    async def goes() -> None:
        await conn.close()
        raise psycopg.OperationalError("the connection was lost")

    conn.commit = goes  # pyright: ignore[reportAttributeAccessIssue]
    flushed = await writer.flush([a_part(feed, [(a, MONDAY, 1)])], NOW)
    assert _counts(flushed.receipts[0]) == [1, 0, 0]
    [row] = await ledger_rows(database, feed)
    assert (row["received"], row["stored"]) == (2, 2)


async def test_a_payload_that_the_database_refuses_costs_its_neighbours_nothing(
    database: str, writer: BatchWriter
) -> None:
    feed, [a, b] = await a_feed_key(database), some_series(2)
    parts = [
        a_part(feed, [(a, MONDAY, 1)]),
        a_part(feed, [(a, MONDAY + 1, 1)], text=[(b, MONDAY, "a\x00b")]),
        a_part(feed, [(a, MONDAY + 2, 1)]),
    ]
    flushed = await writer.flush(parts, NOW)
    assert [_counts(receipt)[0] for receipt in flushed.receipts] == [1, 0, 1]
    assert flushed.receipts[1].quarantined == 2
    assert {p.reason.value for p in flushed.receipts[1].problems} == {"store_refused"}
    [row] = await ledger_rows(database, feed)
    assert adds_up(row)
    assert row["received"] == 4


async def test_rows_stored_late_and_redeliveries_stand_outside_of_the_sum(
    database: str, writer: BatchWriter
) -> None:
    feed, [a] = await a_feed_key(database), some_series(1)
    part = a_part(feed, [(a, MONDAY, 1), (a, MONDAY + 1, 1)], stored_late=2, redelivered=True)
    await writer.flush([part], NOW)
    await writer.flush([part], NOW)
    [row] = await ledger_rows(database, feed)
    assert (row["received"], row["stored"], row["duplicate"]) == (4, 2, 2)
    assert (row["stored_late"], row["redelivered"]) == (2, 2)
    assert adds_up(row)


async def test_the_ledger_has_a_row_for_each_feed_and_minute_of_arrival(
    database: str, writer: BatchWriter
) -> None:
    one, other, [a] = await a_feed_key(database), await a_feed_key(database), some_series(1)
    later = NOW + timedelta(seconds=30)
    parts = [
        a_part(one, [(a, MONDAY, 1)]), a_part(one, [(a, MONDAY + 1, 1)], received_at=later),
        a_part(one, [(a, MONDAY + 2, 1)]), a_part(other, [(a, MONDAY + 3, 1)]),
    ]  # fmt: skip
    await writer.flush(parts, NOW)
    assert [row["received"] for row in await ledger_rows(database, one)] == [2, 1]
    assert [row["received"] for row in await ledger_rows(database, other)] == [1]


async def test_a_receipt_lists_at_most_a_hundred_problems(
    database: str, writer: BatchWriter
) -> None:
    feed = await a_feed_key(database)
    [receipt] = (await writer.flush([a_part(feed, late=90, quarantined=90)], NOW)).receipts
    assert (receipt.received, receipt.late, receipt.quarantined) == (180, 90, 90)
    assert len(receipt.problems) == 100


async def test_only_one_writer_at_a_time_has_the_database(
    database: str, writer: BatchWriter
) -> None:
    other = BatchWriter(database, Latest())
    with pytest.raises(Conflict):
        await other.open(patience=0)
    await writer.close()
    await other.open(patience=5)
    await other.close()
