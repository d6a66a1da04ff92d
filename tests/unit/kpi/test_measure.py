"""The built-in measures: one flat set of names that formulas can hold."""

import re

from ioc.kpi.formula import parse
from ioc.kpi.measure import BUILT_IN
from ioc.kpi.origin import COUNTS


def test_every_measure_can_stand_in_a_formula() -> None:
    for name in BUILT_IN:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name)
        assert parse(f"{name} - 1").names == (name,)


def test_what_older_indicators_count_of_dossiers_keeps_its_name() -> None:
    assert set(COUNTS["dossiers"]) <= BUILT_IN.keys()


def test_every_measure_has_both_languages() -> None:
    assert all(measure.name.vi and measure.name.en for measure in BUILT_IN.values())
