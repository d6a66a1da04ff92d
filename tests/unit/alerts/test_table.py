"""The layout of rules over series."""

import numpy as np

from alerts.rule import Threshold
from alerts.selection import SeriesFacts
from alerts.table import Table, build_table
from tests.unit.alerts.timeline import a_rule, a_series

RULES = [
    rule
    for rule in (
        a_rule("high", above=50, clear=40),
        a_rule("low", below=10),
        a_rule("gauge", property="water-level", above="alarm_2"),
    )
    if isinstance(rule, Threshold)
]
SERIES = [
    a_series(7),
    a_series(3, property="water-level", attributes={"alarm_2": 6}),
    a_series(9, interval=300.0),
    a_series(4, property="water-level"),
    a_series(5, domain="traffic"),
]


def pairs(table: Table) -> dict[int, list[tuple[str, float, float]]]:
    return {
        int(series): [
            (RULES[rule].id, limit * RULES[rule].sign, clear * RULES[rule].sign)
            for rule, limit, clear in zip(
                table.rule[first:end].tolist(),
                table.limit[first:end].tolist(),
                table.clear[first:end].tolist(),
                strict=True,
            )
        ]
        for series, first, end in zip(table.ids, table.start[:-1], table.start[1:], strict=True)
    }


def test_every_series_meets_the_rules_of_its_domain_and_property() -> None:
    both = [("high", 50.0, 40.0), ("low", 10.0, 10.0)]
    assert pairs(build_table(RULES, SERIES)) == {
        7: both,
        9: both,
        3: [("gauge", 6.0, 6.0)],
        4: [],
        5: [],
    }


def test_what_no_rule_minds_lies_between_the_bounds() -> None:
    table = build_table(RULES, SERIES)
    bounds = dict(zip(table.ids.tolist(), zip(table.under, table.over, strict=True), strict=True))
    assert bounds == {
        7: (10, 50),
        9: (10, 50),
        3: (-np.inf, 6),
        4: (-np.inf, np.inf),
        5: (-np.inf, np.inf),
    }


def test_three_intervals_of_a_series_are_fresh() -> None:
    table = build_table(RULES, SERIES)
    fresh = dict(zip(table.ids.tolist(), table.fresh.tolist(), strict=True))
    assert (fresh[9], fresh[7]) == (900_000_000, 0)


def test_series_that_come_later_join_behind() -> None:
    first, later = SERIES[:2], SERIES[2:]
    joined = build_table(RULES, first).joined(build_table(RULES, later))
    assert pairs(joined) == pairs(build_table(RULES, SERIES))


def test_nothing_to_watch_makes_an_empty_table() -> None:
    nothing: list[SeriesFacts] = []
    assert pairs(build_table(RULES, nothing)) == {}
    assert pairs(build_table([], SERIES[:1])) == {7: []}
