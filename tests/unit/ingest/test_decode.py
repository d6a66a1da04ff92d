"""Any bytes: the decoder that is chosen, golden files, and never an exception."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.decode import CONTENT_TYPES, FORMATS, understood
from ioc.model import EPOCH, Mapping
from tests.fixtures.decoding import decoded, golden, refusals, rows, whole

FEEDS = Path(__file__).parents[2] / "data" / "feeds"
GOLDEN = sorted(p for p in FEEDS.iterdir() if not p.name.endswith(".expected.json"))
BINARY = [p for p in GOLDEN if p.suffix in (".pb", ".xml")]
TOLD = ("type", "topic", "feed", "mapping")
MAPPED = (
    Mapping(
        version=1,
        effective_from=EPOCH,
        document={
            "items": "data",
            "series": "n",
            "time": "t",
            "values": {"x": "v", "y": "to_number(w)"},
            "latitude": "lat",
            "longitude": "lon",
            "name": "$.name",
        },
    ),
)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.name)
def test_a_recorded_payload_decodes_as_it_is_written_down(path: Path) -> None:
    expected = json.loads(path.with_suffix(path.suffix + ".expected.json").read_text())
    told = {name: expected.pop(name) for name in TOLD if name in expected}
    body = path.read_bytes()
    assert golden(body, path, told) == expected


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
    found = decoded(body, kind, topic, format=format, time_source=source, mappings=MAPPED)
    assert whole(found)
    assert found.received == len(rows(found)) + len(found.refused)


@pytest.mark.parametrize("format", ["ngsi-ld", "sensorthings", "senml", "ioc", "mapped"])
@pytest.mark.parametrize(
    "around",
    [
        '{"id":"x","type":"W","a":%s}',
        '{"id":"x","type":"W","t":{"type":"Property","values":[%s]}}',
        '[{"n":"a","x":%s}]',
        '[{"result":%s,"Datastream":{"@iot.id":1}}]',
    ],
)
def test_no_depth_is_an_error(format: str, around: str) -> None:
    for depth in range(900, 1_000):
        body = (around % ("[" * depth + "]" * depth)).encode()
        assert decoded(body, "", format=format, mappings=MAPPED).received == 1


_WORDS = (
    "Point", "Feature", "Property", "Alert", "2026-11-22T09:00:00Z", "urn:ngsi-ld:A:1", "1.803,5",
)  # fmt: skip
_NAMES = (
    "id", "type", "value", "data", "location", "coordinates", "geometry", "properties", "n", "v",
    "observedAt", "dateObserved", "metadata", "unitCode", "datasetId", "temperature", "result",
    "phenomenonTime", "Datastream", "@iot.id", "dataArray", "components", "FeatureOfInterest",
    "feature", "t", "w", "lat", "lon", "bn", "name",
)  # fmt: skip
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(_WORDS),
)
_contents = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(_contents, st.sampled_from(FORMATS), st.sampled_from(["payload", "arrival"]))
def test_any_json_decodes_without_an_error(content: object, format: str, source: str) -> None:
    body = json.dumps(content).encode()
    found = decoded(body, "", format=format, time_source=source, mappings=MAPPED)
    assert whole(found)
    if found.uoms is not None:
        assert len(found.uoms) == len(found.keys)


@given(st.sampled_from(BINARY), st.data())
def test_a_recorded_payload_with_bytes_changed_decodes_without_an_error(
    path: Path, data: st.DataObject
) -> None:
    body = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=6)):
        body[at] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(0, len(body))) :]
    topic = "spBv1.0/g/NDATA/e" if "sparkplug" in path.name else None
    assert whole(decoded(bytes(body), "", topic))


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
    assert not understood("application/pdf")


WARNINGS = {"RoadAccident", "Alert"}


def test_real_payloads_of_other_systems_are_decoded_whether_they_are_told_or_not(
    data: Path,
) -> None:
    files = [
        p
        for p in (data / "payloads" / "fiware").rglob("*")
        if p.suffix in (".json", ".jsonld") and p.name != "schema.json"
    ]
    assert files
    for path in files:
        entity = json.loads(path.read_bytes())
        kind = path.name.split(".")[0]
        kind = path.parents[1].name if kind.startswith("example") else kind
        for format in ("auto", "ngsi-ld", "ngsi-v2"):
            found = decoded(path.read_bytes(), "", format=format)
            if kind == "KeyPerformanceIndicator":
                assert (found.received, found.refused) == (1, []), path
                assert json.loads(found.reports[0].raw)["period"] == "2016-06-01/2016-07-01"
            elif kind in WARNINGS and "168.3" in path.read_text():
                assert refusals(found) == {0: "place_invalid"}, path
            elif kind in WARNINGS:
                assert [warning.identity for warning in found.warnings] == [entity["id"]], path
            else:
                assert found.refused == [], path
                assert len(found.places) == 1, path
                assert bool(found.keys) == (kind != "RoadSegment"), path


def test_a_real_page_of_observations_without_datastreams_is_refused_one_by_one(data: Path) -> None:
    body = (data / "payloads" / "sensorthings" / "observations_page.json").read_bytes()
    found = decoded(body, "")
    places = range(len(json.loads(body)["value"]))
    assert refusals(found) == dict.fromkeys(places, "series_missing")


def test_real_latin1_counters_are_refused_whole_with_the_cure_and_taken_when_told(
    data: Path,
) -> None:
    body = (data / "traffic" / "montreal_counters_2012_latin1.csv").read_bytes()
    refused = decoded(body, "text/csv")
    assert refusals(refused) == {-1: "encoding_invalid"}
    assert "--charset" in refused.refused[0].problem.detail
    mapping = {
        "series": "'montreal'", "time": "Date", "time_format": "%d/%m/%Y",
        "values": {"berri-1": '"Berri 1"', "cote": '"Côte-Sainte-Catherine"'},
    }  # fmt: skip
    version = Mapping(version=1, effective_from=EPOCH, document=mapping)
    found = decoded(body, "text/csv", format="mapped", charset="latin-1", mappings=(version,))
    lines = [line for line in body.split(b"\n")[1:] if line.strip()]
    assert found.received == len(found.keys) == 2 * len(lines)
    assert rows(found)[0] == ("montreal/berri-1", "2011-12-31T17:00:00Z", 35.0)


def test_no_body_that_must_be_refused_is_taken_for_json(data: Path) -> None:
    for path in (data / "json_test_suite" / "test_parsing").glob("n_*.json"):
        found = decoded(path.read_bytes(), "application/json", "a/x", time_source="arrival")
        assert found.keys == [], path.name


def test_every_body_that_must_be_parsed_is_parsed(data: Path) -> None:
    for path in (data / "json_test_suite" / "test_parsing").glob("y_*.json"):
        found = decoded(path.read_bytes(), "application/json", "a/x", time_source="arrival")
        assert -1 not in refusals(found) or refusals(found)[-1] != "json_invalid", path.name
