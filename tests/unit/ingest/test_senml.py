"""SenML JSON by RFC 8428: resolved names, base values, times, versions, what must be refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.decoding import RECEIVED, decoded, refusals, rows, whole

SENML = "application/senml+json"
BASE = 1_795_309_200.0


def _pack(*records: Any, **feed: Any) -> Any:
    return decoded(json.dumps(list(records)).encode(), SENML, **feed)


def test_names_times_and_values_are_those_of_the_base_and_of_the_record_together() -> None:
    found = _pack(
        {"bn": "tram-1/", "bt": BASE, "bu": "Cel", "bv": 20, "n": "a", "v": 1.5},
        {"n": "b", "t": 5, "v": 0},
        {"bn": "tram-2/", "bt": BASE + 60, "bv": 0, "n": "a", "v": 7},
    )
    assert [(key, value) for key, _, value in rows(found)] == [
        ("tram-1/a", 21.5), ("tram-1/b", 20.0), ("tram-2/a", 7.0),
    ]  # fmt: skip
    assert (found.time - int(BASE * 1e6)).tolist() == [0, 5_000_000, 60_000_000]


def test_the_example_of_the_rfc_with_multiple_records_is_read() -> None:
    found = _pack(
        {"bn": "urn:dev:ow:10e2073a01080063:", "bt": 1.276020076001e9, "bu": "A", "bver": 5,
         "n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "t": -4, "v": 1.3},
    )  # fmt: skip
    assert [row[0] for row in rows(found)] == [
        "urn:dev:ow:10e2073a01080063:voltage",
        "urn:dev:ow:10e2073a01080063:current",
        "urn:dev:ow:10e2073a01080063:current",
    ]
    assert found.time.tolist() == [1276020076001000, 1276020071001000, 1276020072001000]


def test_booleans_and_texts_are_taken_and_data_is_refused_with_its_count() -> None:
    found = _pack(
        {"n": "a", "t": BASE, "vb": False}, {"n": "b", "t": BASE, "vs": "mở"},
        {"bn": "c", "bt": BASE, "vd": "aGk"},
    )  # fmt: skip
    assert [row[2] for row in rows(found)] == [False, "mở"]
    assert refusals(found) == {2: "value_missing"}


def test_a_record_of_base_values_alone_is_neither_received_nor_refused() -> None:
    found = _pack({"bn": "a/", "bt": BASE, "bu": "%"}, {"n": "x", "v": 1})
    assert (found.received, found.index.tolist()) == (1, [1])


def test_relative_times_are_refused_unless_the_feed_takes_the_arrival() -> None:
    records = [{"n": "a", "v": 1}, {"n": "b", "t": -10, "v": 2}]
    assert refusals(_pack(*records)) == {0: "time_missing", 1: "time_missing"}
    found = _pack(*records, time_source="arrival")
    received = round(RECEIVED.timestamp() * 1e6)
    assert found.time.tolist() == [received, received - 10_000_000]


@pytest.mark.parametrize("seconds", [-1e300, -1.7e308, 1e300, 1e11])
def test_a_time_out_of_all_bounds_is_refused_in_either_way(seconds: float) -> None:
    for feed in ({}, {"time_source": "arrival"}):
        found = _pack({"bt": seconds, "n": "a", "t": seconds, "v": 1}, **feed)
        assert (found.received, len(found.keys)) == (1, 0)


def test_a_pack_of_a_newer_version_is_not_used_at_all() -> None:
    found = _pack({"bver": 11, "n": "a", "t": BASE, "v": 1}, {"n": "b", "t": BASE, "v": 1})
    assert refusals(found) == {0: "shape_invalid", 1: "shape_invalid"}


def test_the_present_version_and_older_ones_are_used() -> None:
    found = _pack(
        {"bver": 10, "n": "a", "t": BASE, "v": 1}, {"bver": 5, "n": "b", "t": BASE, "v": 1}
    )
    assert len(found.keys) == 2


def test_a_label_that_ends_with_an_underscore_must_be_understood() -> None:
    found = _pack({"n": "a", "t": BASE, "v": 1, "magic_": 1}, {"n": "b", "t": BASE, "v": 1, "x": 1})
    assert refusals(found) == {0: "shape_invalid"}
    assert [row[0] for row in rows(found)] == ["b"]


def test_sums_are_refused_by_name_and_values_beside_them_are_kept() -> None:
    found = _pack({"n": "a", "t": BASE, "s": 5}, {"n": "b", "t": BASE, "v": 1, "s": 5})
    assert refusals(found) == {0: "sum_unsupported"}
    assert [row[0] for row in rows(found)] == ["b"]


@pytest.mark.parametrize(
    "field", [{"v": "1"}, {"v": True}, {"t": "now"}, {"u": []}, {"n": 5}, {"v": 10**400}]
)
def test_a_field_of_the_wrong_type_costs_its_own_record_only(field: dict[str, Any]) -> None:
    bad = {"n": "a", "t": BASE, "v": 1, **field}
    found = _pack(bad, {"n": "b", "t": BASE, "v": 2})
    assert [row[0] for row in rows(found)] == ["b"]
    assert len(found.refused) == 1


@pytest.mark.parametrize(
    ("base", "again"),
    [
        ({"bn": 5}, {"bn": "tram-2/"}),
        ({"bn": None}, {"bn": ""}),
        ({"bn": "x" * 300}, {"bn": "tram-2/"}),
        ({"bt": "now"}, {"bt": BASE + 60}),
        ({"bt": None}, {"bt": BASE}),
        ({"bu": 7}, {"bu": "K"}),
        ({"bv": "20"}, {"bv": 0}),
        ({"bver": "10"}, {"bver": 10}),
    ],
)
def test_a_faulty_base_costs_the_records_that_build_on_it_until_it_is_set_anew(
    base: dict[str, Any], again: dict[str, Any]
) -> None:
    [field] = base
    found = _pack(
        {"bn": "tram-1/", "bt": BASE, "bu": "Cel", "bv": 1, "n": "a", "v": 1},
        {**base, "n": "b", "v": 1},
        {"n": "c", "v": 1},
        {**again, "n": "d", "v": 1},
        {"n": "e", "v": 1},
    )
    assert [row[0][-1] for row in rows(found)] == ["a", "d", "e"]
    assert refusals(found) == {1: "shape_invalid", 2: "shape_invalid"}
    assert f"`{field}` of record 1" in found.refused[1].problem.detail


def test_what_does_not_build_on_a_faulty_base_is_taken() -> None:
    first = {"bn": "a/", "bt": BASE, "bu": 5, "bv": "1"}
    found = _pack(
        first,
        {"n": "x", "u": "K", "vs": "mở"},
        {"n": "y", "u": "K", "v": 1},
        {"n": "z", "vb": True},
    )
    assert [row[0] for row in rows(found)] == ["a/x"]
    assert refusals(found) == dict.fromkeys((0, 2, 3), "shape_invalid")


def test_a_faulty_base_does_not_keep_the_others_of_its_record_from_being_set() -> None:
    found = _pack(
        {"bn": "a/", "bt": BASE}, {"bn": "b/", "bt": "now", "bu": "Cel"},
        {"bt": BASE + 1, "n": "x", "v": 1},
    )  # fmt: skip
    assert rows(found) == [("b/x", "2026-11-22T01:00:01Z", 1.0)]
    assert found.uoms == ["Cel"]


def test_a_header_behind_a_faulty_base_is_neither_received_nor_refused() -> None:
    found = _pack({"bn": 5}, {"bt": BASE}, {"bn": "a/", "n": "x", "v": 1})
    assert (found.received, refusals(found)) == (2, {0: "shape_invalid"})


@pytest.mark.parametrize(
    ("faulty", "cure"),
    [
        ({"bn": 5, "n": "x", "v": 1}, {"bn": "tram-2/"}),
        ({"n": "x", "v": "1"}, {"v": 1}),
        ({"n": "x", "v": 1, "vb": True}, {"vb": None}),
        ({"bver": 11, "n": "x", "v": 1}, {"bver": 10}),
    ],
)
def test_what_is_kept_of_a_faulty_record_is_refused_until_it_is_repaired(
    faulty: dict[str, Any], cure: dict[str, Any]
) -> None:
    base = {"bn": "tram-1/", "bt": BASE, "bu": "Cel", "bv": 20}
    for kept in _pack(base, faulty, {"n": "y", "v": 1}).refused:
        assert refusals(decoded(kept.raw, SENML)) == {0: "shape_invalid"}
        repaired = {**json.loads(kept.raw), **cure}
        found = _pack({name: value for name, value in repaired.items() if value is not None})
        [(key, time, value)] = rows(found)
        assert (key[:5], time, value) == ("tram-", "2026-11-22T01:00:00Z", 21.0)
        assert found.uoms == ["Cel"]


def test_milliseconds_are_named_where_seconds_are_meant() -> None:
    found = _pack({"n": "a", "t": BASE * 1000, "v": 1})
    assert refusals(found) == {0: "time_invalid"}
    assert "milliseconds" in found.refused[0].problem.detail


def test_what_is_kept_of_a_refused_record_stands_by_itself() -> None:
    found = _pack({"bn": "tram-1/", "n": "a", "v": 1})
    assert json.loads(found.refused[0].raw) == {"n": "tram-1/a", "t": 0, "v": 1}


def test_what_is_kept_of_a_refused_record_means_the_same_when_it_comes_again() -> None:
    base = {"bn": "tram-1/", "bt": BASE, "bv": 20, "bu": "Cel"}
    kept = _pack({**base, "n": "x" * 300, "t": 5, "v": 1}).refused[0].raw
    assert json.loads(kept) == {"n": "tram-1/" + "x" * 300, "t": BASE + 5, "v": 21, "u": "Cel"}
    again = decoded(kept.replace(b"x" * 300, b"a"), SENML)
    assert rows(again) == [("tram-1/a", "2026-11-22T01:00:05Z", 21.0)]
    assert again.uoms == ["Cel"]


def test_units_are_those_of_the_record_or_of_the_base() -> None:
    found = _pack({"bu": "Cel", "bt": BASE, "n": "a", "v": 1}, {"n": "b", "u": "%RH", "v": 2})
    assert found.uoms == ["Cel", "%RH"]


def test_a_record_with_two_values_is_refused() -> None:
    found = _pack({"n": "a", "t": BASE, "v": 1, "vb": True}, {"n": "b", "t": BASE, "v": 1})
    assert refusals(found) == {0: "shape_invalid"}


def test_a_base_sum_makes_sums_of_the_records_without_a_value() -> None:
    found = _pack({"bn": "a/", "bt": BASE, "bs": 5}, {"n": "x"}, {"n": "y", "v": 1})
    assert refusals(found) == {0: "sum_unsupported", 1: "sum_unsupported"}
    assert [row[0] for row in rows(found)] == ["a/y"]


_numbers = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers())
_records = st.dictionaries(
    st.sampled_from(["bn", "bt", "bv", "bs", "bver", "n", "u", "t", "v", "vb", "vs", "vd", "s"]),
    st.one_of(_numbers, st.text(max_size=5), st.booleans(), st.none(), st.just(BASE)),
)


@given(st.lists(_records, max_size=5), st.sampled_from(["payload", "arrival"]))
def test_any_pack_decodes_to_whole_columns_and_named_refusals(
    records: list[dict[str, Any]], source: str
) -> None:
    found = _pack(*records, time_source=source)
    assert whole(found)
    assert found.received <= len(records)


_bases = {"bn": st.sampled_from(["a/", 5, None]), "bt": st.sampled_from([BASE, "now", 1e300])}
_given = {"n": st.text("xy", max_size=2), "v": st.one_of(_numbers, st.just("1")), "vb": st.none()}


@given(st.lists(st.fixed_dictionaries({}, optional=_bases | _given), max_size=6))
def test_each_record_that_is_no_header_is_a_row_or_a_refusal(records: list[dict[str, Any]]) -> None:
    headers = [
        record
        for record in records
        if record
        and set(record) <= set(_bases)
        and isinstance(record.get("bn", ""), str)
        and isinstance(record.get("bt", 0.0), float)
    ]
    assert _pack(*records).received == len(records) - len(headers)


@given(
    st.lists(
        st.tuples(st.text("abc", min_size=1, max_size=3), st.integers(0, 1000), st.integers(0, 99)),
        min_size=1,
        max_size=6,
    )
)
def test_a_pack_with_bases_means_the_same_as_its_resolved_records(
    given: list[tuple[str, int, int]],
) -> None:
    short = [{"n": n, "t": t, "v": v} for n, t, v in given]
    short[0] |= {"bn": "s/", "bt": BASE, "bv": 3}
    long = [{"n": f"s/{n}", "t": BASE + t, "v": v + 3} for n, t, v in given]
    assert rows(_pack(*short)) == rows(_pack(*long))
