"""People and walls: accounts, sessions and wall tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg.rows import class_row

from ioc.auth.tokens import hash_secret, new_secret
from ioc.errors import Conflict, NotFound
from ioc.store.pool import Connection

SESSION_LENGTH: Final = timedelta(hours=12)
"""A shift and a bit; after it people sign in again."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in."""

    account_id: int
    name: str
    full_name: str
    role: str
    password_hash: str
    units: list[str]


_BY_NAME: Final = """
    SELECT a.account_id, a.name, a.full_name, a.role, a.password_hash,
           COALESCE(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.id IS NOT NULL), '{}') AS units
      FROM account a LEFT JOIN account_unit x USING (account_id) LEFT JOIN unit u USING (unit_key)
     WHERE a.name = %(name)s AND a.disabled_at IS NULL
     GROUP BY a.account_id
"""

_BY_TOKEN: Final = """
    SELECT t.kind, t.name, a.name, a.full_name, a.role, t.expires_at,
           COALESCE(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.id IS NOT NULL), '{}')
      FROM token t LEFT JOIN account a USING (account_id)
           LEFT JOIN account_unit x USING (account_id) LEFT JOIN unit u USING (unit_key)
     WHERE t.hash = %(hash)s AND t.ended_at IS NULL AND a.disabled_at IS NULL
       AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
     GROUP BY t.token_id, a.account_id
"""

_ADD: Final = """
    INSERT INTO account (name, full_name, role, password_hash, created_at)
    VALUES (%(name)s, %(full_name)s, %(role)s, %(hash)s, %(now)s)
    ON CONFLICT (name) DO NOTHING
    RETURNING account_id
"""

_ADD_UNIT: Final = """
    INSERT INTO account_unit (account_id, unit_key) SELECT %(account)s, unit_key FROM unit
     WHERE id = %(unit)s RETURNING 1
"""

_SET_PASSWORD: Final = """
    UPDATE account SET password_hash = %(hash)s WHERE name = %(name)s RETURNING account_id
"""

_END_SESSIONS: Final = """
    UPDATE token SET ended_at = %(now)s WHERE account_id = %(account)s AND ended_at IS NULL
"""

_ADD_TOKEN: Final = """
    INSERT INTO token (kind, hash, name, account_id, created_at, expires_at)
    VALUES (%(kind)s, %(hash)s, %(name)s, %(account)s, %(now)s, %(expires)s)
"""

_END: Final = "UPDATE token SET ended_at = %(now)s WHERE hash = %(hash)s AND ended_at IS NULL"

_COUNT: Final = "SELECT count(*) FROM account"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a token stands for: a person, or a wall."""

    kind: str
    name: str
    full_name: str
    role: str
    units: tuple[str, ...]
    expires_at: datetime | None


async def find(conn: Connection, name: str) -> Account | None:
    """The account of that name that may sign in."""
    async with conn.cursor(row_factory=class_row(Account)) as cur:
        await cur.execute(_BY_NAME, {"name": name})
        return await cur.fetchone()


async def holder(conn: Connection, token: str, now: datetime) -> Holder | None:
    """Who a session or wall token stands for, if it is valid at `now`."""
    row = await (await conn.execute(_BY_TOKEN, {"hash": hash_secret(token), "now": now})).fetchone()
    if row is None:
        return None
    if row[0] == "wall":
        return Holder("wall", row[1], row[1], "wall", (), row[5])
    return Holder("session", row[2], row[3], row[4], tuple(row[6]), row[5])


async def add(
    conn: Connection,
    *,
    name: str,
    full_name: str,
    role: str,
    password_hash: str,
    units: list[str],
    now: datetime,
) -> None:
    """Make an account. Raises `Conflict` for a taken name and `NotFound` for an unknown unit."""
    row = await (
        await conn.execute(
            _ADD,
            {"name": name, "full_name": full_name, "role": role, "hash": password_hash, "now": now},
        )
    ).fetchone()
    if row is None:
        raise Conflict(
            f"a user `{name}` exists already; change the password with `ioc user passwd`"
        )
    for unit in units:
        cur = await conn.execute(_ADD_UNIT, {"account": row[0], "unit": unit})
        if await cur.fetchone() is None:
            raise NotFound(f"there is no unit `{unit}`")


async def set_password(conn: Connection, name: str, password_hash: str, now: datetime) -> None:
    """Change a password; all sessions of the account end."""
    row = await (
        await conn.execute(_SET_PASSWORD, {"hash": password_hash, "name": name})
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no user `{name}`")
    await conn.execute(_END_SESSIONS, {"now": now, "account": row[0]})


async def count(conn: Connection) -> int:
    """How many accounts there are."""
    row = await (await conn.execute(_COUNT)).fetchone()
    assert row is not None
    return row[0]


async def start_session(conn: Connection, account: Account, now: datetime) -> str:
    """A token for a person who has just signed in."""
    token = new_secret()
    await conn.execute(
        _ADD_TOKEN,
        {
            "kind": "session", "hash": hash_secret(token), "name": account.name,
            "account": account.account_id, "now": now, "expires": now + SESSION_LENGTH,
        },
    )  # fmt: skip
    return token


async def add_wall(conn: Connection, name: str, now: datetime) -> str:
    """A token for a wall; it never expires and can be ended."""
    token = new_secret()
    await conn.execute(
        _ADD_TOKEN,
        {
            "kind": "wall", "hash": hash_secret(token), "name": name, "account": None,
            "now": now, "expires": None,
        },
    )  # fmt: skip
    return token


async def end_token(conn: Connection, token: str, now: datetime) -> None:
    """End a session or a wall token."""
    await conn.execute(_END, {"hash": hash_secret(token), "now": now})
