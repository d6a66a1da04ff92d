"""Statistical forms as the city describes them."""

from collections.abc import Sequence
from typing import Final

import msgspec
from psycopg.types.json import Jsonb

from ioc.kpi.form import Form
from ioc.store.pool import Connection, ReadPool

_DROP: Final = "DELETE FROM form"
_ADD: Final = "INSERT INTO form (id, place, document) VALUES (%s, %s, %s)"
_READ: Final = "SELECT document FROM form ORDER BY place"


async def put(conn: Connection, forms: Sequence[Form]) -> None:
    """Set all forms."""
    await conn.execute(_DROP)
    for place, form in enumerate(forms):
        await conn.execute(_ADD, [form.id, place, Jsonb(msgspec.to_builtins(form))])


async def read(pool: ReadPool) -> list[Form]:
    """All forms, in the order of the city's file."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_READ)).fetchall()
    return [msgspec.convert(row[0], Form) for row in rows]
