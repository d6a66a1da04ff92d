"""A point is taken within the province, and told how to be corrected elsewhere."""

import pytest

from geo.bbox import Bbox
from geo.position import check_point
from ioc.errors import Invalid

BOUNDS = Bbox(104.75, 20.25, 105.95, 21.8)


def test_a_point_within_the_bounds_is_taken():
    check_point(105.26, 21.11, BOUNDS)


@pytest.mark.parametrize(
    ("point", "said"),
    [((21.11, 105.26), "swapped"), ((0, 0), "outside"), ((106.6, 10.8), "outside")],
)
def test_another_point_is_refused_with_what_is_to_be_done(
    point: tuple[float, float], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        check_point(*point, BOUNDS)
