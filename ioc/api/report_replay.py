"""Replay of reports that wait in quarantine: read once more, each stored exactly once."""

from collections.abc import Sequence
from datetime import datetime

from ingest.report import DecodedReports
from ioc.api.deps import Facts
from ioc.api.item_replay import Outcome, of_kind, replay_each
from ioc.api.reports import read
from ioc.flow.report_intake import offers, receipt_of
from ioc.model import Feed, Receipt
from ioc.store import measures, quarantined, reports
from ioc.store.pool import Connection, ReadPool, WritePool
from ioc.store.report_log import count

JSON = "application/json"


async def withheld(reads: ReadPool, body: bytes, feed: Feed, facts: Facts, now: datetime) -> str:
    """Why a repaired report would not be kept, because it may be about a person; else nothing."""
    decoded = read(body, JSON, feed, await measures.read(reads), facts, now)
    return next((item.problem.detail for item in decoded.refused if item.digest), "")


async def replay_reports(
    reads: ReadPool,
    writes: WritePool,
    feed: Feed,
    items: Sequence[quarantined.Kept],
    facts: Facts,
    now: datetime,
) -> list[Outcome]:
    """Store the reports of the items that are still open, all in one transaction."""
    wanted = of_kind(items, "reports")
    if not wanted:
        return []
    declared = await measures.read(reads)
    async with writes.connection() as conn:

        async def take(item: quarantined.Kept) -> Receipt:
            decoded = read(item.payload, JSON, feed, declared, facts, now)
            return await _once_more(conn, feed, item, decoded, now)

        return await replay_each(
            conn, feed, items, wanted, take, lambda receipt: bool(receipt.problems), now
        )


async def _once_more(
    conn: Connection,
    feed: Feed,
    item: quarantined.Kept,
    decoded: DecodedReports,
    now: datetime,
) -> Receipt:
    offered = offers(decoded.figures, feed, now)
    merged = await reports.merge(conn, offered, actor=f"feed:{feed.id}", now=now)
    receipt = receipt_of(decoded, merged)
    await count(
        conn, feed.key, offered, merged, quarantined=receipt.quarantined, size=len(item.payload),
        now=now, replayed=decoded.received,
    )  # fmt: skip
    return receipt
