"""The audit trail: who changed what; rows are only ever added."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from ioc.store.pool import Connection

_ADD: Final = """
    INSERT INTO audit (at, actor, source, action, subject, before, after)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


async def record(
    conn: Connection,
    *,
    now: datetime,
    actor: str,
    source: str,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note a change in the transaction that makes it."""
    await conn.execute(
        _ADD,
        [
            now, actor, source, action, subject,
            None if before is None else Jsonb(dict(before)),
            None if after is None else Jsonb(dict(after)),
        ],
    )  # fmt: skip
