"""What a unit was for a time, who answers for it, and the events that change units; pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Literal

import msgspec

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


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for a unit, as publicly announced: the head's post and name, the duty phone.

    A `sample` is made up, for a demo.
    """

    post: str | None = None
    name: str | None = None
    phone: str | None = None
    sample: bool = False


class UnitVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit was from one day up to, not including, another; None is open.

    `codes` are official codes by kind: `gso` of the statistics office, `eid` the electronic
    identification code, `one_stop` that of the one-stop system; there may be further kinds.
    """

    unit: str
    valid_from: date
    valid_until: date | None = None
    name: str
    short_name: str
    level: Level
    parent: str | None = None
    codes: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    contact: Contact | None = None
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
    """A change of units on a day, with its legal ground.

    `units` are those that it is about although nothing passes from or to them.
    """

    id: str
    kind: EventKind
    effective: date
    legal_reference: str
    units: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()

    def concerns(self, unit: str) -> bool:
        """Whether a unit has a part in this."""
        return unit in self.units or any(unit in (p.source, p.target) for p in self.passages)


class Successor(msgspec.Struct, frozen=True):
    """A unit that took over a share of another one, over any number of events."""

    unit: str
    weight: float


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
