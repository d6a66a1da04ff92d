"""NGSI entities: times, keys, units and places as agencies' brokers send them."""

import json
from typing import Any

import pytest

from tests.fixtures.decoding import decoded, refusals, rows

AT = "2026-11-22T02:00:00Z"


def _decode(content: Any, **feed: Any) -> Any:
    return decoded(json.dumps(content).encode(), "application/ld+json", **feed)


def _entity(**attributes: Any) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Weather:tram-1", "type": "Weather", **attributes}


def test_normalized_concise_and_plain_values_mean_the_same() -> None:
    for given in (
        {"type": "Property", "value": 5, "observedAt": AT},
        {"value": 5, "observedAt": AT},
        {"type": "Number", "value": 5, "metadata": {"TimeInstant": {"value": AT}}},
        {"type": "Number", "value": 5, "metadata": {"timestamp": {"type": "Text", "value": AT}}},
    ):
        assert rows(_decode(_entity(rain=given))) == [("Weather:tram-1/rain", AT, 5.0)]
    assert rows(_decode(_entity(rain=5, dateObserved=AT))) == [("Weather:tram-1/rain", AT, 5.0)]


@pytest.mark.parametrize("content", [None, 5, "a", {}, {"value": 1}, {"data": 5}])
def test_what_holds_no_entity_is_refused_whole(content: Any) -> None:
    assert refusals(_decode(content)) == {-1: "shape_invalid"}


def test_the_time_of_the_attribute_comes_before_that_of_the_entity() -> None:
    rain = {"type": "Property", "value": 5, "observedAt": "2026-11-22T01:00:00Z"}
    found = _decode(_entity(rain=rain, wind=3, dateObserved=AT))
    assert [row[1] for row in rows(found)] == ["2026-11-22T01:00:00Z", AT]


def test_a_time_with_an_offset_comes_before_one_without() -> None:
    found = _decode(_entity(rain=5, dateObserved="2026-11-22T02:00:00/PT1H", dateObservedFrom=AT))
    assert rows(found)[0][1] == AT


def test_of_an_interval_the_start_counts_in_the_zone_of_the_feed() -> None:
    found = _decode(_entity(rain=5, dateObserved="2026-11-22T09:00:00/2026-11-22T10:00:00"))
    assert rows(found)[0][1] == AT


def test_attributes_without_a_time_are_refused_together_and_name_themselves() -> None:
    found = _decode(_entity(rain=5, wind=3, sun={"value": 1, "observedAt": AT}))
    assert len(found.keys) == 1
    assert refusals(found) == {1: "time_missing"}
    assert "rain, wind" in found.refused[0].problem.detail
    assert "sun" not in json.loads(found.refused[0].raw)


def test_a_feed_that_takes_the_arrival_needs_no_time() -> None:
    assert rows(_decode(_entity(rain=5), time_source="arrival"))[0][1] == AT


def test_what_is_kept_of_an_attribute_stands_by_itself() -> None:
    found = _decode(_entity(**{"x" * 300: 5}, wind=3, dateObserved=AT))
    assert refusals(found) == {0: "series_invalid"}
    again = decoded(found.refused[0].raw.replace(b"x" * 300, b"rain"), "application/json")
    assert rows(again) == [("Weather:tram-1/rain", AT, 5.0)]


def test_the_time_in_an_id_is_left_out_so_that_the_series_goes_on() -> None:
    for end in ("-2026-11-22T09:00:00", ":2026-11-22T09:00:00Z", "_2026-11-22T09:00:00+07:00"):
        found = _decode({"id": f"tram-1{end}", "type": "W", "rain": 1, "dateObserved": AT})
        assert rows(found)[0][0] == "tram-1/rain"


def test_later_built_kinds_are_refused_by_their_own_reason_with_their_bytes() -> None:
    for kind in ("RoadAccident", "Alert", "KeyPerformanceIndicator"):
        given = {"id": "urn:ngsi-ld:X:1", "type": kind, "value": 5, "dateObserved": AT}
        found = _decode([given, _entity(rain=1, dateObserved=AT)])
        assert refusals(found) == {0: "entity_unsupported"}
        assert json.loads(found.refused[0].raw) == given
        assert kind in found.refused[0].problem.detail
        assert len(found.keys) == 1


def test_a_road_segment_is_a_feature_with_attributes_and_no_observations() -> None:
    line = {"type": "LineString", "coordinates": [[105, 21], [105.1, 21]]}
    given = {"id": "urn:ngsi-ld:RoadSegment:7", "type": "RoadSegment", "laneUsage": ["forward"]}
    found = _decode({**given, "location": line, "totalLaneNumber": {"value": 4}, "name": "QL2"})
    assert (found.keys, found.refused) == ([], [])
    [place] = found.places
    assert (place.feature, place.name, place.geometry) == ("RoadSegment:7", "QL2", line)
    assert place.attributes == {"totalLaneNumber": 4}
    assert refusals(_decode(given)) == {0: "place_invalid"}


def test_an_entity_without_numbers_and_place_is_refused() -> None:
    assert refusals(_decode(_entity(state="mở", dateObserved=AT))) == {0: "value_missing"}


def test_a_number_beyond_all_floats_costs_itself_only() -> None:
    body = json.dumps(_entity(rain=5, dateObserved=AT)).replace("5", "5" + "0" * 400, 1)
    found = decoded(body.replace('"rain"', '"wind": 1, "rain"').encode(), "application/ld+json")
    assert [row[0] for row in rows(found)] == ["Weather:tram-1/wind"]
    assert refusals(found) == {1: "value_invalid"}


def test_lines_of_entities_are_read_one_by_one() -> None:
    lines = "\n".join([json.dumps(_entity(rain=1, dateObserved=AT)), "{", json.dumps(_entity())])
    found = decoded(lines.encode(), "application/x-ndjson", format="ngsi-v2")
    assert len(found.keys) == 1
    assert refusals(found) == {1: "json_invalid", 2: "value_missing"}
