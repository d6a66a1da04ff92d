"""What a coroutine takes of the CPU itself, without what others do while it waits."""

from collections.abc import Awaitable, Coroutine, Generator
from time import thread_time
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Metered(Awaitable[T], Generic[T]):
    """Awaits a coroutine, once, and counts the CPU seconds of the thread in each of its steps."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        """Count from 0."""
        self._coroutine = coroutine
        self.seconds = 0.0

    def __await__(self) -> Generator[Any, Any, T]:
        """Run step by step, handing on what is waited for and what comes of it."""
        step = self._coroutine.send
        given: Any = None
        while True:
            began = thread_time()
            try:
                awaited = step(given)
            except StopIteration as done:
                return done.value
            finally:
                self.seconds += thread_time() - began
            try:
                given, step = (yield awaited), self._coroutine.send
            except BaseException as error:
                given, step = error, self._coroutine.throw
