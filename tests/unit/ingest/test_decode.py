"""Any bytes: the decoder that is chosen, golden files, and never an exception."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.decode import CONTENT_TYPES, FORMATS, understood
from tests.fixtures.decoding import decoded, refusals, rows, whole

FEEDS = Path(__file__).parents[2] / "data" / "feeds"
GOLDEN = sorted(p for p in FEEDS.iterdir() if not p.name.endswith(".expected.json"))
TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".json": ""}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.name)
def test_a_recorded_payload_decodes_as_it_is_written_down(path: Path) -> None:
    expected = json.loads(path.with_suffix(path.suffix + ".expected.json").read_text())
    found = decoded(path.read_bytes(), TYPES[path.suffix], expected.get("topic"))
    assert [list(row) for row in rows(found)] == expected["rows"]
    assert {str(k): v for k, v in refusals(found).items()} == expected["refused"]


@given(
    st.binary(max_size=200),
    st.sampled_from(FORMATS),
    st.sampled_from([*CONTENT_TYPES, "", "text/plain"]),
    st.sampled_from([None, "a/x"]),
    st.sampled_from(["payload", "arrival"]),
)
@example(b"[" * 100_000, "auto", "", None, "payload")
@example(b'[{"series":"\xed\xa0\x80"}]', "auto", "", None, "payload")
@example(b'{"series":"\\ud800"}', "ioc", "application/json", None, "payload")
@example('[{"n":"a"}]'.encode("utf-16"), "auto", "", None, "payload")
@example(b"\xef\xbb\xbf", "auto", "", None, "payload")
@example(b"\x00", "auto", "text/csv", "a/x", "arrival")
@example(b'series,time,value\r\r\n"', "auto", "text/csv", None, "payload")
@example(b'{"a":1}\n{"a":', "auto", "", None, "payload")
def test_any_bytes_decode_without_an_error(
    body: bytes, format: str, kind: str, topic: str | None, source: str
) -> None:
    found = decoded(body, kind, topic, format=format, time_source=source)
    assert whole(found)


_fragments = st.lists(
    st.sampled_from(
        [
            b"[", b"]", b"{", b"}", b",", b":", b'"', b"\n", b"\\", b"\\u", b"\\ud800", b"null",
            b"true", b"-", b"1e400", b"0", b"12", b"1e", b'"series"', b'"time"', b'"value"',
            b'"n"', b'"t"', b'"v"', b'"bn"', b'"bt"', b'"a/x"', b'"2026-11-22T09:00:00Z"',
            b"\xff", b"\x00", b" ", b"series,time,value", b"a/x,2026-11-22T09:00:00Z,1",
        ]
    ),
    max_size=25,
).map(b"".join)  # fmt: skip


@given(_fragments, st.sampled_from(FORMATS), st.sampled_from([*CONTENT_TYPES, ""]))
def test_scraps_of_the_formats_decode_without_an_error(body: bytes, format: str, kind: str) -> None:
    assert whole(decoded(body, kind, format=format))


@pytest.mark.parametrize("body", [b"", b" \n\t ", b"\r\n"])
def test_an_empty_body_is_refused_as_a_whole(body: bytes) -> None:
    assert refusals(decoded(body)) == {-1: "json_invalid"}


def test_the_shape_tells_the_format_where_nobody_names_it() -> None:
    item = '{"series":"a/x","time":"2026-11-22T09:00:00Z","value":1}'
    pack = '[{"n":"a/x","t":1795338000,"v":1}]'
    table = "series,time,value\na/x,2026-11-22T09:00:00Z,1"
    for body in (f"[{item}]", item, f"{item}\n{item}", pack, table):
        assert {row[:1] for row in rows(decoded(body.encode(), ""))} == {("a/x",)}


def test_a_feed_of_one_format_is_not_read_as_another() -> None:
    pack = b'[{"n":"a/x","t":1795338000,"v":1}]'
    assert refusals(decoded(pack, "", format="ioc")) == {0: "series_missing"}


def test_content_types_are_compared_without_parameters_and_case() -> None:
    assert understood("Application/JSON; charset=utf-8")
    assert not understood("application/xml")


def test_real_payloads_of_other_systems_are_refused_with_reasons(data: Path) -> None:
    files = [p for p in (data / "payloads").rglob("*") if p.suffix in (".json", ".jsonld")]
    assert files
    for path in files:
        found = decoded(path.read_bytes(), "")
        assert found.keys == []
        assert found.refused, path.name


def test_no_body_that_must_be_refused_is_taken_for_json(data: Path) -> None:
    for path in (data / "json_test_suite" / "test_parsing").glob("n_*.json"):
        found = decoded(path.read_bytes(), "application/json", "a/x", time_source="arrival")
        assert found.keys == [], path.name


def test_every_body_that_must_be_parsed_is_parsed(data: Path) -> None:
    for path in (data / "json_test_suite" / "test_parsing").glob("y_*.json"):
        found = decoded(path.read_bytes(), "application/json", "a/x", time_source="arrival")
        assert -1 not in refusals(found) or refusals(found)[-1] != "json_invalid", path.name
