"""Payloads that take long: each feed in its order, no feed behind another, bounded in bytes."""

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.payload import Payload
from ioc.flow import lanes
from ioc.flow.lanes import Lanes
from ioc.model import EPOCH, Feed, Mapping
from ioc.store.registry import Registry
from tests.fixtures.decoding import a_feed, a_payload

LONG = b"x" * 100_000
MAPPING = Mapping(version=1, effective_from=EPOCH, document={"series": "x" * 10, "value": "y"})


class _Feeds:
    def __init__(self) -> None:
        self.feeds: dict[int, Feed] = {
            key: a_feed(key=key, format="mapped" if key < 3 else "ioc", mappings=(MAPPING,))
            for key in range(5)
        }


class _Line:
    """Lanes as the pipeline uses them, with the work done when the test says so."""

    def __init__(self) -> None:
        self.done: list[Payload] = []
        self.may: dict[int, asyncio.Event] = {key: asyncio.Event() for key in range(5)}
        self.lanes = Lanes(cast(Registry, _Feeds()), self._work)

    async def _work(self, payload: Payload) -> None:
        await self.may[payload.feed_key].wait()
        self.done.append(payload)

    async def take(self, payloads: list[Payload], group: asyncio.TaskGroup) -> None:
        passing, beside = self.lanes.divide(payloads)
        self.done += passing
        await self.lanes.add(beside, group)


def _payload(feed: int, body: bytes = b"{}") -> Payload:
    return a_payload(body, feed_key=feed)


async def _breath() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_feed_at_work_holds_up_no_other_and_keeps_its_order() -> None:
    line = _Line()
    first, second, third, other, short = (
        _payload(0, LONG), _payload(0), _payload(0, LONG), _payload(1), _payload(3, LONG),
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        await line.take([first, second, other], group)
        await line.take([third, short], group)
        await _breath()
        assert line.done == [other, short]
        line.may[0].set()
        await line.lanes.emptied()
        assert line.done == [other, short, first, second, third]
        last = _payload(0)
        await line.take([last], group)
        assert line.done[-1] is last


async def test_nothing_more_is_taken_while_lanes_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST_BYTES", 250_000)
    line = _Line()
    async with asyncio.TaskGroup() as group:
        await line.take([_payload(0, LONG), _payload(1, LONG)], group)
        more = asyncio.create_task(line.take([_payload(2, LONG)], group))
        await _breath()
        assert not more.done()
        line.may[1].set()
        await more
        line.may[0].set()
        line.may[2].set()
        await line.lanes.emptied()
    assert len(line.done) == 3


async def test_a_payload_larger_than_all_lanes_is_taken_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "MOST_BYTES", 1_000)
    line = _Line()
    line.may[0].set()
    async with asyncio.TaskGroup() as group:
        await line.take([_payload(0, LONG)] * 3, group)
        await line.lanes.emptied()
    assert len(line.done) == 3


async def test_a_fault_in_a_lane_is_not_lost() -> None:
    async def fail(_: Payload) -> None:
        raise RuntimeError("a fault of ours")

    async def run() -> None:
        broken = Lanes(cast(Registry, _Feeds()), fail)
        async with asyncio.TaskGroup() as group:
            await broken.add([_payload(0, LONG)], group)
            await broken.emptied()

    with pytest.raises(ExceptionGroup):
        await run()


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), max_size=30))
async def test_every_feed_keeps_its_order_whatever_takes_long(steps: Any) -> None:
    line = _Line()
    for event in line.may.values():
        event.set()
    given_: dict[int, list[Payload]] = {key: [] for key in range(5)}
    async with asyncio.TaskGroup() as group:
        batch: list[Payload] = []
        for feed, long, breathe in steps:
            payload = _payload(feed, LONG if long else b"{}")
            given_[feed].append(payload)
            batch.append(payload)
            if breathe:
                await line.take(batch, group)
                batch = []
                await asyncio.sleep(0)
        await line.take(batch, group)
        await line.lanes.emptied()
    for feed, payloads in given_.items():
        assert [p for p in line.done if p.feed_key == feed] == payloads
