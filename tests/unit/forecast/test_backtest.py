"""Forecasts of the demo province, held against what came."""

from datetime import date

import pytest

from ioc.commands.forecast import backtested


@pytest.mark.long
@pytest.mark.timeout(300)
def test_of_the_demo_the_bounds_hold_and_the_middle_beats_the_share_so_far() -> None:
    found = backtested(dossiers=60_000, months=24, seed=2, last=date(2026, 11, 28))
    assert found.all.forecasts > 1_000
    assert 0.7 <= found.all.coverage <= 0.95
    assert found.all.error < 0.9 * found.all.naive_error
    assert found.province.error < 2
