"""Printed figures against their counts, and ranks against their movement."""

import pytest

from ioc.kpi.reported import Bound, agrees, previous_rank


@pytest.mark.parametrize(
    ("figure", "numerator", "denominator", "decimals", "bound", "same"),
    [
        (65.3, 1148, 1758, 1, "=", True),
        (9.3, 1803, 19259, 1, "=", False),
        (9.4, 1803, 19259, 1, "=", True),
        (0.03, 10, 40828, 2, "=", False),
        (47, 536, 1148, 0, "=", True),
        (80, 81, 100, 0, ">=", True),
        (80, 79, 100, 0, ">=", False),
        (80, 81, 100, 0, "<=", False),
        (80, 99, 100, 0, "~", True),
        (50, 0, 0, 0, "=", True),
    ],
)
def test_a_printed_percentage_is_compared_with_its_counts(
    figure: float, numerator: float, denominator: float, decimals: int, bound: Bound, same: bool
) -> None:
    assert agrees(figure, numerator, denominator, decimals, bound) is same


@pytest.mark.parametrize(("figure", "same"), [(62.3, True), (62.301, False)])
def test_a_printed_figure_is_compared_at_the_decimals_that_it_shows(
    figure: float, same: bool
) -> None:
    assert agrees(figure, 623, 1000, 3, "=") is same


def test_a_rise_gives_the_rank_before() -> None:
    assert previous_rank(20, 2) == 22
    assert previous_rank(20, -3) == 17
    assert previous_rank(None, 2) is None
