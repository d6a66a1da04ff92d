"""What an NGSI entity says of itself, however it is written: type, times, place and name."""

import re
from typing import Any, Final

from ingest.decoders.attributes import MOST_TEXT, Time, value_of
from ingest.decoders.documents import as_list, as_object, as_text
from ingest.payload import point
from ingest.rows import read_time
from ioc.model import Reason

OBSERVED: Final = (
    "TimeInstant", "observedAt", "dateObserved", "dateObservedFrom", "dateObservedTo", "timestamp",
)  # fmt: skip
"""Where an entity says when it was observed, best first."""


class Wrong(Exception):
    """Why an entity cannot be taken; the detail names the attribute that cures it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def flat(given: dict[str, Any]) -> dict[str, Any]:
    """The GeoJSON representation of an entity as the plain one."""
    properties = as_object(given.get("properties")) or {}
    located = {} if given.get("geometry") is None else {"location": given["geometry"]}
    return {**located, **properties, "id": given.get("id")}


def type_of(given: object) -> str:
    """The name of a type, whose address is left out; of several the first."""
    listed = as_list(given)
    name = as_text(listed[0] if listed else given)
    return re.split(r"[/#:]", name)[-1]


def first_time(given: dict[str, Any], names: tuple[str, ...]) -> Time:
    """The first time under the names; a text is one that cannot be read.

    Of `dateObserved` without an offset and `dateObservedFrom` with one the latter is sure.
    """
    unread, local = None, None
    for name in names:
        written = value_of(given.get(name))
        if written is not None and written != "":
            time = read_time(written)
            if time is None:
                unread = unread or str(written)[:MOST_TEXT]
            elif time.tzinfo is not None:
                return time
            else:
                local = local or time
    return local or unread


def geometry_of(given: dict[str, Any]) -> dict[str, Any] | None:
    """Where it is, as GeoJSON that is not checked yet; None where it does not say."""
    located = given.get("location")
    geometry = as_object(value_of(located))
    if geometry is None and isinstance(written := value_of(located), str):
        geometry = _latitude_first(written)
    return None if geometry is None or "type" not in geometry else geometry


def name_of(given: dict[str, Any]) -> str:
    """What people call it; empty where it has no name."""
    name = ""
    for label in ("name", "stationName", "roadName"):
        name = name or as_text(value_of(given.get(label)))[:MOST_TEXT].strip()
    return name


def _latitude_first(written: str) -> dict[str, Any] | None:
    """`geo:point` of NGSI-v2: "latitude, longitude"."""
    try:
        latitude, longitude = map(float, written.split(","))
    except ValueError:
        return None
    return point(longitude, latitude)
