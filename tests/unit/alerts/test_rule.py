"""Rules as documents: what is read, and what a wrong one is told."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.rule import Missing, Threshold
from alerts.rule_reading import decode_rule
from ioc.errors import Invalid
from ioc.model import Domain, Severity, Text

THRESHOLD = {
    "kind": "threshold",
    "name": {"vi": "Bụi mịn cao", "en": "Fine dust is high"},
    "severity": "high",
    "domain": "environment",
    "property": "pm25",
    "above": 50,
    "clear": 40,
    "hold": "PT10M",
    "advice": {"vi": "Báo sở", "en": "Tell the department"},
}
MISSING = {
    "kind": "missing",
    "name": {"vi": "Mất tín hiệu", "en": "No report"},
    "severity": "medium",
    "domain": "traffic",
    "after": "PT30M",
}


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def test_a_threshold_rule_is_read_with_its_levels_and_times() -> None:
    rule = decode_rule("dust", THRESHOLD)
    assert isinstance(rule, Threshold)
    assert (rule.id, rule.severity, rule.domain) == ("dust", Severity.HIGH, Domain.ENVIRONMENT)
    assert (rule.observed_property, rule.level, rule.clear, rule.sign) == ("pm25", 50.0, 40.0, 1)
    assert rule.hold == timedelta(minutes=10)
    assert rule.fresh_within == timedelta(hours=1)
    assert rule.name == Text(vi="Bụi mịn cao", en="Fine dust is high")


def test_a_level_may_be_the_name_of_an_attribute() -> None:
    rule = decode_rule("gauge", without(THRESHOLD, "clear") | {"above": "alarm_2"})
    assert isinstance(rule, Threshold)
    assert rule.level == "alarm_2"


def test_a_rule_for_low_values_clears_above_its_level() -> None:
    rule = decode_rule("jam", without(THRESHOLD, "above") | {"below": 15, "clear": 20})
    assert isinstance(rule, Threshold)
    assert (rule.level, rule.clear, rule.sign) == (15.0, 20.0, -1)


def test_a_missing_rule_is_read_for_a_domain_or_for_a_feed() -> None:
    rule = decode_rule("silence", MISSING)
    assert isinstance(rule, Missing)
    assert (rule.domain, rule.feed, rule.after) == (Domain.TRAFFIC, None, timedelta(minutes=30))
    rule = decode_rule("silence", without(MISSING, "domain") | {"feed": "loops"})
    assert isinstance(rule, Missing)
    assert (rule.domain, rule.feed) == (None, "loops")


def test_the_id_inside_the_document_is_the_id_beside_it() -> None:
    assert decode_rule("dust", {"id": "dust", **THRESHOLD}).id == "dust"
    with pytest.raises(Invalid, match="make one id"):
        decode_rule("dust", {"id": "smoke", **THRESHOLD})


@pytest.mark.parametrize(
    ("document", "key", "cure"),
    [
        (THRESHOLD | {"kind": "treshold"}, "kind", "write one of threshold, rate"),
        (without(THRESHOLD, "kind"), "kind", "write one of threshold, rate"),
        (without(THRESHOLD, "name"), "name", "both languages"),
        (THRESHOLD | {"name": {"vi": "Bụi"}}, "name", "both languages"),
        (THRESHOLD | {"name": {"vi": "Bụi", "en": "Dust", "fr": "x"}}, "fr", "use vi, en"),
        (without(THRESHOLD, "severity"), "severity", "critical, high, medium, low"),
        (THRESHOLD | {"severity": "bad"}, "severity", "critical, high, medium, low"),
        (THRESHOLD | {"domain": "air"}, "domain", "traffic, health"),
        (THRESHOLD | {"property": ""}, "property", "name the observed property"),
        (THRESHOLD | {"hold": "10 min"}, "hold", "PT10M"),
        (THRESHOLD | {"hold": 600}, "hold", "PT10M"),
        (THRESHOLD | {"hold": "-PT1M"}, "hold", "PT10M"),
        (THRESHOLD | {"fresh_within": "PT0S"}, "fresh_within", "PT1H"),
        (THRESHOLD | {"treshold": 5}, "treshold", "is not known here"),
        (THRESHOLD | {"propertie": "x"}, "propertie", "did you mean property?"),
        (THRESHOLD | {"below": 5}, "above", "write exactly one of the two"),
        (without(THRESHOLD, "above"), "above", "write exactly one of the two"),
        (THRESHOLD | {"above": True}, "above", "write a number"),
        (THRESHOLD | {"above": float("nan")}, "above", "write a number"),
        (THRESHOLD | {"above": ""}, "above", "write a number"),
        (THRESHOLD | {"clear": float("inf")}, "clear", "write a number"),
        (THRESHOLD | {"clear": 60}, "clear", "at or below the level of above"),
        (without(THRESHOLD, "above") | {"below": 50}, "clear", "at or above that of below"),
        (without(MISSING, "after"), "after", "PT30M"),
        (MISSING | {"after": "PT0S"}, "after", "PT30M"),
        (MISSING | {"feed": "loops"}, "domain", "write exactly one of the two"),
        (without(MISSING, "domain"), "domain", "write exactly one of the two"),
        (MISSING | {"above": 3}, "above", "is not known here"),
    ],
)
def test_a_wrong_rule_is_told_the_key_and_the_cure(
    document: dict[str, Any], key: str, cure: str
) -> None:
    with pytest.raises(Invalid) as refused:
        decode_rule("dust", document)
    assert refused.value.values == {"rule": "dust", "key": key}
    assert refused.value.message.startswith(f"rule dust: {key} ")
    assert cure in refused.value.message


@pytest.mark.parametrize("rule_id", ["", "Dust", "dust/1", "bụi", "a" * 65, "dust\n"])
def test_an_id_is_a_slug(rule_id: str) -> None:
    with pytest.raises(Invalid, match="use a-z"):
        decode_rule(rule_id, THRESHOLD)
