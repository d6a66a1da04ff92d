"""What clients subscribe to: keyed state that conflates, and a log of changes that does not."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

Box = tuple[float, float, float, float]
Point = tuple[float, float]

MOST_REMOVED = 10_000
"""Removals a state topic remembers; an older cursor starts over."""

MOST_LOGGED = 20_000
"""Changes a log topic remembers; an older cursor starts over."""


@dataclass(slots=True)
class Delta:
    """What changed between two offsets, as encoded items."""

    offset: int
    add: list[bytes] = field(default_factory=list[bytes])
    update: list[bytes] = field(default_factory=list[bytes])
    remove: list[str] = field(default_factory=list[str])

    def encode(self) -> bytes:
        """The `data` of a delta frame."""
        return (
            b'{"update":[' + b",".join(self.update)
            + b'],"add":[' + b",".join(self.add)
            + b'],"remove":' + msgspec.json.encode(self.remove) + b"}"
        )  # fmt: skip

    def __bool__(self) -> bool:
        """False when there is nothing to say."""
        return bool(self.add or self.update or self.remove)


class Topic(Protocol):
    """Something that has a snapshot, and deltas that lead from one offset to the next."""

    name: str
    epoch: str
    offset: int
    pace: float
    """Least seconds between two frames to one client."""

    def snapshot(self, box: Box | None) -> bytes:
        """The `data` of a snapshot frame at the present offset."""
        ...

    def since(self, offset: int, box: Box | None) -> list[tuple[int, bytes]] | None:
        """Frames (offset, data) that lead from `offset` to the present; None: start over."""
        ...


@dataclass(slots=True)
class _Entry:
    offset: int
    born: int
    fragment: bytes | None
    point: Point | None
    moved: int = 0
    """Offset since which the place may differ from what clients were told before, 0 if never."""


def inside(point: Point | None, box: Box | None) -> bool:
    """Whether a thing at `point` belongs to a view of `box`; the unplaced belongs to every view."""
    if box is None or point is None:
        return True
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


class StateTopic:
    """The newest state per key: a slow client skips values instead of queueing them.

    Its memory is bounded by the number of keys, however many clients are however far behind.
    Items are encoded when a client needs them, once for all clients.
    """

    def __init__(self, name: str, epoch: str, *, pace: float = 0.2) -> None:
        """Start empty at offset 0."""
        self.name = name
        self.epoch = epoch
        self.pace = pace
        self.offset = 0
        self.render: Callable[[str], bytes] | None = None
        # Ordered by the offset of the last change, so that a delta reads only what changed.
        self._items: OrderedDict[str, _Entry] = OrderedDict()
        self._removed: OrderedDict[str, int] = OrderedDict()
        self._floor = 0
        self._cache: dict[tuple[int, Box | None], list[tuple[int, bytes]]] = {}
        self._cached_at = -1

    def __len__(self) -> int:
        """How many items."""
        return len(self._items)

    def __contains__(self, key: str) -> bool:
        """Whether the item exists."""
        return key in self._items

    def put(self, key: str, fragment: bytes | None = None, point: Point | None = None) -> None:
        """Set an item; without a fragment it is rendered when somebody asks for it."""
        self.offset += 1
        entry = self._items.get(key)
        if entry is None:
            again = self._removed.pop(key, None) is not None
            moved = self.offset if again else 0
            self._items[key] = _Entry(self.offset, self.offset, fragment, point, moved)
            return
        entry.offset, entry.fragment = self.offset, fragment
        if point is not None and point != entry.point:
            entry.point, entry.moved = point, self.offset
        self._items.move_to_end(key)

    def put_if_changed(self, key: str, fragment: bytes) -> bool:
        """Set an item unless it stands so already."""
        entry = self._items.get(key)
        if entry is not None and entry.fragment == fragment:
            return False
        self.put(key, fragment)
        return True

    def remove(self, key: str) -> None:
        """Take an item away."""
        if self._items.pop(key, None) is None:
            return
        self.offset += 1
        self._removed[key] = self.offset
        self._removed.move_to_end(key)
        while len(self._removed) > MOST_REMOVED:
            _, self._floor = self._removed.popitem(last=False)

    def keep_only(self, keys: Iterable[str]) -> None:
        """Take away all other items."""
        for key in set(self._items) - set(keys):
            self.remove(key)

    def _fragment(self, key: str, entry: _Entry) -> bytes:
        if entry.fragment is None:
            assert self.render is not None
            entry.fragment = self.render(key)
        return entry.fragment

    def items(self, box: Box | None = None) -> list[bytes]:
        """All items in a box, encoded."""
        return [
            self._fragment(key, entry)
            for key, entry in self._items.items()
            if inside(entry.point, box)
        ]

    def snapshot(self, box: Box | None) -> bytes:
        """The `data` of a snapshot frame."""
        return b'{"items":[' + b",".join(self.items(box)) + b"]}"

    def since(self, offset: int, box: Box | None) -> list[tuple[int, bytes]] | None:
        """At most one frame that leads from `offset` to the present; None: start over."""
        if offset > self.offset or offset < self._floor:
            return None
        if self._cached_at != self.offset:
            self._cache.clear()
            self._cached_at = self.offset
        cached = self._cache.get((offset, box))
        if cached is None:
            delta = self._delta(offset, box)
            cached = [(self.offset, delta.encode())] if delta else []
            self._cache[offset, box] = cached
        return cached

    def _delta(self, offset: int, box: Box | None) -> Delta:
        delta = Delta(self.offset)
        for key in reversed(self._items):
            entry = self._items[key]
            if entry.offset <= offset:
                break
            if not inside(entry.point, box):
                if entry.moved > offset:
                    # It may have been inside before, and would stay in view at its old place.
                    delta.remove.append(key)
                continue
            (delta.add if entry.born > offset else delta.update).append(self._fragment(key, entry))
        for key in reversed(self._removed):
            if self._removed[key] <= offset:
                break
            delta.remove.append(key)
        return delta


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a log topic; `verb` is add, update or remove."""

    offset: int
    verb: str
    key: str
    fragment: bytes


class LogTopic:
    """Open things and every change of them, in order: a client that comes back misses none."""

    def __init__(self, name: str, epoch: str) -> None:
        """Start empty; `load` brings what the store holds."""
        self.name = name
        self.epoch = epoch
        self.pace = 0.0
        self.offset = 0
        self._open: dict[str, bytes] = {}
        self._log: deque[Change] = deque(maxlen=MOST_LOGGED)
        self._floor = 0

    def load(self, items: Iterable[tuple[str, bytes]], log: list[Change], offset: int) -> None:
        """Take the state and the tail of the log from the store."""
        self._open = dict(items)
        self._log.clear()
        self._log.extend(log)
        self.offset = offset
        self._floor = self._log[0].offset - 1 if self._log else offset

    def apply(self, change: Change) -> None:
        """Take the next change; `none` moves the offset only."""
        self.offset = change.offset
        if change.verb == "none":
            return
        if len(self._log) == self._log.maxlen:
            self._floor = self._log[0].offset
        self._log.append(change)
        if change.verb == "remove":
            self._open.pop(change.key, None)
        else:
            self._open[change.key] = change.fragment

    def items(self) -> list[bytes]:
        """All open things, encoded."""
        return list(self._open.values())

    def snapshot(self, box: Box | None) -> bytes:
        """The `data` of a snapshot frame; a box has no meaning here."""
        return b'{"items":[' + b",".join(self._open.values()) + b"]}"

    def since(self, offset: int, box: Box | None) -> list[tuple[int, bytes]] | None:
        """Every change after `offset` in order, in as few frames as keep each of them."""
        if offset > self.offset or offset < self._floor:
            return None
        missed: list[Change] = []
        for change in reversed(self._log):
            if change.offset <= offset:
                break
            missed.append(change)
        frames: list[tuple[int, bytes]] = []
        delta, named = Delta(offset), set[str]()
        for change in reversed(missed):
            if change.key in named:
                frames.append((delta.offset, delta.encode()))
                delta, named = Delta(offset), set[str]()
            named.add(change.key)
            delta.offset = change.offset
            if change.verb == "remove":
                delta.remove.append(change.key)
            else:
                (delta.add if change.verb == "add" else delta.update).append(change.fragment)
        if delta:
            frames.append((delta.offset, delta.encode()))
        return frames
