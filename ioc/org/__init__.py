"""Organisation units in time; pure."""

from ioc.org.answering import Answerable, answers_for
from ioc.org.organisation import Organisation
from ioc.org.unit import (
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
