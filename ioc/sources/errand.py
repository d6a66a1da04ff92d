"""One run of a source: what it may use, what it notes of each exchange, where it got to."""

import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from ingest.decode import CSV, NDJSON, media_type
from ingest.lines import blocks
from ioc.clock import monotonic
from ioc.model import Feed, Receipt
from ioc.sources.exchange import Direction, Exchange, Outcome, Progress, Stored
from ioc.sources.failure import Failure
from ioc.sources.fetch import Answer, Ask, Fetcher
from ioc.sources.secrets import Secrets, scrub

MOST_DETAIL: Final = 500


class Errand:
    """All that a run may use; the shell around makes one for each run."""

    def __init__(
        self,
        *,
        source: str,
        feed: Feed,
        created_at: datetime,
        progress: Progress,
        fetcher: Fetcher,
        secrets: Secrets,
        now: Callable[[], datetime],
        hand_in: Callable[[bytes, str, int, str], Awaitable[Receipt]],
        note: Callable[[Exchange], Awaitable[None]],
        keep: Callable[[Progress], Awaitable[None]],
        series: Mapping[str, int],
        stored: Stored,
    ) -> None:
        """`hand_in` takes a body, its type, the place of its first line and where it was fetched.

        It answers after the commit; `series` are the ids of the feed's series by key.
        """
        self.source = source
        self.feed = feed
        self.created_at = created_at
        self.progress = progress
        self.fetcher = fetcher
        self.now = now
        self.series = series
        self.stored = stored
        self.zone = ZoneInfo(feed.time_zone)
        self._secrets = secrets
        self._known: set[str] = set()
        self._hand_in = hand_in
        self._note = note
        self._keep = keep

    def secret(self, name: str) -> str:
        """The secret of that name; from now on it is blotted out of all that is noted."""
        found = self._secrets.read(name)
        self.hide(found, *found.split(":", 1), base64.b64encode(found.encode()).decode())
        return found

    def hide(self, *texts: str) -> None:
        """Let these texts not be noted."""
        self._known |= set(texts)

    def plain(self, text: str) -> str:
        """A text as it may be noted: bounded, and without secrets."""
        return scrub(text.replace("\x00", ""), sorted(self._known, key=len, reverse=True))[
            :MOST_DETAIL
        ]

    @asynccontextmanager
    async def asked(
        self, ask: Ask, direction: Direction
    ) -> AsyncGenerator[tuple[Answer, Exchange]]:
        """The answer, for the length of the block, and the entry of the log, written at its end."""
        entry = Exchange(
            at=self.now(), direction=direction, method=ask.method, url=self.plain(ask.url)
        )
        begun = monotonic()
        try:
            async with self.fetcher.ask(ask) as answer:
                entry.duration = monotonic() - begun
                entry.status = answer.status
                entry.bytes = len(answer.body) if ask.content is None else len(ask.content)
                yield answer, entry
        except Failure as failure:
            entry.duration = entry.duration or monotonic() - begun
            entry.status = failure.status if entry.status is None else entry.status
            entry.outcome, entry.detail = Outcome.FAILED, failure.detail
            raise
        finally:
            entry.detail = self.plain(entry.detail)
            await self._note(entry)

    async def note(self, entry: Exchange) -> None:
        """Log an exchange that was not a request of HTTP."""
        entry.detail = self.plain(entry.detail)
        await self._note(entry)

    async def keep(self, progress: Progress) -> None:
        """Move on, for good."""
        self.progress = progress
        await self._keep(progress)

    async def store(self, body: bytes, content_type: str, entry: Exchange) -> Receipt:
        """Hand a body in and wait for its commit; the log tells what became of it."""
        source = " ".join(part for part in (self.source, without_query(entry.url)) if part)
        if media_type(content_type) in NDJSON | CSV:
            total = Receipt()
            header = media_type(content_type) in CSV
            for block, first in blocks(body, header=header):
                receipt = await self._hand_in(block, content_type, first, source)
                # Places within the body count from its beginning already.
                problems, receipt.problems = receipt.problems, []
                total.add(receipt, most_problems=0)
                total.problems = (total.problems + problems)[:1]
        else:
            total = await self._hand_in(body, content_type, 0, source)
        entry.rows = total.received
        if total.quarantined or total.late:
            first = f": {total.problems[0].detail}" if total.problems else ""
            entry.detail = f"{total.quarantined} quarantined, {total.late} late{first}"
        if total.received and total.received == total.quarantined:
            entry.outcome = Outcome.REFUSED
        return total


def without_query(url: str) -> str:
    """A URL without what may be secret or of one request only: user, query, fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
