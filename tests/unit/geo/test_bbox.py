"""Boxes: strict about what they read, exact about what they share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.bbox import WORLD, Bbox, parse_bbox
from ioc.errors import Invalid


def test_a_box_is_read_from_four_numbers() -> None:
    assert parse_bbox("104.8,20.3, 105.9,21.7") == Bbox(104.8, 20.3, 105.9, 21.7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "four numbers"),
        ("1,2,3", "got 3"),
        ("1,2,3,4,5", "got 5"),
        ("104,x,105,21", "south is 'x'"),
        ("nan,20,105,21", "finite"),
        ("104,20,inf,21", "finite"),
        ("106,20,105,21", "west 106.0 is greater"),
        ("104,22,105,21", "south 22.0 is greater"),
        ("20,104,21,105", "longitude comes first"),
        ("-190,0,0,1", "west is -190.0"),
    ],
)
def test_what_is_no_box_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse_bbox(text)


def test_a_box_is_cut_to_its_limits() -> None:
    limits = Bbox(104, 20, 106, 22)
    assert Bbox(103, 21, 105, 23).clamp(limits) == Bbox(104, 21, 105, 22)
    assert Bbox(0, 0, 1, 1).clamp(limits) is None


def test_a_margin_stays_within_the_world() -> None:
    assert Bbox(-179.9, -89.9, 179.9, 89.9).grown(1) == WORLD
    assert Bbox(104, 20, 105, 21).grown(0.5) == Bbox(103.5, 19.5, 105.5, 21.5)


longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
boxes = st.builds(
    lambda w, e, s, n: Bbox(min(w, e), min(s, n), max(w, e), max(s, n)),
    longitudes,
    longitudes,
    latitudes,
    latitudes,
)


@given(boxes)
def test_a_written_box_reads_back_as_itself(box: Bbox) -> None:
    assert parse_bbox(",".join(repr(float(v)) for v in box)) == box


@given(boxes, boxes, longitudes, latitudes)
def test_what_is_in_the_cut_is_in_both(one: Bbox, other: Bbox, lon: float, lat: float) -> None:
    cut = one.clamp(other)
    in_both = one.contains(lon, lat) and other.contains(lon, lat)
    assert (cut is not None and cut.contains(lon, lat)) == in_both
    assert (cut is not None) == one.intersects(other) == other.intersects(one)
