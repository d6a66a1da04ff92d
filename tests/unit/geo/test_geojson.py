"""GeoJSON: what RFC 7946 allows goes through unchanged, all else is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.geojson import envelope, from_wkb, geometry_faults, rounded, to_wkb
from ioc.errors import Invalid

SQUARE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("geometry", "path", "said"),
    [
        (None, (), "a geometry is an object, not null"),
        ([], (), "not a list"),
        ({}, ("type",), "None is not a geometry type"),
        ({"type": "Feature"}, ("type",), "'Feature' is not a geometry type"),
        ({"type": "Point"}, (), "a Point needs coordinates"),
        ({"type": "Point", "coordinates": None}, ("coordinates",), "not null"),
        ({"type": "Point", "coordinates": [1]}, ("coordinates",), "two or three numbers, not 1"),
        ({"type": "Point", "coordinates": [1, "2"]}, ("coordinates", 1), "not a text"),
        ({"type": "Point", "coordinates": [1, True]}, ("coordinates", 1), "not true or false"),
        ({"type": "Point", "coordinates": [1, float("nan")]}, ("coordinates", 1), "finite"),
        ({"type": "Point", "coordinates": [10**400, 0]}, ("coordinates", 0), "finite"),
        ({"type": "Point", "coordinates": [21, 105]}, ("coordinates",), "not longitude"),
        (
            {"type": "Point", "coordinates": [1, 2], "crs": {}},
            ("crs",),
            "crs is not part of RFC 7946",
        ),
        ({"type": "LineString", "coordinates": [[0, 0]]}, ("coordinates",), "two positions"),
        ({"type": "Polygon", "coordinates": [SQUARE[:3]]}, ("coordinates", 0), "has 3"),
        (
            {"type": "Polygon", "coordinates": [[*SQUARE[:4], [0.0, 0.1]]]},
            ("coordinates", 0),
            "repeat the first",
        ),
        ({"type": "Polygon", "coordinates": SQUARE}, ("coordinates", 0, 0), "not a number"),
        ({"type": "MultiPolygon", "coordinates": 5}, ("coordinates",), "a list is needed"),
        ({"type": "GeometryCollection"}, ("geometries",), "a list of geometries"),
        (
            {"type": "GeometryCollection", "geometries": [{"type": "Pint"}]},
            ("geometries", 0, "type"),
            "'Pint'",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(geometry: Any, path: tuple[Any, ...], said: str) -> None:
    faults = geometry_faults(geometry)
    assert any(fault.path == path and said in fault.message for fault in faults), faults


def test_a_polygon_that_crosses_itself_is_not_valid() -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    assert "Self-intersection" in geometry_faults(bow)[0].message


def test_a_bomb_of_nested_collections_is_refused() -> None:
    bomb: dict[str, Any] = {"type": "Point", "coordinates": [0, 0]}
    for _ in range(100):
        bomb = {"type": "GeometryCollection", "geometries": [bomb]}
    assert "nested too deeply" in geometry_faults(bomb)[0].message


def test_what_is_wrong_never_becomes_wkb() -> None:
    with pytest.raises(Invalid, match=r"geometry\.coordinates\[1\]: a coordinate is a number"):
        to_wkb({"type": "Point", "coordinates": [1, None]})


longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
positions = st.tuples(longitudes, latitudes).map(list)
geometries = st.one_of(
    st.builds(lambda p: {"type": "Point", "coordinates": p}, positions),
    st.builds(lambda p: {"type": "MultiPoint", "coordinates": p}, st.lists(positions, min_size=1)),
    st.builds(lambda p: {"type": "LineString", "coordinates": p}, st.lists(positions, min_size=2)),
    st.builds(
        lambda p: {"type": "MultiLineString", "coordinates": p},
        st.lists(st.lists(positions, min_size=2), min_size=1),
    ),
    st.builds(
        lambda w, s: {
            "type": "Polygon",
            "coordinates": [[[w, s], [w + 1, s], [w + 1, s + 1], [w, s + 1], [w, s]]],
        },
        st.integers(-180, 179),
        st.integers(-90, 89),
    ),
)


@given(geometries)
def test_a_geometry_survives_the_store(geometry: dict[str, Any]) -> None:
    assert from_wkb(to_wkb(geometry)) == geometry


@given(st.lists(positions, min_size=2))
def test_the_envelope_touches_every_side(line: list[list[float]]) -> None:
    box = envelope({"type": "LineString", "coordinates": line})
    assert box is not None
    assert all(box.contains(*position) for position in line)
    assert {box.west, box.east} <= {lon for lon, _ in line}
    assert {box.south, box.north} <= {lat for _, lat in line}


def test_heights_are_left_out_even_where_only_some_positions_have_one() -> None:
    line = {"type": "LineString", "coordinates": [[105, 21, 30], [105.5, 21.5]]}
    assert geometry_faults(line) == []
    assert from_wkb(to_wkb(line))["coordinates"] == [[105.0, 21.0], [105.5, 21.5]]


@pytest.mark.parametrize("kind", ["MultiPoint", "LineString", "Polygon", "MultiPolygon"])
def test_a_geometry_without_positions_raises_nothing_unexpected(kind: str) -> None:
    empty = {"type": kind, "coordinates": []}
    for fault in geometry_faults(empty):
        assert fault.path == ("coordinates",)
    assert envelope(empty) is None


def test_an_empty_collection_has_no_envelope() -> None:
    assert envelope({"type": "GeometryCollection", "geometries": []}) is None


def test_rounding_reaches_every_coordinate() -> None:
    collection = {
        "type": "GeometryCollection",
        "geometries": [{"type": "LineString", "coordinates": [[0.123456789, 1], [2, 3.98765432]]}],
    }
    line = rounded(collection, 3)["geometries"][0]
    assert line["coordinates"] == [[0.123, 1], [2, 3.988]]


def _geometries(value: Any) -> list[dict[str, Any]]:
    match value["type"]:
        case "FeatureCollection":
            return [g for feature in value["features"] for g in _geometries(feature)]
        case "Feature":
            return [value["geometry"]]
        case _:
            return [value]


def test_every_valid_file_of_the_real_data_is_taken(test_data: Path) -> None:
    files = sorted((test_data / "geojson" / "valid" / "data").rglob("*.geojson"))
    assert len(files) == 16
    for file in files:
        for geometry in _geometries(json.loads(file.read_text(encoding="utf-8"))):
            structure = [f for f in geometry_faults(geometry) if f.path]
            assert structure == [], (file.name, structure)
            assert from_wkb(to_wkb(geometry))["type"] == geometry["type"]
