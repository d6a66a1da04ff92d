"""Mapped feeds: which mapping is in force, what it finds, what is wrong with it, and trials."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders import reading
from ingest.decoders.mapped import MOST_DEPTH, ROW
from ingest.decoders.reading import OUTLINES
from ingest.expression import Expression, Finder
from ingest.mapping import compile_mapping, in_force, takes_long
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


def test_a_table_is_told_by_its_shape_where_nobody_says_what_it_is() -> None:
    table = "mã;lúc;trị\na/x;2026-11-22 09:00:00;1\n".encode()
    document = {"series": '"mã"', "time": '"lúc"', "value": '"trị"'}
    for kind in ("", "text/plain", "application/json"):
        assert rows(_decode(b"\n" + table, document, kind)) == [("a/x", AT, 1.0)]


@pytest.mark.parametrize("body", [b'"id":1, "t"', b"abc\ndef", b"<a b=','>\n</a>", b"{,\n}"])
def test_what_is_neither_json_nor_lines_of_cells_is_refused_whole(body: bytes) -> None:
    assert refusals(_decode(body, PLAIN, "")) == {-1: "json_invalid"}


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


def test_an_expression_of_the_document_is_evaluated_once_however_many_rows_there_are() -> None:
    of_the_document = Expression("$.rows[?id=='zzz'] | length(@)")
    row = Expression("id")
    content = {"rows": [{"id": f"a/{number}"} for number in range(1_000)]}
    finder = Finder(10_000)
    finder.begin(content)
    for each in content["rows"]:
        assert finder.find(of_the_document, each) == 0
        assert finder.find(row, each) == each["id"]
    finder.begin({"rows": [{"id": "zzz"}]})
    assert finder.find(of_the_document, None) == 1


def test_a_fault_of_an_expression_of_the_document_is_told_for_each_row() -> None:
    found = _decode([{"id": "a", "t": AT}] * 2, {**PLAIN, "value": "$.join(',', @)"})
    assert refusals(found) == {0: "mapping_invalid", 1: "mapping_invalid"}


@pytest.mark.parametrize(
    "value",
    [
        "[?" + "!" * 20 + "@]",
        "[@,@,@,@,@,@,@,@,@,@][] | [@,@,@,@,@,@,@,@,@,@][] | [@,@,@,@,@,@,@,@,@,@][] | length(@)",
        f"join('{'x' * 400}', map(&to_string(@), @)) | length(@)",
        "to_string([" * 30 + "@" + "])" * 30,
        "[" + ",".join(["@[:]"] * 90) + "] | length(@)",
    ],
)
def test_a_mapping_that_takes_too_many_steps_is_refused_with_its_cure(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_STEPS", 50_000)
    [kept] = _decode(list(range(4_000)), {**PLAIN, "series": "'a'", "value": f"$.{value}"}).refused
    assert kept.problem.reason.value == "mapping_invalid"
    assert "fewer rows at a time" in kept.problem.detail


def test_what_an_observation_and_a_text_take_of_memory_counts_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MOST_STEPS", 50_000)
    document = {"series": "'a'", "time": "'2026-11-22T02:00:00Z'", "value": "$.text", "items": "r"}
    for content in (
        {"text": "x", "r": [1] * 2_500},
        {"text": "x" * 1_000, "r": [1] * 250},
    ):
        assert refusals(_decode(content, document)) == {-1: "mapping_invalid"}
        content["r"] = content["r"][:100]
        assert len(_decode(content, document).keys) == 100


def test_what_is_kept_of_refused_lines_counts_with_their_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MOST_STEPS", 50_000)
    for many, refused in ((2, {0: "shape_invalid", 1: "shape_invalid"}),
                          (30, {-1: "mapping_invalid"})):  # fmt: skip
        table = b"id;t;v;" + b"x" * 10_000 + b"\n" + b'a"b;;;\n' * many
        assert refusals(_decode(table, PLAIN, "text/csv")) == refused


def test_refused_rows_carry_the_document_around_them_only_while_it_is_small() -> None:
    around = {f"k{number}": "x" * 20 for number in range(6_000)}
    for many in (1, 400):
        content = {"rows": [{"id": "a"}] * many, "head": {"at": AT}, **around}
        found = _decode(content, {**PLAIN, "items": "rows", "time": "$.head.at"})
        kept = [json.loads(refused.raw)["root"] for refused in found.refused]
        whole = [root for root in kept if isinstance(root, dict)]
        assert len(whole) == 1
        assert whole[0]["head"] == {"at": AT}
        assert [root for root in kept if root not in whole] == [kept[-1]] * (many - 1)
    assert "send the payload again" in kept[-1]


@given(st.integers(0, 300), st.integers(0, 200))
def test_what_is_kept_of_refused_rows_is_bounded_by_the_payload(many: int, around: int) -> None:
    content = {"rows": [{"id": number} for number in range(many)], "k": ["x"] * around,
               **{f"k{number}": "x" * 20 for number in range(around)}}  # fmt: skip
    found = _decode(content, {**PLAIN, "items": "rows"})
    size = len(json.dumps(content))
    assert len(found.refused) == many
    assert sum(len(refused.raw) for refused in found.refused) <= 2 * max(size, OUTLINES) + 99 * many


@pytest.mark.parametrize("levels", [MOST_DEPTH, 700, 5_000])
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", ROW])
def test_json_that_is_nested_too_deeply_is_refused_for_its_depth(levels: int, kind: str) -> None:
    body = b'{"row":' * levels + b"[]" + b"}" * levels
    [kept] = _decode(body, PLAIN, kind).refused
    assert kept.problem.reason.value == "json_invalid"
    assert "nested" in kept.problem.detail
    assert kept.raw == body


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


@pytest.mark.parametrize(
    ("longitude", "latitude", "numbers", "taken"),
    [
        ("105,4", "21,3", "vietnamese", [105.4, 21.3]),
        ("105.4", " 21.345 ", "vietnamese", [105.4, 21.345]),
        (105.4, "21", "vietnamese", [105.4, 21.0]),
        ("105,4", 21, "plain", None),
        (105.4, {"d": 21}, "plain", None),
        ("kinh độ", 21, "vietnamese", None),
    ],
)
def test_a_place_is_read_as_numbers_of_the_feed_are_or_told_as_unreadable(
    longitude: Any, latitude: Any, numbers: str, taken: list[float] | None
) -> None:
    row = {"id": "a/x", "t": AT, "v": 1, "x": longitude, "y": latitude}
    document = {**PLAIN, "latitude": "y", "longitude": "x"}
    found = _decode([{"id": "b/x", "t": AT, "v": 1}, row], document, number_format=numbers)
    assert len(found.keys) == 2
    assert [p.geometry["coordinates"] for p in found.places] == ([taken] if taken else [])
    told = [(remark.index, remark.reason.value) for remark in found.remarks]
    assert told == ([] if taken else [(1, "place_invalid")])


@pytest.mark.parametrize("numbers", ["plain", "vietnamese"])
def test_cells_of_a_table_place_features_too(numbers: str) -> None:
    sign = "." if numbers == "plain" else ","
    table = f"id;t;v;x;y\na/x;{AT};1;105{sign}4;21{sign}3\n".encode()
    document = {**PLAIN, "latitude": "y", "longitude": "x"}
    [place] = _decode(table, document, "text/csv", number_format=numbers).places
    assert place.geometry["coordinates"] == [105.4, 21.3]


def test_the_version_that_took_effect_last_before_the_receipt_is_used() -> None:
    early, late = RECEIVED - timedelta(days=1), RECEIVED + timedelta(seconds=6)
    scheduled, at_once, at_once_again = (
        Mapping(version=number, effective_from=at, document=PLAIN)
        for number, at in ((3, late), (4, RECEIVED), (5, RECEIVED))
    )
    feed = a_feed(mappings=(scheduled, at_once, at_once_again))
    assert in_force(feed, late) is scheduled
    assert in_force(feed, RECEIVED) is at_once_again
    assert in_force(feed, early) is None


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
        ({**PLAIN, "value": [[[]]]}, "value"),
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


def test_a_trial_tells_what_is_remarked_too() -> None:
    document = {**PLAIN, "latitude": "y", "longitude": "x"}
    body = json.dumps({"id": "a/x", "t": AT, "v": 1, "x": "105,4", "y": 21}).encode()
    found = try_mapping(document, body, a_feed(), content_type="application/json", now=RECEIVED)
    assert len(found.rows) == 1
    assert [(p.index, p.reason.value) for p in found.problems] == [(0, "place_invalid")]


def test_a_payload_takes_long_by_its_size_and_by_how_long_its_mapping_is() -> None:
    long = a_feed(format="mapped", mappings=_versions({**PLAIN, "values": {"x": "v" * 400}}))
    short = a_feed(format="mapped", mappings=_versions(PLAIN))
    assert takes_long(long, 20_000, RECEIVED)
    assert not takes_long(short, 20_000, RECEIVED)
    assert takes_long(short, 2_000_000, RECEIVED)
    assert not takes_long(a_feed(format="mapped"), 2_000_000, RECEIVED)
    assert not takes_long(a_feed(format="ioc"), 2_000_000, RECEIVED)


def test_a_trial_of_a_broken_mapping_says_what_is_wrong_with_it() -> None:
    found = try_mapping({}, b"{}", a_feed(), content_type="application/json", now=RECEIVED)
    assert [p.reason.value for p in found.problems] == ["mapping_invalid"]
    assert found.rows == []
