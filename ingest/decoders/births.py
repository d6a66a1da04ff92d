"""What the birth certificates of Sparkplug nodes say of the metrics that follow them."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

MOST_NAMES: Final = 400_000
"""Names and aliases in memory; the node that was silent for longest is forgotten there first."""

_SEQUENCE: Final = 256
"""Sequence numbers count from 0 to 255 and begin again."""


class Tag(msgspec.Struct, frozen=True, array_like=True):
    """What a birth certificate says of a metric; `datatype` is 0 where it says none."""

    name: str
    alias: int | None = None
    datatype: int = 0
    uom: str = ""


class Birth(msgspec.Struct, frozen=True):
    """A certificate, of an edge node or of what is below it; `bd_seq` stands in the node's own."""

    tags: tuple[Tag, ...]
    bd_seq: int | None = None


class Change(NamedTuple):
    """A certificate that is new; without `birth` it ended, without `below` all of the node did."""

    feed: int
    node: str
    below: str | None
    birth: Birth | None


class _Known:
    """A certificate by name and alias, and which edition of it the database has."""

    def __init__(self, birth: Birth, edition: int | None = None) -> None:
        self.birth = birth
        self.edition = edition
        self.by_name = {tag.name: tag for tag in birth.tags}
        self.by_alias = {tag.alias: tag for tag in birth.tags if tag.alias is not None}

    @property
    def size(self) -> int:
        return len(self.by_name) + len(self.by_alias)


class _Node:
    """The certificates of a node by what is below it, and the last sequence number."""

    def __init__(self) -> None:
        self.known: dict[str, _Known] = {}
        self.sequence: int | None = None

    @property
    def size(self) -> int:
        return sum(known.size for known in self.known.values())


class Births:
    """The certificates of edge nodes, by the feed that they came through; bounded in number.

    `sequenced` says that all payloads of a node come this way, so that gaps are missing ones.
    """

    def __init__(self, most: int = MOST_NAMES, *, sequenced: bool = True) -> None:
        """Keep at most `most` names and aliases; the decoders of one process share one table."""
        self.sequenced = sequenced
        self._most = most
        self._nodes: OrderedDict[tuple[int, str], _Node] = OrderedDict()
        self._count = 0
        self._changes: list[Change] = []

    def born(self, feed: int, node: str, below: str, birth: Birth) -> None:
        """Note a certificate in place of the last one; that of a node ends all below it."""
        if not below:
            self._forget(feed, node)
            self._changes.append(Change(feed, node, None, None))
        self._put(feed, node, below, _Known(birth))
        self._changes.append(Change(feed, node, below, birth))

    def died(self, feed: int, node: str, bd_seq: int | None) -> None:
        """End what is known of a node, if the death is of that birth.

        The death is the node's last will: the broker may send it long after the node came again.
        """
        held = self._nodes.get((feed, node))
        own = None if held is None else held.known.get("")
        if own is not None and own.birth.bd_seq == bd_seq:
            self._forget(feed, node)
            self._changes.append(Change(feed, node, None, None))

    def ended(self, feed: int, node: str, below: str) -> None:
        """End what is known of something below a node."""
        held = self._nodes.get((feed, node))
        gone = None if held is None else held.known.pop(below, None)
        if gone is not None:
            self._count -= gone.size
            self._changes.append(Change(feed, node, below, None))

    def find(self, feed: int, node: str, below: str, alias: int | None, name: str) -> Tag | None:
        """The metric of that name, or of that alias where it has none."""
        held = self._nodes.get((feed, node))
        known = None if held is None else held.known.get(below)
        if known is None:
            return None
        self._nodes.move_to_end((feed, node))
        if name:
            return known.by_name.get(name)
        return None if alias is None else known.by_alias.get(alias)

    def missed(self, feed: int, node: str, sequence: int) -> int:
        """How many payloads of a node did not come before the one with that sequence number."""
        held = self._nodes.get((feed, node))
        if held is None or not self.sequenced:
            return 0
        last, held.sequence = held.sequence, sequence
        missed = 0 if last is None else (sequence - last - 1) % _SEQUENCE
        if missed < _SEQUENCE // 2:
            return missed
        # It is one of those that were missed, or came before.
        held.sequence = last
        return 0

    def changes(self) -> list[Change]:
        """What is new since it was last asked for, to be written down."""
        found, self._changes = self._changes, []
        return found

    def editions(self, feed: int, node: str) -> dict[str, int | None] | None:
        """Which editions are in memory, by what is below the node; None for an unknown one."""
        held = self._nodes.get((feed, node))
        return None if held is None else {below: k.edition for below, k in held.known.items()}

    def written(self, feed: int, node: str, below: str, edition: int) -> None:
        """Note which edition a certificate has become in the database."""
        held = self._nodes.get((feed, node))
        if held is not None and below in held.known:
            held.known[below].edition = edition

    def read(self, feed: int, node: str, below: str, birth: Birth, edition: int) -> None:
        """Take a certificate from the database."""
        self._put(feed, node, below, _Known(birth, edition))

    def drop(self, feed: int, node: str, gone: Iterable[str]) -> None:
        """Forget what the database does not have any more."""
        held = self._nodes.get((feed, node))
        if held is not None:
            self._count -= sum(held.known.pop(below).size for below in gone)

    def _put(self, feed: int, node: str, below: str, known: _Known) -> None:
        held = self._nodes.setdefault((feed, node), _Node())
        self._nodes.move_to_end((feed, node))
        before = held.known.get(below)
        self._count += known.size - (0 if before is None else before.size)
        held.known[below] = known
        while self._count > self._most:
            self._forget(*next(iter(self._nodes)))

    def _forget(self, feed: int, node: str) -> None:
        gone = self._nodes.pop((feed, node), None)
        self._count -= 0 if gone is None else gone.size
