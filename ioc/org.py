"""What the rest of the product takes of units in time; the parts stand in `ioc.units`."""

from ioc.units.answering import Answerable, answers_for
from ioc.units.organisation import Organisation
from ioc.units.unit import (
    Basis,
    Contact,
    EventKind,
    Level,
    Passage,
    Successor,
    UnitEvent,
    UnitVersion,
    overlapping,
    unbalanced,
)

__all__ = [
    "Answerable",
    "Basis",
    "Contact",
    "EventKind",
    "Level",
    "Organisation",
    "Passage",
    "Successor",
    "UnitEvent",
    "UnitVersion",
    "answers_for",
    "overlapping",
    "unbalanced",
]
