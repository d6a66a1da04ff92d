"""Our alerts as messages of CAP: by their log, with the reason of each word that is mapped."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, Literal, cast

import msgspec

from alerts.cap import (
    ALL_CLEAR,
    NATIONAL_GRADES,
    NATIONAL_LEVEL,
    POINT_RADIUS,
    Area,
    Category,
    Certainty,
    Circle,
    Grade,
    Info,
    Kind,
    Message,
    Reference,
    Ring,
    Status,
    Urgency,
)
from ioc.model import Severity, Text


class Mapped(msgspec.Struct, frozen=True):
    """A word of CAP, and why it is that one."""

    word: str
    why: str


GRADES: Final[Mapping[Severity, Grade]] = {
    Severity.CRITICAL: Grade.EXTREME,
    Severity.HIGH: Grade.SEVERE,
    Severity.MEDIUM: Grade.MODERATE,
    Severity.LOW: Grade.MINOR,
}

TIMING: Final[Mapping[str, tuple[Urgency, Certainty, str]]] = {
    "deviation": (Urgency.IMMEDIATE, Certainty.LIKELY, "measured, but judged by a usual course"),
    "missing": (Urgency.IMMEDIATE, Certainty.UNKNOWN, "nothing is measured while data are missing"),
    "missing_report": (Urgency.EXPECTED, Certainty.OBSERVED, "a report is overdue"),
    "figure": (Urgency.FUTURE, Certainty.LIKELY, "a figure is about the end of a period"),
    "warning": (Urgency.EXPECTED, Certainty.LIKELY, "somebody warned of it"),
}
MEASURED: Final = (Urgency.IMMEDIATE, Certainty.OBSERVED, "it is measured now")
"""For kinds of alerts that are not in `TIMING`."""

CATEGORIES: Final[Mapping[str, Category]] = {
    "traffic": "Transport",
    "health": "Health",
    "electricity": "Infra",
    "environment": "Env",
    "it": "Infra",
}
"""By domain; `Other` for others."""

LANGUAGES: Final = (("vi", "vi-VN"), ("en", "en-US"))

RESTRICTION: Final = "for the units of the province and whom they tell"


class Named(msgspec.Struct, frozen=True):
    """A thing by its name."""

    name: str
    id: str = ""
    feature: str | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it was shown at a time, as much of it as CAP says."""

    id: str
    kind: str
    severity: Severity
    title: Text
    reason: Text
    state: Literal["active", "cleared"]
    since: datetime
    place: Named
    unit: Named | None = None
    domain: str = ""
    national_level: int | None = None
    exercise: bool = False


class Entry(msgspec.Struct, frozen=True):
    """A change in the log of an alert, and the alert after it."""

    offset: int
    at: datetime
    shown: Shown


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends, in whose time, and whether the figures are invented."""

    sender: str
    sender_name: str
    zone: tzinfo
    simulated: bool = False


def messages_of(entries: Sequence[Entry], area: Area, setting: Setting) -> list[Message]:
    """What was to be told of an alert, by its log, oldest first; each names all before it.

    Only what a receiver would see is told: who acknowledged it or put it aside is ours.
    """
    found: list[Message] = []
    before: Shown | None = None
    for entry in entries:
        if before is not None and (_told(before) == _told(entry.shown) or _over(before)):
            continue
        found.append(_message(entry, area, setting, [one.reference for one in found]))
        before = entry.shown
    return found


def _told(shown: Shown) -> tuple[object, ...]:
    said = shown.reason if shown.kind == "warning" else None
    return (shown.title, shown.severity, shown.state, shown.national_level, said)


def _over(shown: Shown) -> bool:
    return shown.state == "cleared"


def _message(
    entry: Entry, area: Area, setting: Setting, references: Sequence[Reference]
) -> Message:
    shown = entry.shown
    kind = Kind.UPDATE if references else Kind.ALERT
    if _over(shown) and references:
        kind = Kind.CANCEL
    status = Status.TEST if setting.simulated else Status.ACTUAL
    return Message(
        identifier=f"{shown.id}.{entry.offset}",
        sender=setting.sender,
        sent=whole_second(entry.at, setting.zone),
        status=Status.EXERCISE if shown.exercise else status,
        kind=kind,
        scope="Restricted",
        restriction=RESTRICTION,
        references=tuple(references),
        infos=tuple(_info(shown, short, tag, area, setting) for short, tag in LANGUAGES),
    )


def whole_second(at: datetime, zone: tzinfo) -> datetime:
    """A time as CAP writes it: whole seconds, with an offset."""
    return at.astimezone(zone).replace(microsecond=0)


def severity_of(shown: Shown) -> Mapped:
    """How severe CAP calls it: by the national level where there is one."""
    if shown.national_level is not None:
        why = f"national level {shown.national_level} (Decision 18/2021/QĐ-TTg)"
        return Mapped(NATIONAL_GRADES[shown.national_level], why)
    return Mapped(GRADES[shown.severity], f"severity of the alert is {shown.severity.value}")


def _info(shown: Shown, short: str, tag: str, area: Area, setting: Setting) -> Info:
    urgency, certainty, why = TIMING.get(shown.kind, MEASURED)
    if _over(shown):
        urgency, why = Urgency.PAST, "the alert has cleared"
    grade = severity_of(shown)
    title, reason = getattr(shown.title, short), getattr(shown.reason, short)
    parameters = [("alert", shown.id), ("severity-because", grade.why), ("urgency-because", why)]
    if shown.national_level is not None:
        parameters.append((NATIONAL_LEVEL, str(shown.national_level)))
    return Info(
        language=tag,
        categories=(CATEGORIES.get(shown.domain, "Other"),),
        event=title,
        responses=(ALL_CLEAR,) if _over(shown) else ("Assess",),
        urgency=urgency,
        severity=Grade(grade.word),
        certainty=certainty,
        onset=whole_second(shown.since, setting.zone),
        sender_name=setting.sender_name,
        headline=f"{title}: {shown.place.name}" if shown.place.name else title,
        description=reason,
        contact=shown.unit.name if shown.unit else "",
        parameters=tuple(parameters),
        areas=(area,),
    )


def area_of(description: str, geometry: Mapping[str, Any] | None) -> Area:
    """The area of a GeoJSON geometry; holes are left out, which CAP has not."""
    rings: list[Ring] = []
    circles: list[Circle] = []
    for kind, coordinates in _parts(geometry):
        match kind:
            case _ if not coordinates:
                continue
            case "Point":
                circles.append(Circle(coordinates[0], coordinates[1], POINT_RADIUS))
            case "Polygon":
                rings.append(_ring(coordinates[0]))
            case _:
                rings.append(_box(coordinates))
    return Area(description=description or "–", rings=tuple(rings), circles=tuple(circles))


def _parts(geometry: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if geometry is None:
        return []
    kind: str = geometry["type"]
    if kind == "GeometryCollection":
        members = cast("list[Mapping[str, Any]]", geometry["geometries"])
        return [part for member in members for part in _parts(member)]
    if kind.startswith("Multi"):
        return [(kind.removeprefix("Multi"), part) for part in geometry["coordinates"]]
    return [(kind, geometry["coordinates"])]


def _ring(positions: Sequence[Sequence[float]]) -> Ring:
    return tuple((p[0], p[1]) for p in positions)


def _box(line: Sequence[Sequence[float]]) -> Ring:
    west, east = min(p[0] for p in line), max(p[0] for p in line)
    south, north = min(p[1] for p in line), max(p[1] for p in line)
    return ((west, south), (east, south), (east, north), (west, north), (west, south))
