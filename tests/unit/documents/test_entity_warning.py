"""Warnings of other systems as messages: in our words, and the same state always the same one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.cap import Grade, Kind, Urgency
from alerts.cap_hearing import ends_at, geometry_of, warned
from ingest.payload import GivenWarning
from ioc.documents.entity_warning import CATEGORIES, message_of
from ioc.model import Severity

AT = datetime(2026, 11, 22, 1, tzinfo=UTC)


def _given(**more: Any) -> GivenWarning:
    return GivenWarning(**{"identity": "urn:ngsi-ld:Alert:1", "issued": AT, **more})


@pytest.mark.parametrize(
    ("said", "grade", "severity"),
    [
        ("informational", Grade.MINOR, Severity.LOW), ("low", Grade.MINOR, Severity.LOW),
        ("medium", Grade.MODERATE, Severity.MEDIUM), ("high", Grade.SEVERE, Severity.HIGH),
        ("", Grade.UNKNOWN, Severity.MEDIUM), ("terrible", Grade.UNKNOWN, Severity.MEDIUM),
    ],
)  # fmt: skip
def test_the_severity_is_in_our_words(said: str, grade: Grade, severity: Severity) -> None:
    message = message_of(_given(severity=said), "f")
    assert message.infos[0].severity is grade
    assert warned(message, trusted=False).severity is severity


def test_a_critical_one_that_nobody_verified_is_high() -> None:
    message = message_of(_given(severity="critical"), "f")
    assert message.infos[0].severity is Grade.EXTREME
    assert warned(message, trusted=False).severity is Severity.HIGH


def test_without_a_name_it_is_called_by_its_nearest_word_in_both_languages() -> None:
    title = warned(message_of(_given(categories=("trafficJam", "traffic")), "f"), trusted=True)
    assert (title.title.vi, title.title.en) == ("Ùn tắc giao thông", "Traffic jam")
    assert title.domain == "traffic"
    own = warned(message_of(_given(categories=("sâu keo",)), "f"), trusted=True)
    assert (own.title.vi, own.domain) == ("sâu keo", "service")
    named = warned(message_of(_given(title="Lũ sông Thao"), "f"), trusted=True)
    assert named.title.vi == named.title.en == "Lũ sông Thao"


def test_every_category_that_has_a_domain_has_a_name() -> None:
    for word in CATEGORIES:
        assert message_of(_given(categories=(word,)), "f").infos[0].event != word


def test_it_holds_until_it_says_so_or_a_day() -> None:
    assert ends_at(message_of(_given(ends=AT + timedelta(hours=2)), "f")).hour == 3
    assert ends_at(message_of(_given(), "f")) == AT + timedelta(days=1)
    over = message_of(_given(over=True), "f")
    assert (over.kind, ends_at(over)) == (Kind.CANCEL, AT)


def test_it_is_ahead_where_it_begins_later() -> None:
    assert message_of(_given(), "f").infos[0].urgency is Urgency.IMMEDIATE
    ahead = message_of(_given(starts=AT + timedelta(hours=1)), "f")
    assert ahead.infos[0].urgency is Urgency.FUTURE


def test_a_point_and_a_polygon_are_areas_and_words_alone_are_none() -> None:
    point = {"type": "Point", "coordinates": [105.39, 21.32]}
    ring = [[105.0, 21.5], [105.1, 21.5], [105.1, 21.6], [105.0, 21.5]]
    drawn = geometry_of(message_of(_given(geometry=point), "f").infos[0].areas)
    assert drawn is not None
    [[around]] = drawn["coordinates"]
    assert abs(sum(x for x, _ in around[1:]) / len(around[1:]) - 105.39) < 1e-4
    polygon = {"type": "Polygon", "coordinates": [ring]}
    drawn = geometry_of(message_of(_given(geometry=polygon), "f").infos[0].areas)
    assert drawn == {"type": "MultiPolygon", "coordinates": [[ring]]}
    [area] = message_of(_given(place="Hạ Hoà"), "f").infos[0].areas
    assert (area.description, geometry_of([area])) == ("Hạ Hoà", None)
    empty = {"type": "Polygon", "coordinates": []}
    assert geometry_of(message_of(_given(geometry=empty), "f").infos[0].areas) is None


def test_the_same_state_is_the_same_message_and_any_other_one_is_not() -> None:
    first = message_of(_given(raw=b"1"), "f").identifier
    assert message_of(_given(raw=b"2"), "f").identifier == first
    for more in ({"issued": AT + timedelta(seconds=1)}, {"severity": "low"}, {"over": True}):
        assert message_of(_given(**more), "f").identifier != first
