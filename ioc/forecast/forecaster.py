"""Asks the child process: starts it when it is needed, and does without it when it fails."""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from typing import Final

import msgspec

from ioc.forecast.course import HEAD, Answer, Foreseen, Question, as_so_far, is_long_enough

log = logging.getLogger(__name__)

SECONDS: Final = 120.0
"""The longest that an answer is waited for; 300 units of two years take about ten."""

_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ONE_THREAD: Final = dict.fromkeys(_THREADS, "1")
"""Else each small matrix would be shared out over all cores."""


class Forecaster:
    """Foresees courses in a process of its own, one question at a time.

    Whatever becomes of the child, there is an answer: the rest of the period like all so far.
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        """Start nothing yet."""
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self.failures = 0
        """How often the child died, or took too long."""

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return None if self._child is None else self._child.pid

    async def foresee(self, question: Question) -> Answer:
        """What is foreseen of each course; without the child where no history is long enough."""
        if not question.ahead or not any(
            is_long_enough(question, course) for course in question.courses
        ):
            return await asyncio.to_thread(_plainly, question)
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._ask(question)
            except (OSError, TimeoutError, EOFError, msgspec.DecodeError) as fault:
                self.failures += 1
                log.warning("the forecast failed (%r); the rest is taken to be as so far", fault)
                await self._stop()
        return await asyncio.to_thread(_plainly, question)

    async def rest(self) -> None:
        """Let the child go until it is needed again, with the memory that it takes."""
        async with self._turn:
            await self._stop()

    async def _ask(self, question: Question) -> Answer:
        child = self._child
        if child is None or child.returncode is not None:
            child = self._child = await _start()
        assert child.stdin is not None
        assert child.stdout is not None
        body = msgspec.msgpack.encode(question)
        try:
            child.stdin.write(HEAD.pack(len(body)) + body)
            await child.stdin.drain()
            (length,) = HEAD.unpack(await child.stdout.readexactly(HEAD.size))
            return msgspec.msgpack.decode(await child.stdout.readexactly(length), type=Answer)
        except BaseException:
            # Whoever asks next must not read the end of this answer.
            with suppress(ProcessLookupError):
                child.kill()
            self._child = None
            raise

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ioc.forecast",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
        # Ctrl-C reaches the server first, which lets the child go.
        start_new_session=True,
    )  # fmt: skip


def _plainly(question: Question) -> Answer:
    found: list[Foreseen | None] = [as_so_far(question, course) for course in question.courses]
    return Answer(found)
