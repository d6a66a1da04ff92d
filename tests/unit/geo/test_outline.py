"""Illustrative outlines: a coverage of the hull, with edges shared to the last digit."""

import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from geo.outline import SOURCE, illustrative_outlines, union, write_outlines

CITY = Path(__file__).parents[3] / "city"

Points = dict[str, tuple[float, float]]


@pytest.fixture(scope="module")
def communes() -> Points:
    with (CITY / "communes.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: (float(row["longitude"]), float(row["latitude"]))
            for row in csv.DictReader(file)
        }


@pytest.fixture(scope="module")
def outlines(communes: Points) -> dict[str, dict[str, Any]]:
    return illustrative_outlines(communes)


def test_every_commune_lies_in_its_own_outline(
    communes: Points, outlines: dict[str, dict[str, Any]]
) -> None:
    assert set(outlines) == set(communes)
    for unit, point in communes.items():
        assert shape(outlines[unit]).contains(Point(point)), unit


def test_neighbours_share_exact_edges_without_gap_or_overlap(
    outlines: dict[str, dict[str, Any]],
) -> None:
    cells = [shape(outline) for outline in outlines.values()]
    assert shapely.coverage_is_valid(cells)
    whole: Any = shape(union(outlines))
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    assert sum(cell.area for cell in cells) == pytest.approx(whole.area, rel=1e-12)


def test_every_edge_inside_the_hull_belongs_to_two_cells(
    outlines: dict[str, dict[str, Any]],
) -> None:
    edges: dict[frozenset[tuple[float, ...]], int] = {}
    for outline in outlines.values():
        (ring,) = outline["coordinates"]
        for start, end in pairwise(ring):
            edge = frozenset((tuple(start), tuple(end)))
            edges[edge] = edges.get(edge, 0) + 1
    assert set(edges.values()) == {1, 2}
    whole: Any = shape(union(outlines))
    border = whole.exterior
    alone = sum(shapely.LineString(list(e)).length for e, n in edges.items() if n == 1)
    assert alone == pytest.approx(border.length, rel=1e-9)


def test_coordinates_have_five_decimals_at_most(outlines: dict[str, dict[str, Any]]) -> None:
    text = json.dumps(list(outlines.values()))
    assert all(len(part.split("]")[0]) <= 5 for part in text.replace(",", "]").split(".")[1:])


def test_the_shipped_file_is_what_the_function_makes(tmp_path: Path) -> None:
    (tmp_path / "communes.csv").write_bytes((CITY / "communes.csv").read_bytes())
    assert write_outlines(tmp_path) == 149
    made = json.loads((tmp_path / "outlines.geojson").read_text(encoding="utf-8"))
    shipped = json.loads((CITY / "outlines.geojson").read_text(encoding="utf-8"))
    assert {f["properties"]["source"] for f in made["features"]} == {SOURCE}
    # Another version of the geometry library may order or round otherwise: shapes are compared.
    theirs = {f["properties"]["unit"]: shape(f["geometry"]) for f in shipped["features"]}
    for feature in made["features"]:
        other = theirs.pop(feature["properties"]["unit"])
        assert shape(feature["geometry"]).symmetric_difference(other).area < 1e-6
    assert theirs == {}


def test_points_that_coincide_are_refused() -> None:
    with pytest.raises(ValueError, match="all of them different"):
        illustrative_outlines({"a": (105, 21), "b": (105, 21), "c": (106, 21)})


grid = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(
    lambda p: (105 + p[0] / 50, 21 + p[1] / 50)
)


@given(st.lists(grid, min_size=3, max_size=30, unique=True))
def test_any_points_give_a_coverage_with_each_point_inside(
    places: list[tuple[float, float]],
) -> None:
    points = {f"u{n}": place for n, place in enumerate(places)}
    made = illustrative_outlines(points)
    cells = [shape(outline) for outline in made.values()]
    assert shapely.coverage_is_valid(cells)
    for unit, place in points.items():
        assert shape(made[unit]).contains(Point(place))
