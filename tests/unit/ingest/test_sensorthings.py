"""SensorThings Observations: which Datastream, which time, which result."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def _stream(*observations: Any, **more: Any) -> dict[str, Any]:
    unit = {"name": "độ", "symbol": "°C"}
    return {"@iot.id": 7, "unitOfMeasurement": unit, "Observations": list(observations), **more}


def test_observations_that_are_expanded_carry_their_datastream() -> None:
    observation = {"@iot.id": 1, "phenomenonTime": AT, "result": 5}
    other = _stream({**observation, "result": 6}, **{"@iot.id": "b/t"})
    linked = _stream(observation, **{"@iot.id": None})
    linked["@iot.selfLink"] = "https://a.vn/v1.1/Datastreams(7)"
    for content in (
        _stream(observation),
        linked,
        [_stream(observation)],
        {"value": [_stream(observation)]},
        {"@iot.id": 1, "name": "tram", "Datastreams": [_stream(observation)]},
    ):
        for format in ("auto", "sensorthings"):
            found = _decode(content, format=format)
            assert (rows(found), found.uoms) == ([("7", AT, 5.0)], ["°C"])
    page = {"value": [_stream(observation), other, _stream()]}
    assert [row[0] for row in rows(_decode(page))] == ["7", "b/t"]


def test_an_expanded_observation_that_names_its_own_datastream_is_of_that() -> None:
    own = _observation(Datastream={"@iot.id": 8})
    assert rows(_decode(_stream(own)))[0][0] == "8"


def test_what_is_no_observation_in_a_datastream_costs_itself_only() -> None:
    found = _decode({"value": [_stream(5, _observation(), {}), {"@iot.id": 8, "name": "x"}]})
    assert rows(found) == [("7", AT, 5.0)]
    assert list(refusals(found).values()) == ["shape_invalid"] * 3
    assert all("$expand=Observations" in each.problem.detail for each in found.refused)
    again = decoded(found.refused[0].raw.replace(b"[5]", b'[{"result":5}]'), format="sensorthings")
    assert refusals(again) == {0: "time_missing"}


def test_a_datastream_of_which_the_id_is_no_key_is_refused_once() -> None:
    many = [_observation() for _ in range(20)]
    array = {"components": ["phenomenonTime", "result"], "dataArray": [[AT, 5]] * 20}
    for content in (
        _stream(*many, **{"@iot.id": "x" * 300}),
        {"Datastream": {"@iot.id": "x" * 300}, **array},
    ):
        assert list(refusals(_decode([content])).values()) == ["series_invalid"]
    topic = f"v1.1/Datastreams({'x' * 300})/Observations"
    assert refusals(_decode(many, topic)) == {-1: "series_invalid"}


@pytest.mark.parametrize(
    ("content", "topic"),
    [
        (_observation(MultiDatastream={"@iot.id": 7}), None),
        (_observation(**{"MultiDatastream@iot.id": 7}), None),
        (_observation(**{"MultiDatastream@iot.navigationLink": "v1.1/MultiDatastreams(7)"}), None),
        (_observation(result=[1, 2], **{"MultiDatastream@iot.navigationLink": "Observations(1)/M"}),
         None),
        (_observation(), "v1.1/MultiDatastreams(7)/Observations"),
        (_stream(_observation(result=[1, 2]), multiObservationDataTypes=["a", "b"]), None),
        ({"@iot.id": 1, "MultiDatastreams": [_stream(_observation(result=[1, 2]))]}, None),
        ({"MultiDatastream": {"@iot.id": 7}, "components": ["phenomenonTime", "result"],
          "dataArray": [[AT, [1, 2]]]}, None),
    ],
    ids=["object", "id", "link", "several", "topic", "expanded", "thing", "array"],
)  # fmt: skip
def test_the_observations_of_a_multidatastream_are_refused_by_name(
    content: dict[str, Any], topic: str | None
) -> None:
    found = _decode(content, topic)
    assert refusals(found) == {0: "entity_unsupported"}
    assert "offer a Datastream for each" in found.refused[0].problem.detail
    again = decoded(found.refused[0].raw, topic=topic, format="sensorthings")
    assert refusals(again) == {0: "entity_unsupported"}


def test_a_link_to_a_multidatastream_beside_a_datastream_says_nothing() -> None:
    links = {"MultiDatastream@iot.navigationLink": "https://a.vn/Observations(1)/MultiDatastream"}
    assert rows(_decode(_observation(Datastream={"@iot.id": 7}, **links))) == [("7", AT, 5.0)]
    assert refusals(_decode(_observation(**links))) == {0: "series_missing"}


def test_a_row_of_a_data_array_with_a_missing_value_is_kept_as_one() -> None:
    array = {"Datastream": {"@iot.id": 7}, "components": ["phenomenonTime", "result"]}
    found = _decode([{**array, "dataArray": [[AT], [AT, 5]]}])
    assert rows(found) == [("7", AT, 5.0)]
    [refused] = found.refused
    assert "each of `components`" in refused.problem.detail
    again = decoded(refused.raw.replace(b'"]]', b'",6]]'), format="sensorthings")
    assert rows(again) == [("7", AT, 6.0)]


def test_what_stands_around_observations_is_kept_with_each_only_as_far_as_it_is_needed() -> None:
    bad = _observation(phenomenonTime="nay")
    wide = {"components": ["result", "phenomenonTime", *(f"c{n}" for n in range(40))]}
    wide |= {"dataArray": [[1, "nay", *("x" * 1000 for _ in range(40))]] * 50}
    for content in (
        [_stream(*[bad] * 50, description="x" * 50_000)],
        [{"Datastream": {"@iot.id": 7, "description": "x" * 50_000}, **wide}],
        [{"Datastream": {"@iot.id": 7}, "components": ["x" * 50_000], "dataArray": [[]] * 50}],
    ):
        found = _decode(content)
        assert 0 < sum(len(refused.raw) for refused in found.refused) < 2 * 50_000


_results = st.sampled_from([5, "7", True, None, [1], {}])
_items = st.recursive(
    st.one_of(
        st.builds(_observation, result=_results),
        st.builds(_observation, result=_results, Datastream=st.just({"@iot.id": 7})),
        st.sampled_from([5, {}, {"name": "x"}]),
    ),
    lambda items: st.one_of(
        st.lists(items, max_size=3).map(lambda given: _stream(*given)),
        st.lists(_results, max_size=3).map(
            lambda given: {
                "Datastream": {"@iot.id": 7}, "components": ["phenomenonTime", "result"],
                "dataArray": [[AT, result] for result in given],
            }
        ),
    ),
    max_leaves=4,
)  # fmt: skip


def _count(item: Any, *, within: bool = False) -> int:
    """How many results an item holds; what holds none counts as itself."""
    if not isinstance(item, dict) or "result" in item or within:
        return 1
    if "dataArray" in item:
        return len(item["dataArray"])
    return sum(_count(each, within=True) for each in item.get("Observations", [None]))


@given(st.lists(_items, max_size=4))
def test_each_result_is_a_row_or_a_refusal(items: list[Any]) -> None:
    assert _decode({"value": items}).received == sum(map(_count, items))
