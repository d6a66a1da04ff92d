"""Bounding boxes in degrees (EPSG:4326): parse, compare, clamp."""

import math
from typing import NamedTuple

from ioc.errors import Invalid

EXAMPLE = "104.8,20.3,105.9,21.7"


class Bbox(NamedTuple):
    """West, south, east, north in degrees; west ≤ east, south ≤ north."""

    west: float
    south: float
    east: float
    north: float

    def intersects(self, other: "Bbox") -> bool:
        """Whether the boxes share a point; touching counts."""
        return (
            self.west <= other.east
            and other.west <= self.east
            and self.south <= other.north
            and other.south <= self.north
        )

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether the point is inside or on the edge."""
        return self.west <= longitude <= self.east and self.south <= latitude <= self.north

    def clamp(self, limits: "Bbox") -> "Bbox | None":
        """The part of this box inside the limits; None where they share nothing."""
        if not self.intersects(limits):
            return None
        return Bbox(
            max(self.west, limits.west),
            max(self.south, limits.south),
            min(self.east, limits.east),
            min(self.north, limits.north),
        )

    def grown(self, degrees: float) -> "Bbox":
        """The box with a margin on all sides, within the world."""
        return Bbox(
            max(self.west - degrees, -180.0),
            max(self.south - degrees, -90.0),
            min(self.east + degrees, 180.0),
            min(self.north + degrees, 90.0),
        )


WORLD = Bbox(-180.0, -90.0, 180.0, 90.0)


def parse_bbox(text: str) -> Bbox:
    """The box in `west,south,east,north`, as the `bbox` parameter of a URL has it."""
    parts = text.split(",")
    if len(parts) != len(Bbox._fields):
        raise Invalid(
            f"bbox needs four numbers west,south,east,north such as {EXAMPLE}, got {len(parts)}",
            parameter="bbox",
        )
    values: list[float] = []
    for name, part in zip(Bbox._fields, parts, strict=True):
        try:
            values.append(float(part))
        except ValueError:
            raise Invalid(
                f"bbox: {name} is {part.strip()!r}, not a number; write it such as {EXAMPLE}",
                parameter="bbox",
            ) from None
    return checked_bbox(values)


def checked_bbox(values: "list[float] | tuple[float, ...]") -> Bbox:
    """Four numbers as a box; says what is wrong with them otherwise."""
    if len(values) != len(Bbox._fields):
        raise Invalid(f"bbox needs four numbers, got {len(values)}", parameter="bbox")
    box = Bbox(*values)
    if not all(math.isfinite(value) for value in box):
        raise Invalid("bbox must hold finite numbers", parameter="bbox")
    for name, value, limit in (
        ("west", box.west, 180),
        ("east", box.east, 180),
        ("south", box.south, 90),
        ("north", box.north, 90),
    ):
        if abs(value) > limit:
            raise Invalid(
                f"bbox: {name} is {value}, beyond ±{limit} degrees; longitude comes first",
                parameter="bbox",
            )
    if box.west > box.east:
        raise Invalid(
            f"bbox: west {box.west} is greater than east {box.east}; "
            "a box across the 180° meridian is asked for in two halves",
            parameter="bbox",
        )
    if box.south > box.north:
        raise Invalid(
            f"bbox: south {box.south} is greater than north {box.north}", parameter="bbox"
        )
    return box
