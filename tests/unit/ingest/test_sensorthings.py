"""SensorThings Observations: which Datastream, which time, which result."""

import json
from typing import Any

import pytest

from tests.fixtures.decoding import decoded, refusals, rows

AT = "2026-11-22T02:00:00Z"


def _decode(content: Any, topic: str | None = None, **feed: Any) -> Any:
    feed.setdefault("format", "sensorthings")
    return decoded(json.dumps(content).encode(), "application/json", topic, **feed)


def _observation(**more: Any) -> dict[str, Any]:
    return {"phenomenonTime": AT, "result": 5, **more}


@pytest.mark.parametrize(
    "stream",
    [
        {"Datastream": {"@iot.id": 7}},
        {"Datastream": {"@iot.id": "7"}},
        {"Datastream": {"@id": "https://a.vn/v2.0/Datastreams('7')"}},
        {"Datastream@iot.navigationLink": "https://a.vn/v1.1/Datastreams(7)"},
        {"Datastream": {"@iot.selfLink": "https://a.vn/v1.1/Datastreams(7)"}},
    ],
)
def test_the_datastream_is_the_series(stream: dict[str, Any]) -> None:
    assert rows(_decode(_observation(**stream))) == [("7", AT, 5.0)]


def test_the_datastream_may_stand_in_the_topic_and_the_payload_comes_first() -> None:
    for format in ("auto", "sensorthings"):
        found = _decode(_observation(), "v1.1/Datastreams('xe')/Observations", format=format)
        assert rows(found) == [("xe", AT, 5.0)]
    own = _observation(Datastream={"@iot.id": 8})
    assert rows(_decode(own, "v1.1/Datastreams(7)/Observations"))[0][0] == "8"


def test_an_observation_that_names_no_datastream_is_refused_with_the_cure() -> None:
    found = _decode([_observation(), _observation(Datastream={"@iot.id": 7})])
    assert refusals(found) == {0: "series_missing"}
    assert "$expand=Datastream" in found.refused[0].problem.detail


def test_lists_pages_and_data_arrays_mean_the_same() -> None:
    one = _observation(Datastream={"@iot.id": 7})
    array = {"Datastream": {"@iot.id": 7}, "components": ["result", "phenomenonTime"]}
    array |= {"dataArray@iot.count": 1, "dataArray": [[5, AT]]}
    for content in ([one], {"value": [one]}, [array], {"value": [array]}):
        for format in ("auto", "sensorthings"):
            assert rows(_decode(content, format=format)) == [("7", AT, 5.0)]


def test_of_an_interval_the_start_counts_and_the_result_time_where_there_is_no_other() -> None:
    stream = {"Datastream": {"@iot.id": 7}}
    interval = f"{AT}/2026-11-22T03:00:00Z"
    assert rows(_decode({"result": 5, "phenomenonTime": interval, **stream}))[0][1] == AT
    assert rows(_decode({"result": 5, "resultTime": AT, **stream}))[0][1] == AT
    assert refusals(_decode({"result": 5, **stream})) == {0: "time_missing"}
    assert refusals(_decode({"result": 5, "phenomenonTime": "nay", **stream})) == {
        0: "time_invalid"
    }


@pytest.mark.parametrize(
    ("result", "reason"), [(None, "value_missing"), ([1], "value_invalid"), ({}, "value_invalid")]
)
def test_a_result_that_is_no_value_is_refused(result: Any, reason: str) -> None:
    given = _observation(Datastream={"@iot.id": 7}, result=result)
    assert refusals(_decode([given, _observation(Datastream={"@iot.id": 7})])) == {0: reason}


def test_texts_are_marked_as_perhaps_numbers() -> None:
    found = _decode(_observation(Datastream={"@iot.id": 7}, result="7"))
    assert (found.values, found.numeric_texts) == (["7"], True)


@pytest.mark.parametrize("content", [5, None, "a", {}, {"value": 5}])
def test_what_holds_no_observation_is_refused_whole(content: Any) -> None:
    assert refusals(_decode(content)) == {-1: "shape_invalid"}


def test_what_is_kept_of_an_observation_stands_by_itself() -> None:
    array = {"components": ["phenomenonTime", "result"], "dataArray": [[AT, []], [None, 5]]}
    found = _decode(array, "v1.1/Datastreams(7)/Observations")
    assert refusals(found) == {0: "value_invalid", 1: "time_missing"}
    again = decoded(found.refused[0].raw.replace(b"[]", b"5"), "application/json")
    assert rows(again) == [("7", AT, 5.0)]
