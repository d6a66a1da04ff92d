"""DATEX II situations: validity, places, bounds, and XML that must not be trusted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders import elements, locations
from tests.fixtures.datex import PUBLICATION, PUBLISHED, published, span, validity
from tests.fixtures.decoding import decoded, refusals, rows

FEEDS = Path(__file__).parents[2] / "data" / "feeds"


def test_each_publication_observes_what_is_in_force_however_old_its_version_is() -> None:
    inner = validity(span("2026-01-01T00:00:00Z")) + "<severity>low</severity>"
    for at in ("2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"):
        once, again = published(inner, at), published(inner, at)
        assert rows(once) == [("R/active", at, True), ("R/severity", at, "low")]
        assert rows(once) == rows(again)


def test_without_a_time_of_publication_the_version_or_else_the_arrival_counts() -> None:
    version = "<situationRecordVersionTime>2026-11-22T02:00:00Z</situationRecordVersionTime>"
    bare = '<situationRecord id="R">{}</situationRecord>'
    assert rows(decoded(bare.format(version).encode(), "text/xml"))[0][1] == "2026-11-22T02:00:00Z"
    nothing = bare.format("").encode()
    assert refusals(decoded(nothing, "text/xml")) == {0: "time_missing"}
    assert len(decoded(nothing, "text/xml", time_source="arrival").keys) == 1


def test_a_time_of_publication_that_cannot_be_read_is_refused_with_each_record() -> None:
    assert refusals(published("", at="hôm nay")) == {0: "time_invalid"}


@pytest.mark.parametrize("status", ["test", "securityExercise", "technicalExercise"])
def test_tests_and_exercises_are_refused_by_name_and_stay_so_in_quarantine(status: str) -> None:
    said = f"<informationStatus>{status}</informationStatus>"
    found = published("", around=f"<headerInformation>{said}</headerInformation>")
    assert refusals(found) == {0: "entity_unsupported"}
    assert status in found.refused[0].problem.detail
    assert list(found.places) == []
    raw, kind = found.refused[0].raw, found.refused[0].kind
    assert refusals(decoded(raw, kind)) == {0: "entity_unsupported"}
    again = decoded(raw.replace(status.encode(), b"real"), kind)
    assert rows(again) == [("R/active", PUBLISHED, True)]


def test_what_is_real_is_taken() -> None:
    around = "<informationStatus>real</informationStatus>"
    assert published("", around=around).refused == []


def test_what_is_kept_of_a_record_is_read_again_with_what_is_said_around_it() -> None:
    body = (FEEDS / "situations.v3.datex.xml").read_bytes()
    broken = body.replace(b"2026-11-23T00:00:00+07:00", b"nay")
    [refused] = decoded(broken, "").refused
    assert (refused.problem.reason.value, refused.kind) == ("time_invalid", "application/xml")
    again = decoded(refused.raw.replace(b"nay", b"2026-11-23T00:00:00+07:00"), refused.kind)
    assert rows(again) == rows(decoded(body, ""))
    assert [p.geometry for p in again.places] == [p.geometry for p in decoded(body, "").places]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1258", "iso-8859-1"])
def test_accents_before_a_record_do_not_shift_its_bytes(encoding: str) -> None:
    around = "<headerInformation><areaOfInterest>Côte à côte</areaOfInterest></headerInformation>"
    body = PUBLICATION.format(published=PUBLISHED, inner="<note>é</note>", around=around)
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    [refused] = decoded((head + body.replace(' id="R"', "")).encode(encoding), "text/xml").refused
    record = refused.raw.decode().removeprefix(
        f"<situation><publicationTime>{PUBLISHED}</publicationTime>"
    )
    assert record.startswith("<situationRecord ")
    assert record.endswith("<note>é</note>\n </situationRecord></situation>")


@pytest.mark.parametrize(
    "record",
    [
        '<situationRecord x="a>b"/>',
        "<situationRecord></situationRecord>",
        "<situationRecord><a/></situationRecord >",
    ],
)
def test_the_bytes_of_a_record_are_its_own(record: str) -> None:
    [refused] = decoded(f"<situation><b/>{record}<c/></situation>".encode(), "text/xml").refused
    assert refused.raw == f"<situation>{record}</situation>".encode()


def test_publications_of_other_kinds_in_a_container_are_refused_by_name() -> None:
    other = '<payload xmlns:i="y" i:type="x:MeasuredDataPublication"><m>1</m></payload>'
    situations = '<payload xmlns:i="y" i:type="SituationPublication"></payload>'
    found = decoded(f"<c>{other}{situations}</c>".encode(), "text/xml")
    assert refusals(found) == {0: "entity_unsupported"}
    assert "MeasuredDataPublication" in found.refused[0].problem.detail
    assert found.refused[0].raw == other.encode()


@pytest.mark.parametrize(
    ("inner", "reason", "word"),
    [
        ("<situationRecord/>", "shape_invalid", "side by side"),
        ("<a/>" * (elements.MOST_WITHIN + 1), "shape_invalid", "divide it"),
        ("x" * (elements.MOST_CHARACTERS + 1), "shape_invalid", "simplify it"),
        (
            f"<posList>{'1 2 ' * (locations.MOST_POSITIONS + 1)}</posList>",
            "place_invalid",
            "simplify",
        ),
    ],
    ids=["nested", "elements", "characters", "positions"],
)
def test_a_record_beyond_its_bounds_costs_itself_only(inner: str, reason: str, word: str) -> None:
    good = '</situationRecord><situationRecord id="good">'
    found = published(inner + good)
    assert [row[0] for row in rows(found)] == ["good/active"]
    assert refusals(found) == {0: reason}
    assert word in found.refused[0].problem.detail


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("<a/>" * (elements.MOST_ELEMENTS + 1), "in parts"),
        ("<situationRecord/>" * (elements.MOST_CHOSEN + 1), "in parts"),
        (
            "<situationRecord><posList>" + "1 2 " * 15_000 + "</posList></situationRecord>",
            "in parts",
        ),
    ],
    ids=["elements", "records", "positions"],
)
def test_a_document_beyond_its_bounds_is_refused_whole(body: str, word: str) -> None:
    times = 1 if len(body) > 1_000_000 or "posList" not in body else 30
    found = decoded(f"<p>{body * times}</p>".encode(), "text/xml")
    assert refusals(found) == {-1: "shape_invalid"}
    assert word in found.refused[0].problem.detail


def test_nested_records_are_looked_at_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = 0
    walk = elements.Element.walk

    def counted(element: elements.Element) -> Iterator[elements.Element]:
        nonlocal walked
        for each in walk(element):
            walked += 1
            yield each

    monkeypatch.setattr(elements.Element, "walk", counted)
    nested = "<pointCoordinates>" * 50 + "</pointCoordinates>" * 50
    record = f'<situationRecord id="R">{nested * 40}</situationRecord>'
    found = decoded(f"<p>{record * 5}</p>".encode(), "text/xml", time_source="arrival")
    assert len(found.keys) == 5
    assert walked < 10 * 5 * 40 * 50


_record = st.sampled_from(
    [
        '<situationRecord id="R"><severity>low</severity></situationRecord>',
        '<situationRecord id="R"/>',
        "<situationRecord/>",
        '<situationRecord id="R"><situationRecord id="S"/></situationRecord>',
        '<situationRecord id="R"><overallStartTime>nay</overallStartTime></situationRecord>',
    ]
)
_status = st.sampled_from(["", "<informationStatus>test</informationStatus>"])


@given(st.lists(st.tuples(_status, st.lists(_record, max_size=4)), max_size=4))
def test_each_record_is_rows_or_one_refusal(situations: list[tuple[str, list[str]]]) -> None:
    inner = "".join(
        f"<situation>{status}{''.join(records)}</situation>" for status, records in situations
    )
    head = '<payload xmlns:i="y" i:type="SituationPublication">'
    body = f"{head}<publicationTime>{PUBLISHED}</publicationTime>{inner}</payload>"
    found = decoded(body.encode(), "text/xml")
    rated = sum(
        sum("severity" in record for record in records)
        for status, records in situations
        if not status
    )
    assert found.received == sum(len(records) for _, records in situations) + rated


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b"<a>" * 100 + b"</a>" * 100, "nested"),
        (b"<a>", "well-formed"),
        (b"<a/>", "situationRecord"),
        (b"<a>\x00</a>", "well-formed"),
        (b"<a>" * 10, "well-formed"),
    ],
)
def test_dangerous_and_other_xml_is_refused_whole_with_its_reason(body: bytes, word: str) -> None:
    found = decoded(body, "application/xml")
    assert refusals(found) == {-1: "shape_invalid"}
    assert word in found.refused[0].problem.detail


@pytest.mark.parametrize("encoding", ["x", "base64", "punycode", "utf-16", "us-ascii"])
def test_a_character_set_that_cannot_be_read_is_named(encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><a>é</a>'.encode()
    reason = "shape_invalid" if encoding == "us-ascii" else "encoding_invalid"
    assert refusals(decoded(body, "text/xml")) == {-1: reason}


def test_entities_in_utf_16_are_refused_too() -> None:
    body = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    assert refusals(decoded(body.encode("utf-16"), "text/xml")) == {-1: "shape_invalid"}


def test_a_publication_without_situations_holds_nothing() -> None:
    body = b'<payload xmlns:i="y" i:type="sit:SituationPublication"><x/></payload>'
    assert decoded(body, "application/xml").received == 0
