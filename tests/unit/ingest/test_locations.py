"""Where a situation of DATEX II is: lines, points, and positions that are none."""

from typing import Any

import pytest

from tests.fixtures.datex import published


def _place(inner: str) -> dict[str, Any] | None:
    places = list(published(inner).places)
    return places[0].geometry if places else None


def _point(latitude: float, longitude: float) -> str:
    return (
        f"<pointCoordinates><latitude>{latitude}</latitude><longitude>{longitude}</longitude>"
        "</pointCoordinates>"
    )


LINE = {"type": "LineString", "coordinates": [[105.39, 21.32], [105.4, 21.33]]}
TO, FROM = f"<to>{_point(21.33, 105.4)}</to>", f"<from>{_point(21.32, 105.39)}</from>"


@pytest.mark.parametrize(
    "location",
    [
        "<posList>21.32 105.39 21.33 105.40</posList>",
        '<posList srsDimension="3">21.32 105.39 12 21.33 105.40 15.5</posList>',
        '<gml srsDimension="3" srsName="urn:ogc:def:crs:EPSG::4326"><posList>21.32 105.39 12 '
        "21.33 105.40 15.5</posList></gml>",
        '<gml srsName="urn:ogc:def:crs:OGC::CRS84"><posList>105.39 21.32 105.4 21.33'
        "</posList></gml>",
        f"<tpegLinearLocation>{TO}{FROM}</tpegLinearLocation>",
        f"<tpeglinearLocation>{FROM}{TO}</tpeglinearLocation>",
        f"<coordinatesForDisplay><latitude>1</latitude><longitude>2</longitude>"
        f"</coordinatesForDisplay><tpegLinearLocation>{TO}{FROM}</tpegLinearLocation>",
        _point(21.32, 105.39).replace("pointCoordinates", "openlrCoordinates")
        + _point(21.33, 105.4).replace("pointCoordinates", "openlrCoordinates"),
    ],
)
def test_a_linear_location_is_a_line(location: str) -> None:
    inside = f"<groupOfLocations>{location}</groupOfLocations>"
    detour = "<alternativeRoute><posList>1 2 3 4</posList></alternativeRoute>"
    assert _place(inside) == LINE
    assert _place(detour + inside) == LINE


def test_a_linear_location_of_which_one_end_is_known_is_a_point() -> None:
    for end in (TO, TO + "<from><name>km 30</name></from>"):
        place = _place(
            f"<groupOfLocations><tpegLinearLocation>{end}</tpegLinearLocation></groupOfLocations>"
        )
        assert place == {"type": "Point", "coordinates": [105.4, 21.33]}


@pytest.mark.parametrize(
    "location",
    [
        '<posList srsName="urn:ogc:def:crs:EPSG::3405">2357000 540000 2358000 541000</posList>',
        '<posList srsDimension="3">21.32 105.39 21.33 105.40</posList>',
        "<posList>2357000 540000 2358000 541000</posList>",
        "<posList>21.32 105.39</posList>",
        "<posList>a b c d</posList>",
        _point(210, 105),
        _point(float("nan"), 105),
    ],
)
def test_positions_that_are_none_on_earth_place_nothing(location: str) -> None:
    assert _place(f"<groupOfLocations>{location}</groupOfLocations>") is None
