"""What may be changed of a feed after it was made."""

from typing import Any, Final

from psycopg import sql

from ioc.errors import Invalid, NotFound
from ioc.store.pool import Connection

COLUMNS: Final = {
    "name": "name",
    "format": "format",
    "charset": "charset",
    "number_format": "number_format",
    "interval": "interval_s",
    "freshness": "freshness_s",
    "late_limit": "late_limit_s",
    "time_zone": "time_zone",
    "time_source": "time_source",
    "auto_series": "auto_series",
    "most_series": "most_series",
    "quarantine_bytes": "quarantine_bytes",
    "quarantine_age": "quarantine_age_s",
}
"""Settings by the name that people give them, durations in seconds, and their columns."""


async def change(
    conn: Connection, feed: str, settings: dict[str, Any], *, by: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Change settings of a feed; returns those before and after. Raises `NotFound`, `Invalid`.

    `by` is who changes them: "city" where a city's files do.
    """
    unknown = settings.keys() - COLUMNS.keys()
    if unknown or not settings:
        raise Invalid(f"name a setting: {', '.join(COLUMNS)}")
    names = sorted(settings)
    columns = [sql.Identifier(COLUMNS[name]) for name in names]
    held = await (
        await conn.execute(
            sql.SQL("SELECT {} FROM feed WHERE id = %s AND retired_at IS NULL FOR UPDATE").format(
                sql.SQL(", ").join(columns)
            ),
            [feed],
        )
    ).fetchone()
    if held is None:
        raise NotFound(f"there is no feed `{feed}`; see `ioc feed list`")
    wanted = sql.SQL(", ").join(sql.SQL("{} = %s").format(column) for column in columns)
    await conn.execute(
        sql.SQL("UPDATE feed SET {}, changed_by = %s WHERE id = %s").format(wanted),
        [*(settings[name] for name in names), by, feed],
    )
    return dict(zip(names, held, strict=True)), {name: settings[name] for name in names}
