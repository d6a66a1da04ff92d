"""Child processes that take jobs as JSON lines, and what processes cost, from /proc."""

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from ioc.bench.figures import BenchFailed

T = TypeVar("T")

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_STOP_SECONDS: Final = 5.0
_LONGEST_LINE: Final = 16_000_000


class Child:
    """A module of this package in a process of its own, so that load and product share no GIL."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        """Talk to `process`, which runs `module`."""
        self._module = module
        self._process = process
        self.pid = process.pid

    async def ask(self, job: msgspec.Struct, answer: type[T], *, patience: float = 60.0) -> T:
        """Give it a job and wait for its answer."""
        await self.tell(job)
        return await self.answer(answer, patience=patience)

    async def tell(self, job: msgspec.Struct) -> None:
        """Give it a job."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise BenchFailed(f"{self._module} has ended before its job") from error

    async def answer(self, answer: type[T], *, patience: float = 60.0) -> T:
        """Wait for the answer to the oldest job that has none."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), patience)
        except TimeoutError:
            raise BenchFailed(f"{self._module} did not answer within {patience:.0f} s") from None
        if not line:
            raise BenchFailed(f"{self._module} ended before it answered; see its error above")
        return msgspec.json.decode(line, type=answer)


@asynccontextmanager
async def child(module: str) -> AsyncGenerator[Child]:
    """Run `ioc.bench.<module>` for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"ioc.bench.{module}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield Child(module, process)
    finally:
        await stopped(process, signal.SIGTERM, _STOP_SECONDS)


async def stopped(process: asyncio.subprocess.Process, number: signal.Signals, wait: float) -> None:
    """Ask a process to end, and end it if it does not."""
    with suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), wait)
    except TimeoutError:
        process.kill()
        await process.wait()


async def jobs(decoder: msgspec.json.Decoder[T]) -> AsyncIterator[T]:
    """In the child: the jobs as they come."""
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield decoder.decode(line)


def reply(answer: msgspec.Struct) -> None:
    """In the child: answer a job."""
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def allow_sockets(wanted: int) -> None:
    """Raise the limit of open files, which children inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + 1_000
    if soft < needed:
        if hard < needed:
            raise BenchFailed(f"{wanted} sockets need `ulimit -Hn` ≥ {needed}; it is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def resident_bytes(pid: int) -> int:
    """Memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


class Meter:
    """CPU seconds of process trees by program, from the moment it is made."""

    def __init__(self, roots: Iterable[tuple[str, int]], now: float) -> None:
        """Watch trees by the name and pid of their roots; descendants go by their own names."""
        self._roots = list(roots)
        self._started = now
        self._before = self._seconds()

    def spent(self) -> dict[str, float]:
        """CPU seconds per program since the start."""
        return {
            name: max(0.0, spent - self._before.get(name, 0.0))
            for name, spent in sorted(self._seconds().items())
        }

    def cores(self, now: float) -> dict[str, float]:
        """Cores in use per program on average since the start."""
        seconds = now - self._started
        return {name: round(spent / seconds, 2) for name, spent in self.spent().items()}

    def peak_mib(self) -> dict[str, float]:
        """The most memory that one process of each program has held in its life, in MiB."""
        found: dict[str, float] = {}
        for pid, called in self._members():
            # A process that is just ending has no memory any more.
            with suppress(OSError, IndexError):
                status = Path(f"/proc/{pid}/status").read_text()
                kib = int(status.partition("VmHWM:")[2].split()[0])
                found[called] = max(found.get(called, 0.0), round(kib / 1024, 1))
        return found

    def _seconds(self) -> dict[str, float]:
        tree = _processes()
        found: dict[str, float] = {}
        for pid, called in self._members():
            _, seconds = tree.get(pid, (0, 0.0))
            found[called] = found.get(called, 0.0) + seconds
        return found

    def _members(self) -> list[tuple[int, str]]:
        """Pid and program of every process of the trees."""
        tree = _processes()
        found: list[tuple[int, str]] = []
        waiting = [(root, name) for name, root in self._roots]
        while waiting:
            pid, called = waiting.pop()
            if pid in tree:
                found.append((pid, called))
                waiting += [(p, _program(p)) for p, (parent, _) in tree.items() if parent == pid]
        return found


def _processes() -> dict[int, tuple[int, float]]:
    """Parent and CPU seconds, those of ended children included, by pid."""
    found: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            found[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / _TICKS)
    return found


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "ended"
