"""GeoJSON (RFC 7946) in and out: checks with clear faults, and WKB for the store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

from geo.bbox import Bbox
from ioc.errors import Invalid

TYPES = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)

MOST_DEEP = 8
"""Collections within collections; RFC 7946 advises against even one."""

RING = 4
"""Fewest positions of a ring, the first one repeated as the last."""

FAR = 1e9
"""Beyond any longitude, latitude or height in metres."""

LINE = 2
"""Fewest positions of a line."""

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """What is wrong with a geometry, and where in it."""

    path: Path
    message: str


def geometry_faults(geometry: object) -> list[Fault]:
    """Everything that keeps a GeoJSON geometry from being used; empty when it is good."""
    faults = list(_geometry(geometry, (), 0))
    if faults:
        return faults
    import shapely
    from shapely.geometry import shape

    made = shape(_flat(cast("dict[str, Any]", geometry)))
    if not made.is_valid:
        faults.append(Fault((), f"the geometry is not valid: {shapely.is_valid_reason(made)}"))
    return faults


def to_wkb(geometry: Mapping[str, Any]) -> bytes:
    """A GeoJSON geometry as little-endian WKB; `Invalid` names the first fault.

    Heights are left out: the map is flat, and RFC 7946 lets some positions have one, others not.
    """
    import shapely
    from shapely.geometry import shape

    fault = next(_geometry(geometry, (), 0), None)
    if fault is not None:
        where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in fault.path)
        raise Invalid(f"geometry{where}: {fault.message}")
    return shapely.to_wkb(shape(_flat(geometry)), byte_order=1)


def from_wkb(wkb: bytes) -> dict[str, Any]:
    """The GeoJSON geometry of a WKB."""
    import shapely
    from shapely.geometry import mapping

    return cast("dict[str, Any]", _listed(mapping(shapely.from_wkb(wkb))))


def envelope(geometry: Mapping[str, Any]) -> Bbox | None:
    """The smallest box around a GeoJSON geometry; None where it has no position."""
    longitudes: list[float] = []
    latitudes: list[float] = []
    for longitude, latitude in _positions(geometry):
        longitudes.append(longitude)
        latitudes.append(latitude)
    if not longitudes:
        return None
    return Bbox(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def rounded(geometry: Mapping[str, Any], digits: int = 5) -> dict[str, Any]:
    """The geometry with coordinates of so many decimals (5: about a metre)."""
    if "geometries" in geometry:
        parts = [rounded(part, digits) for part in geometry["geometries"]]
        return {"type": geometry["type"], "geometries": parts}
    return {
        "type": geometry["type"],
        "coordinates": _rounded(geometry["coordinates"], digits),
    }


def _flat(geometry: Mapping[str, Any]) -> dict[str, Any]:
    if "geometries" in geometry:
        parts = [_flat(part) for part in geometry["geometries"]]
        return {"type": geometry["type"], "geometries": parts}
    return {"type": geometry["type"], "coordinates": _without_height(geometry["coordinates"])}


def _without_height(coordinates: Any) -> Any:
    if coordinates and isinstance(coordinates[0], int | float):
        return coordinates[:2]
    return [_without_height(part) for part in coordinates]


def _rounded(coordinates: Any, digits: int) -> Any:
    if isinstance(coordinates, int | float):
        return round(coordinates, digits)
    return [_rounded(part, digits) for part in coordinates]


def _listed(value: Any) -> Any:
    """Tuples as lists, so that the value equals what JSON gives back."""
    match value:
        case dict():
            return {k: _listed(v) for k, v in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [_listed(part) for part in cast("Sequence[Any]", value)]
        case _:
            return value


def _positions(geometry: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    if "geometries" in geometry:
        for part in geometry["geometries"]:
            yield from _positions(part)
        return
    pending: list[Any] = [geometry["coordinates"]]
    while pending:
        part = pending.pop()
        if part and isinstance(part[0], int | float):
            yield part[0], part[1]
        else:
            pending.extend(part)


def _geometry(value: object, path: Path, depth: int) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, f"a geometry is an object, not {_kind(value)}")
        return
    geometry = cast("dict[str, object]", value)
    kind = geometry.get("type")
    if kind not in TYPES:
        yield Fault((*path, "type"), f"{kind!r} is not a geometry type; use {', '.join(TYPES)}")
        return
    if "crs" in geometry:
        yield Fault((*path, "crs"), "crs is not part of RFC 7946: coordinates are EPSG:4326")
    if kind == "GeometryCollection":
        parts = geometry.get("geometries")
        if not isinstance(parts, list):
            yield Fault((*path, "geometries"), "a GeometryCollection needs a list of geometries")
            return
        if depth >= MOST_DEEP:
            yield Fault(path, "collections are nested too deeply")
            return
        for index, part in enumerate(cast("list[object]", parts)):
            yield from _geometry(part, (*path, "geometries", index), depth + 1)
        return
    if "coordinates" not in geometry:
        yield Fault(path, f"a {kind} needs coordinates")
        return
    yield from _COORDINATES[kind](geometry["coordinates"], (*path, "coordinates"))


def _position(value: object, path: Path) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield Fault(path, f"a position is [longitude, latitude], not {_kind(value)}")
        return
    numbers = cast("list[object]", value)
    if len(numbers) not in (2, 3):
        yield Fault(path, f"a position has two or three numbers, not {len(numbers)}")
        return
    for index, number in enumerate(numbers):
        if isinstance(number, bool) or not isinstance(number, int | float):
            yield Fault((*path, index), f"a coordinate is a number, not {_kind(number)}")
            return
        if not -FAR < number < FAR:  # false for NaN too, and no overflow with a huge integer
            yield Fault((*path, index), "is no finite number within reach of the Earth")
            return
    longitude, latitude = cast("list[float]", numbers)[:2]
    if abs(longitude) > 180 or abs(latitude) > 90:
        cure = ""
        if abs(longitude) <= 90 and abs(latitude) <= 180:
            cure = f"; they look swapped, longitude comes first: [{latitude}, {longitude}]"
        yield Fault(
            path,
            f"[{longitude}, {latitude}] is not longitude and latitude in degrees (EPSG:4326){cure}",
        )


def _line(value: object, path: Path) -> Iterator[Fault]:
    yield from _each(value, path, _position)
    if isinstance(value, list) and len(cast("list[object]", value)) < LINE:
        yield Fault(path, "a line has two positions or more")


def _ring(value: object, path: Path) -> Iterator[Fault]:
    faults = list(_each(value, path, _position))
    yield from faults
    if faults:
        return
    positions = cast("list[list[float]]", value)
    if len(positions) < RING:
        yield Fault(path, f"a ring has {RING} positions or more, this one has {len(positions)}")
    elif positions[0] != positions[-1]:
        yield Fault(path, "a ring ends where it began: repeat the first position")


def _polygon(value: object, path: Path) -> Iterator[Fault]:
    yield from _each(value, path, _ring)


def _each(
    value: object, path: Path, check: Callable[[object, Path], Iterator[Fault]]
) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield Fault(path, f"a list is needed here, not {_kind(value)}")
        return
    for index, part in enumerate(cast("list[object]", value)):
        yield from check(part, (*path, index))


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


_COORDINATES: Mapping[str, Callable[[object, Path], Iterator[Fault]]] = {
    "Point": _position,
    "MultiPoint": partial(_each, check=_position),
    "LineString": _line,
    "MultiLineString": partial(_each, check=_line),
    "Polygon": _polygon,
    "MultiPolygon": partial(_each, check=_polygon),
}
