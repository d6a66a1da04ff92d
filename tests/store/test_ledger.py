"""The ledger's lag, bytes and sums against a plain count."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.api.ledger import get_ledger
from ioc.live.feeds import FeedHealth
from ioc.model import Feed, to_micros
from ioc.store import flush_mark, lag, ledger
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.writer import BatchWriter
from tests.fixtures.decoding import a_feed
from tests.fixtures.store import NOW, a_feed_key, a_part, some_series

SECOND = 1_000_000
LOWEST_US = int(lag.LOWEST * SECOND)
HOUR = timedelta(hours=1)

_lags = st.lists(st.integers(-SECOND, 400 * 86_400 * SECOND), min_size=1, max_size=60)


def _histogram(lags: list[int]) -> list[int]:
    given = np.array(lags, np.int64)
    return lag.trimmed(lag.histograms(given, np.zeros(len(given), np.intp), 1)[0])


@given(_lags)
def test_the_median_is_within_the_stated_accuracy(lags: list[int]) -> None:
    found = lag.quantile(_histogram(lags), 0.5)
    true = sorted(lags)[(len(lags) - 1) // 2] / SECOND
    assert found is not None
    if true < lag.LOWEST:
        assert found == 0
    else:
        assert found == pytest.approx(true, rel=lag.ACCURACY + 1e-9)


@given(_lags, _lags)
def test_histograms_add_up_to_the_histogram_of_all(one: list[int], other: list[int]) -> None:
    a, b = _histogram(one), _histogram(other)
    longest = max(len(a), len(b))
    padded = [part + [0] * (longest - len(part)) for part in (a, b)]
    assert [x + y for x, y in zip(*padded, strict=True)] == _histogram(one + other)


def test_no_lag_falls_outside_of_the_buckets() -> None:
    extremes = np.array([-(2**62), -1, 0, 1, LOWEST_US - 1, LOWEST_US, 2**62], np.int64)
    found = lag.buckets(extremes)
    assert found.tolist()[:6] == [0, 0, 0, 0, 0, 1]
    assert found.max() == lag.BUCKETS - 1


async def test_the_ledger_merges_lag_and_bytes_of_flushes_by_feed_and_minute(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    feed, other, [a, b] = await a_feed_key(database), await a_feed_key(database), some_series(2)
    at = to_micros(NOW)
    later = NOW + timedelta(minutes=1)
    await writer.flush(
        [
            a_part(feed, [(a, at - 2 * SECOND, 1), (a, at - 4 * SECOND, 1)], size=100),
            a_part(other, [(b, at - 900 * SECOND, 1)], size=5),
            a_part(feed, quarantined=1, size=3),
            a_part(feed, [(a, at + 50 * SECOND, 1)], received_at=later, size=7),
        ],
        NOW,
    )
    text = [(b, at - 3_600 * SECOND, "x")]
    await writer.flush([a_part(feed, [(a, at - 3 * SECOND, 1)], text=text, size=1)], NOW)
    first, second = await ledger.minutes(
        pools[0], feed, since=NOW - HOUR, until=NOW + HOUR, limit=9
    )
    assert (first.received, first.bytes, first.lag_max) == (5, 104, 3_600)
    assert first.lag_p50 == pytest.approx(3, rel=0.1)
    assert (second.bytes, second.lag_max) == (7, 10)
    total = await ledger.total(pools[0], feed, since=NOW - HOUR, until=NOW + HOUR)
    assert (total.received, total.bytes, total.lag_max) == (6, 111, 3_600)
    assert total.lag_p50 == pytest.approx(4, rel=0.1)
    nothing = await ledger.total(pools[0], feed, since=NOW - HOUR, until=NOW - HOUR / 2)
    assert (nothing.received, nothing.lag_p50, nothing.lag_max) == (0, None, None)
    refused_only = await a_feed_key(database)
    await writer.flush([a_part(refused_only, quarantined=1, size=3)], NOW)
    alone = await ledger.total(pools[0], refused_only, since=NOW - HOUR, until=NOW + HOUR)
    assert (alone.lag_p50, alone.lag_max, alone.bytes) == (None, None, 3)


async def test_the_last_day_after_a_restart_is_that_of_before(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    feed, [a] = a_feed(key=await a_feed_key(database)), some_series(1)
    before, after = (FeedHealth("e", lambda: NOW) for _ in range(2))
    at = to_micros(NOW)
    for value, refused in ((1, 0), (1, 2), (5, 1)):
        rows = [(a, at - n * SECOND, float(value)) for n in range(value, 6)]
        part = a_part(feed.key, rows, late=refused, quarantined=refused)
        [receipt] = (await writer.flush([part], NOW)).receipts
        before.note(feed, receipt, None, NOW)
    for row in await ledger.recent(pools[0], NOW - HOUR):
        after.restore(*row)
    assert after.day(NOW) == before.day(NOW) == {
        "received": 17, "stored": 5, "duplicate": 5, "corrected": 1, "late": 3, "quarantined": 3,
    }  # fmt: skip


@pytest.mark.parametrize(("source", "told"), [("payload", True), ("arrival", False)])
async def test_the_ledger_says_whether_its_feed_may_be_sent_to_twice(
    database: str, pools: tuple[ReadPool, WritePool], source: str, told: bool
) -> None:
    feed = a_feed(key=await a_feed_key(database), time_source=source)
    answered = await get_ledger(feed, pools[0], NOW)
    assert msgspec.json.decode(answered.body)["idempotent"] is told


async def _pages(
    reads: ReadPool, feed: Feed, since: datetime, until: datetime, limit: int
) -> list[list[dict[str, Any]]]:
    """The ledger as it is read from page to page."""
    found: list[list[dict[str, Any]]] = []
    while True:
        answered = await get_ledger(feed, reads, NOW, since, until, limit)
        page = msgspec.json.decode(answered.body)
        found.append(page["items"])
        if page["next"] is None:
            return found
        assert len(page["items"]) == limit
        assert datetime.fromisoformat(page["next"]) > since, "it comes to no end"
        since = datetime.fromisoformat(page["next"])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    minutes=st.sets(st.integers(0, 30), min_size=1, max_size=12),
    ends=st.tuples(st.integers(-1, 15), st.integers(16, 31)),
    limit=st.integers(1, 13),
)
async def test_the_pages_of_the_ledger_are_the_whole_of_it(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool],
    minutes: set[int], ends: tuple[int, int], limit: int,
) -> None:  # fmt: skip
    feed = a_feed(key=await a_feed_key(database))
    start = NOW.replace(second=0)
    times = [start + timedelta(minutes=minute) for minute in sorted(minutes)]
    await writer.flush([a_part(feed.key, quarantined=1, received_at=time) for time in times], NOW)
    since, until = (start + timedelta(minutes=end) for end in ends)
    [whole] = await _pages(pools[0], feed, since, until, 1_000)
    assert [datetime.fromisoformat(row["minute"]) for row in whole] == [
        time for time in times if since <= time < until
    ]
    pages = await _pages(pools[0], feed, since, until, limit)
    assert [row for page in pages for row in page] == whole


def _three_stored(feed: int) -> ledger.Tally:
    counts = np.zeros((1, len(ledger.COUNTS)), np.int64)
    counts[0, :2] = 3
    nobody, none = np.zeros(0, np.intp), np.zeros(0, np.int64)
    received = np.array([to_micros(NOW)])
    return ledger.gather(np.array([feed]), received, counts, owner=nobody, lag_us=none)


async def test_a_flush_is_known_by_the_mark_that_was_committed_with_its_counts(
    database: str,
) -> None:
    feed = await a_feed_key(database)
    tally, writer = _three_stored(feed), uuid4()
    async with await connect(database) as conn, await connect(database) as other:
        await flush_mark.begin(conn, writer)
        await conn.commit()
        await ledger.add(conn, tally, writer=writer, flush=1)
        await conn.rollback()
        assert not await flush_mark.stands(other, writer, 1)
        await ledger.add(conn, tally, writer=writer, flush=2)
        asked = asyncio.create_task(flush_mark.stands(other, writer, 2))
        done, _ = await asyncio.wait({asked}, timeout=0.3)
        assert not done, "while it is under way there is no answer"
        await conn.commit()
        assert await asked
        assert not await flush_mark.stands(other, writer, 1)
        await ledger.drop(conn, feed, 1, NOW)
        await conn.commit()
        assert await flush_mark.stands(other, writer, 2), "nobody else's counts hide it"
        assert not await flush_mark.stands(other, uuid4(), 2)


async def test_the_marks_of_writers_long_gone_are_dropped(database: str) -> None:
    async with await connect(database) as conn:
        await flush_mark.begin(conn, uuid4())
        await conn.execute("UPDATE flush_mark SET flushed_at = now() - interval '8 days'")
        await flush_mark.begin(conn, writer := uuid4())
        rows = await (await conn.execute("SELECT writer FROM flush_mark")).fetchall()
    assert rows == [(writer,)]
