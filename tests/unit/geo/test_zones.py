"""From a point to its unit."""

import csv
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from geo.outline import illustrative_outlines
from geo.zones import ZoneIndex

CITY = Path(__file__).parents[3] / "city"


def square(west: float, south: float) -> dict[str, Any]:
    east, north = west + 1, south + 1
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


TWO = ZoneIndex({"west": square(0, 0), "east": square(1, 0)})


def test_a_point_is_found_in_the_outline_around_it() -> None:
    assert TWO.unit_at(0.5, 0.5) == "west"
    assert TWO.unit_at(1.5, 0.5) == "east"
    assert TWO.unit_at(3, 0.5) is None


def test_a_point_on_a_shared_edge_belongs_to_one_unit_always_the_same() -> None:
    assert TWO.unit_at(1, 0.5) == "east"
    assert TWO.units_at([(1, 0.5)]) == ["east"]


@given(st.lists(st.tuples(st.floats(-1, 3), st.floats(-1, 2)), min_size=1, max_size=20))
def test_many_points_at_once_are_found_like_one_by_one(points: list[tuple[float, float]]) -> None:
    assert TWO.units_at(points) == [TWO.unit_at(*point) for point in points]


def test_every_commune_is_found_by_its_own_point() -> None:
    with (CITY / "communes.csv").open(encoding="utf-8", newline="") as file:
        points = {
            row["id"]: (float(row["longitude"]), float(row["latitude"]))
            for row in csv.DictReader(file)
        }
    index = ZoneIndex(illustrative_outlines(points))
    assert len(index) == 148
    assert index.units_at(points.values()) == list(points)
