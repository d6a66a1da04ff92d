"""One set of migrations on two kinds of store: plain PostgreSQL and TimescaleDB."""

import psycopg

from ioc.store.migrate import migrations, store_kind


async def test_the_store_is_made_for_the_kind_of_server(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database) as conn:
        kind = await store_kind(conn)
        relation = await (
            await conn.execute("SELECT relkind FROM pg_class WHERE oid = 'observation'::regclass")
        ).fetchone()
        if kind == "plain":
            assert relation == ("p",)
            return
        hypertables = await (
            await conn.execute("SELECT hypertable_name FROM timescaledb_information.hypertables")
        ).fetchall()
        jobs = await (
            await conn.execute(
                "SELECT proc_name, hypertable_name FROM timescaledb_information.jobs "
                "WHERE hypertable_name LIKE 'observation%' ORDER BY 1, 2"
            )
        ).fetchall()
    assert {"observation", "observation_text"} <= {row[0] for row in hypertables}
    assert jobs == [
        ("policy_compression", "observation"),
        ("policy_compression", "observation_minute"),
        ("policy_compression", "observation_quarter"),
        ("policy_compression", "observation_text"),
        ("policy_refresh_continuous_aggregate", "observation_day"),
        ("policy_refresh_continuous_aggregate", "observation_hour"),
        ("policy_refresh_continuous_aggregate", "observation_minute"),
        ("policy_refresh_continuous_aggregate", "observation_quarter"),
    ]


def test_both_kinds_apply_the_same_numbers() -> None:
    plain, timescale = migrations("plain"), migrations("timescale")
    assert [m.number for m in plain] == [m.number for m in timescale]
    assert [m.name for m in plain] == [m.name for m in timescale]
