"""Indicators of formulas, points and sums, and which version of a definition counts when."""

from datetime import date, timedelta
from typing import Any

import pytest

from ioc.errors import Invalid
from ioc.kpi.indicator import Definitions, decode_indicator, overlapping
from ioc.kpi.origin import MeasureSource, PartsSource
from ioc.kpi.period import parse_period

ONLINE: dict[str, Any] = {
    "name": {"vi": "Nộp trực tuyến", "en": "Filed online"},
    "domain": "service",
    "kind": "share",
    "source": "measures",
    "numerator": "received_online",
    "denominator": "received_direct + received_online + received_post",
    "uom": "%",
    "decimals": 1,
    "direction": "up",
}
POINTS = ONLINE | {
    "kind": "score",
    "score": "min(maximum, maximum * rate / 0.5)",
    "maximum": 6,
    "imported": "d766_3_3",
    "uom": "{points}",
}
GROUP = {
    key: value for key, value in POINTS.items()
    if key not in ("numerator", "denominator", "score")
} | {"kind": "composite", "parts": ["d766-3-1", "d766-3-2"], "maximum": 12}  # fmt: skip


def test_a_share_of_measures_is_two_formulas() -> None:
    source = decode_indicator("online", ONLINE).source
    assert isinstance(source, MeasureSource)
    assert source.names == ("received_online", "received_direct", "received_post")


def test_points_that_nobody_published_a_formula_of_are_only_imported() -> None:
    bare = {k: v for k, v in POINTS.items() if k not in ("numerator", "denominator", "score")}
    assert decode_indicator("copies", bare).source == MeasureSource()


def test_a_sum_of_points_names_its_parts() -> None:
    assert decode_indicator("group", GROUP).source == PartsSource(("d766-3-1", "d766-3-2"))


def test_a_definition_carries_who_answers_and_by_when() -> None:
    indicator = decode_indicator(
        "online",
        ONLINE
        | {
            "use": "steering",
            "unit": "van-phong",
            "cycle": "month",
            "deadline": "P5D",
            "rounding": "truncate",
            "from": date(2022, 8, 1),
            "until": "2025-07-01",
        },
    )
    assert (indicator.use, indicator.unit, indicator.cycle) == ("steering", "van-phong", "month")
    assert (indicator.deadline, indicator.rounding) == (timedelta(days=5), "truncate")
    assert (indicator.valid_from, indicator.valid_until) == (date(2022, 8, 1), date(2025, 7, 1))


@pytest.mark.parametrize(
    ("document", "key", "cure"),
    [
        (ONLINE | {"numerator": "a +"}, "numerator", "write one there"),
        (ONLINE | {"numerator": ["received_online"]}, "numerator", "write a formula"),
        (ONLINE | {"denominator": None}, "denominator", "a share needs one"),
        (ONLINE | {"kind": "mean"}, "kind", "write ratio for a mean"),
        (ONLINE | {"kind": "sum"}, "denominator", "leave it out"),
        (ONLINE | {"score": "n"}, "score", "kind = score"),
        (ONLINE | {"maximum": 6}, "maximum", "kind = score"),
        (POINTS | {"maximum": None}, "maximum", "the most points"),
        (POINTS | {"score": "n + received_online"}, "score", "use n, d, rate, maximum"),
        (POINTS | {"score": None}, "score", "only imported"),
        (GROUP | {"parts": []}, "parts", "write the ids"),
        (GROUP | {"parts": ["a", "a"]}, "parts", "name each once"),
        (GROUP | {"parts": ["group"]}, "parts", "take it away"),
        (GROUP | {"numerator": "received_online"}, "parts", "leave numerator"),
        (ONLINE | {"parts": ["a"]}, "parts", "kind = composite"),
        (ONLINE | {"from": "2025-07-01", "until": "2025-07-01"}, "until", "the last one"),
        (ONLINE | {"from": "July"}, "from", "2025-07-01"),
        (ONLINE | {"rounding": "down"}, "rounding", "half_up or truncate"),
        (ONLINE | {"use": "both"}, "use", "steering or statistical"),
        (ONLINE | {"deadline": "5 days"}, "deadline", "P5D"),
        (ONLINE | {"thresholds": [{"at": 90}, {"at": 95}]}, "thresholds", "mildest stands first"),
        (ONLINE | {"source": "dossiers", "kind": "ratio"}, "kind", 'source = "measures"'),
    ],
)
def test_a_wrong_definition_is_told_the_key_and_the_cure(
    document: dict[str, Any], key: str, cure: str
) -> None:
    with pytest.raises(Invalid) as refused:
        decode_indicator("group", {k: v for k, v in document.items() if v is not None})
    assert refused.value.values == {"indicator": "group", "key": key}
    assert cure in refused.value.message


def _version(number: int, since: str | None, until: str | None) -> Any:
    validity = {"from": since, "until": until}
    written = ONLINE | {"version": number} | {k: v for k, v in validity.items() if v is not None}
    return decode_indicator("online", written)


def test_the_version_of_a_period_is_the_one_that_holds_on_its_last_day() -> None:
    old, new = _version(1, "2022-08-01", "2025-07-01"), _version(2, "2025-07-01", None)
    known = Definitions([new, old])
    assert known.of("online", parse_period("2025-06")) is old
    assert known.of("online", parse_period("2025")) is new
    assert known.of("online", parse_period("2022-07")) is None
    assert known.newest("online") is new


def test_a_definition_without_validity_holds_always_and_the_later_number_wins() -> None:
    old, new = _version(1, None, None), _version(2, None, None)
    assert Definitions([old, new]).of("online", parse_period("1999")) is new


def test_a_change_of_the_definition_within_a_range_is_told_with_its_day() -> None:
    old, new = _version(1, "2022-08-01", "2025-07-01"), _version(2, "2025-07-01", None)
    known = Definitions([old, new])
    assert known.changes("online", date(2025, 1, 1), date(2026, 1, 1)) == [(date(2025, 7, 1), new)]
    assert known.changes("online", date(2025, 7, 1), date(2026, 1, 1)) == []


def test_versions_that_are_valid_on_one_day_are_found() -> None:
    old, new = _version(1, "2022-08-01", None), _version(2, "2025-07-01", None)
    assert overlapping([new, old]) == [(old, new)]
    assert overlapping([_version(1, None, "2025-07-01"), new]) == []
