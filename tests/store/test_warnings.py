"""Warnings in the store: each message once, and in force whatever order they came in."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from alerts.cap import Certainty, Grade, Info, Kind, Message, Reference, Status, Urgency
from ioc.store import warnings
from ioc.store.pool import ReadPool, WritePool
from tests.fixtures.store import NOW, a_feed_key

SENDER = "kttv@example.vn"


def _sent(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def _message(name: str, minute: int = 0, *names: tuple[str, int], **more: Any) -> Message:
    sender = more.get("sender", SENDER)
    info = Info(
        categories=("Met",), event="mưa lớn", urgency=Urgency.EXPECTED, severity=Grade.SEVERE,
        certainty=Certainty.LIKELY, expires=_sent(600),
    )  # fmt: skip
    given: dict[str, Any] = {
        "identifier": name,
        "sender": sender,
        "sent": _sent(minute),
        "status": Status.ACTUAL,
        "kind": Kind.UPDATE if names else Kind.ALERT,
        "references": tuple(Reference(SENDER, other, _sent(at)) for other, at in names),
        "infos": (info,),
    }
    return Message(**{**given, **more})


Pools = tuple[ReadPool, WritePool]


async def _put(pools: Pools, feed: int | None, *messages: Message) -> list[bool]:
    made: list[bool] = []
    for message in messages:
        async with pools[1].connection() as conn:
            await warnings.lock(conn, feed or 0)
            done = await warnings.put(conn, message, feed=feed, raw=b"<alert/>", by="x", now=NOW)
            made.append(done is not None)
    return made


async def _standing(pools: Pools, feed: int | None, at: datetime = NOW) -> list[tuple[str, str]]:
    rows = await warnings.standing(pools[0], at)
    return [(row.identifier, row.lineage) for row in rows if row.feed_key == feed]


async def test_a_message_that_comes_twice_is_kept_once(database: str, pools: Pools) -> None:
    feed = await a_feed_key(database)
    assert await _put(pools, feed, _message("a"), _message("a")) == [True, False]
    assert await _standing(pools, feed) == [("a", f"{SENDER},a")]


async def test_an_update_takes_the_place_of_what_it_names_in_any_order(
    database: str, pools: Pools
) -> None:
    chain = [_message("a"), _message("b", 1, ("a", 0)), _message("c", 2, ("a", 0), ("b", 1))]
    for order in permutations(chain):
        feed = await a_feed_key(database)
        await _put(pools, feed, *order)
        assert await _standing(pools, feed) == [("c", f"{SENDER},a")]


async def test_a_cancel_ends_what_it_names_in_any_order(database: str, pools: Pools) -> None:
    chain = [
        _message("a"),
        _message("b", 1, ("a", 0)),
        _message("c", 2, ("b", 1), kind=Kind.CANCEL),
    ]
    for order in permutations(chain):
        feed = await a_feed_key(database)
        await _put(pools, feed, *order)
        assert await _standing(pools, feed) == []


async def test_a_warning_ends_when_it_expires(database: str, pools: Pools) -> None:
    feed = await a_feed_key(database)
    await _put(pools, feed, _message("a"))
    assert await _standing(pools, feed, _sent(599))
    assert not await _standing(pools, feed, _sent(600))


@pytest.mark.parametrize("other", ["another sender", "another feed"])
async def test_nobody_ends_the_warning_of_another(database: str, pools: Pools, other: str) -> None:
    feed, elsewhere = await a_feed_key(database), await a_feed_key(database)
    await _put(pools, feed, _message("a"))
    cancel = _message("z", 1, ("a", 0), kind=Kind.CANCEL)
    if other == "another feed":
        await _put(pools, elsewhere, cancel)
    else:
        await _put(pools, feed, _message("z", 1, ("a", 0), kind=Kind.CANCEL, sender="x@y"))
    assert await _standing(pools, feed) == [("a", f"{SENDER},a")]


def _states() -> list[Message]:
    """A warning that begins, becomes worse, and is over."""
    return [_message("n1"), _message("n2", 1), _message("n3", 2, kind=Kind.CANCEL)]


async def _follow(pools: Pools, feed: int, *states: Message) -> list[str]:
    found: list[str] = []
    for state in states:
        async with pools[1].connection() as conn:
            await warnings.lock(conn, feed)
            found.append(
                await warnings.put_state(
                    conn, state, lineage="f,n", feed=feed, raw=b"{}", by="x", now=NOW
                )
            )
    return found


async def test_of_the_states_of_a_warning_the_last_one_holds_in_any_order(
    database: str, pools: Pools
) -> None:
    for order in permutations(_states()[:2]):
        feed = await a_feed_key(database)
        assert await _follow(pools, feed, *order) == ["stored", "stored"]
        assert await _standing(pools, feed) == [("n2", "f,n")]
    for order in permutations(_states()):
        feed = await a_feed_key(database)
        await _follow(pools, feed, *order)
        assert await _standing(pools, feed) == []


async def test_a_state_that_comes_twice_is_a_duplicate_and_changes_nothing(
    database: str, pools: Pools
) -> None:
    feed = await a_feed_key(database)
    first, second, _ = _states()
    assert await _follow(pools, feed, first, first, second, first) == [
        "stored", "duplicate", "stored", "duplicate",
    ]  # fmt: skip
    assert await _standing(pools, feed) == [("n2", "f,n")]


async def test_another_state_of_the_same_time_is_a_correction(database: str, pools: Pools) -> None:
    feed = await a_feed_key(database)
    over = _message("n2", kind=Kind.CANCEL)
    assert await _follow(pools, feed, _message("n1"), over) == ["stored", "corrected"]
    assert await _standing(pools, feed) == []


async def test_a_warning_that_was_over_can_begin_anew(database: str, pools: Pools) -> None:
    feed = await a_feed_key(database)
    await _follow(pools, feed, *_states(), _message("n4", 3))
    assert await _standing(pools, feed) == [("n4", "f,n")]


async def test_a_bulletin_is_kept_with_its_warning(pools: Pools) -> None:
    name = str(uuid4())
    await _put(pools, None, _message(name))
    row = next(r for r in await warnings.standing(pools[0], NOW) if r.identifier == name)
    async with pools[1].connection() as conn:
        await warnings.attach(conn, row.warning_id, b"%PDF-1", by="lan", now=NOW)
        assert (await warnings.find(conn, row.warning_id)).bulletin
    assert await warnings.bulletin(pools[0], row.warning_id) == b"%PDF-1"
