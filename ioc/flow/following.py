"""Follow what other processes have stored: the same as after a flush of one's own."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from ioc.flow.pipeline import Reader
from ioc.live.latest import Latest
from ioc.model import Columns, from_micros
from ioc.store import batches
from ioc.store.batches import Batch
from ioc.store.flush import NO_INDEX, Flushed, Part
from ioc.store.pool import ReadPool
from ioc.store.registry import Registry

log = logging.getLogger(__name__)


class Follower:
    """Reads the batches in the order of their commits, and tells the readers of each."""

    def __init__(
        self,
        *,
        reads: ReadPool,
        registry: Registry,
        latest: Latest,
        readers: Sequence[Reader],
        start_over: Callable[[], Awaitable[None]],
    ) -> None:
        """Bring `latest` and the `readers` along; `start_over` reads the store after a gap."""
        self._reads = reads
        self._registry = registry
        self._latest = latest
        self._readers = readers
        self._start_over = start_over
        self._position = 0
        self._strange: set[int] = set()

    async def begin(self) -> None:
        """Follow from here on; what the memory is filled with must be read after this.

        A batch that the memory holds already does no harm: the newest stays the newest.
        """
        self._position = await batches.newest(self._reads)

    async def catch_up(self) -> None:
        """Take every batch that there is."""
        while True:
            found = await batches.after(self._reads, self._position)
            if found is None:
                log.warning("batches are gone that were not read yet; the store is read anew")
                await self.begin()
                await self._start_over()
                continue
            if not found:
                return
            await self._know([batch for _, batch in found])
            for position, batch in found:
                await self._take(batch)
                self._position = position

    async def _know(self, found: Sequence[Batch]) -> None:
        """Read the registry anew where series come that another process has made."""
        if self._unknown(found):
            await self._registry.load(self._reads)
            # Those of a feed that was retired meanwhile stay unknown for good.
            self._strange |= self._unknown(found)

    def _unknown(self, found: Sequence[Batch]) -> set[int]:
        ids = np.unique(np.concatenate([batch.rows.series for batch in found])).tolist()
        return {series for series in ids if series not in self._registry.series} - self._strange

    async def _take(self, batch: Batch) -> None:
        rows = batch.rows
        if len(rows):
            self._latest.reserve(int(rows.series.max()))
        advanced = self._latest.apply(rows, batch.received, batch.flags, batch.since)
        parts: list[Part] = []
        start = 0
        for count in batch.feeds:
            end = start + count.rows
            parts.append(
                Part(
                    feed_key=count.feed_key,
                    channel="",
                    received_at=from_micros(count.received_at),
                    rows=Columns(
                        rows.series[start:end], rows.time[start:end], rows.value[start:end]
                    ),
                    index=NO_INDEX,
                )
            )
            start = end
        flushed = Flushed([count.receipt for count in batch.feeds], rows, advanced, batch.flags)
        for reader in self._readers:
            await reader.flushed(parts, flushed)
