"""The bounded hand-over from the broker's thread and from requests to the pipeline."""

import asyncio
import threading
from collections import deque

from ingest.payload import Payload
from ioc.errors import Busy


class Intake:
    """Payloads on their way in, bounded in bytes; the senders are pushed back when it is full.

    Requests are refused with `Busy`; the broker's thread waits, which leaves the rest in the
    broker. Nothing is ever dropped.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        """Hold at most `limit_bytes` of payloads, or one payload larger than that."""
        self._limit = limit_bytes
        self._queue: deque[Payload] = deque()
        self._bytes = 0
        self._space = threading.Condition()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = False
        self._closed = False
        self.refused = 0

    @property
    def held(self) -> tuple[int, int]:
        """How many payloads and how many bytes wait."""
        return len(self._queue), self._bytes

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop that the pipeline runs in."""
        self._loop = loop

    def close(self) -> None:
        """Take no more; threads that wait for room are let go."""
        with self._space:
            self._closed = True
            self._space.notify_all()
        self._signal()

    def submit(self, payload: Payload) -> None:
        """Take a payload, or raise `Busy` at once."""
        with self._space:
            if self._closed:
                raise Busy("the server is stopping; send it again in a moment")
            if self._bytes and self._bytes + payload.size > self._limit:
                self.refused += 1
                raise Busy("the intake is full; send it again after a pause")
            self._put(payload)
        self._signal()

    def submit_waiting(self, payload: Payload) -> bool:
        """Take a payload as soon as there is room; False when the intake was closed meanwhile."""
        with self._space:
            while not self._closed and self._bytes and self._bytes + payload.size > self._limit:
                self._space.wait()
            if self._closed:
                return False
            self._put(payload)
        self._signal()
        return True

    def _put(self, payload: Payload) -> None:
        self._queue.append(payload)
        self._bytes += payload.size

    def _signal(self) -> None:
        # One wake for a burst: scheduling a callback per payload costs 10 µs each.
        if self._loop is not None and not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._wake.set)
            except RuntimeError:
                self._woken = False

    async def take(self, *, most: int, most_bytes: int) -> list[Payload]:
        """Wait for payloads and return what is there, up to both bounds; empty once closed."""
        while not self._queue:
            if self._closed:
                return []
            self._wake.clear()
            self._woken = False
            if self._queue:
                break
            await self._wake.wait()
        taken: list[Payload] = []
        size = 0
        with self._space:
            while self._queue and len(taken) < most and (size < most_bytes or not taken):
                payload = self._queue.popleft()
                taken.append(payload)
                size += payload.size
            self._bytes -= size
            self._space.notify_all()
        return taken
