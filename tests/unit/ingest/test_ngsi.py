"""NGSI entities: times, keys, units and places as agencies' brokers send them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders import ngsi
from ingest.decoders.documents import encode
from tests.fixtures.decoding import decoded, refusals, rows

AT = "2026-11-22T02:00:00Z"


def _decode(content: Any, **feed: Any) -> Any:
    return decoded(json.dumps(content).encode(), "application/ld+json", **feed)


def _entity(**attributes: Any) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Weather:tram-1", "type": "Weather", **attributes}


def test_normalized_concise_and_plain_values_mean_the_same() -> None:
    for rain in (
        {"type": "Property", "value": 5, "observedAt": AT},
        {"value": 5, "observedAt": AT},
        {"type": "Number", "value": 5, "metadata": {"TimeInstant": {"value": AT}}},
        {"type": "Number", "value": 5, "metadata": {"timestamp": {"type": "Text", "value": AT}}},
    ):
        assert rows(_decode(_entity(rain=rain))) == [("Weather:tram-1/rain", AT, 5.0)]
    assert rows(_decode(_entity(rain=5, dateObserved=AT))) == [("Weather:tram-1/rain", AT, 5.0)]


@pytest.mark.parametrize("content", [None, 5, "a", {}, {"value": 1}, {"data": 5}])
def test_what_holds_no_entity_is_refused_whole(content: Any) -> None:
    assert refusals(_decode(content)) == {-1: "shape_invalid"}


def test_the_time_of_the_attribute_comes_before_that_of_the_entity() -> None:
    rain = {"type": "Property", "value": 5, "observedAt": "2026-11-22T01:00:00Z"}
    found = _decode(_entity(rain=rain, wind=3, dateObserved=AT))
    assert [row[1] for row in rows(found)] == ["2026-11-22T01:00:00Z", AT]


EARLIER, LATER = "2026-11-22T01:00:00Z", "2026-11-22T03:00:00Z"


def test_the_time_of_writing_stands_in_only_where_nobody_says_when_it_was_observed() -> None:
    for written in (
        {"value": 5, "modifiedAt": LATER},
        {"type": "Number", "value": 5, "metadata": {"dateModified": {"value": LATER}}},
    ):
        for observed in ({"dateObserved": EARLIER}, {"TimeInstant": {"value": EARLIER}}):
            assert rows(_decode(_entity(rain=written, **observed)))[0][1] == EARLIER
        told = {**written, "observedAt": EARLIER}
        assert rows(_decode(_entity(rain=told, modifiedAt=LATER)))[0][1] == EARLIER
        assert rows(_decode(_entity(rain=written, modifiedAt=AT)))[0][1] == LATER
    assert rows(_decode(_entity(rain=5, dateModified=AT)))[0][1] == AT


def test_the_time_of_writing_does_not_stand_in_for_one_that_cannot_be_read() -> None:
    found = _decode(_entity(rain={"value": 5, "modifiedAt": AT}, dateObserved="hôm qua"))
    assert refusals(found) == {0: "time_invalid"}


def test_the_temporal_representation_gives_each_value_its_own_time() -> None:
    simplified = {"type": "Property", "unitCode": "CEL", "values": [[21.5, EARLIER], [22, AT]]}
    normalized = [
        {"type": "Property", "value": 21.5, "observedAt": EARLIER, "unitCode": "CEL"},
        {"type": "Property", "value": 22, "observedAt": AT, "unitCode": "CEL"},
    ]
    untyped = {"unitCode": "CEL", "values": [[{"@value": 21.5}, {"@value": EARLIER}], [22, AT]]}
    for values in (simplified, [simplified], normalized, untyped):
        found = _decode(_entity(t=values, dateObserved=LATER))
        assert rows(found) == [("Weather:tram-1/t", EARLIER, 21.5), ("Weather:tram-1/t", AT, 22.0)]
        assert found.uoms == ["CEL", "CEL"]


def test_temporal_values_are_told_apart_by_data_set() -> None:
    roof = {"values": [[1, AT]], "type": "Property", "datasetId": "urn:ngsi-ld:Dataset:roof"}
    found = _decode(_entity(t=[roof, {"values": [[2, AT]], "type": "Property"}]))
    assert [row[0] for row in rows(found)] == ["Weather:tram-1/t@roof", "Weather:tram-1/t"]


def test_a_temporal_value_that_cannot_be_taken_is_kept_without_its_neighbours() -> None:
    values = [[1, "nay"], [2, AT], 3, [4], [5, AT, 6], [None, AT]]
    given = _entity(t={"type": "Property", "unitCode": "CEL", "values": values})
    found = _decode(given)
    assert rows(found) == [("Weather:tram-1/t", AT, 2.0)]
    assert sorted(refusals(found).values()) == ["time_invalid", *["value_invalid"] * 3]
    for refused in found.refused:
        again = decoded(refused.raw)
        assert refusals(again) == {0: refused.problem.reason.value}
    [late] = [r for r in found.refused if r.problem.reason.value == "time_invalid"]
    repaired = decoded(late.raw.replace(b"nay", AT.encode()))
    assert (rows(repaired), repaired.uoms) == ([("Weather:tram-1/t", AT, 1.0)], ["CEL"])


def test_a_text_among_numbers_of_an_attribute_is_refused_and_one_by_itself_describes() -> None:
    for values in ([[1, AT], ["hỏng", AT]], [["hỏng", AT], [1, AT]]):
        over_time = {"type": "Property", "values": values}
        apart = [{"value": value, "observedAt": time} for value, time in values]
        for attribute in (over_time, apart):
            found = _decode(_entity(t=attribute))
            assert len(found.keys) == 1
            assert list(refusals(found).values()) == ["value_invalid"]
            assert "hỏng".encode() in found.refused[0].raw
    found = _decode(_entity(t={"value": "hỏng", "observedAt": AT}, rain=1, dateObserved=AT))
    assert (len(found.keys), found.refused) == (1, [])


def test_aggregates_over_time_are_refused_with_the_cure() -> None:
    given = {"type": "Property", "avg": [[5, EARLIER, AT]], "max": [[6, EARLIER, AT]]}
    found = _decode(_entity(t=given))
    assert refusals(found) == {0: "value_invalid"}
    assert "temporalValues" in found.refused[0].problem.detail


def test_a_structure_with_values_that_are_no_pairs_with_a_time_is_no_series() -> None:
    found = _decode(_entity(rain=1, palette={"values": [[1, 2], [3, 4]]}, dateObserved=AT))
    assert (len(found.keys), found.refused) == (1, [])


def test_a_number_that_is_written_as_a_text_is_taken_beside_others() -> None:
    found = _decode(
        _entity(
            intensity={"type": "Number", "value": "720"},
            speed={"type": "Text", "value": "52.5"},
            occupancy="0.5",
            plain=7,
            lane={"type": "Text", "value": "forward"},
            dateObserved=AT,
        )
    )
    # Where nobody says that it is a number, the series does.
    assert [row[2] for row in rows(found)] == [720.0, "52.5", "0.5", 7]
    assert found.numeric_texts


def test_a_number_as_a_text_is_read_as_the_feed_writes_numbers() -> None:
    given = _entity(level={"type": "Number", "value": "1.803,5"}, dateObserved=AT)
    assert [row[2] for row in rows(_decode(given, number_format="vietnamese"))] == ["1.803,5"]
    assert refusals(_decode(given)) == {0: "value_invalid"}


def test_a_declared_number_that_is_none_is_refused_and_null_says_nothing() -> None:
    found = _decode(
        _entity(
            a={"type": "Number", "value": "n/a"}, b={"type": "Integer", "value": None},
            c=1, dateObserved=AT,
        )
    )  # fmt: skip
    assert [row[0] for row in rows(found)] == ["Weather:tram-1/c"]
    assert refusals(found) == {0: "value_invalid"}


def test_an_id_that_is_too_long_refuses_the_entity_once() -> None:
    many = {f"a{number}": number for number in range(20)}
    found = _decode({"id": "x" * 300, "type": "W", "dateObserved": AT, **many})
    assert refusals(found) == {0: "series_invalid"}


@pytest.mark.parametrize(
    "value", [1, {"type": "Number", "value": "n/a"}, {"value": 1, "observedAt": "1960-01-01"}]
)
def test_the_work_on_an_entity_is_in_proportion_to_its_size(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = 0

    def counted(given: object) -> bytes:
        nonlocal encoded
        raw = encode(given)
        encoded += len(raw)
        return raw

    monkeypatch.setattr(ngsi, "encode", counted)
    attributes = {f"a{number}": value for number in range(2_000)}
    body = json.dumps(_entity(dateObserved=AT, **attributes)).encode()
    found = decoded(body, "application/ld+json")
    assert found.received == 2_000
    assert encoded < 50 * len(body)


def test_what_all_values_share_is_kept_with_each_only_as_far_as_it_is_needed() -> None:
    context, unit = ["https://example.org/" + "x" * 50_000], "y" * 50_000
    values = [[f"{number}", "nay"] for number in range(50)] + [[1]] * 50
    given = _entity(**{"@context": context, "t": {"values": values, "unitCode": unit}})
    found = _decode({**given, "t": {**given["t"], "type": "Property"}})
    assert found.received == 51
    assert sum(len(refused.raw) for refused in found.refused) < 100_000


def test_a_list_of_geojson_features_in_a_notification_is_read() -> None:
    feature = {"type": "Feature", "id": "tram-1", "properties": {"rain": 1, "dateObserved": AT}}
    listed = {"type": "FeatureCollection", "features": [feature]}
    for content in (listed, {"id": "urn:n:1", "type": "Notification", "data": listed}):
        assert rows(_decode(content, format="ngsi-ld")) == [("tram-1/rain", AT, 1.0)]


def test_an_entity_with_an_attribute_named_data_is_an_entity() -> None:
    assert rows(_decode(_entity(data=[1, 2], rain=1, dateObserved=AT)))[0][2] == 1.0


_readings = st.one_of(
    st.integers(-5, 5),
    st.sampled_from(["7", "mưa", True, None]),
    st.builds(dict, value=st.integers(-5, 5), observedAt=st.sampled_from([AT, "nay"])),
    st.builds(dict, type=st.just("Number"), value=st.sampled_from(["7", "n/a", None])),
)
_pairs = st.lists(st.sampled_from([[1, AT], ["2", AT], [3], 4]), min_size=1, max_size=4)


@given(
    st.dictionaries(st.sampled_from("abcd"), _readings, max_size=4),
    st.dictionaries(st.sampled_from("xyz"), _pairs, max_size=3),
)
def test_each_measured_value_is_a_row_or_a_refusal(
    plain: dict[str, Any], temporal: dict[str, list[Any]]
) -> None:
    over_time = {name: {"type": "Property", "values": pairs} for name, pairs in temporal.items()}
    found = _decode(_entity(**plain, **over_time, dateObserved=AT))
    values = [each.get("value") if isinstance(each, dict) else each for each in plain.values()]
    measured = [v for v in values if v not in ("mưa", True, None) or type(v) is int]
    # Those whose time cannot be read are refused together.
    unread = sum(
        isinstance(each, dict) and each.get("observedAt") == "nay" for each in plain.values()
    )
    expected = len(measured) - unread + bool(unread) + sum(map(len, temporal.values()))
    assert found.received == max(expected, 1)


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
