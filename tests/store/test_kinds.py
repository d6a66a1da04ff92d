"""One set of migrations on two kinds of store: plain PostgreSQL and TimescaleDB."""

import psycopg

from ioc.store.migrate import migrations, store_kind


async def test_the_store_is_made_for_the_kind_of_server(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database) as conn:
        kind = await store_kind(conn)
        relation = await (
            await conn.execute("SELECT relkind FROM pg_class WHERE oid = 'observation'::regclass")
        ).fetchone()
        hourly = await (
            await conn.execute("SELECT count(*) FROM pg_class WHERE relname = 'observation_hour'")
        ).fetchone()
        assert hourly == (1,)
        if kind == "plain":
            assert relation == ("p",)
            return
        hypertables = await (
            await conn.execute("SELECT hypertable_name FROM timescaledb_information.hypertables")
        ).fetchall()
        jobs = await (
            await conn.execute(
                "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name IN "
                "('policy_compression', 'policy_refresh_continuous_aggregate')"
            )
        ).fetchone()
    assert {"observation", "observation_text"} <= {row[0] for row in hypertables}
    assert jobs is not None
    assert jobs[0] >= 2


def test_both_kinds_apply_the_same_numbers() -> None:
    plain, timescale = migrations("plain"), migrations("timescale")
    assert [m.number for m in plain] == [m.number for m in timescale]
    assert [m.name for m in plain] == [m.name for m in timescale]
