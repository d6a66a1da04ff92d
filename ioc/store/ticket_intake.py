"""Tickets as feeds hand them in: the newest state of each by its code, with the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np

from ioc.model import Feed, Problem, to_micros
from ioc.store import ledger, quarantine, ticket_contacts, ticket_rows
from ioc.store.pool import Connection, WritePool
from ioc.store.ticket_contacts import ContactRow
from ioc.store.ticket_rows import TicketRow, TransitionRow

_LOCK_CLASS: Final = 0x10C_0022
"""With the feed's key: two bodies of one feed never make the same ticket at once."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(%s, %s)"

TOLD: Final = "told"
"""What the timeline says where the sender's own system has moved a ticket."""

_WORDS: Final = ("description", "address", "longitude", "latitude", "media_url")


@dataclass(frozen=True, slots=True)
class Offered:
    """A ticket as it was handed in; without `contact` what is known of the reporter stays."""

    row: TicketRow
    contact: ContactRow | None


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """What was not taken, its size as sent, and what is kept of it: its content or its hash."""

    problem: Problem
    size: int
    content: bytes = b""
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a batch of tickets."""

    stored: int = 0
    corrected: int = 0
    duplicate: int = 0


@dataclass(slots=True)
class _Work:
    stored: int
    corrected: int
    duplicate: int
    changes: list[tuple[TicketRow, TransitionRow | None]]
    contacts: dict[UUID, ContactRow]


async def put(
    pool: WritePool,
    feed: Feed,
    offered: Sequence[Offered],
    refused: Sequence[RefusedItem],
    *,
    now: datetime,
    repeated: int = 0,
    size: int = 0,
) -> Merged:
    """Store tickets by their code within the feed; an older state never replaces a newer one.

    `repeated` counts codes that came more than once in the body and of which the newest is
    offered. Tickets, contacts, quarantine and ledger are one transaction.
    """
    async with pool.connection() as conn:
        await lock(conn, feed)
        return await take(conn, feed, offered, refused, now=now, repeated=repeated, size=size)


async def lock(conn: Connection, feed: Feed) -> None:
    """Let no other body of a feed in until the end of the transaction."""
    await conn.execute(_LOCK, [_LOCK_CLASS, feed.key])


async def take(
    conn: Connection,
    feed: Feed,
    offered: Sequence[Offered],
    refused: Sequence[RefusedItem],
    *,
    now: datetime,
    repeated: int = 0,
    size: int = 0,
    replayed: int = 0,
    keep: bool = True,
) -> Merged:
    """The same within a transaction that holds the lock.

    Without `keep` what was refused is counted, but not put into quarantine.
    """
    work = await _merge(conn, feed, offered)
    work.duplicate += repeated
    await ticket_rows.save(conn, work.changes)
    await ticket_contacts.put(conn, work.contacts, now)
    if keep:
        await quarantine.keep(conn, [_item(feed, item, now) for item in refused], now)
    await _count(
        conn, feed, offered, work, quarantined=len(refused), size=size, replayed=replayed, now=now
    )
    return Merged(work.stored, work.corrected, work.duplicate)


async def _merge(conn: Connection, feed: Feed, offered: Sequence[Offered]) -> _Work:
    held = await ticket_rows.of_codes(conn, feed.id, [offer.row.code for offer in offered])
    known = await ticket_contacts.of(conn, [row.ticket_id for row in held.values()])
    work = _Work(0, 0, 0, [], {})
    for offer in offered:
        before = held.get(offer.row.code)
        if before is None:
            work.stored += 1
            work.changes.append((offer.row, _told(feed, None, offer.row)))
            if offer.contact:
                work.contacts[offer.row.ticket_id] = offer.contact
        elif offer.row.told_at < before.told_at:
            work.duplicate += 1
        else:
            _replace(work, feed, before, offer, known.get(before.ticket_id))
    return work


def _replace(
    work: _Work, feed: Feed, before: TicketRow, offer: Offered, contact: ContactRow | None
) -> None:
    """Take what is newer; a ticket that people run here takes its words only."""
    after = _after(before, offer.row)
    # What was forgotten after its time is not learnt again from the same state.
    newer = offer.row.told_at > before.told_at
    met = newer and offer.contact is not None and offer.contact != contact
    if met and offer.contact is not None:
        work.contacts[before.ticket_id] = offer.contact
    if _same(before, after):
        work.corrected += met
        work.duplicate += not met
        if newer:
            work.changes.append((replace(before, told_at=offer.row.told_at), None))
        return
    work.corrected += 1
    moved = after.life != before.life
    after = replace(after, version=before.version + 1)
    work.changes.append((after, _told(feed, before, after) if moved else None))


def _after(before: TicketRow, row: TicketRow) -> TicketRow:
    kept = {"told_at": row.told_at, "stored_at": row.stored_at}
    if before.run_here:
        words = {name: getattr(row, name) for name in _WORDS}
        return replace(before, **words, **kept)
    return replace(row, ticket_id=before.ticket_id, version=before.version)


def _same(before: TicketRow, after: TicketRow) -> bool:
    told = {"told_at": before.told_at, "changed_at": before.changed_at,
            "stored_at": before.stored_at}  # fmt: skip
    return replace(after, **told) == before


def _told(feed: Feed, before: TicketRow | None, row: TicketRow) -> TransitionRow:
    return TransitionRow(
        version=row.version,
        at=row.told_at,
        actor=f"feed:{feed.id}",
        move=TOLD,
        from_state=None if before is None else before.state,
        to_state=row.state,
        reason="",
        unit=row.unit,
        due_at=row.due_at,
    )


def _item(feed: Feed, refused: RefusedItem, now: datetime) -> quarantine.Item:
    return quarantine.Item(
        feed=feed.key,
        received_at=now,
        channel="rest",
        content_type="application/json",
        index=refused.problem.index,
        reason=refused.problem.reason.value,
        detail=refused.problem.detail,
        payload=refused.content,
        size=refused.size,
        digest=refused.digest,
        kind="tickets",
    )


async def _count(
    conn: Connection,
    feed: Feed,
    offered: Sequence[Offered],
    work: _Work,
    *,
    quarantined: int,
    size: int,
    replayed: int,
    now: datetime,
) -> None:
    """Add a batch to the ledger; its lag is the time since the tickets changed."""
    taken = work.stored + work.duplicate + work.corrected
    counts = [
        taken + quarantined, work.stored, work.duplicate, work.corrected, 0, quarantined,
        0, 0, size, replayed,
    ]  # fmt: skip
    lag_us = [to_micros(now) - to_micros(offer.row.told_at) for offer in offered]
    tally = ledger.gather(
        np.array([feed.key], np.int64),
        np.array([to_micros(now)], np.int64),
        np.array([counts], np.int64),
        owner=np.zeros(len(offered), np.intp),
        lag_us=np.array(lag_us, np.int64),
    )
    await ledger.add(conn, tally)
