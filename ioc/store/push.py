"""Devices that are pushed to, for as long as the session lasts in which they asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg.rows import class_row

from ioc.auth.tokens import hash_secret
from ioc.store.pool import Connection, ReadPool

MOST: Final = 10
"""Devices of one account; one more takes the place of the oldest."""

KEPT: Final = timedelta(days=30)
"""A subscription whose session ended longer ago is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Where and how a subscription is pushed to, and from which severity on."""

    endpoint: str
    point: bytes
    secret: bytes
    least: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRow(Browser):
    """A subscription as it is stored; it is `live` while its session is."""

    subscription_id: int
    created_at: datetime
    live: bool


_SESSION: Final = """
    SELECT t.token_id, a.account_id, a.role FROM token t JOIN account a USING (account_id)
     WHERE t.hash = %s
"""

_PUT: Final = """
    INSERT INTO push_subscription (token_id, role, endpoint, point, secret, least, created_at)
    VALUES (%(token)s, %(role)s, %(endpoint)s, %(point)s, %(secret)s, %(least)s, %(now)s)
    ON CONFLICT (endpoint) DO UPDATE
       SET token_id = excluded.token_id, role = excluded.role, point = excluded.point,
           secret = excluded.secret, least = excluded.least, created_at = excluded.created_at
    RETURNING subscription_id
"""

_BOUND: Final = """
    DELETE FROM push_subscription
     WHERE subscription_id IN (SELECT s.subscription_id
                                 FROM push_subscription s JOIN token t USING (token_id)
                                WHERE t.account_id = %s
                                ORDER BY s.created_at DESC, s.subscription_id DESC OFFSET %s)
"""

# A session that has ended, an account that was closed or has another role: nothing more is sent.
_OF: Final = """
    SELECT s.subscription_id, s.endpoint, s.point, s.secret, s.least, s.created_at,
           t.ended_at IS NULL AND t.expires_at > %(now)s AND a.disabled_at IS NULL
           AND a.role = s.role AS live
      FROM push_subscription s JOIN token t USING (token_id) JOIN account a USING (account_id)
     WHERE a.name = %(account)s
       AND NOT EXISTS (SELECT FROM push_delivery p
                        WHERE p.subscription_id = s.subscription_id AND p.outbox_id = %(letter)s)
     ORDER BY s.subscription_id
"""

_TOLD: Final = """
    INSERT INTO push_delivery (outbox_id, subscription_id) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""

_WAS_TOLD: Final = "SELECT EXISTS (SELECT FROM push_delivery WHERE outbox_id = %s)"

_END: Final = "DELETE FROM push_subscription WHERE subscription_id = %s"

_END_OWN: Final = """
    DELETE FROM push_subscription s USING token t, account a
     WHERE s.subscription_id = %s AND t.token_id = s.token_id AND a.account_id = t.account_id
       AND a.name = %s
    RETURNING s.subscription_id
"""

_FORGET: Final = """
    DELETE FROM push_subscription s USING token t
     WHERE t.token_id = s.token_id AND LEAST(t.ended_at, t.expires_at) < %s
"""


async def put(conn: Connection, token: str, browser: Browser, now: datetime) -> int | None:
    """Push to a browser as long as that session lasts; None where the token is no session's."""
    found = await (await conn.execute(_SESSION, [hash_secret(token)])).fetchone()
    if found is None:
        return None
    session, account, role = found
    given = {
        "token": session, "role": role, "endpoint": browser.endpoint, "point": browser.point,
        "secret": browser.secret, "least": browser.least, "now": now,
    }  # fmt: skip
    row = await (await conn.execute(_PUT, given)).fetchone()
    assert row is not None
    await conn.execute(_BOUND, [account, MOST])
    return row[0]


async def of(pool: ReadPool, account: str, now: datetime) -> list[SubscriptionRow]:
    """All subscriptions of an account, also those that wait for its person to sign in again."""
    async with (
        pool.connection() as conn,
        conn.cursor(row_factory=class_row(SubscriptionRow)) as cur,
    ):
        await cur.execute(_OF, {"account": account, "letter": None, "now": now})
        return await cur.fetchall()


async def untold(
    conn: Connection, account: str, letter: int, now: datetime
) -> list[SubscriptionRow]:
    """The live subscriptions of an account that do not have a letter yet."""
    async with conn.cursor(row_factory=class_row(SubscriptionRow)) as cur:
        await cur.execute(_OF, {"account": account, "letter": letter, "now": now})
        return [row for row in await cur.fetchall() if row.live]


async def tell(conn: Connection, letter: int, subscription: int) -> None:
    """Note that a subscription has a letter."""
    await conn.execute(_TOLD, [letter, subscription])


async def was_told(conn: Connection, letter: int) -> bool:
    """Whether any subscription has a letter."""
    row = await (await conn.execute(_WAS_TOLD, [letter])).fetchone()
    assert row is not None
    return row[0]


async def end(conn: Connection, subscription: int) -> None:
    """Forget a subscription that its push service knows no more."""
    await conn.execute(_END, [subscription])


async def end_own(conn: Connection, account: str, subscription: int) -> bool:
    """Forget a subscription of an account; False where it has no such one."""
    row = await (await conn.execute(_END_OWN, [subscription, account])).fetchone()
    return row is not None


async def tidy(conn: Connection, now: datetime) -> None:
    """Forget subscriptions whose session ended long ago."""
    await conn.execute(_FORGET, [now - KEPT])
