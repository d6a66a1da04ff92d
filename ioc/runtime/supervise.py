"""Vital tasks never die unseen: one that ends takes the process with it."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 5.0
"""How long the tasks may take to end."""


def end_process() -> None:
    """Ask this process to stop in order."""
    os.kill(os.getpid(), signal.SIGTERM)


class Vitals:
    """The vital tasks and the one that failed, if any."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self.failed: str | None = None


@asynccontextmanager
async def running(
    tasks: Mapping[str, Callable[[], Awaitable[None]]],
    vitals: Vitals,
    *,
    die: Callable[[], None] = end_process,
) -> AsyncGenerator[None]:
    """Run every task for the length of the block; one that ends early takes the process with it.

    A server that answers 200 while nothing is being stored is worse than one that restarts.
    """
    stopping = False

    async def vital(name: str, body: Callable[[], Awaitable[None]]) -> None:
        try:
            await body()
            if not stopping:
                log.critical("vital task ended: %s", name)
        except asyncio.CancelledError:
            if stopping:
                raise
            log.critical("vital task was cancelled: %s", name)
        except Exception:
            log.critical("vital task crashed: %s", name, exc_info=True)
        if not stopping:
            vitals.failed = name
            die()

    started = [asyncio.create_task(vital(name, body), name=name) for name, body in tasks.items()]
    try:
        yield
    finally:
        stopping = True
        for task in started:
            task.cancel()
        # A task that waits for a database that stands still cannot end before that does.
        _, left = await asyncio.wait(started, timeout=STOP_SECONDS)
        if left:
            names = ", ".join(sorted(task.get_name() for task in left))
            log.warning("left behind, because they did not end: %s", names)
