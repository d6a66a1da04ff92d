"""Threshold rules as time scripts."""

import pytest

from tests.unit.alerts.timeline import expand, timeline

HELD = {"above": 50, "hold": "PT5M"}


def test_the_shorthand_is_that_of_prometheus() -> None:
    assert expand("12 60x2 1+2x2 _ _x2 -3") == [12, 60, 60, 60, 1, 3, 5, None, None, None, -3]


@pytest.mark.parametrize(
    ("values", "script"),
    [
        ("12 60x6 12x3", "pending@1m active@6m cleared@8m"),
        ("12 60x3 12x3 60x3", "pending@1m cleared@5m pending@9m"),
        ("12 60 _x9 60", "pending@1m active@11m"),
        ("50x9", ""),
        ("50.1x5", "pending@0m active@5m"),
        ("60x6 12 60x6", "pending@0m active@5m cleared@7m pending@8m active@13m"),
        ("60 12 60 12 60 12", "pending@0m cleared@1m pending@2m cleared@3m pending@4m cleared@5m"),
    ],
)
def test_an_alert_is_active_only_after_its_hold_time(values: str, script: str) -> None:
    timeline(every="1m", values=values, **HELD).expects(script)


def test_without_a_hold_time_the_first_breach_is_active() -> None:
    timeline(every="1m", values="12 60x2 12", above=50).expects("active@1m cleared@4m")


def test_a_value_that_flutters_about_the_level_raises_one_alert() -> None:
    flutter = "51 49 51 49 51 49 51 49 40"
    timeline(every="1m", values=flutter, above=50, clear=40).expects("active@0m cleared@8m")
    timeline(every="1m", values=flutter, clear=40, **HELD).expects(
        "pending@0m active@5m cleared@8m"
    )


def test_low_values_breach_a_rule_for_low_values() -> None:
    timeline(every="1m", values="30 14x3 18x2 20", below=15, clear=20, hold="PT2M").expects(
        "pending@1m active@3m cleared@8m"
    )


def test_the_level_is_the_attribute_of_the_feature() -> None:
    script = "active@2m cleared@4m"
    gauge = {"alarm_2": 5.5, "calm": 5}
    values = "5 5.5 5.6 5.1 5"
    timeline(every="1m", values=values, above="alarm_2", clear="calm", attributes=gauge).expects(
        script
    )


@pytest.mark.parametrize("attribute", [None, "high", True, float("nan")])
def test_a_feature_without_the_attribute_is_not_watched(attribute: object) -> None:
    timeline(every="1m", values="99x9", above="alarm_2", attributes={"alarm_2": attribute}).expects(
        ""
    )


def test_an_attribute_on_the_wrong_side_clears_at_the_level() -> None:
    odd = {"calm": 60}
    timeline(every="1m", values="55x2 50", above=50, clear="calm", attributes=odd).expects(
        "active@0m cleared@3m"
    )


def test_a_weekly_series_is_watched_as_well_as_one_by_the_minute() -> None:
    timeline(every="7d", values="3 30x2 3", above=20).expects("active@168h cleared@672h")
