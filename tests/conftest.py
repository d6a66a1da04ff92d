"""What all tests share: servers under test, databases of their own, the data folder."""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ioc.embedded.database import EmbeddedDatabase
from ioc.store.migrate import migrate
from tests.fixtures.server import Server, product_at

ROOT = Path(__file__).parents[1]

# How fast an example runs says something of the machine, and nothing of the product.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for all that the absent data folder keeps from running."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "data folder" in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} tests need the data folder (IOC_TEST_DATA) and were skipped; "
            "their small twins ran"
        )


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; a test that needs it is skipped without it."""
    folder = Path(os.environ.get("IOC_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the data folder is absent")
    return folder


@pytest.fixture(scope="session")
async def database_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A PostgreSQL server: that of IOC_TEST_DATABASE_URL, else the embedded one."""
    given = os.environ.get("IOC_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedDatabase(tmp_path_factory.mktemp("database"))
    await server.start()
    async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as conn:
        await conn.execute("ALTER SYSTEM SET fsync = off")
        await conn.execute("SELECT pg_reload_conf()")
    try:
        yield server.url
    finally:
        await server.stop()


def _named(server: str, name: str) -> str:
    """The address of another database on the same server."""
    parameters = conninfo_to_dict(server)
    return make_conninfo(**{**parameters, "dbname": name})


@pytest.fixture(scope="session")
async def template(database_server: str) -> AsyncIterator[str]:
    """A migrated database that is cloned for each test; closed to connections meanwhile."""
    name = f"template_{uuid4().hex[:10]}"
    async with await psycopg.AsyncConnection.connect(database_server, autocommit=True) as conn:
        await conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    await migrate(_named(database_server, name))
    async with await psycopg.AsyncConnection.connect(
        _named(database_server, name), autocommit=True
    ) as conn:
        row = await (
            await conn.execute("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")
        ).fetchone()
        if row is not None and row[0]:
            # Its scheduler would keep a connection, and a template must have none.
            await conn.execute("SELECT _timescaledb_functions.stop_background_workers()")
    async with await psycopg.AsyncConnection.connect(database_server, autocommit=True) as conn:
        closed = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        await conn.execute(closed)
        yield name
        await conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
async def maker(
    database_server: str,
) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
    """The connection that makes the databases of tests, and drops them."""
    async with await psycopg.AsyncConnection.connect(database_server, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def database(
    database_server: str, template: str, maker: psycopg.AsyncConnection[tuple[object, ...]]
) -> AsyncIterator[str]:
    """The address of a migrated database of the test's own."""
    name = f"test_{uuid4().hex[:12]}"
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    await maker.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
    yield _named(database_server, name)
    await maker.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory as a first start leaves it, made once for all processes of a run.

    Copied for the servers of whole files, so that only the tests of a first start wait for one.
    What is never pulled out of the wall needs no disk that is flushed.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "first-start"
    with (shared / "first-start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with product_at(shared / "first-start.new") as server:
                server.start()
                server.stop()
                setting = server.data_dir / "postgres" / "postgresql.auto.conf"
                if setting.exists():
                    setting.write_text(setting.read_text() + "fsync = 'off'\n")
                server.data_dir.rename(made)
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, first_start: Path) -> Iterator[Server]:
    """A running product with the demo's city and no simulator, for the tests of one file."""
    with product_at(tmp_path_factory.mktemp("server") / "data", like=first_start) as running:
        running.start()
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A product of the test's own, to be killed and started at will; not started yet."""
    with product_at(tmp_path / "data") as made:
        yield made
