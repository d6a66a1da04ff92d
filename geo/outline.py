"""Illustrative outlines: each point's nearest ground inside a coarse hull around all points.

They are no map of anything: a province without outlines of its own gets shapes to colour, which
are labelled as made up. `python -m geo.outline CITY` writes them to `CITY/outlines.geojson`.
"""

import csv
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geo.geojson import rounded

SOURCE = "ranh giới minh họa"
"""What stands beside every such outline: "illustrative boundary"."""

HULL_RATIO = 0.2
"""How closely the hull follows the points: 0 as closely as possible, 1 the convex hull."""

MARGIN = 0.035
"""How far the hull lies outside the outermost points, in degrees of latitude (4 km)."""

DIGITS = 5
"""Decimals of a degree: about a metre, and the same for both neighbours of an edge."""

FEWEST = 3


def illustrative_outlines(
    points: Mapping[str, tuple[float, float]],
    *,
    hull_ratio: float = HULL_RATIO,
    margin: float = MARGIN,
) -> dict[str, dict[str, Any]]:
    """A polygon per point (longitude, latitude), as GeoJSON; neighbours share exact edges."""
    import shapely
    from shapely.geometry import MultiPoint, Point

    if len(points) < FEWEST or len(set(points.values())) < len(points):
        raise ValueError(f"outlines need {FEWEST} points or more, all of them different")
    # Degrees of longitude are shorter: equal scales keep cells from being drawn out sideways.
    squeeze = math.cos(math.radians(sum(lat for _, lat in points.values()) / len(points)))
    flat = {unit: Point(lon * squeeze, lat) for unit, (lon, lat) in points.items()}
    cloud = MultiPoint(list(flat.values()))
    hull = shapely.concave_hull(cloud, ratio=hull_ratio).buffer(margin, quad_segs=3)
    cells = shapely.voronoi_polygons(cloud, extend_to=hull)
    found: dict[str, Any] = {}
    tree = shapely.STRtree(list(cells.geoms))
    for unit, point in flat.items():
        own = cells.geoms[int(tree.query(point, predicate="within")[0])]
        found[unit] = shapely.intersection(own, hull)
    whole = _in_one_piece(found, flat)
    return {
        unit: rounded(_unsqueezed(cell, squeeze), DIGITS) for unit, cell in sorted(whole.items())
    }


def union(outlines: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The outline around all outlines of a coverage, as GeoJSON."""
    import shapely
    from shapely.geometry import mapping, shape

    merged = shapely.coverage_union_all([shape(dict(outline)) for outline in outlines.values()])
    return rounded(mapping(merged), DIGITS)


def _in_one_piece(cells: dict[str, Any], points: Mapping[str, Any]) -> dict[str, Any]:
    """The cells, with parts that a bay of the hull cuts off given to the neighbour they touch."""
    import shapely

    kept: dict[str, Any] = {}
    loose: list[Any] = []
    for unit, cell in cells.items():
        parts = list(shapely.get_parts(cell))
        kept[unit] = max(parts, key=lambda part: (part.covers(points[unit]), part.area))
        loose += [part for part in parts if part is not kept[unit]]
    for part in loose:
        touched = {unit: part.intersection(cell).length for unit, cell in kept.items()}
        unit = max(touched, key=lambda name: touched[name])
        if touched[unit] > 0:
            kept[unit] = shapely.union(kept[unit], part)
    return kept


def _unsqueezed(cell: Any, squeeze: float) -> dict[str, Any]:
    from shapely.geometry import mapping

    geometry = mapping(cell)
    rings = [[(x / squeeze, y) for x, y in ring] for ring in geometry["coordinates"]]
    return {"type": geometry["type"], "coordinates": rings}


def write_outlines(city: Path) -> int:
    """Make `outlines.geojson` from `communes.csv` in a city's folder; how many were written."""
    with (city / "communes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    now = [row for row in rows if not row["until"] and row["longitude"]]
    points = {row["id"]: (float(row["longitude"]), float(row["latitude"])) for row in now}
    outlines = illustrative_outlines(points)
    around = {row["parent"] for row in now}
    for parent in sorted(around):
        own = {row["id"]: outlines[row["id"]] for row in now if row["parent"] == parent}
        outlines[parent] = union(own)
    features = (
        {
            "type": "Feature",
            "properties": {"unit": unit, "source": SOURCE},
            "geometry": geometry,
        }
        for unit, geometry in outlines.items()
    )
    lines = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    text = '{"type":"FeatureCollection","features":[\n' + lines + "\n]}\n"
    (city / "outlines.geojson").write_text(text, encoding="utf-8")
    return len(outlines)


if __name__ == "__main__":
    write_outlines(Path(sys.argv[1] if len(sys.argv) > 1 else "city"))
