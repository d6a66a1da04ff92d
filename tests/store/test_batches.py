"""Several writers on one database: sums right, nothing twice, and a log of batches to follow."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Conflict
from ioc.flow.following import Follower
from ioc.live.latest import Latest
from ioc.model import Columns, Receipt, to_micros
from ioc.store import batches
from ioc.store.batches import Batch, FeedCount
from ioc.store.flush import Flushed, Part
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry
from ioc.store.writer import BatchWriter
from tests.fixtures.store import NOW, a_feed_key, a_part, adds_up, ledger_rows, real_series, rows_of

BASE = to_micros(NOW) - 3_600_000_000


class Heard:
    """A reader that notes what it is told."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.flushed_: list[Flushed] = []

    async def flushed(self, parts: Sequence[Part], flushed: Flushed) -> None:
        self.parts += parts
        self.flushed_.append(flushed)


async def _shared(url: str) -> BatchWriter:
    made = BatchWriter(url, Latest(), shared=True)
    await made.open()
    return made


async def test_writers_under_contention_store_each_key_once_and_count_it_once(
    database: str,
) -> None:
    feed, other = await a_feed_key(database), await a_feed_key(database)
    series = await real_series(database, feed, *(f"s{n}" for n in range(5)))
    writers = [await _shared(database) for _ in range(3)]
    chance = random.Random(7)
    keys = [(s, BASE + t * 1_000_000) for s in series for t in range(60)]

    async def write(writer: BatchWriter) -> None:
        mine = keys * 2
        chance.shuffle(mine)
        for start in range(0, len(mine), 40):
            rows = [(s, t, float(t % 97)) for s, t in mine[start : start + 40]]
            await writer.flush([a_part(feed, rows[:20]), a_part(feed, rows[20:])], NOW)
            await writer.flush([a_part(other, late=1)], NOW)

    await asyncio.gather(*(write(writer) for writer in writers))
    for writer in writers:
        await writer.checkpoint.keep()
        await writer.close()
    stored = await rows_of(database, "SELECT count(*) FROM observation")
    assert stored[0][0] == len(keys)
    (row,) = await ledger_rows(database, feed)
    assert adds_up(row)
    assert row["received"] == 6 * len(keys)
    assert (row["stored"], row["corrected"]) == (len(keys), 0)
    latest = await rows_of(database, "SELECT max(phenomenon_time), min(phenomenon_time) FROM "
                           "series_latest WHERE series_id = ANY(%s)", series)  # fmt: skip
    assert to_micros(latest[0][0]) == to_micros(latest[0][1]) == keys[59][1]


async def test_what_another_writer_has_stored_is_a_duplicate_or_a_correction(
    database: str,
) -> None:
    feed = await a_feed_key(database)
    (series,) = await real_series(database, feed, "a")
    one, two = await _shared(database), await _shared(database)
    first = await one.flush([a_part(feed, [(series, BASE, 1.0), (series, BASE + 1, 2.0)])], NOW)
    # The second knows nothing of it: to its memory both rows are new.
    again = await two.flush([a_part(feed, [(series, BASE, 1.0), (series, BASE + 1, 9.0)])], NOW)
    assert first.receipts[0].stored == 2
    assert (again.receipts[0].stored, again.receipts[0].duplicate) == (0, 1)
    assert again.receipts[0].corrected == 1
    assert again.changed.value.tolist() == [9.0]
    for writer in (one, two):
        await writer.close()


async def test_a_writer_alone_and_one_of_several_exclude_each_other(database: str) -> None:
    alone = BatchWriter(database, Latest())
    await alone.open()
    with pytest.raises(Conflict):
        await BatchWriter(database, Latest(), shared=True).open(patience=0)
    await alone.close()
    shared = [await _shared(database), await _shared(database)]
    with pytest.raises(Conflict):
        await BatchWriter(database, Latest()).open(patience=0)
    for writer in shared:
        await writer.close()


async def test_a_follower_hears_all_in_the_order_of_commits_and_makes_up_its_memory(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    feed = await a_feed_key(database)
    a, b = await real_series(database, feed, "a", "b")
    registry, latest, heard = Registry(), Latest(), Heard()
    gaps: list[int] = []

    async def start_over() -> None:
        gaps.append(1)

    follower = Follower(
        reads=pools[0], registry=registry, latest=latest, readers=[heard], start_over=start_over
    )
    await follower.begin()
    one, two = await _shared(database), await _shared(database)
    await one.flush([a_part(feed, [(a, BASE, 1.0)], received_at=NOW)], NOW)
    await two.flush([a_part(feed, [(a, BASE, 2.0), (b, BASE + 5, 3.0)], late=2)], NOW)
    await follower.catch_up()
    assert (a in registry.series, b in registry.series) == (True, True)
    assert latest.value[[a, b]].tolist() == [2.0, 3.0]
    assert [f.changed.value.tolist() for f in heard.flushed_] == [[1.0], [2.0, 3.0]]
    assert [part.feed_key for part in heard.parts] == [feed, feed]
    receipt = heard.flushed_[1].receipts[0]
    assert (receipt.received, receipt.stored, receipt.corrected, receipt.late) == (4, 1, 1, 2)
    assert gaps == []

    await one.flush([a_part(feed, [(b, BASE + 9, 4.0)])], NOW)
    await batches.drop_old(pools[1], NOW + batches.KEPT + timedelta(seconds=1))
    await follower.catch_up()
    assert gaps == [1]
    await two.flush([a_part(feed, [(b, BASE + 10, 5.0)])], NOW)
    await follower.catch_up()
    assert gaps == [1]
    assert heard.flushed_[-1].changed.value.tolist() == [5.0]
    for writer in (one, two):
        await writer.close()


async def test_a_writer_alone_keeps_no_batches(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    feed = await a_feed_key(database)
    (series,) = await real_series(database, feed, "a")
    await writer.flush([a_part(feed, [(series, BASE, 1.0)])], NOW)
    assert await batches.newest(pools[0]) == 0


@given(
    st.lists(
        st.tuples(st.integers(1, 2**31 - 1), st.integers(-(2**62), 2**62),
                  st.floats(allow_nan=False), st.integers(0, 255)),
        max_size=30,
    )
)  # fmt: skip
def test_a_batch_is_unpacked_as_it_was_packed(rows: list[tuple[int, int, float, int]]) -> None:
    series, time, value, flags = zip(*rows, strict=True) if rows else ((), (), (), ())
    batch = Batch(
        [FeedCount(3, 5, Receipt(received=len(rows), stored=len(rows)), len(rows))],
        Columns(np.array(series, np.int32), np.array(time, np.int64), np.array(value, np.float64)),
        np.array(flags, np.uint8),
        np.array(time, np.int64),
        77,
    )
    found = batches.unpack(batches.pack(batch))
    assert found.feeds == batch.feeds
    assert found.received == 77
    for name in ("series", "time", "value"):
        assert getattr(found.rows, name).tolist() == getattr(batch.rows, name).tolist()
    assert found.flags.tolist() == list(flags)
    assert found.since.tolist() == list(time)
