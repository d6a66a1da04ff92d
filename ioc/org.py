"""Organisation units in time: who was whose part on a day, and who followed whom; pure."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Literal

import msgspec

from ioc.errors import Conflict, Invalid, NotFound

Basis = Literal["area", "population", "dossiers", "manual", "whole"]
EventKind = Literal["create", "merge", "split", "rename", "transfer", "dissolve"]

WEIGHT_TOLERANCE = 1e-9
"""Weights are written as decimals (0.1 + 0.2 + 0.7), so that their sum may miss 1 by rounding."""


class Level(StrEnum):
    """What kind of unit a unit is, for the time of one version."""

    PROVINCE = "province"
    DEPARTMENT = "department"
    DISTRICT = "district"
    COMMUNE = "commune"
    SERVICE_CENTER = "service_center"
    BRANCH_OFFICE = "branch_office"
    VERTICAL_AGENCY = "vertical_agency"


class UnitVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit was from one day up to, not including, another; None is open."""

    unit: str
    valid_from: date
    valid_until: date | None = None
    name: str
    short_name: str
    level: Level
    parent: str | None = None
    codes: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    area_km2: float | None = None
    point: tuple[float, float] | None = None

    def holds(self, on: date) -> bool:
        """Whether this version is the valid one on a day."""
        return self.valid_from <= on and (self.valid_until is None or on < self.valid_until)

    def overlaps(self, other: "UnitVersion") -> bool:
        """Whether some day lies in both validities."""
        return (self.valid_until is None or other.valid_from < self.valid_until) and (
            other.valid_until is None or self.valid_from < other.valid_until
        )


class Passage(msgspec.Struct, frozen=True):
    """How much of one unit went over to another in an event."""

    source: str
    target: str
    weight: float
    basis: Basis


class UnitEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of units on a day, with its legal ground."""

    id: str
    kind: EventKind
    effective: date
    legal_reference: str
    passages: tuple[Passage, ...] = ()


class Successor(msgspec.Struct, frozen=True):
    """A unit that took over a share of another one, over any number of events."""

    unit: str
    weight: float


class Organisation:
    """All versions of all units, and the events between them."""

    def __init__(self, versions: Iterable[UnitVersion], events: Iterable[UnitEvent] = ()) -> None:
        """Take versions in any order; those of one unit must not overlap."""
        by_unit: dict[str, list[UnitVersion]] = defaultdict(list)
        for version in versions:
            if version.valid_until is not None and version.valid_until <= version.valid_from:
                raise Invalid(f"a version of unit {version.unit} ends before it begins")
            by_unit[version.unit].append(version)
        for unit, own in by_unit.items():
            own.sort(key=lambda version: version.valid_from)
            for earlier, later in overlapping(own):
                raise Conflict(
                    f"two versions of unit {unit} hold on {later.valid_from}: "
                    f"{earlier.name} and {later.name}"
                )
        self._versions: Mapping[str, Sequence[UnitVersion]] = by_unit
        self.events: Sequence[UnitEvent] = sorted(events, key=lambda event: event.effective)

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

    def as_of(self, on: date) -> dict[str, UnitVersion]:
        """Every unit that existed on a day, by id."""
        found = ((unit, self.find(unit, on)) for unit in self._versions)
        return {unit: version for unit, version in found if version is not None}

    def children(self, unit: str, on: date) -> list[UnitVersion]:
        """The units whose parent this unit was on a day."""
        return [v for v in self.as_of(on).values() if v.parent == unit]

    def descendants(self, unit: str, on: date) -> list[UnitVersion]:
        """All units below this one on a day, nearer ones first."""
        below: dict[str | None, list[UnitVersion]] = defaultdict(list)
        for version in self.as_of(on).values():
            below[version.parent].append(version)
        found: list[UnitVersion] = []
        seen, level = {unit}, [unit]
        while level:
            step = [v for parent in level for v in below[parent] if v.unit not in seen]
            found += step
            level = [v.unit for v in step]
            seen.update(level)
        return found

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
        holders = (v for v in self.as_of(on).values() if v.codes.get(kind) == code)
        return next(holders, None)

    def successors(self, unit: str, on: date | None = None) -> list[Successor]:
        """Who holds what this unit was, by the events up to a day (None: all), heaviest first.

        A unit that no event left is its own successor. The weights add up to 1 unless some part
        was dissolved without a successor.
        """
        self.versions(unit)
        shares: dict[str, float] = {unit: 1.0}
        for event in self.events:
            if on is not None and event.effective > on:
                break
            left = {p.source for p in event.passages if p.source in shares}
            moved: dict[str, float] = defaultdict(float)
            for passage in event.passages:
                if passage.source in left:
                    moved[passage.target] += shares[passage.source] * passage.weight
            for source in left:
                del shares[source]
            for target, weight in moved.items():
                shares[target] = shares.get(target, 0.0) + weight
        heaviest = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
        return [Successor(target, weight) for target, weight in heaviest]


def overlapping(versions: Iterable[UnitVersion]) -> Iterator[tuple[UnitVersion, UnitVersion]]:
    """Pairs of one unit's versions of which some day is in both, by time."""
    ordered = sorted(versions, key=lambda version: version.valid_from)
    for earlier, later in pairwise(ordered):
        if earlier.overlaps(later):
            yield earlier, later


def unbalanced(event: UnitEvent) -> dict[str, float]:
    """The units of which an event passes on more or less than the whole, with the sum.

    Only a dissolution may leave a part without a successor.
    """
    sums: dict[str, float] = defaultdict(float)
    for passage in event.passages:
        sums[passage.source] += passage.weight
    least = 0.0 if event.kind == "dissolve" else 1.0
    return {
        unit: total
        for unit, total in sums.items()
        if not least - WEIGHT_TOLERANCE <= total <= 1 + WEIGHT_TOLERANCE
    }
