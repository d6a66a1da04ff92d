"""Where a situation of DATEX II is, as GeoJSON: the line of a linear location, else a point."""

import math
from collections.abc import Iterator
from typing import Any, Final

from ingest.decoders.elements import Element
from ingest.payload import point

_Position = tuple[float, float]
"""Longitude and latitude."""

_LATITUDE_FIRST: Final = ("4326", "4258")
_LONGITUDE_FIRST: Final = ("CRS84",)
"""How the names of reference systems in degrees end; others are not converted."""


MOST_POSITIONS: Final = 16_000
"""Of a line: more than the map takes."""


class TooLong(Exception):
    """A line with more positions than are taken, and the cure."""


def geometry(record: Element) -> dict[str, Any] | None:
    """The place of a record, or None where it states none that can be read; raises `TooLong`.

    Only its own location counts, where it has one, and not that of a detour beside it.
    """
    place = record.child("groupOfLocations", "locationReference") or record
    named: dict[str, list[Element]] = {}
    for element in place.walk():
        named.setdefault(element.name, []).append(element)
    for positions in _lines(named):
        if len(positions) > 1:
            return {"type": "LineString", "coordinates": [list(each) for each in positions]}
    for name in ("pointCoordinates", "coordinatesForDisplay", "locationForDisplay"):
        for element in named.get(name, ()):
            found = _position(element)
            if found is not None:
                return point(*found)
    found = next(filter(None, map(_position, place.walk())), None)
    return None if found is None else point(*found)


def _lines(named: dict[str, list[Element]]) -> Iterator[list[_Position]]:
    for element in named.get("posList", ()):
        yield _listed(element)
    # The first version writes it with a small l.
    for element in (*named.get("tpegLinearLocation", ()), *named.get("tpeglinearLocation", ())):
        ends = (element.child(name) for name in ("from", "to"))
        points = (end and end.child("pointCoordinates") for end in ends)
        yield [found for each in points if each and (found := _position(each))]
    for name in ("openlrCoordinates", "openlrCoordinate"):
        yield [found for each in named.get(name, ()) if (found := _position(each))]


def _listed(element: Element) -> list[_Position]:
    """A GML position list; a height, as of three dimensions, is left out."""
    dimension, system = element.srs
    if system and not system.endswith(_LATITUDE_FIRST + _LONGITUDE_FIRST):
        return []
    size = 3 if dimension.strip() == "3" else 2
    parts = element.text.split()
    if len(parts) > size * MOST_POSITIONS:
        found = len(parts) // size
        raise TooLong(f"the line has {found} positions of at most {MOST_POSITIONS}; simplify it")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return []
    if len(numbers) % size:
        return []
    first, second = numbers[0::size], numbers[1::size]
    swapped = system.endswith(_LONGITUDE_FIRST)
    longitudes, latitudes = (first, second) if swapped else (second, first)
    positions = list(zip(longitudes, latitudes, strict=True))
    return positions if all(_on_earth(*each) for each in positions) else []


def _position(element: Element) -> _Position | None:
    """The position that an element states by latitude and longitude."""
    try:
        found = float(element.said("longitude")), float(element.said("latitude"))
    except ValueError:
        return None
    return found if _on_earth(*found) else None


def _on_earth(longitude: float, latitude: float) -> bool:
    return math.isfinite(longitude) and abs(longitude) <= 180 and abs(latitude) <= 90
