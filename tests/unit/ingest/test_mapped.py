"""Mapped feeds: which mapping is in force, what it finds, what is wrong with it, and trials."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.decoders.mapped import ROW
from ingest.mapping import compile_mapping, in_force
from ingest.trial import TrialFeature, TrialRow, try_mapping
from ioc.errors import Invalid
from ioc.model import EPOCH, Mapping
from tests.fixtures.decoding import RECEIVED, a_feed, decoded, refusals, rows

AT = "2026-11-22T02:00:00Z"
PLAIN = {"series": "id", "time": "t", "value": "v"}


def _versions(*documents: Any) -> tuple[Mapping, ...]:
    return tuple(
        Mapping(version=number, effective_from=EPOCH, document=document)
        for number, document in enumerate(documents, 1)
    )


def _decode(content: Any, document: Any, kind: str = "application/json", **feed: Any) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return decoded(body, kind, format="mapped", mappings=_versions(document), **feed)


def test_a_list_an_object_and_what_items_finds_are_rows() -> None:
    row = {"id": "a/x", "t": AT, "v": 5}
    for content, items in (
        (row, ""), ([row], ""), ({"d": {"r": [row]}}, "d.r"), ({"k": {"a": row}}, "k.*"),
    ):  # fmt: skip
        assert rows(_decode(content, {**PLAIN, "items": items})) == [("a/x", AT, 5.0)]


def test_several_properties_of_a_row_make_several_series_and_gaps_make_none() -> None:
    document = {"series": "id", "time": "t", "values": {"rain": "r", "wind": "w"}}
    found = _decode([{"id": "a", "t": AT, "r": 1, "w": 2}, {"id": "b", "t": AT, "w": 3}], document)
    assert [(row[0], row[2]) for row in rows(found)] == [
        ("a/rain", 1.0), ("a/wind", 2.0), ("b/wind", 3.0),
    ]  # fmt: skip
    assert refusals(_decode({"id": "a", "t": AT}, document)) == {0: "value_missing"}


def test_what_stands_above_the_rows_is_read_with_a_dollar() -> None:
    document = {**PLAIN, "items": "rows", "time": "$.head.at", "series": "join('/', [id, 'x'])"}
    content = {"head": {"at": AT}, "rows": [{"id": "a", "v": 1}, {"id": "b", "v": None}]}
    found = _decode(content, document)
    assert rows(found) == [("a/x", AT, 1.0)]
    [kept] = found.refused
    assert kept.kind == ROW
    again = _decode(kept.raw.replace(b'"v":null', b'"v":2'), document, ROW)
    assert rows(again) == [("b/x", AT, 2.0)]


@pytest.mark.parametrize(
    ("written", "format"),
    [
        ("22/11/2026 09:00", "%d/%m/%Y %H:%M"),
        (1795312800, "epoch_s"),
        ("1795312800", "epoch_s"),
        (1795312800000, "epoch_ms"),
        ("2026-11-22 09:00:00", "iso"),
        ("2026-11-22T02:00:00Z", "iso"),
    ],
)
def test_times_are_read_as_they_are_written(written: Any, format: str) -> None:
    document = {**PLAIN, "time_format": format}
    assert rows(_decode({"id": "a/x", "t": written, "v": 1}, document)) == [("a/x", AT, 1.0)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "series_missing"),
        ({"id": [1]}, "series_missing"),
        ({"t": None}, "time_missing"),
        ({"t": 1795312800}, "time_invalid"),
        ({"t": "22/11/2026"}, "time_invalid"),
        ({"v": None}, "value_missing"),
        ({"v": {"a": 1}}, "value_invalid"),
        ({"id": "x" * 300}, "series_invalid"),
    ],
)
def test_a_row_that_cannot_be_taken_costs_itself_only(change: Any, reason: str) -> None:
    good = {"id": "a/x", "t": AT, "v": 1}
    found = _decode([{**good, **change}, good], PLAIN)
    assert refusals(found) == {0: reason}
    assert rows(found) == [("a/x", AT, 1.0)]


def test_a_function_that_cannot_work_on_a_row_names_its_field() -> None:
    found = _decode([{"id": "a", "t": AT, "v": 1}], {**PLAIN, "value": "join(',', v)"})
    assert refusals(found) == {0: "mapping_invalid"}
    assert "`value`" in found.refused[0].problem.detail


def test_rows_that_are_not_found_refuse_the_payload() -> None:
    found = _decode({"rows": 5}, {**PLAIN, "items": "rows"})
    assert refusals(found) == {-1: "shape_invalid"}
    assert refusals(_decode({"a": 1}, {**PLAIN, "items": "join(a, b)"})) == {-1: "mapping_invalid"}


def test_lines_and_tables_are_rows_too() -> None:
    lines = b'{"id":"a/x","t":"2026-11-22T02:00:00Z","v":1}\n{"id":\n'
    found = _decode(lines, PLAIN, "application/x-ndjson")
    assert (rows(found), refusals(found)) == ([("a/x", AT, 1.0)], {1: "json_invalid"})
    table = 'mã;lúc;trị\na/x;2026-11-22 09:00:00;1\nb/x;;2\n"c'.encode()
    document = {"series": '"mã"', "time": '"lúc"', "value": '"trị"'}
    found = _decode(table, document, "text/csv")
    assert rows(found) == [("a/x", AT, 1.0)]
    assert refusals(found) == {1: "time_missing", 2: "shape_invalid"}
    broken = found.refused[1]
    assert broken.kind == "text/csv"
    assert broken.raw.startswith("mã;lúc;trị\n".encode())


def test_latitude_and_longitude_place_the_feature_of_the_row() -> None:
    document = {**PLAIN, "latitude": "y", "longitude": "x", "name": "n"}
    found = _decode({"id": "a/b/c", "t": AT, "v": 1, "x": "105.4", "y": 21, "n": "Cầu"}, document)
    [place] = found.places
    assert (place.feature, place.name) == ("a/b", "Cầu")
    assert place.geometry["coordinates"] == [105.4, 21.0]
    assert _decode({"id": "a", "t": AT, "v": 1, "x": None, "y": 2}, document).places == []


def test_the_highest_version_in_effect_at_the_receipt_is_used() -> None:
    early, late = RECEIVED - timedelta(days=1), RECEIVED + timedelta(seconds=1)
    feed = a_feed(
        mappings=(
            Mapping(version=3, effective_from=early, document=PLAIN),
            Mapping(version=2, effective_from=RECEIVED, document={}),
            Mapping(version=4, effective_from=late, document={}),
        )
    )
    for at, version in ((RECEIVED, 3), (late, 4)):
        found = in_force(feed, at)
        assert found is not None
        assert found.version == version
    assert in_force(feed, early - timedelta(days=1)) is None


def test_a_feed_without_a_mapping_says_how_to_get_one() -> None:
    found = decoded(b"{}", format="mapped")
    assert refusals(found) == {-1: "mapping_missing"}
    assert "ioc feed mapping" in found.refused[0].problem.detail


DOUBLING = "|".join(["[@,@][]"] * 30)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, "series"),
        ({"series": 5}, "series"),
        ({**PLAIN, "vlaue": "x"}, "vlaue"),
        ({"series": "id"}, "value"),
        ({**PLAIN, "values": {"a": "b"}}, "value"),
        ({"series": "", "value": "v"}, "series"),
        ({**PLAIN, "value": "a[?"}, "value"),
        ({**PLAIN, "value": "fn(a)"}, "value"),
        ({**PLAIN, "value": "v" * 501}, "500"),
        ({**PLAIN, "value": "!" * 499 + "v"}, "deep"),
        ({**PLAIN, "items": DOUBLING}, "items"),
        ({**PLAIN, "latitude": "y"}, "longitude"),
        ({**PLAIN, "time_format": "sometimes"}, "time_format"),
        ({**PLAIN, "time_format": "%Q"}, "time_format"),
        ({"series": "id", "values": {"a/b": "v"}}, "a/b"),
        ({"series": "id", "values": {f"p{n}": "v" for n in range(201)}}, "200"),
    ],
)  # fmt: skip
def test_a_mapping_with_a_fault_names_it(document: Any, named: str) -> None:
    with pytest.raises(Invalid, match="mapping") as caught:
        compile_mapping(document)
    assert named in str(caught.value)
    assert refusals(_decode({"id": "a"}, document)) == {-1: "mapping_invalid"}


def test_an_equal_mapping_is_compiled_once() -> None:
    assert compile_mapping(dict(PLAIN)) is compile_mapping(dict(PLAIN))


def test_a_trial_shows_rows_features_and_problems() -> None:
    document = {**PLAIN, "latitude": "y", "longitude": "x"}
    body = json.dumps([{"id": "a/x", "t": AT, "v": 1, "x": 105, "y": 21}, {"id": "b/x", "v": 1}])
    found = try_mapping(
        document, body.encode(), a_feed(), content_type="application/json", now=RECEIVED
    )
    at = datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert found.rows == [TrialRow("a/x", at, 1.0)]
    point = {"type": "Point", "coordinates": [105.0, 21.0]}
    assert found.features == [TrialFeature("a", "", point)]
    assert [(p.index, p.reason.value) for p in found.problems] == [(1, "time_missing")]


def test_a_trial_of_a_broken_mapping_says_what_is_wrong_with_it() -> None:
    found = try_mapping({}, b"{}", a_feed(), content_type="application/json", now=RECEIVED)
    assert [p.reason.value for p in found.problems] == ["mapping_invalid"]
    assert found.rows == []
