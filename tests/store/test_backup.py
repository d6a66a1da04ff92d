"""Backup and restore: the same rows on either store, all of them or nothing."""

# ruff: noqa: ASYNC240 - small files, and nothing else runs meanwhile

import io
import tarfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from psycopg.types.json import Jsonb

from ioc.errors import Conflict, Invalid
from ioc.live.latest import Latest
from ioc.model import to_micros
from ioc.store import archive, backup, layout, observations, partitions
from ioc.store.layout import Layout
from ioc.store.migrate import migrate
from ioc.store.pool import connect, open_pools
from ioc.store.writer import BatchWriter
from tests.fixtures.store import NOW, a_feed_key, a_part, a_province, real_series, rows_of
from tests.fixtures.twin_stores import a_plain_server, an_empty_database

DAY = timedelta(days=1)


async def _fill(url: str) -> None:
    """Something in many tables, with what is awkward to write down."""
    await a_province(url, "so-y-te")
    feed = await a_feed_key(url, late_limit=None)
    series = await real_series(url, feed, "a/x", "b\t\\N/x", "c/y")
    await rows_of(url, "UPDATE series SET value_kind = 'text' WHERE series_id = %s", series[2])
    writer = BatchWriter(url, Latest())
    await writer.open()
    times = [NOW - n * 5 * DAY for n in range(40)]
    rows = [(s, to_micros(t), 0.1 * n) for s in series[:2] for n, t in enumerate(times)]
    text = [(series[2], to_micros(NOW), "mưa\tto\n\\. \\N")]
    await writer.flush([a_part(feed, rows, text=text, quarantined=2)], NOW)
    await writer.checkpoint.keep()
    await writer.close()
    await rows_of(
        url, "INSERT INTO audit (at, actor, source, action, subject, after) "
        "VALUES (now(), 'x', 'y', 'z', 'w', %s)", Jsonb({"a": [1, None, "“\\n”"]}),
    )  # fmt: skip
    await rows_of(
        url,
        "INSERT INTO feature (feed_key, id, name, layer, geometry, extent) VALUES "
        "(%s, 'a', 'A', 'l', '\\x0001ff', box(point(1.5, 2), point(3, 4)))",
        feed,
    )
    await rows_of(url, "DELETE FROM feature")
    await rows_of(
        url,
        "INSERT INTO feature (feed_key, id, name, layer, geometry, extent) VALUES "
        "(%s, 'b', 'B', 'l', '\\x0001ff', box(point(1.5, 2), point(3, 4)))",
        feed,
    )


async def sums(url: str) -> dict[str, tuple[Any, ...]]:
    """Count and checksum of the rows of every table."""
    async with await connect(url) as conn:
        tables = await (await conn.execute(backup._TABLES)).fetchall()  # pyright: ignore
    found: dict[str, tuple[Any, ...]] = {}
    for name, columns in tables:
        listed = ", ".join(f'"{c}"' for c in columns if (name, c) != ("identity", "epoch"))
        [found[name]] = await rows_of(
            url,
            f"SELECT count(*), md5(string_agg(row, '|' ORDER BY row)) "
            f"FROM (SELECT ({listed})::text FROM {name}) AS r(row)",
        )
    return found


@pytest.fixture
async def empty(database_server: str) -> AsyncIterator[str]:
    async with an_empty_database(database_server) as url:
        yield url


@pytest.fixture
async def saved(database: str, tmp_path: Path) -> Path:
    await _fill(database)
    path = tmp_path / "saved.tar"
    await backup.back_up(database, path, release="0.1.0", now=NOW)
    return path


async def test_what_is_restored_is_what_was_there(database: str, empty: str, saved: Path) -> None:
    head = await backup.restore(empty, saved)
    before, after = await sums(database), await sums(empty)
    assert after == before
    assert before["observation"][0] == 80
    assert sum(row[0] > 0 for row in before.values()) >= 12
    assert head.schema == max(
        row[0] for row in await rows_of(empty, "SELECT number FROM schema_version")
    )


async def test_the_identity_is_new_and_ids_are_not_used_again(
    database: str, empty: str, saved: Path
) -> None:
    await backup.restore(empty, saved)
    epochs = [await rows_of(url, "SELECT epoch FROM identity") for url in (database, empty)]
    assert epochs[0] != epochs[1]
    [new] = await rows_of(
        empty, "INSERT INTO feature (feed_key, id, name, layer) "
        "SELECT feed_key, 'c', 'C', 'l' FROM feed LIMIT 1 RETURNING feature_key",
    )  # fmt: skip
    assert new == (3,)  # 1 was deleted before the backup
    [unused] = await rows_of(
        empty, "INSERT INTO token (kind, hash, created_at) VALUES ('wall', '\\x00', now()) "
        "RETURNING token_id",
    )  # fmt: skip
    assert unused == (1,)


async def test_the_writer_goes_on_where_the_backup_was_made(empty: str, saved: Path) -> None:
    await backup.restore(empty, saved)
    feed = (await rows_of(empty, "SELECT feed_key FROM feed"))[0][0]
    [series] = (await rows_of(empty, "SELECT min(series_id) FROM series"))[0]
    latest = Latest()
    async with open_pools(empty) as (reads, _):
        for known, time, value, _ in await observations.newest(reads):
            latest.reserve(known)
            latest.time[known], latest.value[known] = to_micros(time), value
    assert latest.time[series] == to_micros(NOW)
    writer = BatchWriter(empty, latest)
    await writer.open()
    rows = [(series, to_micros(NOW), 0.0), (series, to_micros(NOW + DAY), 1.0)]
    flushed = await writer.flush([a_part(feed, rows)], NOW)
    await writer.close()
    assert (flushed.receipts[0].duplicate, flushed.receipts[0].stored) == (1, 1)


async def test_a_backup_moves_between_the_two_kinds_of_store(
    database: str, saved: Path, tmp_path: Path, database_server: str
) -> None:
    if not await rows_of(database, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("needs a TimescaleDB server beside the embedded one")
    async with a_plain_server(tmp_path / "p") as server, an_empty_database(server) as plain:
        await backup.restore(plain, saved)
        assert await sums(plain) == await sums(database)
        back = tmp_path / "back.tar"
        await backup.back_up(plain, back, release="0.1.0", now=NOW)
        async with an_empty_database(database_server) as again:
            await backup.restore(again, back)
            assert await sums(again) == await sums(database)
            [days] = await rows_of(again, "SELECT sum(observed)::int FROM observation_day")
            assert days == (80,)


async def test_a_backup_is_of_one_moment(database: str, empty: str, tmp_path: Path) -> None:
    await _fill(database)
    before = await sums(database)
    feed = (await rows_of(database, "SELECT feed_key FROM feed"))[0][0]

    class Meddling(archive.ArchiveWriter):
        """Somebody writes while the tables are read."""

        def piece(self, table: str, number: int, content: bytes) -> None:
            super().piece(table, number, content)
            meddled.append(table)

    meddled: list[str] = []
    # The snapshot is taken by the first statement; what is committed afterwards is not in it.
    out = Meddling(tmp_path / "x.tar")
    async with await connect(database) as conn:
        await conn.execute(backup._SNAPSHOT)
        head = await backup._head(conn, "0", NOW)
        out.head(head)
        await rows_of(database, "DELETE FROM observation")
        await real_series(database, feed, "new/x")
        rows = {table.name: await backup._copy_out(conn, table, out) for table in head.tables}
    out.finish(rows, {})
    assert "observation" in meddled
    await backup.restore(empty, tmp_path / "x.tar")
    assert await sums(empty) == before


async def test_the_store_is_laid_out_as_where_the_backup_was_made(
    database: str, empty: str, tmp_path: Path
) -> None:
    said = Layout(5_000_000.0, timedelta(days=9), {"traffic": 30 * DAY})
    await _fill(database)
    async with await connect(database) as conn:
        await layout.settle(conn, said, "Asia/Kolkata")
        await conn.execute("UPDATE identity SET time_zone = 'Asia/Kolkata'")
        before = await layout.read(conn)
    path = tmp_path / "laid-out.tar"
    await backup.back_up(database, path, release="0.1.0", now=NOW)
    await backup.restore(empty, path)
    async with await connect(empty) as conn:
        assert await layout.read(conn) == before
    if before.chunk is None:
        return
    assert before.chunk < timedelta(days=7)
    jobs = "SELECT hypertable_name, config->>'compress_after' FROM timescaledb_information.jobs " \
        "WHERE proc_name = 'policy_compression' ORDER BY 1"  # fmt: skip
    compressed = await rows_of(empty, jobs)
    assert {after for _, after in compressed} == {"9 days"}
    assert compressed == await rows_of(database, jobs)
    starts = await rows_of(empty, "SELECT DISTINCT start FROM observation_day")
    clocks = {start.astimezone(ZoneInfo("Asia/Kolkata")).time() for (start,) in starts}
    assert clocks == {time(0)}


@pytest.mark.usefixtures("plain_store")
async def test_weekly_partitions_of_long_ago_come_back_as_few_wide_ones(
    database: str, empty: str, tmp_path: Path
) -> None:
    await _fill(database)
    for week in range(2600, 2640):
        since = datetime(1970, 1, 5, tzinfo=UTC) + week * timedelta(days=7)
        await rows_of(
            database,
            f"CREATE TABLE observation_w{week} PARTITION OF observation "
            f"FOR VALUES FROM ('{since}') TO ('{since + timedelta(days=7)}')",
        )
        await rows_of(database, "INSERT INTO observation VALUES (1, %s, 7, now())", since)
    path = tmp_path / "weekly.tar"
    await backup.back_up(database, path, release="0.1.0", now=NOW)
    await backup.restore(empty, path)
    assert await sums(empty) == await sums(database)
    async with await connect(database) as before, await connect(empty) as after:
        wanted = await partitions.existing(before)
        found = await partitions.existing(after)
        assert wanted is not None
        assert found is not None
        assert found >= wanted
        there = await partitions.pieces(before)
        assert len(await partitions.pieces(after)) == len(there) - 39


_OLD_FEED = """
    WITH agency AS (INSERT INTO unit (id) VALUES ('a') RETURNING unit_key)
    INSERT INTO feed (id, agency_key, name, domain, format, auto_series, time_zone, time_source,
                      simulated, created_at)
    SELECT 'f', unit_key, 'f', 'health', 'auto', true, 'UTC', 'payload', false, now() FROM agency
    RETURNING feed_key
"""


async def test_an_older_backup_is_brought_up_to_this_release(
    database_server: str, empty: str, tmp_path: Path
) -> None:
    path = tmp_path / "old.tar"
    async with an_empty_database(database_server) as old:
        await migrate(old, upto=5)
        [feed] = (await rows_of(old, _OLD_FEED))[0]
        [series] = await real_series(old, feed, "a/x")
        if await rows_of(
            old, "SELECT 1 FROM pg_class WHERE relname = 'observation' AND relkind = 'p'"
        ):
            await rows_of(
                old,
                "CREATE TABLE observation_w2968 PARTITION OF observation FOR VALUES "
                "FROM ('2026-11-23 00:00Z') TO ('2026-11-30 00:00Z')",
            )
        await rows_of(
            old, "INSERT INTO observation VALUES (%s, '2026-11-24 00:00Z', 7, now())", series
        )
        await backup.back_up(old, path, release="0.0.9", now=NOW)
    head = await backup.restore(empty, path)
    assert head.schema == 5
    assert await migrate(empty) == []
    assert await rows_of(empty, "SELECT value FROM observation") == [(7.0,)]


async def test_a_backup_of_a_newer_release_is_refused(empty: str, saved: Path) -> None:
    path = _edited(saved, archive.HEAD, lambda head: {**head, "schema": 9999, "release": "7.0"})
    with pytest.raises(Invalid, match=r"release 7\.0"):
        await backup.restore(empty, path)
    await _nothing_in(empty)


async def test_a_database_that_is_not_empty_is_refused(database: str, saved: Path) -> None:
    before = await sums(database)
    with pytest.raises(Conflict, match="IOC_DATA_DIR"):
        await backup.restore(database, saved)
    assert await sums(database) == before


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.8, 0.99])
async def test_a_file_that_is_cut_off_restores_nothing(
    empty: str, saved: Path, share: float
) -> None:
    with tarfile.open(saved) as tar:
        last = tar.getmembers()[-1]  # after it comes nothing but padding
    saved.write_bytes(saved.read_bytes()[: int((last.offset_data + last.size) * share)])
    with pytest.raises(Invalid, match=r"copy it again|not a backup"):
        await backup.restore(empty, saved)
    await _nothing_in(empty)


async def test_a_damaged_piece_is_named_and_restores_nothing(empty: str, saved: Path) -> None:
    whole = bytearray(saved.read_bytes())
    with tarfile.open(saved) as tar:
        member = next(m for m in tar if m.name.startswith("observation/"))
    whole[member.offset_data + member.size // 2] ^= 1
    saved.write_bytes(whole)
    with pytest.raises(Invalid, match="damaged at observation/000000"):
        await backup.restore(empty, saved)
    await _nothing_in(empty)


async def test_a_restore_that_fails_on_its_way_leaves_an_empty_database(
    empty: str, saved: Path, tmp_path: Path
) -> None:
    def without_a_row(contents: dict[str, Any]) -> dict[str, Any]:
        return {**contents, "rows": {**contents["rows"], "series": 99}}

    path = _edited(saved, archive.LIST, without_a_row)
    with pytest.raises(Invalid, match="`series` has 99 rows"):
        await backup.restore(empty, path)
    await _nothing_in(empty)
    await backup.restore(empty, saved)
    assert await rows_of(empty, "SELECT count(*) FROM series") == [(3,)]


async def test_other_files_are_no_backups(empty: str, tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w") as tar:
        tar.add(__file__, "x.py")
    for path in (other, Path(__file__), tmp_path / "none.tar"):
        with pytest.raises(Invalid, match=str(path)):
            await backup.restore(empty, path)
    await _nothing_in(empty)


async def test_a_backup_that_fails_leaves_no_file(empty: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nothing to back up"):
        await backup.back_up(empty, tmp_path / "x.tar", release="0", now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_for_its_owner_alone_and_memory_stays_flat(tmp_path: Path) -> None:
    out = archive.ArchiveWriter(tmp_path / "x.tar")
    head = archive.Head(
        format=1, release="0", schema=1, store="plain", tables=[], weeks=[], simulated=False,
        created_at=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    )  # fmt: skip
    out.head(head)
    for number in range(3):
        out.piece("t", number, bytes(archive.PIECE_BYTES))
    out.finish({"t": 3}, {})
    assert (tmp_path / "x.tar").stat().st_mode & 0o777 == 0o600
    found, contents = archive.verified(tmp_path / "x.tar")
    assert found == head
    assert len(contents.pieces) == 3
    assert [len(rows) for _, rows in archive.pieces(tmp_path / "x.tar")] == [8_000_000] * 3


async def _nothing_in(url: str) -> None:
    found = await rows_of(
        url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    assert found == []


def _edited(path: Path, member: str, change: Any) -> Path:
    """A copy of a backup in which one document says something else."""
    copy = path.with_name("edited.tar")
    with tarfile.open(path) as old, tarfile.open(copy, "w") as new:
        for each in old:
            taken = old.extractfile(each)
            assert taken is not None
            content = taken.read()
            if each.name == member:
                content = msgspec.json.encode(change(msgspec.json.decode(content)))
                each.size = len(content)
            new.addfile(each, io.BytesIO(content))
    return copy
