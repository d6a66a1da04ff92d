"""The simulator of the demo as a child process, kept running."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from ioc.config import Config

log = logging.getLogger(__name__)

PAUSE: Final = 5.0
"""Seconds before a simulator that ended is started again."""


@asynccontextmanager
async def simulator(config: Config, heard: Callable[[float], None]) -> AsyncGenerator[None]:
    """Keep it running for the length of the block; `heard` is told how far its back-fill is."""
    process: asyncio.subprocess.Process | None = None

    async def keep() -> None:
        nonlocal process
        while True:
            process = await _start(config)
            await _hear(process, heard)
            status = await process.wait()
            log.error("the simulator ended with status %s; it is started again", status)
            await asyncio.sleep(PAUSE)

    keeping = asyncio.create_task(keep(), name="simulator")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        if process is not None and process.returncode is None:
            await _end(process)


async def _start(config: Config) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "ioc", "simulate", "--child"]
    if not config.demo_backfill:
        command.append("--no-backfill")
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "IOC_DATA_DIR": str(config.data_dir.resolve())},
        # Ctrl-C reaches us first; the child is told when we are ready for it.
        start_new_session=True,
    )


async def _hear(process: asyncio.subprocess.Process, heard: Callable[[float], None]) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        with suppress(msgspec.DecodeError):
            heard(_progress.decode(line).backfill)


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 3)
    except TimeoutError:
        process.kill()
        await process.wait()


class _Progress(msgspec.Struct):
    """What the simulator prints while it fills in the past."""

    backfill: float


_progress: Final = msgspec.json.Decoder(_Progress)
