"""Replay of tickets that wait in quarantine: read once more, each stored exactly once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ingest.ticket_decode import decode_tickets
from ioc.api.deps import Facts
from ioc.api.item_replay import Outcome, of_kind, replay_each
from ioc.api.ticket_desk import Desk, open_desk
from ioc.api.tickets import receipt_of, refusals
from ioc.model import Feed, Receipt
from ioc.store import quarantined, ticket_intake
from ioc.store.pool import Connection, ReadPool, WritePool

_REPORTER: Final = (
    "`contact` says who reported, which is not kept in quarantine: leave it out here, and send it "
    "with a later state of the ticket"
)


async def withheld(reads: ReadPool, body: bytes, feed: Feed, facts: Facts, now: datetime) -> str:
    """Why a repaired ticket would not be kept, because it may be about a person; else nothing."""
    desk = await open_desk(reads, facts, now)
    decoded = decode_tickets(body, desk.rules(feed, now))
    told = next((item.problem.detail for item in decoded.refused if item.digest), "")
    return told or (_REPORTER if decoded.reporters else "")


async def replay_tickets(
    reads: ReadPool,
    writes: WritePool,
    feed: Feed,
    items: Sequence[quarantined.Kept],
    facts: Facts,
    now: datetime,
) -> list[Outcome]:
    """Store the tickets of the items that are still open, all in one transaction."""
    wanted = of_kind(items, "tickets")
    if not wanted:
        return []
    desk = await open_desk(reads, facts, now)
    async with writes.connection() as conn:
        await ticket_intake.lock(conn, feed)
        return await replay_each(
            conn, feed, items, wanted, lambda item: _once_more(conn, desk, feed, item, now),
            lambda receipt: bool(receipt.problems) and receipt.quarantined == receipt.received,
            now,
        )  # fmt: skip


async def _once_more(
    conn: Connection, desk: Desk, feed: Feed, item: quarantined.Kept, now: datetime
) -> Receipt:
    """Take what can be taken of an item; what is still refused beside it becomes items anew."""
    decoded = decode_tickets(item.payload, desk.rules(feed, now))
    offered = desk.newest((ticket for _, ticket in decoded.tickets), feed, now)
    merged = await ticket_intake.take(
        conn,
        feed,
        offered,
        refusals(decoded),
        now=now,
        repeated=len(decoded.tickets) - len(offered),
        size=len(item.payload),
        replayed=decoded.received,
        keep=bool(decoded.tickets),
    )
    return receipt_of(decoded, merged)
