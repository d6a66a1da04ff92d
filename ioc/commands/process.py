"""What the long-running commands share: settings, signals, the collector, the exit status."""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import typer
import uvloop

from ioc import log as logs
from ioc.config import Config, read_config
from ioc.embedded.process import EmbeddedError
from ioc.errors import IocError
from ioc.runtime.composition import open_runtime
from ioc.runtime.role import Role

log = logging.getLogger(__name__)

LONGEST_STOP: Final = 15.0
"""Seconds after which a stop is cut short, when an outside database does not let go of us."""


class Stop:
    """Turns the first signal into an orderly end.

    While it serves, uvicorn handles the signals, and sends them on to us once it has stopped: by
    then everything is closing, and nothing may cut that short.
    """

    def __init__(self) -> None:
        """Hear the signals of this process, on behalf of the running task."""
        self.served = False
        self.asked = asyncio.Event()
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self._signalled)

    def _signalled(self) -> None:
        self.asked.set()
        if not self.served and self._task is not None:
            self._task.cancel()


def run_process(body: Callable[[Config], Awaitable[int]]) -> None:
    """Run the process to its end and exit with its status; expected errors are one line each."""
    logs.configure(os.environ.get("IOC_LOG", "INFO"))
    try:
        status = uvloop.run(_run(body))
    except asyncio.CancelledError:
        status = 130
    except (IocError, EmbeddedError) as error:
        typer.echo(f"ioc: {error}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(status)


async def _run(body: Callable[[Config], Awaitable[int]]) -> int:
    config = read_config()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return await body(config)


async def without_pages(
    config: Config, role: Role, *, feeds: Sequence[str] = (), agencies: Sequence[str] = ()
) -> int:
    """Play a role that serves nobody directly, until a signal or the death of a vital task."""
    stop = Stop()
    async with open_runtime(config, role, feeds=feeds, agencies=agencies) as state:
        quieten_collector()
        stop.served = True
        typer.echo(f"ioc {role.name}: running")
        await stop.asked.wait()
        failed = state["facts"].health().failed
        limit_stop()
    return status_after(failed)


def limit_stop() -> None:
    """From here on end in time: what is not acknowledged comes again, nothing is lost by it."""
    timer = threading.Timer(LONGEST_STOP, _cut_short)
    timer.daemon = True
    timer.start()


def _cut_short() -> None:
    log.critical("the stop took too long and was cut short")
    os._exit(1)


def status_after(failed: str | None) -> int:
    """The exit status of a process, by the vital task that died, if any."""
    if failed is None:
        return 0
    log.critical("stopped because the vital task `%s` died", failed)
    return 1


def quieten_collector() -> None:
    """Look for cycles of garbage seldom: with 16,000 series each full look costs tens of ms.

    Nearly all that comes and goes here has no cycles. Measured with one observation per payload:
    0.34 of the limit before, 0.59 after.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
