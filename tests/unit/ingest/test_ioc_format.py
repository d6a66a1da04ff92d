"""The own format: JSON in one piece, in lines, and CSV."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.decoders import ioc
from ingest.payload import Setting
from tests.fixtures.decoding import RECEIVED, VIETNAM, decoded, refusals, rows, whole

AT = "2026-11-22T09:00:00+07:00"
SETTING = Setting(zone=VIETNAM, received=RECEIVED)

_offsets = st.sampled_from([UTC, timezone(timedelta(hours=7)), timezone(timedelta(hours=-9))])
_first, _last = datetime.fromisoformat("1965-01-01"), datetime.fromisoformat("2250-01-01")
_times = st.one_of(st.datetimes(_first, _last), st.datetimes(_first, _last, timezones=_offsets))
_scalars = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
)
_items = st.fixed_dictionaries(
    {},
    optional={
        "series": st.one_of(st.text(max_size=6), st.just("a/x"), st.integers(), st.none()),
        "time": st.one_of(_times.map(datetime.isoformat), st.text(max_size=12), st.none()),
        "value": st.one_of(_scalars, st.lists(_scalars, max_size=2)),
        "quality": _scalars,
    },
)
_good = st.fixed_dictionaries(
    {
        "series": st.text(min_size=1, max_size=12),
        "time": _times.map(datetime.isoformat),
        "value": st.floats(allow_nan=False, allow_infinity=False),
    }
)


def _outcome(found: Any) -> tuple[object, object, object]:
    return rows(found), found.index.tolist(), refusals(found)


@given(st.lists(st.one_of(_good, _good, _items), max_size=6))
@example([{"series": "   ", "time": AT, "value": 1.0}])
@example([{"series": "a\x85b", "time": AT, "value": 1.0}])
@example([{"series": "a/x", "time": "2109-03-01T00:00:00.123457Z", "value": 1.0}])
def test_a_batch_decodes_as_its_items_do_one_by_one(items: list[dict[str, Any]]) -> None:
    body = json.dumps(items).encode()
    together = ioc.decode_json(body, SETTING)
    careful = ioc._careful(body, SETTING)
    assert _outcome(together) == _outcome(careful)
    assert whole(together)
    assert together.received == len(items)


@given(st.one_of(_good, _items))
def test_one_item_decodes_as_an_array_of_it(item: dict[str, Any]) -> None:
    alone, listed = (
        ioc.decode_json(
            json.dumps(body).encode(), Setting(zone=VIETNAM, received=RECEIVED, topic="t")
        )
        for body in (item, [item])
    )
    assert _outcome(alone) == _outcome(listed)


@given(st.lists(st.one_of(_good, _items), min_size=1, max_size=6))
def test_lines_decode_as_the_array_of_them(items: list[dict[str, Any]]) -> None:
    array = ioc.decode_json(json.dumps(items).encode(), SETTING)
    lines = "\r\n".join(json.dumps(item) for item in items).encode()
    by_line = ioc.decode_ndjson(lines, SETTING)
    assert _outcome(by_line) == _outcome(array)


@given(st.lists(_good, min_size=1, max_size=6))
def test_what_was_decoded_survives_being_written_and_read_again(
    items: list[dict[str, Any]],
) -> None:
    first = decoded(json.dumps(items).encode())
    values = first.values if first.numbers is None else first.numbers.tolist()
    written = [
        ioc.item_json(key, time, value)
        for key, time, value in zip(first.keys, first.time.tolist(), values, strict=True)
    ]
    again = decoded(b"[" + b",".join(written) + b"]")
    assert rows(again) == rows(first)


def test_two_broken_lines_never_make_a_whole_item() -> None:
    body = b'{"series":"a\nb","time":"2026-11-22T09:00:00Z","value":1}\n'
    assert refusals(decoded(body, "application/x-ndjson")) == {
        0: "json_invalid",
        1: "shape_invalid",
    }


def test_two_items_in_one_line_are_refused_and_the_next_line_is_taken() -> None:
    one = '{"series":"a/x","time":"2026-11-22T09:00:00Z","value":1}'
    found = decoded(f"{one},{one}\n{one}".encode(), "application/x-ndjson")
    assert refusals(found) == {0: "json_invalid"}
    assert found.index.tolist() == [1]


def test_a_broken_line_costs_itself_only() -> None:
    good = json.dumps({"series": "a/x", "time": AT, "value": 1})
    body = b"\n".join([good.encode(), b'{"series":"\xff"', b"[" * 50_000, b"", good.encode()])
    found = decoded(body, "application/x-ndjson")
    assert found.index.tolist() == [0, 3]
    assert refusals(found) == {1: "json_invalid", 2: "shape_invalid"}


def test_a_time_without_an_offset_is_that_of_the_feeds_zone() -> None:
    found = decoded(b'[{"series":"a/x","time":"2026-11-22T09:00:00","value":1}]')
    assert rows(found) == [("a/x", "2026-11-22T02:00:00Z", 1.0)]


def test_a_bare_number_is_named_by_the_topic_and_dated_by_its_arrival() -> None:
    assert refusals(decoded(b"37.5", topic="a/x")) == {0: "time_missing"}
    found = decoded(b"37.5", topic="a/x", time_source="arrival")
    assert rows(found) == [("a/x", RECEIVED.isoformat().replace("+00:00", "Z"), 37.5)]


def test_the_key_of_the_item_goes_before_the_one_of_the_topic() -> None:
    body = json.dumps([{"series": "a/x", "time": AT, "value": 1}, {"time": AT, "value": 2}])
    assert [row[0] for row in rows(decoded(body.encode(), topic="b/y"))] == ["a/x", "b/y"]


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_is_refused_in_an_unknown_field_too(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    item = b'{"series":"a/x","time":"2026-11-22T09:00:00Z","value":1,"more":' + deep + b"}"
    for body in (deep, item, b"[" + item + b"]"):
        found = decoded(body)
        assert found.received == 1
        assert not found.keys or depth < 2_000


def test_csv_columns_come_in_any_order_and_others_are_passed_over() -> None:
    body = b'\xef\xbb\xbfNote,VALUE, time ,series\r\nx,"1.5",2026-11-22T09:00:00Z,a/x\r\n'
    assert rows(decoded(body, "text/csv")) == [("a/x", "2026-11-22T09:00:00Z", 1.5)]


def test_an_open_quote_in_csv_costs_its_own_line_only() -> None:
    body = b'series,time,value\na/x,2026-11-22T09:00:00Z,1\na/"y,2026-11-22T09:00:00Z,"2\n'
    body += b"a/z,2026-11-22T09:00:00Z,3\n"
    found = decoded(body, "text/csv")
    assert [row[0] for row in rows(found)] == ["a/x", "a/z"]
    assert refusals(found) == {1: "shape_invalid"}


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("multi\nline", []),
        ("a\nb/z,2026-11-22T09:00:00Z,9\nc", ["b/z"]),
        ('say ""a\nb"" twice', []),
        ("\n", []),
    ],
)
def test_a_line_break_in_a_cell_makes_no_series_of_its_pieces(cell: str, kept: list[str]) -> None:
    body = f'series,time,value\n"{cell}",2026-11-22T09:00:00Z,1\nd/x,2026-11-22T09:00:00Z,2\n'
    found = decoded(body.encode(), "text/csv")
    # A piece between two line breaks that is a whole row cannot be told from one.
    assert [row[0] for row in rows(found)] == [*kept, "d/x"]
    assert set(refusals(found).values()) == {"shape_invalid"}
    assert all("without line breaks" in refused.problem.detail for refused in found.refused)
    assert found.received == len([line for line in body.split("\n") if line.strip()]) - 1


def test_a_line_break_in_a_cell_of_the_header_is_refused_with_the_cure() -> None:
    found = decoded(b'"se\nries",time,value\na/x,2026-11-22T09:00:00Z,1\n', "text/csv")
    assert refusals(found) == {-1: "shape_invalid"}
    assert "without line breaks" in found.refused[0].problem.detail


_cells = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1)


@given(st.sampled_from(",;\t|"), st.lists(st.tuples(_cells, _cells), max_size=5))
def test_cells_in_quotes_are_read_whatever_they_hold(
    delimiter: str, given: list[tuple[str, str]]
) -> None:
    written = io.StringIO()
    table = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    table.writerow(["series", "time", "value", "note"])
    table.writerows([key, AT, 5, note] for key, note in given)
    found = decoded(written.getvalue().encode(), "text/csv")
    assert [row[0] for row in rows(found)] == [key for key, _ in given if len(key.encode()) < 256]


def test_a_line_with_more_cells_than_the_header_is_refused_with_the_cure() -> None:
    body = b"series,time,value\na/x,2026-11-22T09:00:00Z,12,4\na/y,2026-11-22T09:00:00Z,12, ,\n"
    found = decoded(body, "text/csv")
    assert [row[0] for row in rows(found)] == ["a/y"]
    assert refusals(found) == {0: "shape_invalid"}
    assert "separate cells by ;" in found.refused[0].problem.detail


def test_a_line_of_csv_in_another_encoding_costs_itself_only() -> None:
    body = b"series,time,value\na/x,2026-11-22T09:00:00Z,1\n"
    body += "trạm/é,2026-11-22T09:00:00Z,2\n".encode("utf-16-le")
    body += "b/é,2026-11-22T09:00:00Z,2\na/z,2026-11-22T09:00:00Z,3\n".encode("latin-1")
    found = decoded(body, "text/csv")
    assert [row[0] for row in rows(found)] == ["a/x", "a/z"]
    assert set(refusals(found).values()) <= {"encoding_invalid", "time_invalid", "shape_invalid"}


def test_a_very_long_cell_of_csv_costs_its_own_line_only() -> None:
    line = "a/x,2026-11-22T09:00:00Z,"
    body = f"series,time,value\n{line}{'9' * 200_000}\n{line}1\n".encode()
    found = decoded(body, "text/csv")
    assert [row[2] for row in rows(found)] == [1.0]


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e3", 1000.0), ("TRUE", True), ("false", False), ("1_000", "1_000"), ("mở", "mở")],
)
def test_a_csv_value_is_a_number_a_truth_or_a_text(written: str, value: object) -> None:
    body = f"series,time,value\na/x,2026-11-22T09:00:00Z,{written}\n".encode()
    assert [row[2] for row in rows(decoded(body, "text/csv"))] == [value]


@pytest.mark.parametrize("written", ["nan", "inf", "-Infinity", "1e999"])
def test_a_csv_number_must_be_finite(written: str) -> None:
    body = f"series,time,value\na/x,2026-11-22T09:00:00Z,{written}\n".encode()
    assert refusals(decoded(body, "text/csv")) == {0: "value_invalid"}


def test_csv_without_its_columns_names_those_that_are_missing() -> None:
    found = decoded(b"a,b,c\n1,2,3\n", "text/csv")
    assert refusals(found) == {-1: "shape_invalid"}
    assert "series, time, value" in found.refused[0].problem.detail


def test_a_csv_header_alone_holds_nothing() -> None:
    assert decoded(b"series,time,value\n", "text/csv").received == 0


def test_csv_with_carriage_returns_alone_is_read() -> None:
    body = b"series,time,value\ra/x,2026-11-22T09:00:00Z,1\ra/y,2026-11-22T09:00:00Z,2\r"
    assert [row[0] for row in rows(decoded(body, "text/csv"))] == ["a/x", "a/y"]
