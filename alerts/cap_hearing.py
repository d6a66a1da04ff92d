"""Messages of CAP as we take them: how bad, until when, where."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import cos, pi, radians, sin
from typing import Any, Final

import msgspec

from alerts.cap import (
    ALL_CLEAR,
    NATIONAL_LEVEL,
    POINT_RADIUS,
    Area,
    Circle,
    Grade,
    Info,
    Kind,
    Message,
    Ring,
    Status,
    Urgency,
)
from ioc.model import SEVERITY_RANK, Severity, Text


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """What a message means to us while it is in force."""

    title: Text
    severity: Severity
    why: str
    domain: str
    national_level: int | None
    place: str
    exercise: bool


SEVERITIES: Final[Mapping[Grade, tuple[Severity, str]]] = {
    Grade.EXTREME: (Severity.CRITICAL, "Extreme is critical"),
    Grade.SEVERE: (Severity.HIGH, "Severe is high"),
    Grade.MODERATE: (Severity.MEDIUM, "Moderate is medium"),
    Grade.MINOR: (Severity.LOW, "Minor is low"),
    Grade.UNKNOWN: (Severity.MEDIUM, "Unknown may be anything, so it is medium"),
}

DOMAINS: Final[Mapping[str, str]] = {
    "Geo": "environment",
    "Met": "environment",
    "Env": "environment",
    "Fire": "environment",
    "Health": "health",
    "CBRNE": "health",
    "Transport": "traffic",
    "Infra": "electricity",
}
"""By category; `service` for others."""

NO_END: Final = timedelta(days=1)
"""How long a warning without an end is taken to hold after it was sent."""


def ends_at(message: Message) -> datetime:
    """When a message has nothing more to say; one that gives the all-clear has from the first."""
    if message.kind not in (Kind.ALERT, Kind.UPDATE) or all(map(_is_over, message.infos)):
        return message.sent
    return max(
        info.expires or message.sent + NO_END for info in message.infos if not _is_over(info)
    )


def _is_over(info: Info) -> bool:
    return info.urgency is Urgency.PAST or ALL_CLEAR in info.responses


def warned(message: Message, *, trusted: bool) -> Warned:
    """What a message means to us; one that is not trusted never is critical by itself."""
    infos = [info for info in message.infos if not _is_over(info)] or list(message.infos)
    severity, why = min(
        (SEVERITIES[info.severity] for info in infos), key=lambda one: SEVERITY_RANK[one[0]]
    )
    if severity is Severity.CRITICAL and not trusted:
        severity, why = Severity.HIGH, f"{why}, but an unverified warning is high at most"
    first = infos[0]
    return Warned(
        title=Text(_title(infos, "vi"), _title(infos, "en")),
        severity=severity,
        why=why,
        domain=next((DOMAINS[c] for c in first.categories if c in DOMAINS), "service"),
        national_level=_level(first),
        place=", ".join(dict.fromkeys(area.description for area in first.areas))[:MOST_PLACE],
        exercise=message.status is Status.EXERCISE,
    )


def national_level(message: Message) -> int | None:
    """The level of Decision 18/2021/QĐ-TTg that a message gives itself."""
    return _level(message.infos[0]) if message.infos else None


def in_language(infos: Sequence[Info], language: str) -> Info:
    """The block in a language, the first one where there is none."""
    return next((one for one in infos if one.language.lower().startswith(language)), infos[0])


def _title(infos: Sequence[Info], language: str) -> str:
    info = in_language(infos, language)
    return (info.headline or info.event)[:MOST_TITLE]


def _level(info: Info) -> int | None:
    said = dict(info.parameters).get(NATIONAL_LEVEL, "")
    return int(said) if said in {"1", "2", "3", "4", "5"} else None


MOST_TITLE: Final = 200
MOST_PLACE: Final = 200

CIRCLE_SIDES: Final = 32
KM_PER_DEGREE: Final = 111.32


def geometry_of(areas: Sequence[Area]) -> dict[str, Any] | None:
    """What the map draws of areas; None where they are said in words only."""
    rings = [ring for area in areas for ring in area.rings]
    rings += [_round(circle) for area in areas for circle in area.circles]
    if not rings:
        return None
    return {"type": "MultiPolygon", "coordinates": [[[list(p) for p in ring]] for ring in rings]}


def _round(circle: Circle) -> Ring:
    """A circle as a ring; so near to a pole that it would go around it, only as wide as is safe."""
    high = max(circle.radius, POINT_RADIUS) / KM_PER_DEGREE
    wide = min(high / max(cos(radians(circle.latitude)), 0.01), 90.0)
    turns = [2 * pi * n / CIRCLE_SIDES for n in range(CIRCLE_SIDES)]
    ring = [
        (
            round(min(180.0, max(-180.0, circle.longitude + wide * cos(turn))), 5),
            round(min(90.0, max(-90.0, circle.latitude + high * sin(turn))), 5),
        )
        for turn in turns
    ]
    return (*ring, ring[0])
