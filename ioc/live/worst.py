"""A log topic of which clients see the worst things, with a count of all others."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from ioc.live.topic import Change, Delta, LogTopic
from ioc.model import Severity

MOST_SHOWN: Final = 1_000
"""Things that a client is shown; nobody reads more, and a page must stay quick."""

_SEVERITIES: Final = tuple(Severity)


class Rank(NamedTuple):
    """Where a thing stands among all; the least is the worst."""

    quiet: bool
    cleared: bool
    severity: int
    acknowledged: bool
    age: int
    """Less is newer."""
    key: str


class WorstTopic(LogTopic):
    """Shows the first of all by rank; what falls behind is removed, what moves up is added.

    That way snapshot and deltas are still what a fresh snapshot says, and its size is bounded
    however many things are open. Of those that are not shown only the rank is kept; they are
    rendered when they move up. Frames say in `rest` how many are not shown, by severity.
    """

    def __init__(self, name: str, epoch: str, *, most: int = MOST_SHOWN) -> None:
        """Start empty; `load_ranked` brings what the store holds."""
        super().__init__(name, epoch)
        self.render: Callable[[str], bytes]
        self._most = most
        self._order: list[Rank] = []
        self._ranks: dict[str, Rank] = {}
        self._count: Counter[int] = Counter()

    def __len__(self) -> int:
        """How many things are open, shown or not."""
        return len(self._order)

    def __contains__(self, key: str) -> bool:
        """Whether a thing is open, shown or not."""
        return key in self._ranks

    def load_ranked(self, ranks: Sequence[Rank], log: list[Change], offset: int) -> None:
        """Take the state and the tail of the log from the store."""
        self._order = sorted(ranks)
        self._ranks = {rank.key: rank for rank in ranks}
        self._count = Counter(rank.severity for rank in ranks)
        shown = [(key, self.render(key)) for key in self.worst(self._most)]
        self.load(shown, log, offset, floor=_complete_after(log, offset, len(ranks), self._most))

    def worst(self, many: int) -> list[str]:
        """The first things by rank, worst first."""
        return [rank.key for rank in self._order[:many]]

    def rest(self) -> Mapping[Severity, int]:
        """How many of each severity are not shown; those of which there are none are left out."""
        if len(self._order) <= self._most:
            return {}
        hidden = self._count - Counter(rank.severity for rank in self._order[: self._most])
        return {_SEVERITIES[severity]: many for severity, many in sorted(hidden.items())}

    def follow(self, change: Change, rank: Rank) -> None:
        """Take the next change of a thing that ranks so after it."""
        if change.verb == "none":
            self.apply(change)
            return
        self._forget(change.key)
        place = self._most
        if change.verb != "remove":
            place = bisect_left(self._order, rank)
            self._order.insert(place, rank)
            self._ranks[rank.key] = rank
            self._count[rank.severity] += 1
        was, inside = change.key in self._open, place < self._most
        verb = ("update" if was else "add") if inside else "remove" if was else "none"
        self.apply(Change(change.offset, verb, change.key, change.fragment))
        self._move_window(change.offset)

    def _forget(self, key: str) -> None:
        rank = self._ranks.pop(key, None)
        if rank is not None:
            del self._order[bisect_left(self._order, rank)]
            self._count[rank.severity] -= 1

    def _move_window(self, offset: int) -> None:
        """Let one fall behind for one that came in, or move up for one that went."""
        if len(self._open) > self._most:
            self.apply(Change(offset, "remove", self._order[self._most].key, b""))
        elif len(self._open) < min(self._most, len(self._order)):
            key = self._order[len(self._open)].key
            self.apply(Change(offset, "add", key, self.render(key)))

    def _says(self, delta: Delta) -> bool:
        return super()._says(delta) or bool(self.rest())

    def _closing(self) -> bytes:
        rest = self.rest()
        return b',"rest":' + msgspec.json.encode(rest) + b"}" if rest else b"}"


def _complete_after(log: Sequence[Change], offset: int, many: int, most: int) -> int:
    """The offset since which no more were open than are shown: after it the log tells all."""
    floor = offset
    for change in reversed(log):
        if many > most:
            break
        many += {"add": -1, "remove": 1}.get(change.verb, 0)
        if many > most:
            break
        floor = change.offset - 1
    return floor
