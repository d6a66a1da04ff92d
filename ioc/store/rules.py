"""Rules as documents: reading, writing, and what was written before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.store import audit
from ioc.store.pool import Connection, ReadPool
from ioc.store.registry import announce

WRITE: Final = "rule.write"
REMOVE: Final = "rule.remove"


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule with who wrote it last."""

    id: str
    document: dict[str, Any]
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One change of a rule; `document` is None where it was removed."""

    at: datetime
    actor: str
    document: dict[str, Any] | None


_ALL: Final = "SELECT id, document, changed_at, changed_by FROM rule ORDER BY id"

_LOCKED: Final = "SELECT document FROM rule WHERE id = %s FOR UPDATE"

_PUT: Final = """
    INSERT INTO rule (id, document, changed_at, changed_by) VALUES (%s, %s, %s, %s)
    ON CONFLICT (id) DO UPDATE
       SET document = excluded.document, changed_at = excluded.changed_at,
           changed_by = excluded.changed_by
"""

_DELETE: Final = "DELETE FROM rule WHERE id = %s"

_HISTORY: Final = """
    SELECT at, actor, after AS document FROM audit
     WHERE subject = %s AND action = ANY(%s) ORDER BY audit_id DESC LIMIT %s
"""


async def read(pool: ReadPool) -> list[StoredRule]:
    """All rules by id."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(StoredRule)) as cur:
        await cur.execute(_ALL)
        return await cur.fetchall()


async def write(
    conn: Connection, id: str, document: Mapping[str, Any], *, by: str, source: str, now: datetime
) -> bool:
    """Write a rule, noting what it was before; returns whether it is new."""
    before = await _locked(conn, id)
    await conn.execute(_PUT, [id, Jsonb(dict(document)), now, by])
    await audit.record(
        conn, now=now, actor=by, source=source, action=WRITE, subject=id, before=before,
        after=document,
    )  # fmt: skip
    await announce(conn)
    return before is None


async def remove(conn: Connection, id: str, *, by: str, source: str, now: datetime) -> bool:
    """Remove a rule; False where there is none."""
    before = await _locked(conn, id)
    if before is None:
        return False
    await conn.execute(_DELETE, [id])
    await audit.record(
        conn, now=now, actor=by, source=source, action=REMOVE, subject=id, before=before
    )
    await announce(conn)
    return True


async def _locked(conn: Connection, id: str) -> dict[str, Any] | None:
    row = await (await conn.execute(_LOCKED, [id])).fetchone()
    return None if row is None else row[0]


async def history(pool: ReadPool, id: str, *, limit: int) -> list[RuleChange]:
    """What people wrote of a rule, the newest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(RuleChange)) as cur:
        await cur.execute(_HISTORY, [id, [WRITE, REMOVE], limit])
        return await cur.fetchall()
