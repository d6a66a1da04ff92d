"""Accounts, tokens, the audit trail, and what a database says of itself."""

from datetime import timedelta

import psycopg
import pytest

from ioc.errors import ConfigError, Conflict, NotFound
from ioc.store import accounts, audit, feeds, identity
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.store import NOW, a_feed_key, a_province, rows_of


async def _account(url: str, name: str = "lan", *units: str) -> str:
    """An account; returns the token of a session begun now."""
    async with await connect(url) as conn:
        await accounts.add(
            conn, name=name, full_name="Lan", role="agency", password_hash="x", units=list(units),
            now=NOW,
        )  # fmt: skip
        found = await accounts.find(conn, name)
        assert found is not None
        return await accounts.start_session(conn, found, NOW)


async def _holder(url: str, token: str, later: float = 0) -> accounts.Holder | None:
    async with await connect(url) as conn:
        return await accounts.holder(conn, token, NOW + timedelta(seconds=later))


async def test_a_session_stands_for_its_person_and_units_until_it_expires(database: str) -> None:
    await a_province(database, "so-b", "so-a")
    token = await _account(database, "lan", "so-b", "so-a")
    found = await _holder(database, token)
    assert found is not None
    assert (found.kind, found.name, found.role, found.units) == (
        "session", "lan", "agency", ("so-a", "so-b"),
    )  # fmt: skip
    length = accounts.SESSION_LENGTH.total_seconds()
    assert await _holder(database, token, length - 1) is not None
    assert await _holder(database, token, length) is None


async def test_an_ended_token_stands_for_nobody(database: str) -> None:
    token = await _account(database)
    async with await connect(database) as conn:
        await accounts.end_token(conn, token, NOW)
    assert await _holder(database, token) is None


async def test_a_new_password_ends_all_sessions_of_the_person_and_no_others(database: str) -> None:
    mine, other = await _account(database, "lan"), await _account(database, "minh")
    async with await connect(database) as conn:
        await accounts.set_password(conn, "lan", "y", NOW)
    assert await _holder(database, mine) is None
    assert await _holder(database, other) is not None


async def test_a_disabled_account_cannot_sign_in_and_its_sessions_end(database: str) -> None:
    token = await _account(database)
    await rows_of(database, "UPDATE account SET disabled_at = now()")
    assert await _holder(database, token) is None
    async with await connect(database) as conn:
        assert await accounts.find(conn, "lan") is None


async def test_a_wall_token_never_expires_and_can_be_ended(database: str) -> None:
    async with await connect(database) as conn:
        token = await accounts.add_wall(conn, "sảnh", NOW)
    found = await _holder(database, token, 10 * 365 * 86_400)
    assert found is not None
    assert (found.kind, found.role, found.name, found.units) == ("wall", "wall", "sảnh", ())
    async with await connect(database) as conn:
        await accounts.end_token(conn, token, NOW)
    assert await _holder(database, token) is None


async def test_tokens_are_stored_as_hashes_only(database: str) -> None:
    token = await _account(database)
    [(stored,)] = await rows_of(database, "SELECT hash FROM token")
    assert len(stored) == 32
    assert token.encode() not in bytes(stored)


async def test_a_name_is_taken_once_and_a_unit_must_exist(database: str) -> None:
    await _account(database)
    with pytest.raises(Conflict):
        await _account(database)
    with pytest.raises(NotFound):
        await _account(database, "minh", "nowhere")
    async with await connect(database) as conn:
        assert await accounts.count(conn) == 1


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit",
     "UPDATE audit SET actor = 'x' WHERE false"],
)  # fmt: skip
async def test_the_audit_trail_can_only_grow(database: str, statement: str) -> None:
    async with await connect(database) as conn:
        await audit.record(
            conn, now=NOW, actor="lan", source="cli", action="x", subject="y", after={"a": 1}
        )
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        await rows_of(database, statement)
    assert await rows_of(database, "SELECT actor, after FROM audit") == [("lan", {"a": 1})]


async def test_a_demo_is_refused_on_a_database_that_holds_a_real_province(database: str) -> None:
    await a_province(database)
    async with await connect(database) as conn:
        with pytest.raises(ConfigError, match="IOC_DEMO"):
            await identity.settle(conn, demo=True)
        assert not (await identity.settle(conn, demo=False)).simulated


async def test_a_demo_is_refused_where_only_a_feed_was_made(database: str) -> None:
    await a_feed_key(database)
    async with await connect(database) as conn:
        with pytest.raises(ConfigError):
            await identity.settle(conn, demo=True)


async def test_an_empty_database_becomes_a_demos_and_stays_one(database: str) -> None:
    async with await connect(database) as conn:
        assert await identity.is_empty(conn)
        first = await identity.settle(conn, demo=True)
        assert first.simulated
        assert await identity.settle(conn, demo=False) == first


async def test_each_database_has_an_epoch_of_its_own(database: str) -> None:
    async with await connect(database) as conn:
        first = await identity.read(conn)
        assert (await identity.read(conn)).epoch == first.epoch
    assert len(first.epoch) == 36


async def test_a_key_of_a_feed_is_valid_until_it_is_revoked(database: str) -> None:
    async with await connect(database) as conn:
        agency, made = await feeds.agency_key(conn, "so-x", NOW)
        assert made
        await feeds.add(
            conn, id="f", agency=agency, name="f", domain="it", format="auto", auto_series=False,
            now=NOW,
        )  # fmt: skip
        secret = await feeds.add_key(conn, "f", NOW)
        [(number, hint, *_)] = await feeds.keys(conn, "f")
        assert secret.startswith(hint)
        await feeds.revoke_key(conn, "f", number, NOW)
        with pytest.raises(NotFound):
            await feeds.revoke_key(conn, "f", number, NOW)
        with pytest.raises(Conflict):
            await feeds.add(
                conn, id="f", agency=agency, name="f", domain="it", format="auto",
                auto_series=False, now=NOW,
            )  # fmt: skip


async def test_the_pool_for_reads_cannot_write(pools: tuple[ReadPool, WritePool]) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with pools[0].connection() as conn:
            await conn.execute("INSERT INTO unit (id) VALUES ('x')")
