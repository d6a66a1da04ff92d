"""The words of CAP 1.2 (OASIS, 2010) and the parts of its messages."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec

Ring = tuple[tuple[float, float], ...]
"""Positions (longitude, latitude), the first one repeated as the last."""


class Status(StrEnum):
    """How a message is meant."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class Kind(StrEnum):
    """What a message does with those before it."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Urgency(StrEnum):
    """How soon to act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Grade(StrEnum):
    """What CAP calls severity."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """How sure it is."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


Category = Literal[
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra",
    "CBRNE", "Other",
]  # fmt: skip

ALL_CLEAR: Final = "AllClear"

NATIONAL_LEVEL: Final = "national-level"
"""The parameter that holds the level of Decision 18/2021/QĐ-TTg."""

NATIONAL_GRADES: Final[Mapping[int, Grade]] = {
    1: Grade.MINOR,
    2: Grade.MODERATE,
    3: Grade.SEVERE,
    4: Grade.EXTREME,
    5: Grade.EXTREME,
}
"""There is no official one; the level itself goes along as a parameter."""

POINT_RADIUS: Final = 0.5
"""Kilometres around a thing that is a point to us."""


class Reference(msgspec.Struct, frozen=True):
    """An earlier message."""

    sender: str
    identifier: str
    sent: datetime


class Circle(msgspec.Struct, frozen=True):
    """Around a place; the radius in kilometres."""

    longitude: float
    latitude: float
    radius: float


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is, in words and if known as rings and circles; codes by their name."""

    description: str
    rings: tuple[Ring, ...] = ()
    circles: tuple[Circle, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What is said in one language."""

    language: str = "en-US"
    categories: tuple[Category, ...]
    event: str
    responses: tuple[str, ...] = ()
    urgency: Urgency
    severity: Grade
    certainty: Certainty
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    areas: tuple[Area, ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One CAP message; `signed` where it carries a signature."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    kind: Kind
    scope: Literal["Public", "Restricted", "Private"] = "Public"
    restriction: str = ""
    source: str = ""
    note: str = ""
    references: tuple[Reference, ...] = ()
    infos: tuple[Info, ...] = ()
    signed: bool = False

    @property
    def reference(self) -> Reference:
        """How later messages name this one."""
        return Reference(self.sender, self.identifier, self.sent)
