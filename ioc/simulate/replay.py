"""Plays recorded series to a feed: at once or at a multiple of their speed, then or now."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

import msgspec

from ioc.clock import Clock
from ioc.model import Receipt
from ioc.simulate.recording import Row, Scalar

ROWS_PER_BODY: Final = 1_000
MOST_PROBLEMS: Final = 100
WITHIN_SECONDS: Final = 1.0
"""Rows that are due within so long of each other go in one body when played at a speed."""


class Item(msgspec.Struct, gc=False):
    """One observation in the format `ioc`; without an offset the feed's zone holds."""

    series: str
    time: datetime
    value: Scalar


Send = Callable[[bytes], Awaitable[Receipt | None]]
"""Sends a body; a way that answers no receipt gives None."""


@dataclass(frozen=True, slots=True)
class Player:
    """How a recording is played.

    `speed` infinite sends as fast as the server takes. With `shift`, the newest row is now when
    all is sent at once; at a speed each row has the moment at which it is sent.
    """

    speed: float
    shift: bool
    zone: tzinfo

    def played(self, rows: Sequence[Row], start: datetime) -> Iterator[tuple[float, Item]]:
        """Each row with the seconds after the start at which it is to be sent."""
        if not rows:
            return
        if math.isinf(self.speed):
            moved = start - max(self._aware(row.time) for row in rows) if self.shift else None
            for row in rows:
                time = row.time if moved is None else self._aware(row.time) + moved
                yield 0.0, Item(row.series, time, row.value)
            return
        ordered = sorted(rows, key=lambda row: self._aware(row.time))
        first = self._aware(ordered[0].time)
        for row in ordered:
            after = (self._aware(row.time) - first).total_seconds() / self.speed
            time = start + timedelta(seconds=after) if self.shift else row.time
            yield after, Item(row.series, time, row.value)

    def _aware(self, time: datetime) -> datetime:
        return time if time.tzinfo is not None else time.replace(tzinfo=self.zone)


def bodies(played: Iterable[tuple[float, Item]]) -> Iterator[tuple[float, bytes]]:
    """Bodies in order, each with the seconds after the start at which its last row is due."""
    held: list[Item] = []
    since = last = 0.0
    for after, item in played:
        if held and (len(held) == ROWS_PER_BODY or after - since > WITHIN_SECONDS):
            yield last, msgspec.json.encode(held)
            held = []
        if not held:
            since = after
        held.append(item)
        last = after
    if held:
        yield last, msgspec.json.encode(held)


async def play(
    rows: Sequence[Row], player: Player, send: Send, clock: Clock
) -> tuple[int, Receipt]:
    """Send a recording; returns the number of rows sent and the sum of the receipts."""
    start = clock.now()
    total = Receipt()
    for due, body in bodies(player.played(rows, start)):
        ahead = due - (clock.now() - start).total_seconds()
        if ahead > 0:
            await asyncio.sleep(ahead)
        receipt = await send(body)
        if receipt is not None:
            total.add(receipt, most_problems=MOST_PROBLEMS)
    return len(rows), total
