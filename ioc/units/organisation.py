"""Organisation units in time: who was whose part on a day, and who followed whom; pure."""

import difflib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

from ioc.errors import Conflict, Invalid, NotFound
from ioc.units.refusal import refusal
from ioc.units.unit import Passage, Successor, UnitEvent, UnitVersion, overlapping

SPANS_KEPT = 32
"""Spans without any change of which the units are kept at hand: a few MB of a whole country."""

Holding = tuple[str, UnitVersion]
"""A kind of code, and a version that carries a code of that kind."""


class Organisation:
    """All versions of all units, and the events between them; nothing in it ever changes."""

    def __init__(self, versions: Iterable[UnitVersion], events: Iterable[UnitEvent] = ()) -> None:
        """Take versions in any order; those of one unit must not overlap."""
        by_unit: dict[str, list[UnitVersion]] = defaultdict(list)
        for version in versions:
            if version.valid_until is not None and version.valid_until <= version.valid_from:
                raise Invalid(f"a version of unit {version.unit} ends before it begins")
            by_unit[version.unit].append(version)
        edges: set[date] = set()
        codes: dict[str, list[Holding]] = defaultdict(list)
        for unit, own in by_unit.items():
            own.sort(key=lambda version: version.valid_from)
            for earlier, later in overlapping(own):
                raise Conflict(
                    f"two versions of unit {unit} hold on {later.valid_from}: "
                    f"{earlier.name} and {later.name}"
                )
            for version in own:
                edges.add(version.valid_from)
                if version.valid_until is not None:
                    edges.add(version.valid_until)
                for kind, code in version.codes.items():
                    codes[code].append((kind, version))
        self._versions: Mapping[str, Sequence[UnitVersion]] = dict(by_unit)
        self._codes: Mapping[str, Sequence[Holding]] = dict(codes)
        self._edges = sorted(edges)
        self._span = lru_cache(maxsize=SPANS_KEPT)(self._read_span)
        self.events: Sequence[UnitEvent] = sorted(events, key=lambda event: event.effective)
        passages: dict[date, list[Passage]] = defaultdict(list)
        for event in self.events:
            passages[event.effective] += event.passages
        self.passages: Mapping[date, Sequence[Passage]] = dict(passages)
        """What went over on each day, oldest first; what goes on one day goes at once."""

    def __contains__(self, unit: object) -> bool:
        """Whether the unit is known at any time."""
        return unit in self._versions

    def __iter__(self) -> Iterator[str]:
        """The ids of all units of all times."""
        return iter(self._versions)

    def versions(self, unit: str) -> Sequence[UnitVersion]:
        """Every version of a unit, oldest first."""
        if unit not in self._versions:
            near = difflib.get_close_matches(unit, list(self._versions), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise NotFound(f"no unit has the id {unit}{hint}", unit=unit)
        return self._versions[unit]

    def find(self, unit: str, on: date) -> UnitVersion | None:
        """The version of a unit on a day; None where it did not exist then."""
        return next((v for v in self._versions.get(unit, ()) if v.holds(on)), None)

    def get(self, unit: str, on: date) -> UnitVersion:
        """The version of a unit on a day; `NotFound` says when the unit existed instead."""
        found = self.find(unit, on)
        if found is None:
            spans = ", ".join(
                f"from {v.valid_from}" + (f" until {v.valid_until}" if v.valid_until else "")
                for v in self.versions(unit)
            )
            raise NotFound(f"unit {unit} did not exist on {on} (it did {spans})", unit=unit)
        return found

    def as_of(self, on: date) -> Mapping[str, UnitVersion]:
        """Every unit that existed on a day, by id."""
        return self._on(on)[0]

    def children(self, unit: str, on: date) -> list[UnitVersion]:
        """The units whose parent this unit was on a day."""
        return list(self._on(on)[1].get(unit, ()))

    def descendants(self, unit: str, on: date) -> list[UnitVersion]:
        """All units below this one on a day, nearer ones first."""
        below = self._on(on)[1]
        found: list[UnitVersion] = []
        seen, level = {unit}, [unit]
        while level:
            step = [v for parent in level for v in below.get(parent, ()) if v.unit not in seen]
            found += step
            level = [v.unit for v in step]
            seen.update(level)
        return found

    def within(self, unit: str, on: date) -> list[str]:
        """The ids of the unit and of all below it on a day; `NotFound` for one that never was."""
        self.versions(unit)
        return [unit, *(version.unit for version in self.descendants(unit, on))]

    def ancestors(self, unit: str, on: date) -> list[UnitVersion]:
        """The unit's parent, that one's parent and so on, on a day."""
        found: list[UnitVersion] = []
        seen, version = {unit}, self.get(unit, on)
        while version.parent is not None:
            if version.parent in seen:
                raise Invalid(f"unit {version.parent} is its own ancestor on {on}")
            seen.add(version.parent)
            parent = self.find(version.parent, on)
            if parent is None:
                break
            found.append(parent)
            version = parent
        return found

    def by_code(self, kind: str, code: str, on: date) -> UnitVersion | None:
        """The unit that carried an official code on a day; codes are reused over time."""
        return next((v for of, v in self.carrying(code) if of == kind and v.holds(on)), None)

    def carrying(self, code: str) -> Sequence[Holding]:
        """Every version that carries a code of whatever kind, at any time."""
        return self._codes.get(code, ())

    def resolve(self, given: str, on: date) -> str:
        """The id of the unit that somebody names on a day: by id, by code, or by `kind:code`.

        An id goes before a code. What is unknown, ambiguous or not of that day is refused with
        `Invalid`, which says how to name the unit.
        """
        if self.find(given, on) is not None:
            return given
        kind, colon, code = given.partition(":")
        if colon:
            units = {v.unit for of, v in self.carrying(code) if of == kind and v.holds(on)}
        else:
            units = {v.unit for _, v in self.carrying(given) if v.holds(on)}
        # A unit that has ended goes before a code that happens to look like its id.
        if len(units) != 1 or given in self._versions:
            raise refusal(self, given, on)
        return units.pop()

    def successors(self, unit: str, on: date | None = None) -> list[Successor]:
        """Who holds what this unit was, by the events up to a day (None: all), heaviest first.

        A unit that no event left is its own successor. The weights add up to 1 unless some part
        was dissolved without a successor.
        """
        self.versions(unit)
        shares: dict[str, float] = {unit: 1.0}
        for day, passages in self.passages.items():
            if on is not None and day > on:
                break
            going = [p for p in passages if p.source in shares]
            moved: dict[str, float] = defaultdict(float)
            for passage in going:
                moved[passage.target] += shares[passage.source] * passage.weight
            for source in {p.source for p in going}:
                del shares[source]
            for target, weight in moved.items():
                shares[target] = shares.get(target, 0.0) + weight
        heaviest = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
        return [Successor(target, weight) for target, weight in heaviest]

    def events_of(self, unit: str) -> list[UnitEvent]:
        """The events that a unit has a part in, oldest first."""
        return [event for event in self.events if event.concerns(unit)]

    def _on(self, on: date) -> "_Span":
        return self._span(bisect_right(self._edges, on))

    def _read_span(self, number: int) -> "_Span":
        """What holds from one edge to the next; before the first there is nothing."""
        if number == 0:
            return {}, {}
        first = self._edges[number - 1]
        found = ((unit, self.find(unit, first)) for unit in self._versions)
        units = {unit: version for unit, version in found if version is not None}
        below: dict[str, list[UnitVersion]] = defaultdict(list)
        for version in units.values():
            if version.parent is not None:
                below[version.parent].append(version)
        return units, below


_Span = tuple[Mapping[str, UnitVersion], Mapping[str, Sequence[UnitVersion]]]
"""The units by id, and the units below each, on all days between two changes."""
