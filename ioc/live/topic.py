"""What clients subscribe to: keyed state that conflates, and a log of changes that does not."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

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

    def encode(self, closing: bytes = b"}") -> bytes:
        """The `data` of a delta frame; `closing` may hold more of it."""
        return (
            b'{"update":[' + b",".join(self.update)
            + b'],"add":[' + b",".join(self.add)
            + b'],"remove":' + msgspec.json.encode(self.remove) + closing
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


class StateTopic:
    """The newest state per key: a slow client skips values instead of queueing them.

    Its memory is bounded by the number of keys, however many clients are however far behind.
    Items are encoded when a client needs them, once for all clients. What is known of the items
    lies in columns by slot, so that many can be marked as changed, and few found among many,
    without looking at each.
    """

    def __init__(self, name: str, epoch: str, *, pace: float = 0.2) -> None:
        """Start empty at offset 0."""
        self.name = name
        self.epoch = epoch
        self.pace = pace
        self.offset = 0
        self.render: Callable[[str], bytes] | None = None
        self._slots: dict[str, int] = {}
        self._keys: list[str] = []
        self._free: list[int] = []
        self._fragments: list[bytes] = []
        self._changed = np.empty(0, np.int64)
        """Offset of the last change, -1 where the slot is free."""
        self._born = np.empty(0, np.int64)
        self._encoded = np.empty(0, np.int64)
        """Offset at which the fragment was made; it holds while that is the last change."""
        self._moved = np.empty(0, np.int64)
        """Offset since which the place may differ from what clients were told, 0 if never."""
        self._point = np.empty((0, 2), np.float64)
        """Where it is; not a number for what has no place."""
        self._removed: OrderedDict[str, int] = OrderedDict()
        self._floor = 0
        self._cache: dict[tuple[int, Box | None], list[tuple[int, bytes]]] = {}
        self._cached_at = -1

    def __len__(self) -> int:
        """How many items."""
        return len(self._slots)

    def __contains__(self, key: str) -> bool:
        """Whether the item exists."""
        return key in self._slots

    def slot(self, key: str) -> int:
        """Where an item is, for `touch`; it stays there until it is removed."""
        return self._slots[key]

    def touch(self, slots: NDArray[Any]) -> None:
        """Mark items as changed, some more than once; they are rendered when somebody asks."""
        until = self.offset + len(slots)
        self._changed[slots] = np.arange(self.offset + 1, until + 1)
        self.offset = until

    def put(self, key: str, fragment: bytes | None = None, point: Point | None = None) -> None:
        """Set an item; without a fragment it is rendered when somebody asks for it."""
        self.offset += 1
        slot = self._slots.get(key)
        if slot is None:
            slot = self._new(key)
            self._born[slot] = self.offset
            again = self._removed.pop(key, None) is not None
            self._moved[slot] = self.offset if again else 0
            self._point[slot] = np.nan if point is None else point
        elif point is not None and (self._point[slot] != point).any():
            self._point[slot], self._moved[slot] = point, self.offset
        self._changed[slot] = self.offset
        if fragment is not None:
            self._fragments[slot], self._encoded[slot] = fragment, self.offset

    def put_if_changed(self, key: str, fragment: bytes, point: Point | None = None) -> bool:
        """Set an item unless it stands so already."""
        slot = self._slots.get(key)
        if slot is not None and self._is_encoded(slot) and self._fragments[slot] == fragment:
            return False
        self.put(key, fragment, point)
        return True

    def remove(self, key: str) -> None:
        """Take an item away."""
        slot = self._slots.pop(key, None)
        if slot is None:
            return
        self.offset += 1
        self._changed[slot] = self._encoded[slot] = -1
        self._keys[slot], self._fragments[slot] = "", b""
        self._free.append(slot)
        self._removed[key] = self.offset
        while len(self._removed) > MOST_REMOVED:
            _, self._floor = self._removed.popitem(last=False)

    def keep_only(self, keys: Iterable[str]) -> None:
        """Take away all other items."""
        for key in self._slots.keys() - set(keys):
            self.remove(key)

    def _new(self, key: str) -> int:
        if self._free:
            slot = self._free.pop()
            self._keys[slot] = key
        else:
            slot = len(self._keys)
            self._keys.append(key)
            self._fragments.append(b"")
            if slot == len(self._changed):
                self._grow(max(8, slot))
        self._slots[key] = slot
        return slot

    def _grow(self, more: int) -> None:
        free = np.full(more, -1, np.int64)
        self._changed = np.append(self._changed, free)
        self._encoded = np.append(self._encoded, free)
        self._born = np.append(self._born, free)
        self._moved = np.append(self._moved, free)
        self._point = np.append(self._point, np.full((more, 2), np.nan), axis=0)

    def _is_encoded(self, slot: int) -> bool:
        return bool(self._encoded[slot] == self._changed[slot])

    def _fragment(self, slot: int) -> bytes:
        if not self._is_encoded(slot):
            assert self.render is not None
            self._fragments[slot] = self.render(self._keys[slot])
            self._encoded[slot] = self._changed[slot]
        return self._fragments[slot]

    def _inside(self, slots: NDArray[np.intp], box: Box | None) -> NDArray[np.bool_]:
        """Whether each belongs to a view of `box`; what has no place belongs to every view."""
        if box is None:
            return np.ones(len(slots), np.bool_)
        x, y = self._point[slots].T
        west, south, east, north = box
        return ~((x < west) | (x > east) | (y < south) | (y > north))

    def items(self, box: Box | None = None) -> list[bytes]:
        """All items in a box, encoded."""
        slots = np.flatnonzero(self._changed >= 0)
        return [self._fragment(slot) for slot in slots[self._inside(slots, box)].tolist()]

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
        changed = np.flatnonzero(self._changed > offset)
        inside = self._inside(changed, box)
        shown = changed[inside]
        born = self._born[shown] > offset
        delta.add = [self._fragment(slot) for slot in shown[born].tolist()]
        delta.update = [self._fragment(slot) for slot in shown[~born].tolist()]
        # What moved may have been inside before, and would stay in view at its old place.
        gone = changed[~inside]
        moved = gone[self._moved[gone] > offset]
        delta.remove = [self._keys[slot] for slot in moved.tolist()]
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

    def load(
        self,
        items: Iterable[tuple[str, bytes]],
        log: list[Change],
        offset: int,
        *,
        floor: int | None = None,
    ) -> None:
        """Take the state and the tail of the log from the store.

        `floor` is the offset after which the tail is complete, where it is not that of its first.
        """
        self._open = dict(items)
        self._log.clear()
        self._log.extend(log)
        self.offset = offset
        first = self._log[0].offset - 1 if self._log else offset
        self._floor = first if floor is None else floor

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
        """All open things that are shown, encoded."""
        return list(self._open.values())

    def snapshot(self, box: Box | None) -> bytes:
        """The `data` of a snapshot frame; a box has no meaning here."""
        return b'{"items":[' + b",".join(self._open.values()) + b"]" + self._closing()

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
        delta, named, reached = Delta(offset), set[str](), offset
        for change in reversed(missed):
            # Changes of one offset belong together: a cursor between them would lose some.
            if change.offset != reached:
                delta.offset, reached = reached, change.offset
            if change.key in named:
                frames.append((delta.offset, delta.encode(self._closing())))
                delta, named = Delta(delta.offset), set[str]()
            named.add(change.key)
            if change.verb == "remove":
                delta.remove.append(change.key)
            else:
                (delta.add if change.verb == "add" else delta.update).append(change.fragment)
        if self._says(delta):
            frames.append((reached, delta.encode(self._closing())))
        return frames

    def _says(self, delta: Delta) -> bool:
        """Whether a last frame is worth sending."""
        return bool(delta)

    def _closing(self) -> bytes:
        """What ends the `data` of each frame."""
        return b"}"
