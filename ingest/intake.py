"""The bounded hand-over from the broker's connection and from requests to the pipeline."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from ingest.payload import Payload
from ioc.errors import Busy
from ioc.model import Receipt


def expected() -> tuple[asyncio.Future[Receipt], Callable[[Receipt], None]]:
    """A receipt to wait for and what a payload answers it with; who gave up waiting is not told."""
    receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

    def answer(found: Receipt) -> None:
        if not receipt.done():
            receipt.set_result(found)

    return receipt, answer


class Intake:
    """Payloads on their way in, bounded in bytes; the senders are pushed back when it is full.

    Requests are refused with `Busy`; the broker's connection is told to read no further, which
    leaves the rest in the broker. That happens when half is held, so that requests still find
    room while a broker's backlog comes in. Nothing is ever dropped. All is in one loop.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        """Hold at most `limit_bytes` of payloads, or one payload larger than that.

        What a connection had read already comes on top: one piece of a stream, or one payload.
        """
        self._limit = limit_bytes
        self._queue: deque[Payload] = deque()
        self._bytes = 0
        self._some = asyncio.Event()
        self._waiting: list[Callable[[], None]] = []
        self._closed = False
        self.refused = 0

    @property
    def held(self) -> tuple[int, int]:
        """How many payloads and how many bytes wait."""
        return len(self._queue), self._bytes

    def close(self) -> None:
        """Take no more, and let the pipeline come to its end."""
        self._closed = True
        self._some.set()

    def submit(self, payload: Payload) -> None:
        """Take a payload, or raise `Busy` at once."""
        if self._closed:
            raise Busy("the server is stopping; send it again in a moment")
        if self._bytes and self._bytes + payload.size > self._limit:
            self.refused += 1
            raise Busy("the intake is full; send it again after a pause")
        self._queue.append(payload)
        self._bytes += payload.size
        self._some.set()

    def take_in(self, payloads: Sequence[Payload]) -> bool:
        """Take payloads that have been read already; whether there is room for more.

        Where there is none, `when_room` tells when there is. A closed intake takes nothing: what
        is never answered comes again.
        """
        if self._closed:
            return False
        self._queue.extend(payloads)
        self._bytes += sum(payload.size for payload in payloads)
        self._some.set()
        return self._bytes <= self._limit // 2

    def when_room(self, go_on: Callable[[], None]) -> None:
        """Call once there is room again."""
        self._waiting.append(go_on)

    async def take(self, *, most: int, most_bytes: int) -> list[Payload]:
        """Wait for payloads and return what is there, up to both bounds; empty once closed."""
        while not self._queue:
            if self._closed:
                return []
            self._some.clear()
            await self._some.wait()
        taken: list[Payload] = []
        size = 0
        while self._queue and len(taken) < most and (size < most_bytes or not taken):
            payload = self._queue.popleft()
            taken.append(payload)
            size += payload.size
        self._bytes -= size
        if self._waiting and self._bytes <= self._limit // 2:
            waiting, self._waiting = self._waiting, []
            for go_on in waiting:
                go_on()
        return taken
