"""Which unit a point lies in: an index over outlines, built once."""

from collections.abc import Iterable, Mapping
from typing import Any

import shapely
from shapely.geometry import Point, shape


class ZoneIndex:
    """Outlines of units that do not overlap, searchable by point."""

    def __init__(self, outlines: Mapping[str, Mapping[str, Any]]) -> None:
        """Take outlines as GeoJSON by unit; leave out units that lie above others."""
        self._units = list(outlines)
        self._shapes = [shape(dict(outline)) for outline in outlines.values()]
        shapely.prepare(self._shapes)
        self._tree = shapely.STRtree(self._shapes)

    def __len__(self) -> int:
        """How many outlines."""
        return len(self._units)

    def unit_at(self, longitude: float, latitude: float) -> str | None:
        """The unit around a point; on a shared edge the first of them by id; None outside all."""
        hits = self._tree.query(Point(longitude, latitude), predicate="intersects")
        return min((self._units[int(hit)] for hit in hits), default=None)

    def units_at(self, points: Iterable[tuple[float, float]]) -> list[str | None]:
        """The unit around each of many points (longitude, latitude), in one pass."""
        positions = shapely.points(list(points))
        found: list[str | None] = [None] * len(positions)
        rows, hits = self._tree.query(positions, predicate="intersects")
        for row, hit in zip(rows, hits, strict=True):
            unit, before = self._units[int(hit)], found[int(row)]
            found[int(row)] = unit if before is None else min(before, unit)
        return found
