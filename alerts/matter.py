"""Which alerts are one matter, which one flaps, and when a storm is folded."""

from collections import deque
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Final

import msgspec

from alerts.mute import Facets
from alerts.table import SECOND

MINUTE: Final = 60 * SECOND

TOGETHER: Final = 30 * MINUTE
"""Alerts of one place that begin within that time are one matter."""

FLAPS: Final = 3
FLAP_WITHIN: Final = 60 * MINUTE
"""So many beginnings of one alert within that time are a flapping one (ISA-18.2: chattering)."""

FLOOD: Final = 10
FLOOD_WITHIN: Final = 10 * MINUTE
"""More new alerts than an operator can handle (EEMUA 191: more than 10 in 10 minutes)."""


MOST_BEGUN: Final = 20_000
"""Beginnings that are remembered."""


class MatterReason(StrEnum):
    """Why an alert belongs to a matter; the key of its sentence in the catalogue."""

    ALONE = "alone"
    SAME_CAUSE = "same_cause"
    SAME_FEATURE = "same_feature"
    SAME_ZONE = "same_zone"
    FLOOD = "flood"


class Grouped(msgspec.Struct, frozen=True):
    """The matter of a new alert, and why."""

    matter: str
    reason: MatterReason


class Matters:
    """The open alerts by place and rule, with the matter of each."""

    def __init__(self) -> None:
        """Know no alert yet."""
        self._known: dict[str, tuple[Facets, str]] = {}
        self._by: dict[tuple[object, ...], dict[str, Facets]] = {}

    def add(self, facets: Facets, matter: str) -> None:
        """Take an open alert with its matter."""
        self.remove(facets.id)
        self._known[facets.id] = facets, matter
        for key in _keys(facets):
            self._by.setdefault(key, {})[facets.id] = facets

    def remove(self, id: str) -> None:
        """Forget an alert that has closed."""
        known = self._known.pop(id, None)
        for key in _keys(known[0]) if known else ():
            members = self._by[key]
            del members[id]
            if not members:
                del self._by[key]

    def known(self) -> Iterator[Facets]:
        """All that are open."""
        return (facets for facets, _ in self._known.values())

    def find(self, new: Facets, *, cause: str | None, flooding: bool) -> Grouped:
        """The matter that a new alert belongs to; its own id where it is a matter by itself.

        `cause` is the alert that explains it. What begins at the same feature belongs together
        at any time, what begins in the same zone and domain while no more than `TOGETHER` lies
        between it and the one before; in a flood all that one rule says is folded.
        """
        if cause is not None and cause in self._known:
            return Grouped(self._known[cause][1], MatterReason.SAME_CAUSE)
        by_feature, by_zone, by_rule = (self._last(new, key) for key in _all_keys(new))
        if by_feature is not None:
            return Grouped(self._known[by_feature.id][1], MatterReason.SAME_FEATURE)
        if by_zone is not None and abs(by_zone.since - new.since) <= TOGETHER:
            return Grouped(self._known[by_zone.id][1], MatterReason.SAME_ZONE)
        if flooding and by_rule is not None:
            return Grouped(self._known[by_rule.id][1], MatterReason.FLOOD)
        return Grouped(new.id, MatterReason.ALONE)

    def _last(self, new: Facets, key: tuple[object, ...] | None) -> Facets | None:
        """The one that was taken last of those that share a key, not counting itself."""
        members = self._by.get(key, {}) if key is not None else {}
        return next((one for id, one in reversed(members.items()) if id != new.id), None)


def _all_keys(facets: Facets) -> tuple[tuple[object, ...] | None, ...]:
    feature, zones = facets.feature, facets.zones
    return (
        None if feature is None else ("feature", feature),
        ("zone", facets.domain, zones) if zones else None,
        ("rule", facets.rule),
    )


def _keys(facets: Facets) -> list[tuple[object, ...]]:
    return [key for key in _all_keys(facets) if key is not None]


def is_flapping(beginnings: Iterable[int], now_us: int) -> bool:
    """Whether an alert with these beginnings, the present one among them, flaps."""
    return sum(now_us - FLAP_WITHIN < at <= now_us for at in beginnings) >= FLAPS


def is_flood(beginnings: Iterable[int], now_us: int) -> bool:
    """Whether more alerts have begun of late than an operator can handle."""
    return sum(now_us - FLOOD_WITHIN < at <= now_us for at in beginnings) > FLOOD


class Beginnings:
    """When alerts began of late, as much of it as floods and flapping are told by."""

    def __init__(self) -> None:
        """Know no alert yet."""
        self._all: deque[tuple[str, int]] = deque()
        self._of: dict[str, deque[int]] = {}

    def add(self, mark: str, at: int) -> None:
        """Take that an alert began; each is later than the one before it."""
        self._all.append((mark, at))
        self._of.setdefault(mark, deque()).append(at)
        if len(self._all) > MOST_BEGUN:
            self._forget_first()

    def forget(self, now_us: int) -> None:
        """Forget what is too long ago to tell anything."""
        while self._all and self._all[0][1] <= now_us - FLAP_WITHIN:
            self._forget_first()

    def flaps(self, mark: str, now_us: int) -> bool:
        """Whether an alert flaps, its present beginning counted."""
        return is_flapping(self._of.get(mark, ()), now_us)

    def floods(self, now_us: int) -> bool:
        """Whether there is a flood; the last of them decide that."""
        return is_flood((at for _, at in islice(reversed(self._all), FLOOD + 1)), now_us)

    def _forget_first(self) -> None:
        mark, _ = self._all.popleft()
        times = self._of[mark]
        times.popleft()
        if not times:
            del self._of[mark]
