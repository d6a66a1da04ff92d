"""Asks the database again and again whether it is there, also while nothing is to be stored."""

import asyncio
from typing import Final

from ioc.clock import monotonic
from ioc.errors import Unavailable
from ioc.store.pool import ReadPool

EVERY_SECONDS: Final = 2.0


class Pulse:
    """One short question after the other; a database that stands still leaves one unanswered."""

    def __init__(self, reads: ReadPool) -> None:
        """Nothing has been asked yet."""
        self._reads = reads
        self.asked_at: float | None = None
        """When the question was asked, on the monotonic clock, that has no answer yet."""

    async def run(self) -> None:
        """Ask for ever; being refused leaves the question open, as no answer does."""
        while True:
            if self.asked_at is None:
                self.asked_at = monotonic()
            try:
                async with self._reads.connection() as conn:
                    await conn.execute("SELECT 1")
            except Unavailable:
                pass
            else:
                self.asked_at = None
            await asyncio.sleep(EVERY_SECONDS)
