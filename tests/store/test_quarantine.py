"""What is held back: kept with its bytes, bounded, repaired, claimed once and let go."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.payload import Replay
from ioc.model import to_micros
from ioc.store import quarantine, quarantined
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.quarantine import LONGEST_DETAIL, OVERHEAD, Item
from ioc.store.quarantined import Kept
from ioc.store.writer import BatchWriter
from tests.fixtures.store import NOW, a_feed_key, a_part, real_series, rows_of

Pools = tuple[ReadPool, WritePool]
MOMENT = to_micros(NOW) - 5_000_000


def _item(feed: int, payload: bytes = b"x" * 100, **more: Any) -> Item:
    given: dict[str, Any] = {
        "feed": feed, "received_at": NOW, "channel": "rest", "content_type": "application/json",
        "index": 0, "reason": "time_missing", "detail": "no", "payload": payload,
        "size": len(payload),
    }  # fmt: skip
    return Item(**{**given, **more})


async def _keep(pools: Pools, *items: Item, now: Any = NOW) -> None:
    async with pools[1].connection() as conn:
        await quarantine.keep(conn, items, now)


async def _all(pools: Pools, feed: int, state: str | None = None) -> list[Kept]:
    found = await quarantined.listed(
        pools[0], feed, before=2**62, limit=500, state=state, reason=None, cut=1_000
    )
    return found[::-1]


async def _bounded(url: str, items: float, **more: Any) -> int:
    """A feed whose quarantine holds so many items of 100 bytes."""
    feed = await a_feed_key(url, **more)
    bound = int(items * (100 + OVERHEAD))
    await rows_of(url, "UPDATE feed SET quarantine_bytes = %s WHERE feed_key = %s", bound, feed)
    return feed


async def _dropped(url: str, feed: int) -> int:
    found = await rows_of(
        url, "SELECT COALESCE(sum(dropped), 0)::int FROM ledger WHERE feed_key = %s", feed
    )
    return found[0][0]


async def _really_held(url: str, feed: int) -> tuple[int, int]:
    found = await rows_of(
        url,
        "SELECT count(*), COALESCE(sum(octet_length(payload) + COALESCE(octet_length(original), 0) "
        "+ %s), 0)::bigint FROM quarantine WHERE feed_key = %s",
        OVERHEAD,
        feed,
    )
    return found[0][0], found[0][1]


async def _noted(pools: Pools, feed: int) -> tuple[int, int]:
    held = await quarantined.held(pools[0], feed)
    return held.items, held.bytes


async def test_the_oldest_go_first_and_are_counted_when_a_feed_holds_too_much(
    database: str, pools: Pools
) -> None:
    feed, other = await _bounded(database, 10), await a_feed_key(database)
    await _keep(pools, _item(other))
    for n in range(4):
        await _keep(pools, *(_item(feed, b"%03d" % (3 * n + k) + b"x" * 97) for k in range(3)))
    left = await _all(pools, feed)
    assert [item.payload[:3] for item in left] == [b"003", *(b"%03d" % n for n in range(4, 12))]
    assert await _dropped(database, feed) == 3
    assert len(await _all(pools, other)) == 1
    assert await _noted(pools, feed) == await _really_held(database, feed)


async def test_an_item_larger_than_the_bound_is_let_go_at_once_and_counted(
    database: str, pools: Pools
) -> None:
    feed = await _bounded(database, 2)
    await _keep(pools, _item(feed, b"x" * 5_000))
    assert await _all(pools, feed) == []
    assert await _dropped(database, feed) == 1
    assert await _noted(pools, feed) == (0, 0)


async def test_what_is_older_than_its_feed_allows_is_let_go(database: str, pools: Pools) -> None:
    feed = await a_feed_key(database)
    await rows_of(database, "UPDATE feed SET quarantine_age_s = 60 WHERE feed_key = %s", feed)
    await _keep(pools, _item(feed), _item(feed))
    await _keep(pools, _item(feed, received_at=NOW + timedelta(seconds=30)))
    assert await quarantine.tidy(pools[1], NOW + timedelta(seconds=60)) == 0
    assert await quarantine.tidy(pools[1], NOW + timedelta(seconds=61)) == 2
    assert len(await _all(pools, feed)) == 1
    assert await _dropped(database, feed) == 2
    assert await _noted(pools, feed) == await _really_held(database, feed)


async def test_a_bound_that_was_lowered_holds_from_the_next_tidying_on(
    database: str, pools: Pools
) -> None:
    feed = await a_feed_key(database)
    await _keep(pools, *(_item(feed, b"%d" % n + b"x" * 99) for n in range(5)))
    bound = int(2.5 * (100 + OVERHEAD))
    await rows_of(
        database, "UPDATE feed SET quarantine_bytes = %s WHERE feed_key = %s", bound, feed
    )
    assert await quarantine.tidy(pools[1], NOW) == 3
    assert [item.payload[:1] for item in await _all(pools, feed)] == [b"3", b"4"]
    assert await quarantine.tidy(pools[1], NOW) == 0


_acts = st.lists(
    st.sampled_from(["keep", "keep", "repair", "discard", "replay", "fail", "age"]), max_size=25
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_acts, st.randoms(use_true_random=False))
async def test_nothing_is_lost_from_the_account_whatever_is_done(
    database: str, pools: Pools, acts: list[str], random: Any
) -> None:
    feed = await _bounded(database, 6)
    kept = replayed = 0
    now = NOW
    for act in acts:
        now += timedelta(seconds=1)
        still_open = await _all(pools, feed, "open")
        if act == "keep":
            await _keep(pools, _item(feed, b"x" * random.choice([1, 100, 400])), now=now)
            kept += 1
        elif act == "age":
            await quarantine.tidy(pools[1], now)
        elif still_open:
            one = random.choice(still_open)
            async with pools[1].connection() as conn:
                if act in ("replay", "fail"):
                    assert await quarantine.claim(conn, [feed], [(one.id, one.edition)]) == {one.id}
                    failure = quarantine.Failure(one.id, "value_range", "still")
                    taken = act == "replay"
                    await quarantine.settle(
                        conn, replayed=[one.id] if taken else [], now=now,
                        failed=[] if taken else [failure],
                    )  # fmt: skip
                    replayed += taken
                    continue
                found = await quarantined.locked(conn, feed, one.id)
                assert found is not None
                if act == "repair":
                    body = b"y" * random.choice([1, 300])
                    await quarantined.repair(conn, feed, found, body, "text/csv", by="me", now=now)
                else:
                    await quarantined.discard(conn, feed, found, by="me", now=now)
    still_open = await _all(pools, feed, "open")
    assert kept == replayed + await _dropped(database, feed) + len(still_open)
    assert await _noted(pools, feed) == await _really_held(database, feed)


async def test_an_item_is_claimed_once_and_only_as_it_was_read(database: str, pools: Pools) -> None:
    feed = await a_feed_key(database)
    await _keep(pools, _item(feed), _item(feed), _item(feed, b"", digest=b"h" * 32, size=9))
    one, two, withheld = await _all(pools, feed)
    assert not withheld.replayable
    async with pools[1].connection() as conn:
        found = await quarantined.locked(conn, feed, one.id)
        assert found is not None
        await quarantined.repair(conn, feed, found, b"better", "text/csv", by="me", now=NOW)
    async with pools[1].connection() as conn:
        wanted = [(item.id, item.edition) for item in (one, two, withheld)]
        assert await quarantine.claim(conn, [feed], wanted) == {two.id}
        await quarantine.settle(conn, replayed=[two.id], failed=[], now=NOW)
    async with pools[1].connection() as conn:
        assert await quarantine.claim(conn, [feed], [(one.id, 1), (two.id, 0)]) == {one.id}
    assert await quarantined.original(pools[0], feed, one.id) == b"x" * 100


async def test_two_who_claim_the_same_item_come_one_after_the_other(
    database: str, pools: Pools
) -> None:
    feed = await a_feed_key(database)
    await _keep(pools, _item(feed))
    [one] = await _all(pools, feed)
    first, second = await connect(database), await connect(database)
    try:
        assert await quarantine.claim(first, [feed], [(one.id, 0)]) == {one.id}
        waiting = asyncio.create_task(quarantine.claim(second, [feed], [(one.id, 0)]))
        await quarantine.settle(first, replayed=[one.id], failed=[], now=NOW)
        await first.commit()
        assert await waiting == set()
    finally:
        await first.close()
        await second.close()


@pytest.mark.parametrize("fails", [False, True])
async def test_observations_and_the_mark_of_their_replay_are_one_transaction(
    database: str, pools: Pools, writer: BatchWriter, fails: bool
) -> None:
    feed = await a_feed_key(database)
    [series] = await real_series(database, feed, "a/x")
    await _keep(pools, _item(feed))
    [one] = await _all(pools, feed)
    conn = writer._conn
    assert conn is not None
    real, tried = conn.commit, 0

    async def goes_once() -> None:
        nonlocal tried
        tried += 1
        if fails and tried == 1:
            await conn.close()
        await real()

    await writer.flush([a_part(feed, [(series, MOMENT - 1, 1.0)])], NOW)
    conn.commit = goes_once  # pyright: ignore[reportAttributeAccessIssue]
    part = a_part(feed, [(series, MOMENT, 1.0)], replay=Replay(one.id, 0, 0.0), size=7)
    twice = a_part(feed, [(series, MOMENT, 2.0)], replay=Replay(one.id, 0, 0.0))
    flushed = await writer.flush([part, twice], NOW)
    assert [(r.received, r.stored) for r in flushed.receipts] == [(1, 1), (0, 0)]
    [late] = (await writer.flush([part], NOW)).receipts
    assert late.received == 0
    assert [item.state for item in await _all(pools, feed)] == ["replayed"]
    found = await rows_of(
        database, "SELECT received, replayed, bytes FROM ledger WHERE feed_key = %s", feed
    )
    assert found == [(2, 1, 7)]


async def test_a_replay_that_needs_a_new_partition_keeps_its_claim(
    database: str, pools: Pools, writer: BatchWriter
) -> None:
    feed = await a_feed_key(database)
    [series] = await real_series(database, feed, "a/x")
    await _keep(pools, _item(feed))
    [one] = await _all(pools, feed)
    held: list[bool] = []
    conn = writer._conn
    assert conn is not None
    real = conn.commit

    async def watched() -> None:
        async with await connect(database) as other:
            taken = await other.execute(
                "SELECT 1 FROM quarantine WHERE quarantine_id = %s FOR UPDATE SKIP LOCKED", [one.id]
            )
            held.append(await taken.fetchone() is None)
        await real()

    conn.commit = watched  # pyright: ignore[reportAttributeAccessIssue]
    long_ago = MOMENT - 400 * 7 * 86_400 * 1_000_000
    part = a_part(feed, [(series, long_ago, 1.0)], replay=Replay(one.id, 0, 0.0))
    await writer.flush([part], NOW)
    assert held[-1]
    assert [item.state for item in await _all(pools, feed)] == ["replayed"]


async def test_an_item_that_fails_again_stays_with_its_new_reason(
    database: str, pools: Pools, writer: BatchWriter
) -> None:
    feed = await a_feed_key(database)
    [series] = await real_series(database, feed, "a/x")
    await _keep(pools, _item(feed), _item(feed))
    one, two = await _all(pools, feed)
    failing = a_part(feed, quarantined=1, replay=Replay(one.id, 0, 0.0))
    partly = a_part(feed, [(series, MOMENT, 1.0)], quarantined=1, replay=Replay(two.id, 0, 0.0))
    flushed = await writer.flush([failing, partly], NOW)
    assert [r.quarantined for r in flushed.receipts] == [1, 1]
    items = await _all(pools, feed)
    assert [(item.state, item.reason, item.attempts) for item in items] == [
        ("open", "value_invalid", 1), ("replayed", "time_missing", 1), ("open", "value_invalid", 0),
    ]  # fmt: skip


async def test_what_the_database_refuses_is_kept_so_that_it_can_be_replayed(
    database: str, pools: Pools, writer: BatchWriter
) -> None:
    feed = await a_feed_key(database)
    [series] = await real_series(database, feed, "a/state")
    await writer.flush([a_part(feed, text=[(series, MOMENT, "a\x00b")])], NOW)
    [item] = await _all(pools, feed)
    assert item.reason == "store_refused"
    assert b'"series":"a/state"' in item.payload


async def test_an_item_keeps_where_it_was_fetched_as_far_as_there_is_room(
    database: str, pools: Pools
) -> None:
    feed = await a_feed_key(database)
    long = "kho https://x.vn/" + "a" * 2_000
    await _keep(pools, _item(feed), _item(feed, source="kho https://x.vn/a"))
    await _keep(pools, _item(feed, source=long + "\x00"))
    sources = [item.source for item in await _all(pools, feed)]
    assert sources == [None, "kho https://x.vn/a", long[:LONGEST_DETAIL]]
