"""Child processes that die with us, come back when killed, and log into bounded files."""

import asyncio
import errno
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ioc.embedded.disk import has_room, tells_of_no_space

log = logging.getLogger(__name__)

# Signals in the order tried, each with the seconds given to it.
StopPlan = Sequence[tuple[signal.Signals, float]]

_POLL_SECONDS: Final = 0.02
_TICK_SECONDS: Final = 0.1
_ORPHAN_SECONDS: Final = 8.0  # a fast shutdown with its checkpoint, before we use force
_STILL_STARTING_SECONDS: Final = 10.0
_START_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0, 5.0, 5.0)
_NO_ROOM_PAUSE: Final = 2.0
_SHORT_LIFE_SECONDS: Final = 5.0
_LOG_LIMIT: Final = 16 * 2**20
_READ_LIMIT: Final = 2**20
_TAIL_BYTES: Final = 4096
_BIND_RETRY_SECONDS: Final = 3.0

# Between the fork and prctl the parent may already be gone, and then no signal ever comes.
_ONLY_UNDER_PARENT: Final = '[ "$PPID" = "$0" ] && exec "$@"'


class EmbeddedError(Exception):
    """An embedded server cannot be run."""


class LogFile:
    """What a child writes to standard error: it appends, we read on and keep the file short.

    The child holds the descriptor in append mode, so cutting the file to nothing is safe while
    it runs; the previous stretch is kept beside it with the ending `.1`.
    """

    def __init__(self, path: Path, *, limit: int = _LOG_LIMIT) -> None:
        self.path = path
        self._limit = limit
        self._position = 0
        self._rest = b""

    def open_for_child(self) -> int:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._position = os.fstat(descriptor).st_size
        self._rest = b""
        return descriptor

    def new_lines(self) -> list[str]:
        """The complete lines written since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._position)
                chunk = file.read(_READ_LIMIT)
        except FileNotFoundError:
            return []
        self._position += len(chunk)
        if len(chunk) < _READ_LIMIT and self._position > self._limit:
            self._cut()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    def tail(self, lines: int = 8) -> str:
        """The last lines, for an error message."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _cut(self) -> None:
        # What the child writes between the copy and the cut is lost: some microseconds of log.
        shutil.copyfile(self.path, self.path.with_name(self.path.name + ".1"))
        os.truncate(self.path, 0)
        self._position = 0


async def spawn(
    command: Sequence[str],
    *,
    directory: Path,
    log_file: LogFile,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> asyncio.subprocess.Process:
    """Start a child that gets SIGINT when we die, even by `kill -9`.

    The kernel sends that signal when the *thread* that forked ends, so this must run on an
    event loop whose thread lives as long as the child may. Its own session keeps the
    terminal's Ctrl-C from reaching it before we have drained.
    """
    guard: list[str] = []
    if sys.platform == "linux":
        # nohup and shell background jobs leave SIGHUP and SIGINT ignored, and that is inherited.
        guard += ["env", "--default-signal=HUP,INT", "setpriv", "--pdeathsig", "INT", "--"]
        guard += ["sh", "-c", _ONLY_UNDER_PARENT, str(os.getpid())]
    descriptor = log_file.open_for_child()
    try:
        return await asyncio.create_subprocess_exec(
            *prefix,
            *guard,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=directory,
            env=clean_environment() | dict(environment or {}),
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise EmbeddedError(f"{error.filename} is missing") from error
    finally:
        os.close(descriptor)


async def run(
    command: Sequence[str],
    *,
    directory: Path,
    text: str = "",
    prefix: Sequence[str] = (),
) -> str:
    """Run a short command to its end and return what it printed; raise when it fails."""
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *command,
        # A pipe that nothing is written to may be closed by a quick program before we close it.
        stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=directory,
        env=clean_environment(),
    )
    output, _ = await process.communicate(text.encode() if text else None)
    printed = output.decode("utf-8", "replace").strip()
    if process.returncode:
        raise EmbeddedError(f"{Path(command[0]).name} failed: {printed}")
    return printed


def clean_environment() -> dict[str, str]:
    """Ours without what would steer a PostgreSQL program, and with a fixed language and zone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


async def clear_out(directory: Path, program: str) -> None:
    """Wait until no `program` works in `directory` any more, by force in the end.

    A killed parent leaves its child shutting down for a moment, and a killed postmaster its
    backends. The working directory tells whose they are; process ids are reused and a zombie
    still answers to `kill -0`, so a pid file alone proves nothing.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _ORPHAN_SECONDS
    asked = False
    while left := processes_in(directory, program):
        if not asked:
            log.info("waiting for an earlier %s to end", program, extra={"pids": left})
            _send(left, signal.SIGINT)
            asked = True
        elif loop.time() > deadline:
            _send(left, signal.SIGKILL)
        await asyncio.sleep(_POLL_SECONDS)


def processes_in(directory: Path, program: str) -> list[int]:
    """Live processes (no zombies) of that program whose working directory this is."""
    place = os.path.realpath(directory)
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        # Others' processes may not be looked at, and any may end meanwhile.
        with suppress(OSError):
            if (entry / "cwd").readlink() != Path(place):
                continue
            executable = (entry / "exe").readlink().name.removesuffix(" (deleted)")
            if executable == program:
                found.append(int(entry.name))
    return found


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def require_free_port(host: str, port: int, *, setting: str) -> None:
    """Raise a message that names the setting when somebody else listens there."""
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (
        await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    )[0]
    deadline = loop.time() + _BIND_RETRY_SECONDS
    while True:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise EmbeddedError(
                        f"cannot listen on {host} port {port}: {error.strerror}; see {setting}"
                    ) from error
            else:
                return
        if loop.time() > deadline:
            raise EmbeddedError(
                f"port {port} on {host} is already in use; set {setting} to a free one"
            )
        await asyncio.sleep(_TICK_SECONDS)


class Service:
    """One child kept alive: started, awaited until ready, started again when it dies."""

    def __init__(
        self,
        name: str,
        *,
        directory: Path,
        launch: Callable[[], Awaitable[asyncio.subprocess.Process]],
        is_ready: Callable[[], Awaitable[bool]],
        stop_plan: StopPlan,
        log_file: LogFile,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.disk_full = False
        """Whether it cannot be started for want of room on the disk of `directory`."""
        self._directory = directory
        self.ready = asyncio.Event()
        self._launch = launch
        self._is_ready = is_ready
        self._stop_plan = stop_plan
        self._log_file = log_file
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise EmbeddedError(f"{self.name} has not been started")
        return self._process.pid

    async def start(self) -> None:
        """Return once the child serves; raise with the end of its log when it does not."""
        self._reader = asyncio.create_task(self._read_log(), name=f"{self.name} log")
        try:
            await self._start_once()
        except BaseException:
            await self.stop()
            raise
        self._keeper = asyncio.create_task(self._keep_alive(), name=f"{self.name} keeper")

    async def watched(self) -> None:
        """Last as long as the child is being kept alive; raise when it cannot be any more."""
        if self._keeper is not None:
            await asyncio.wait([self._keeper])
            if not self._keeper.cancelled():
                self._keeper.result()

    async def stop(self) -> None:
        """End the child by the stop plan, then by SIGKILL."""
        await _cancelled(self._keeper)
        self.ready.clear()
        if self._process is not None and self._process.returncode is None:
            await self._end(self._process)
        await _cancelled(self._reader)

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def restart(self) -> None:
        """End the child by the stop plan; it is started again like one that died."""
        if self._process is not None and self._process.returncode is None:
            await self._end(self._process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        for number, seconds in (*self._stop_plan, (signal.SIGKILL, 5.0)):
            with suppress(ProcessLookupError):
                process.send_signal(number)
            try:
                await asyncio.wait_for(process.wait(), seconds)
            except TimeoutError:
                log.warning("%s did not end on %s", self.name, number.name)
            else:
                return

    async def _start_once(self) -> None:
        loop = asyncio.get_running_loop()
        process = self._process = await self._launch()
        next_notice = loop.time() + _STILL_STARTING_SECONDS
        while not await self._is_ready():
            if process.returncode is not None:
                raise EmbeddedError(
                    f"{self.name} ended with status {process.returncode} before it was ready:\n"
                    f"{self._log_file.tail()}"
                )
            if loop.time() > next_notice:  # crash recovery takes as long as it takes
                log.warning("%s is still starting: %s", self.name, self._log_file.tail()[-200:])
                next_notice += _STILL_STARTING_SECONDS
            await asyncio.sleep(_POLL_SECONDS)
        self.disk_full = False
        self.ready.set()

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        while self._process is not None:
            began = loop.time()
            status = await self._process.wait()
            self.ready.clear()
            self.restarts += 1
            log.error(
                "%s ended by itself and is started again; what was committed is on disk",
                self.name,
                extra={"status": status, "restarts": self.restarts},
            )
            if loop.time() - began < _SHORT_LIFE_SECONDS:
                await asyncio.sleep(_START_PAUSES[1])
            await self._start_again()
            log.info("%s is back", self.name, extra={"pid": self.pid})

    async def _start_again(self) -> None:
        """Try some ten times; for ever while the disk is full, for that is cured from outside."""
        pauses = iter(_START_PAUSES)
        while True:
            try:
                await self._start_once()
            except (EmbeddedError, OSError) as error:
                if self._lacks_room(error):
                    self.disk_full = True
                    log.error(  # noqa: TRY400, the sentence says it all
                        "%s cannot start, its disk is full: free space for %s, then it comes back "
                        "by itself; nothing that was acknowledged is lost",
                        self.name,
                        self._directory,
                    )
                    await asyncio.sleep(_NO_ROOM_PAUSE)
                    continue
                log.warning("%s", error)
                if (pause := next(pauses, None)) is None:
                    raise EmbeddedError(
                        f"{self.name} does not start any more:\n{self._log_file.tail()}"
                    ) from error
                await asyncio.sleep(pause)
            else:
                return

    def _lacks_room(self, error: EmbeddedError | OSError) -> bool:
        if isinstance(error, OSError) and error.errno != errno.ENOSPC:
            return False
        return tells_of_no_space(f"{error} {self._log_file.tail(100)}") or not has_room(
            self._directory
        )

    async def _read_log(self) -> None:
        while True:
            for line in self._log_file.new_lines():
                if self._on_line is not None:
                    self._on_line(line)
            await asyncio.sleep(_TICK_SECONDS)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is None:
        return
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
