"""How much memory the bodies that are on their way in may take, all together."""

from collections.abc import Generator
from contextlib import contextmanager

from ioc.errors import Busy


class BodyBudget:
    """Bytes of all bodies under way; one that would take more is refused with `Busy`.

    A body that is alone is let in whatever its size: how large it may be is for its reader to say.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        """Hold at most `limit_bytes`, or one body larger than that."""
        self._limit = limit_bytes
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._held

    @contextmanager
    def share(self) -> Generator["Share"]:
        """The share of one body; it is given back at the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            share.hold(0)

    def change(self, before: int, after: int) -> None:
        """Hold `after` bytes of a body instead of `before`."""
        others = self._held - before
        if after > before and others and others + after > self._limit:
            raise Busy("many bodies are on their way in; send it again after a pause")
        self._held = others + after


class Share:
    """What one body takes of the budget."""

    def __init__(self, budget: BodyBudget) -> None:
        """Take nothing yet."""
        self._budget = budget
        self._size = 0

    def hold(self, size: int) -> None:
        """So many bytes are held from now on."""
        self._budget.change(self._size, size)
        self._size = size
