"""Runs the sources that are due, and joins them to the intake and to the store."""

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ingest.decode import CAP
from ingest.intake import Intake, expected
from ingest.payload import Channel, Payload
from ioc.clock import Clock
from ioc.config import Config
from ioc.errors import Busy, Unavailable
from ioc.model import Feed, Receipt
from ioc.sources.document import Document, Poll, Probe, TokenRest, read_stored
from ioc.sources.errand import Errand
from ioc.sources.exchange import Exchange, Outcome, Progress, Ran, worst
from ioc.sources.failure import Failure
from ioc.sources.fetch import Fetcher
from ioc.sources.outside import Outside
from ioc.sources.poll import poll
from ioc.sources.probe import probe
from ioc.sources.pull import pull
from ioc.sources.push import push
from ioc.sources.schedule import after_failure, regular
from ioc.sources.secrets import Secrets
from ioc.sources.token import Tokens
from ioc.store import sources
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry
from ioc.store.sources import Runner, SourceRow, StoredObservations

log = logging.getLogger(__name__)

AT_ONCE: Final = 64
"""Sources that run at the same time; each waits for the outside most of the while."""

LOOK_SECONDS: Final = 1.0
"""How often is looked for sources that are due."""

STANDBY_SECONDS: Final = 5.0
"""How often another process is asked whether it still runs the sources."""

BUSY_SECONDS: Final = 0.5

KEPT_FOR: Final = timedelta(days=30)
"""How long exchanges are kept, where not their number bounds them first."""

FORGET_EVERY: Final = timedelta(hours=1)


class Sourcing:
    """One task that starts each source at its time, and never waits for one of them."""

    def __init__(
        self,
        *,
        url: str,
        reads: ReadPool,
        writes: WritePool,
        registry: Registry,
        intake: Intake,
        clock: Clock,
        config: Config,
        take_warnings: Callable[[Feed, bytes, str, str], Awaitable[Receipt]],
        environment: Mapping[str, str] = os.environ,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Secrets are looked for in `environment`; `chance` gives 0 up to 1."""
        self._url = url
        self._writes = writes
        self._registry = registry
        self._intake = intake
        self._clock = clock
        self._chance = chance
        self._take_warnings = take_warnings
        self._outside = Outside(config.sources_allow)
        self._fetcher = Fetcher(self._outside, authorities=config.sources_ca)
        self._secrets = Secrets(environment, config.secrets_dir)
        self._tokens = Tokens()
        self._stored = StoredObservations(reads)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._forgot_at: datetime | None = None

    async def run(self) -> None:
        """Run what is due, for ever; a lost database only delays it."""
        try:
            while True:
                try:
                    async with sources.runner(self._url) as runner:
                        if runner is not None:
                            await self._watch(runner)
                except Unavailable:
                    log.debug("no source is started for now: the database is away")
                await asyncio.sleep(STANDBY_SECONDS)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            self._outside.close()

    async def _watch(self, runner: Runner) -> None:
        while True:
            now = self._clock.now()
            room = AT_ONCE - len(self._running)
            for row in await runner.due(now, list(self._running), room):
                task = asyncio.create_task(self.one(row), name=f"source {row.id}")
                self._running[row.key] = task
                task.add_done_callback(lambda _, key=row.key: self._running.pop(key, None))
            if self._forgot_at is None or now - self._forgot_at > FORGET_EVERY:
                async with self._writes.connection() as conn:
                    await sources.forget(conn, now - KEPT_FOR)
                self._forgot_at = now
            await asyncio.sleep(LOOK_SECONDS)

    async def one(self, row: SourceRow) -> None:
        """One run of a source, whatever comes of it; afterwards it has its next time."""
        feed = self._registry.feed_by_id.get(row.feed)
        if feed is None:
            return  # just made: the registry takes it in within moments
        retry_after: timedelta | None = None
        document: Document | None = None
        try:
            document = read_stored(row.document)
            errand = self._errand(row, feed)
            try:
                ran = await self._do(document, errand)
            except Failure as failure:
                ran = Ran(Outcome.FAILED, errand.plain(failure.detail))
                retry_after = failure.retry_after
        except Unavailable:
            # Nothing was moved on: the run is made again, from where it was.
            log.warning("the database went away while a source ran", extra={"source": row.id})
            await asyncio.sleep(STANDBY_SECONDS)
            return
        except Exception:
            # A fault of ours must cost one source, never the others.
            log.exception("a source could not be run", extra={"source": row.id})
            ran = Ran(Outcome.FAILED, "unexpected error; see the server's log")
        await self._finish(row, feed, document, ran, retry_after)

    async def _do(self, document: Document, errand: Errand) -> Ran:
        match document:
            case Poll():
                return await poll(document, errand)
            case Probe():
                return await probe(document, errand)
            case TokenRest():
                return await self._both_ways(document, errand)

    async def _both_ways(self, document: TokenRest, errand: Errand) -> Ran:
        """Pull, then push; what fails one way does not keep the other from its turn."""
        done: list[Ran] = []
        failed: Failure | None = None
        if document.pull is not None:
            try:
                done.append(await pull(document, document.pull, errand, self._tokens))
            except Failure as failure:
                failed = failure
        if document.push is not None:
            done.append(await push(document, document.push, errand, self._tokens))
        if failed is not None:
            raise failed
        return Ran(worst(r.outcome for r in done), "; ".join(r.detail for r in done if r.detail))

    async def _finish(
        self,
        row: SourceRow,
        feed: Feed,
        document: Document | None,
        ran: Ran,
        retry_after: timedelta | None,
    ) -> None:
        now, chance = self._clock.now(), self._chance()
        failures = row.failures + 1 if ran.outcome is Outcome.FAILED else 0
        next_at = now + timedelta(days=1)
        if document is not None:
            next_at = regular(document, row.id, now, ZoneInfo(feed.time_zone), chance)
        if document is not None and failures:
            next_at = after_failure(
                now, due=next_at, failures=failures, chance=chance, retry_after=retry_after
            )
            log.warning(
                "a source failed: %s", ran.detail, extra={"source": row.id, "failures": failures}
            )
        try:
            async with self._writes.connection() as conn:
                await sources.finish(conn, row, ran, failures=failures, now=now, next_at=next_at)
        except Unavailable:
            log.warning(
                "how a source ended could not be noted; it runs again", extra={"source": row.id}
            )
            await asyncio.sleep(STANDBY_SECONDS)

    def _errand(self, row: SourceRow, feed: Feed) -> Errand:
        async def hand_in(body: bytes, content_type: str, first: int, source: str) -> Receipt:
            return await self._hand_in(feed, body, content_type, first, source)

        async def note(exchange: Exchange) -> None:
            async with self._writes.connection() as conn:
                await sources.note(conn, row.key, exchange)

        async def keep(progress: Progress) -> None:
            async with self._writes.connection() as conn:
                await sources.keep(conn, row, progress)

        return Errand(
            source=row.id,
            feed=feed,
            created_at=row.created_at,
            progress=msgspec.convert(row.progress, Progress),
            fetcher=self._fetcher,
            secrets=self._secrets,
            now=self._clock.now,
            hand_in=hand_in,
            note=note,
            keep=keep,
            series=self._registry.keys.get(feed.key, {}),
            stored=self._stored,
        )

    async def _hand_in(
        self, feed: Feed, body: bytes, content_type: str, first: int, source: str
    ) -> Receipt:
        """Give a body to the intake, waiting while it is full, and wait for its commit."""
        if feed.format == CAP:
            return await self._take_warnings(feed, body, content_type, source)
        receipt, answer = expected()
        payload = Payload(
            feed_key=feed.key,
            channel=Channel.POLL,
            content_type=content_type,
            body=body,
            received_at=self._clock.now(),
            answer=answer,
            first_index=first,
            source=source,
        )
        while True:
            try:
                self._intake.submit(payload)
                break
            except Busy:
                await asyncio.sleep(BUSY_SECONDS)
        return await receipt
