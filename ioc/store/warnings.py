"""Warnings: messages as they came in, which of them are in force, and their bulletins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
import numpy as np
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from alerts.cap import Kind, Message, Reference
from alerts.cap_hearing import ends_at
from ioc.errors import NotFound
from ioc.ids import uuid7
from ioc.model import Problem, to_micros
from ioc.store import ledger, quarantine
from ioc.store.pool import Connection, ReadPool

MOST_STANDING: Final = 2_000
"""Warnings that are shown at a time, the newest first."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(%s, %s)"
_LOCK_CLASS: Final = 0x10C_0031

_LINEAGE: Final = """
    SELECT lineage FROM warning
     WHERE COALESCE(feed_key, 0) = %s AND sender = %s AND identifier = %s
"""

_NEWEST: Final = """
    SELECT identifier, sent FROM warning
     WHERE COALESCE(feed_key, 0) = %s AND lineage = %s ORDER BY sent DESC, warning_id DESC LIMIT 1
"""

_PUT: Final = """
    INSERT INTO warning (warning_id, feed_key, sender, identifier, sent, kind, lineage, ends,
                         signature, document, payload, received_at, received_by)
    VALUES (%(warning_id)s, %(feed_key)s, %(sender)s, %(identifier)s, %(sent)s, %(kind)s,
            %(lineage)s, %(ends)s, %(signature)s, %(document)s, %(payload)s, %(received_at)s,
            %(received_by)s)
    ON CONFLICT (COALESCE(feed_key, 0), sender, identifier) DO NOTHING
"""

_REFER: Final = """
    INSERT INTO warning_reference (warning_id, sender, identifier) VALUES (%s, %s, %s)
    ON CONFLICT DO NOTHING
"""

_COLUMNS: Final = """
    SELECT w.warning_id, w.feed_key, w.sender, w.identifier, w.sent, w.kind, w.lineage, w.ends,
           w.signature, w.document, w.received_at, w.received_by, later.replaced,
           EXISTS (SELECT 1 FROM warning_bulletin b
                    WHERE b.warning_id = w.warning_id) AS bulletin
      FROM warning w
           CROSS JOIN LATERAL (
               SELECT EXISTS (SELECT 1 FROM warning_reference r JOIN warning l USING (warning_id)
                               WHERE r.sender = w.sender AND r.identifier = w.identifier
                                 AND l.sender = w.sender AND l.kind <> 'Alert'
                                 AND l.feed_key IS NOT DISTINCT FROM w.feed_key) AS replaced
           ) AS later
"""

_STANDING: Final = (
    _COLUMNS
    + """
     WHERE w.ends > %(now)s AND w.kind <> 'Cancel' AND NOT later.replaced
     ORDER BY w.sent DESC, w.warning_id DESC LIMIT %(limit)s
"""
)

_LISTED: Final = (
    _COLUMNS + " WHERE w.warning_id < %(before)s ORDER BY w.warning_id DESC LIMIT %(limit)s"
)

_FIND: Final = _COLUMNS + " WHERE w.warning_id = %s"

_ATTACH: Final = """
    INSERT INTO warning_bulletin (warning_id, content, attached_by, attached_at)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (warning_id) DO UPDATE
       SET content = excluded.content, attached_by = excluded.attached_by,
           attached_at = excluded.attached_at
"""

_BULLETIN: Final = "SELECT content FROM warning_bulletin WHERE warning_id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRow:
    """A message as it is stored; `replaced` where a later one of its sender names it."""

    warning_id: UUID
    feed_key: int | None
    sender: str
    identifier: str
    sent: datetime
    kind: str
    lineage: str
    ends: datetime
    signature: str
    document: dict[str, Any]
    received_at: datetime
    received_by: str
    replaced: bool = False
    bulletin: bool = False

    @property
    def message(self) -> Message:
        """What it says."""
        return msgspec.convert(self.document, Message)


@dataclass(frozen=True, slots=True)
class Refused:
    """What goes to quarantine of a body."""

    problem: Problem
    raw: bytes


async def lock(conn: Connection, feed: int) -> None:
    """Let no other message of a feed in until the end of the transaction."""
    await conn.execute(_LOCK, [_LOCK_CLASS, feed])


async def put(
    conn: Connection,
    message: Message,
    *,
    feed: int | None,
    raw: bytes | None,
    by: str,
    now: datetime,
    lineage: str | None = None,
    ends: datetime | None = None,
) -> UUID | None:
    """Keep a message; None where it is known already. A feed's lock must be held.

    Its lineage and its end follow from what it says, where they are not given.
    """
    signature = "unverified" if message.signed else "absent"
    row = WarningRow(
        warning_id=uuid7(now),
        feed_key=feed,
        sender=message.sender,
        identifier=message.identifier,
        sent=message.sent,
        kind=message.kind.value,
        lineage=lineage or await _lineage(conn, message, feed),
        ends=ends or ends_at(message),
        signature=signature,
        document=msgspec.to_builtins(message),
        received_at=now,
        received_by=by,
    )
    columns = {name: getattr(row, name) for name in WarningRow.__slots__}
    done = await conn.execute(_PUT, {**columns, "document": Jsonb(row.document), "payload": raw})
    if done.rowcount == 0:
        return None
    for reference in message.references:
        await conn.execute(_REFER, [row.warning_id, reference.sender, reference.identifier])
    return row.warning_id


State = Literal["stored", "corrected", "duplicate"]
"""What became of a state of a warning."""


async def put_state(
    conn: Connection,
    message: Message,
    *,
    lineage: str,
    feed: int,
    raw: bytes,
    by: str,
    now: datetime,
) -> State:
    """Keep a state of a warning, of which the one that was sent last holds in whatever order.

    Another one of the same time is a correction. A feed's lock must be held.
    """
    newest = await (await conn.execute(_NEWEST, [feed, lineage])).fetchone()
    ends = None
    if newest is not None and newest[1] > message.sent:
        ends = min(message.sent, now)
    elif newest is not None:
        kind = Kind.UPDATE if message.kind is Kind.ALERT else message.kind
        before = (Reference(message.sender, newest[0], newest[1]),)
        message = msgspec.structs.replace(message, kind=kind, references=before)
    made = await put(conn, message, feed=feed, raw=raw, by=by, now=now, lineage=lineage, ends=ends)
    if made is None:
        return "duplicate"
    return "corrected" if newest is not None and newest[1] == message.sent else "stored"


async def _lineage(conn: Connection, message: Message, feed: int | None) -> str:
    """The first message that it goes back to, as far as it is known."""
    own = [one for one in message.references if one.sender == message.sender]
    if not own:
        return f"{message.sender},{message.identifier}"
    first = min(own, key=lambda one: (one.sent, one.identifier))
    cur = await conn.execute(_LINEAGE, [feed or 0, first.sender, first.identifier])
    row = await cur.fetchone()
    return row[0] if row else f"{first.sender},{first.identifier}"


async def count(
    conn: Connection,
    feed: int,
    *,
    stored: int,
    duplicate: int,
    corrected: int = 0,
    refused: Sequence[Refused],
    channel: str,
    source: str | None,
    content_type: str,
    size: int,
    now: datetime,
    lags: Sequence[int],
    replayed: int = 0,
    keep: bool = True,
) -> None:
    """Put what was refused into quarantine, and count all in the ledger; `lags` in µs.

    Without `keep` what was refused is counted only.
    """
    if keep:
        items = [
            quarantine.Item(
                feed=feed, received_at=now, channel=channel, source=source,
                content_type=content_type,
                index=one.problem.index, reason=one.problem.reason.value,
                detail=one.problem.detail, payload=one.raw, size=len(one.raw), kind="warnings",
            )
            for one in refused
        ]  # fmt: skip
        await quarantine.keep(conn, items, now)
    received = stored + duplicate + corrected + len(refused)
    counts = [received, stored, duplicate, corrected, 0, len(refused), 0, 0, size, replayed]
    tally = ledger.gather(
        np.array([feed], np.int64),
        np.array([to_micros(now)], np.int64),
        np.array([counts], np.int64),
        owner=np.zeros(len(lags), np.intp),
        lag_us=np.array(lags, np.int64),
    )
    await ledger.add(conn, tally)


async def standing(pool: ReadPool, now: datetime) -> list[WarningRow]:
    """The messages in force, the newest first; in whatever order they came in."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(WarningRow)) as cur:
        await cur.execute(_STANDING, {"now": now, "limit": MOST_STANDING})
        return await cur.fetchall()


async def listed(pool: ReadPool, *, before: UUID, limit: int) -> list[WarningRow]:
    """All messages, those that came in last first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(WarningRow)) as cur:
        await cur.execute(_LISTED, {"before": before, "limit": limit})
        return await cur.fetchall()


async def find(conn: Connection, warning: UUID) -> WarningRow:
    """One message. Raises `NotFound`."""
    async with conn.cursor(row_factory=class_row(WarningRow)) as cur:
        await cur.execute(_FIND, [warning])
        row = await cur.fetchone()
    if row is None:
        raise NotFound(f"there is no warning {warning}; see GET /api/v1/warnings")
    return row


async def attach(
    conn: Connection, warning: UUID, content: bytes, *, by: str, now: datetime
) -> None:
    """Keep the PDF of a warning, in place of one that is there."""
    await conn.execute(_ATTACH, [warning, content, by, now])


async def bulletin(pool: ReadPool, warning: UUID) -> bytes:
    """The PDF of a warning. Raises `NotFound`."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_BULLETIN, [warning])).fetchone()
    if row is None:
        raise NotFound(f"warning {warning} has no bulletin")
    return bytes(row[0])
