"""Payloads that take long to be read, beside the loop and in the order of their feed."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ingest.mapping import takes_long
from ingest.payload import Payload
from ioc.store.registry import Registry

AT_ONCE: Final = 2
"""Payloads that are read beside the loop at the same time, each of another feed."""

MOST_BYTES: Final = 64_000_000
"""Bytes of payloads that wait in lanes; beyond it nothing is taken from the intake."""


class Lanes:
    """One lane for each feed whose mapping is at work on much; other feeds pass by.

    What comes of a feed while its lane is in use goes there too, so that its order stays.
    """

    def __init__(self, registry: Registry, work: Callable[[Payload], Awaitable[None]]) -> None:
        """`work` reads a payload and hands on what is in it."""
        self._registry = registry
        self._work = work
        self._waiting: dict[int, deque[Payload]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._bytes = 0
        self._left = asyncio.Event()

    def divide(self, payloads: Sequence[Payload]) -> tuple[list[Payload], list[Payload]]:
        """Those that pass by, and those that go into lanes."""
        passing: list[Payload] = []
        beside: list[Payload] = []
        feeds = set(self._waiting)
        for payload in payloads:
            if payload.feed_key in feeds or self._takes_long(payload):
                feeds.add(payload.feed_key)
                beside.append(payload)
            else:
                passing.append(payload)
        return passing, beside

    def _takes_long(self, payload: Payload) -> bool:
        feed = self._registry.feeds.get(payload.feed_key)
        return feed is not None and takes_long(feed, len(payload.body), payload.received_at)

    async def add(self, payloads: Sequence[Payload], group: asyncio.TaskGroup) -> None:
        """Put payloads into the lanes of their feeds, waiting while these are full."""
        for payload in payloads:
            while self._bytes and self._bytes + payload.size > MOST_BYTES:
                await self._wait()
            self._bytes += payload.size
            lane = self._waiting.get(payload.feed_key)
            if lane is None:
                lane = self._waiting[payload.feed_key] = deque()
                group.create_task(self._run(payload.feed_key, lane), name="lane")
            lane.append(payload)

    async def emptied(self) -> None:
        """Return when nothing waits any more."""
        while self._waiting:
            await self._wait()

    async def _wait(self) -> None:
        self._left.clear()
        await self._left.wait()

    async def _run(self, feed: int, lane: deque[Payload]) -> None:
        while lane:
            async with self._turn:
                await self._work(lane[0])
            self._bytes -= lane.popleft().size
            self._left.set()
        # Nothing is awaited between the last look and this: what comes next finds no lane.
        del self._waiting[feed]
        self._left.set()
