"""Figures of ISA-18.2 and EEMUA 191 over past alerts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.health import Health, HealthFigure, health_of
from alerts.mute import MuteCause
from alerts.past import Ended, Quiet
from tests.unit.alerts.past import START, alone, at, one, past

HOURS = 48


def health(*rows: dict[str, Any], hours: float = HOURS) -> Health:
    return health_of(past(rows), alone(hours), since=START, until=at(60 * hours))


def figure(name: str, *rows: dict[str, Any], hours: float = HOURS) -> HealthFigure:
    return health(*rows, hours=hours).figures[name]


def parts(found: HealthFigure) -> tuple[float | None, float, float | None, bool | None]:
    return found.value, found.numerator, found.denominator, found.met


def test_the_rate_is_alerts_of_operator_hours() -> None:
    assert parts(figure("rate", *[one(n) for n in range(12)], hours=2)) == (6.0, 12, 2.0, True)
    assert figure("rate", *[one(n) for n in range(13)], hours=2).met is False


def test_an_alert_that_was_quiet_from_its_beginning_is_raised_but_told_to_nobody() -> None:
    found = health(one(1), one(2, quiet=Quiet.SILENCE, quiet_first=True))
    assert (found.raised, found.told, found.figures["rate"].numerator) == (2, 1, 1)
    assert parts(found.figures["silenced"])[:3] == (50.0, 1, 2)


def test_a_figure_of_nothing_is_none_and_neither_met_nor_missed() -> None:
    assert parts(figure("low")) == (None, 0, 0, None)
    assert parts(figure("acknowledge_median")) == (None, 0, 0, None)


def test_an_alert_is_stale_when_it_has_stood_for_more_than_a_day() -> None:
    rows = one(0, lasts=None, mark=1), one(HOURS * 60 - 1_440, lasts=None, mark=2)
    found = health(*rows)
    assert parts(found.figures["stale"])[:3] == (50.0, 1, 2)
    assert found.figures["standing"].value == 2


def test_stale_alerts_are_those_of_the_worst_day_though_they_have_gone_since() -> None:
    rows = [one(-1_500, lasts=1_600, mark=n) for n in range(5)]
    found = health(*rows)
    assert (found.figures["stale_most"].value, found.figures["stale_most"].met) == (5, False)
    assert (found.figures["stale"].numerator, found.raised) == (0, 0)


def test_what_happened_after_the_time_has_not_happened_in_it() -> None:
    found = figure("waiting", one(HOURS * 60 - 1, lasts=30, acknowledged=10))
    assert parts(found)[:3] == (100.0, 1, 1)


def test_chattering_counts_alerts_and_how_often_they_came() -> None:
    rows = [one(0), one(0.2), one(0.5), one(10), one(11, mark=2)]
    found = figure("chattering", *rows)
    assert parts(found) == (1, 3, 5, False)


def test_times_to_acknowledge_are_of_those_that_somebody_acknowledged() -> None:
    rows = [one(n, lasts=None, acknowledged=n) for n in range(1, 11)] + [one(20), one(21)]
    found = health(*rows).figures
    assert parts(found["acknowledge_median"])[:3] == (330.0, 10, 12)
    assert found["acknowledge_p90"].value == pytest.approx(546.0)
    assert parts(found["never_acknowledged"])[1:3] == (2, 12)


def test_false_alerts_are_of_those_whose_incident_has_a_result() -> None:
    ends = (Ended.FALSE, Ended.OTHERWISE, Ended.NOT_YET, Ended.NO_INCIDENT)
    assert parts(figure("false", *[one(n, ended=end) for n, end in enumerate(ends)]))[:3] == (
        50.0, 1, 2,
    )  # fmt: skip


def test_the_top_ten_alerts_are_told_apart_from_the_top_ten_rules() -> None:
    rows = [one(n, mark=n) for n in range(40)]
    assert parts(figure("top_rules", *rows))[:3] == (100.0, 40, 40)
    assert parts(figure("top_alerts", *rows)) == (25.0, 10, 40, False)


row = st.builds(
    one,
    st.integers(-3_000, HOURS * 60 + 30),
    lasts=st.none() | st.integers(0, 3_000),
    acknowledged=st.none() | st.integers(0, 3_000),
    rule=st.sampled_from("abc"),
    mark=st.integers(1, 5),
    severity=st.integers(0, 3),
    quiet_first=st.booleans(),
    shelved=st.booleans(),
    ended=st.sampled_from(Ended),
)


@given(st.lists(row, max_size=60))
def test_the_parts_of_what_was_told_add_up(rows: list[dict[str, Any]]) -> None:
    found = health(*rows)
    figures = found.figures
    severities = [figures[name].numerator for name in ("critical", "high", "medium", "low")]
    answers = [
        figures[name].numerator for name in ("acknowledged", "waiting", "never_acknowledged")
    ]
    by_rule = [rule.alerts for rule in found.rules]
    assert sum(severities) == sum(answers) == sum(by_rule) == sum(found.hours) == found.told
    assert sum(rule.false for rule in found.rules) == figures["false"].numerator
    assert sum(rule.judged for rule in found.rules) == figures["false"].denominator
    assert sum(rule.chattering for rule in found.rules) == figures["chattering"].numerator


@given(st.lists(row, max_size=60))
def test_a_share_is_its_numerator_of_its_denominator(rows: list[dict[str, Any]]) -> None:
    for one_figure in health(*rows).figures.values():
        if one_figure.uom == "%" and one_figure.denominator:
            assert 0 <= one_figure.numerator <= one_figure.denominator
            assert one_figure.value == pytest.approx(
                100 * one_figure.numerator / one_figure.denominator
            )


def test_every_way_to_be_quiet_is_counted() -> None:
    assert {one.name for one in Quiet} == {"NO", *(cause.name for cause in MuteCause)}
    rows = [one(n, quiet=cause) for n, cause in enumerate(Quiet)]
    figures = health(*rows).figures
    assert [figures[name].numerator for name in ("silenced", "planned", "inhibited")] == [1, 1, 1]
