"""NGSI entities of types `Alert` and `RoadAccident` as warnings of another system.

The attributes are those of the Smart Data Models. The `id` says which warning it is, and when it
was changed or issued which of its states is the newest one.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from geo.geojson import geometry_faults
from ingest.decoders.attributes import MODIFIED, MOST_TEXT, value_of
from ingest.decoders.documents import as_list, as_object, as_text, encode
from ingest.decoders.entity import OBSERVED, Wrong, geometry_of
from ingest.payload import GivenWarning, Setting
from ingest.rows import LATEST_YEAR, key_fault, read_time
from ioc.model import Reason

ACCIDENT: Final = "RoadAccident"

KINDS: Final = frozenset({"Alert", ACCIDENT})

OVER: Final = frozenset({"solved", "closed", "resolved", "cancelled"})
"""What `status` says of a warning that holds no longer."""

AHEAD: Final = timedelta(hours=1)
"""One from further in the future is refused: its clock is wrong."""

MOST_DESCRIBED: Final = 20_000
MOST_CATEGORIES: Final = 10

_ISSUED: Final = (*MODIFIED, "dateIssued")
"""When this state of the warning was made known; the last one counts."""

_BEGAN: Final = ("accidentDate", *OBSERVED, "validFrom", "dateCreated", "createdAt")
"""Where it is not said when it was issued, best first."""

_ADDRESS: Final = ("streetAddress", "addressLocality", "addressRegion")


def warning_of(given: dict[str, Any], identity: str, kind: str, setting: Setting) -> GivenWarning:
    """The warning that an entity is; raises `Wrong` where one cannot be made of it."""
    fault = key_fault(identity)
    if fault is not None:
        raise Wrong(
            Reason.SHAPE_INVALID,
            f"the `id` of the {kind} is no name to know it by ({fault.replace('series key', 'id')})"
            "; send a short text that stays the same as long as it lasts",
        )
    warning = GivenWarning(
        identity=identity,
        issued=_issued(given, kind, setting),
        starts=_time(given, kind, "validFrom", setting),
        ends=_time(given, kind, "validTo", setting),
        over=_text(given, "status").lower() in OVER,
        categories=tuple(_categories(given, kind)),
        severity=_text(given, "severity").lower()[:MOST_TEXT],
        title=_text(given, "name")[:MOST_TEXT],
        text=_text(given, "description")[:MOST_DESCRIBED],
        place=_place(given)[:MOST_TEXT],
        geometry=_geometry(given, kind),
        source=_text(given, "dataProvider", "source", "alertSource")[:MOST_TEXT],
        raw=encode(given),
    )
    said = (
        warning.title, warning.text, warning.place, warning.severity, warning.source,
        *warning.categories,
    )  # fmt: skip
    if any("\x00" in text for text in said):
        raise Wrong(
            Reason.VALUE_INVALID, f"a text of the {kind} holds a NUL character; leave it out"
        )
    return warning


def _issued(given: dict[str, Any], kind: str, setting: Setting) -> datetime:
    told = [at for name in _ISSUED if (at := _time(given, kind, name, setting)) is not None]
    began = (at for name in _BEGAN if (at := _time(given, kind, name, setting)) is not None)
    issued = max(told, default=None) or next(began, None) or setting.arrival
    if issued is None:
        raise Wrong(
            Reason.TIME_MISSING,
            f"the {kind} does not say when it was issued; send `dateIssued`, and `dateModified` "
            "with each change",
        )
    if issued > setting.received + AHEAD:
        raise Wrong(
            Reason.TIME_FUTURE,
            f"the {kind} was issued {issued.isoformat()}, after now; set the clock of the sender "
            "right",
        )
    return issued


def _time(given: dict[str, Any], kind: str, name: str, setting: Setting) -> datetime | None:
    written = value_of(given.get(name))
    if written is None or written == "":
        return None
    time = read_time(written)
    if time is None or not 1970 <= time.year <= LATEST_YEAR:
        raise Wrong(
            Reason.TIME_INVALID,
            f"`{name}` of the {kind} is {str(written)[:40]!r}; write a time such as "
            "2026-11-22T09:00:00+07:00, or leave it out",
        )
    return time if time.tzinfo else time.replace(tzinfo=setting.zone)


def _categories(given: dict[str, Any], kind: str) -> Iterator[str]:
    """What it is about, the nearest word first."""
    if kind == ACCIDENT:
        yield from ("carAccident", "traffic")
        return
    for name in ("subCategory", "category"):
        told = value_of(given.get(name))
        for one in (as_list(told) or [told])[:MOST_CATEGORIES]:
            word = as_text(one).strip()[:MOST_TEXT]
            if word:
                yield word


def _place(given: dict[str, Any]) -> str:
    """Its address in one line, without one the area that it is about."""
    address = value_of(given.get("address"))
    parts = as_object(address)
    told = as_text(address) if parts is None else _joined(value_of(parts.get(n)) for n in _ADDRESS)
    return told.strip() or _text(given, "areaServed")


def _joined(parts: Iterable[object]) -> str:
    return ", ".join(part for each in parts if (part := as_text(each).strip()))


def _text(given: dict[str, Any], *names: str) -> str:
    """The first text under the names; of a `languageMap` the Vietnamese one, if there is one."""
    for name in names:
        attribute = given.get(name)
        value = value_of(attribute)
        listed = as_list(value)
        spoken = as_object((as_object(attribute) or {}).get("languageMap"))
        if spoken:
            value = spoken.get("vi") or next(iter(spoken.values()))
        found = as_text(value).strip() if listed is None else _joined(listed)
        if found:
            return found
    return ""


def _geometry(given: dict[str, Any], kind: str) -> dict[str, Any] | None:
    located = value_of(given.get("location"))
    if located is None or located == "":
        return None
    geometry = geometry_of(given)
    faults = geometry_faults(geometry)
    if faults or geometry is None:
        raise Wrong(
            Reason.PLACE_INVALID,
            f"`location` of the {kind}: {faults[0].message}; send a GeoJSON Point or Polygon, or "
            "leave it out and name the place in `address`",
        )
    return {"type": geometry["type"], **_coordinates(geometry)}


def _coordinates(geometry: dict[str, Any]) -> dict[str, Any]:
    return {key: geometry[key] for key in ("coordinates", "geometries") if key in geometry}
