"""Alerts and road accidents of FIWARE: warnings of another system, or refused with their cure."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.payload import Decoded, GivenWarning
from tests.fixtures.decoding import VIETNAM, decoded, refusals

POINT = {"type": "Point", "coordinates": [105.39, 21.32]}


def _alert(**more: Any) -> dict[str, Any]:
    given = {"id": "urn:ngsi-ld:Alert:1", "type": "Alert", "dateIssued": "2026-11-22T01:00:00Z"}
    return {**given, **more}


def _decode(*entities: Any, **feed: Any) -> Decoded:
    return decoded(json.dumps(entities).encode(), "application/ld+json", **feed)


def _taken(**more: Any) -> GivenWarning:
    found = _decode(_alert(**more))
    assert found.refused == []
    return found.warnings[0]


def test_warnings_count_as_received_beside_what_else_the_payload_holds() -> None:
    rain = {"id": "W:1", "type": "W", "rain": 1, "dateObserved": "2026-11-22T01:00:00Z"}
    found = _decode(rain, _alert(), _alert(dateIssued=None), rain)
    assert (len(found.keys), len(found.warnings), found.received) == (2, 1, 4)
    assert refusals(found) == {2: "time_missing"}
    assert found.index.tolist() == [0, 3]


def test_the_state_that_holds_is_told_by_the_last_time_of_a_change() -> None:
    later = "2026-11-22T01:30:00Z"
    for name in ("dateIssued", "dateModified", "modifiedAt"):
        warning = _taken(**{"dateModified": "2026-11-22T00:00:00Z", name: later})
        assert warning.issued == datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


def test_an_accident_that_was_never_changed_dates_from_when_it_happened() -> None:
    accident = {"id": "a", "type": "RoadAccident", "accidentDate": "2026-11-22T00:30:00Z"}
    [warning] = _decode(accident).warnings
    assert (warning.issued.hour, warning.categories[0]) == (0, "carAccident")


def test_a_time_without_an_offset_is_of_the_zone_of_the_feed() -> None:
    assert (
        _taken(dateIssued="2026-11-22T08:00:00").issued.utcoffset()
        == datetime(2026, 11, 22, tzinfo=VIETNAM).utcoffset()
    )


def test_a_feed_that_takes_the_arrival_needs_no_time_of_a_warning() -> None:
    assert len(_decode(_alert(dateIssued=None), time_source="arrival").warnings) == 1


@pytest.mark.parametrize(
    ("status", "over"),
    [("solved", True), ("Closed", True), ("onGoing", False), (None, False), (7, False)],
)
def test_a_warning_is_over_when_its_status_says_so(status: object, over: bool) -> None:
    assert _taken(status=status).over is over


def test_the_place_in_words_is_the_address_else_the_area() -> None:
    address = {"streetAddress": "QL2", "addressLocality": " ", "addressRegion": "Phú Thọ"}
    assert _taken(address=address, areaServed="x").place == "QL2, Phú Thọ"
    assert _taken(address="Km 30, QL2").place == "Km 30, QL2"
    assert _taken(areaServed="Việt Trì").place == "Việt Trì"


def test_of_several_languages_the_vietnamese_text_is_taken() -> None:
    spoken = {"type": "LanguageProperty", "languageMap": {"en": "flood", "vi": "lũ"}}
    assert _taken(description=spoken).text == "lũ"
    assert _taken(description={"languageMap": {"en": "flood"}}).text == "flood"


@pytest.mark.parametrize(
    ("more", "reason", "cure"),
    [
        ({"dateIssued": None}, "time_missing", "send `dateIssued`"),
        ({"dateIssued": "hôm nay"}, "time_invalid", "write a time such as"),
        ({"validTo": "9999-12-31T00:00:00Z"}, "time_invalid", "or leave it out"),
        ({"dateModified": 1795338000}, "time_invalid", "`dateModified`"),
        ({"dateIssued": "2026-11-22T04:00:00Z"}, "time_future", "set the clock"),
        ({"location": {"type": "Point", "coordinates": [21.3, 105.4]}}, "place_invalid",
         "longitude comes first"),
        ({"location": {"type": "Circle", "coordinates": [1, 2]}}, "place_invalid",
         "send a GeoJSON Point or Polygon"),
        ({"location": "Việt Trì"}, "place_invalid", "name the place in `address`"),
        ({"location": {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}}, "place_invalid",
         "4 positions"),
        ({"id": "x" * 300}, "shape_invalid", "send a short text"),
        ({"id": ""}, "shape_invalid", "send it with the one of its broker"),
        ({"description": "a\x00b"}, "value_invalid", "NUL"),
        ({"category": ["a\x00b"]}, "value_invalid", "NUL"),
    ],
)  # fmt: skip
def test_what_is_odd_is_refused_by_itself_with_its_cure(
    more: dict[str, Any], reason: str, cure: str
) -> None:
    found = _decode(_alert(**more), _alert())
    assert refusals(found) == {0: reason}
    assert cure in found.refused[0].problem.detail
    assert json.loads(found.refused[0].raw) == _alert(**more)
    assert len(found.warnings) == 1


TOLD = ("dateIssued", "validTo", "location", "category", "severity", "description", "address", "id")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(TOLD), JSON))
def test_whatever_an_alert_holds_it_is_taken_or_refused(more: dict[str, Any]) -> None:
    found = _decode(_alert(**more))
    assert len(found.warnings) + len(found.refused) == 1
