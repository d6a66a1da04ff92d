"""Who runs which inner server on a data directory, and how to reach it: locks and run.json."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Self

import msgspec

from ioc.embedded.process import EmbeddedError

Server = Literal["database", "broker"]

_RUN_FILE: Final = "run.json"


class Holder(msgspec.Struct, frozen=True):
    """Who holds a claim; a lasting one is `ioc up`, the others are short commands."""

    pid: int
    lasting: bool


class Running(msgspec.Struct, frozen=True):
    """One inner server as it can be reached."""

    pid: int
    url: str


class RunFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of run.json; it holds passwords, so only its owner may read it."""

    database: Running | None = None
    broker: Running | None = None


class AlreadyRunningError(EmbeddedError):
    """Another process runs this server on this data directory."""

    def __init__(self, data_dir: Path, server: Server, holder: Holder) -> None:
        super().__init__(
            f"{data_dir} is in use: process {holder.pid} runs its {server}. "
            "Stop that one first, or name another directory in IOC_DATA_DIR"
        )
        self.holder = holder


class Claim:
    """The right to run one server on a data directory; the kernel ends it with our process."""

    def __init__(self, data_dir: Path, server: Server, *, lasting: bool) -> None:
        self._data_dir = data_dir
        self._server: Server = server
        self._descriptor = os.open(data_dir / f"{server}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self._descriptor)
            os.close(self._descriptor)
            raise AlreadyRunningError(data_dir, server, holder) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, msgspec.json.encode(Holder(os.getpid(), lasting)), 0)
        # What stands there was written by somebody who is gone.
        self._write(None)

    def publish(self, url: str) -> None:
        """Tell other processes where the server is."""
        self._write(Running(os.getpid(), url))

    def release(self) -> None:
        self._write(None)
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def _write(self, running: Running | None) -> None:
        with _locked(self._data_dir / "run.lock"):
            content = read(self._data_dir)
            match self._server:
                case "database":
                    content = msgspec.structs.replace(content, database=running)
                case "broker":
                    content = msgspec.structs.replace(content, broker=running)
            write_private(self._data_dir / _RUN_FILE, msgspec.json.encode(content))


def read(data_dir: Path) -> RunFile:
    """What run.json says; nothing when it is absent or was cut."""
    try:
        return msgspec.json.decode((data_dir / _RUN_FILE).read_bytes(), type=RunFile)
    except (FileNotFoundError, msgspec.DecodeError):
        return RunFile()


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step; nobody else may read it at any moment."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)


class Guests:
    """Commands that use a server which another command started.

    Each holds the lock shared; whoever wants to stop the server takes it alone.
    """

    def __init__(self, data_dir: Path) -> None:
        self._descriptor = os.open(data_dir / "guests.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def enter(self) -> bool:
        return self._try(fcntl.LOCK_SH)

    def leave(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def shut_out(self) -> bool:
        return self._try(fcntl.LOCK_EX)

    def close(self) -> None:
        os.close(self._descriptor)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _holder(descriptor: int) -> Holder:
    try:
        return msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Holder)
    except msgspec.DecodeError:
        # Between taking the lock and writing its name; the next try reads it.
        return Holder(0, lasting=False)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
