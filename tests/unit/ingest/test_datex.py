"""DATEX II situations: validity over deliveries, and XML that must not be trusted."""

from pathlib import Path

import pytest

from tests.fixtures.decoding import decoded, refusals, rows

FEEDS = Path(__file__).parents[2] / "data" / "feeds"

PUBLICATION = """<d2LogicalModel xmlns="x" xmlns:xsi="y"><payloadPublication
 xsi:type="SituationPublication"><publicationTime>{published}</publicationTime><situation id="S">
 <situationRecord xsi:type="Accident" id="R">
 <situationRecordVersionTime>2026-11-22T02:00:00Z</situationRecordVersionTime>{inner}
 </situationRecord></situation></payloadPublication></d2LogicalModel>"""


def _active(inner: str, published: str = "2026-11-22T03:00:00Z") -> list[tuple[str, object]]:
    found = decoded(PUBLICATION.format(published=published, inner=inner).encode(), "text/xml")
    assert found.refused == []
    return [(time[11:16], value) for _, time, value in rows(found)]


def _span(start: str, end: str = "") -> str:
    ends = f"<overallEndTime>{end}</overallEndTime>" if end else ""
    return f"<overallStartTime>{start}</overallStartTime>{ends}"


def test_a_situation_is_active_until_it_is_said_to_be_over() -> None:
    start, end = "2026-11-22T01:00:00Z", "2026-11-22T02:30:00Z"
    assert _active("") == [("02:00", True)]
    assert _active(_span(start)) == [("02:00", True)]
    assert _active(_span("2026-11-22T04:00:00Z")) == [("02:00", False)]
    assert _active(_span(start, end), published="2026-11-22T02:10:00Z") == [("02:00", True)]
    assert _active(_span(start, end)) == [("02:00", True), ("02:30", False)]
    assert _active("<validityStatus>suspended</validityStatus>") == [("02:00", False)]
    over = "<management><lifeCycleManagement><end>true</end></lifeCycleManagement></management>"
    assert _active(over) == [("02:00", False)]


def test_a_second_delivery_of_the_same_version_says_the_same() -> None:
    inner = _span("2026-11-22T01:00:00Z")
    assert _active(inner, "2026-11-22T03:00:00Z") == _active(inner, "2026-11-22T05:00:00Z")


def test_what_is_kept_of_a_record_is_read_again() -> None:
    body = (FEEDS / "situations.v3.datex.xml").read_bytes()
    broken = body.replace(b"2026-11-22T08:00:00+07:00", b"nay")
    [refused] = decoded(broken, "").refused
    assert (refused.problem.reason.value, refused.kind) == ("time_missing", "application/xml")
    assert refused.raw.startswith(b"<sit:situationRecord ")
    again = decoded(refused.raw.replace(b"nay", b"2026-11-22T08:00:00+07:00"), refused.kind)
    assert rows(again) == [("S9-1/active", "2026-11-22T01:00:00Z", False)]


def test_accents_before_a_record_do_not_shift_its_bytes() -> None:
    body = PUBLICATION.format(published="Việt Trì ẩm ướt", inner="").replace(' id="R"', "")
    [refused] = decoded(body.encode(), "application/xml").refused
    assert refused.raw.startswith(b"<situationRecord ")
    assert refused.raw.endswith(b"</situationRecord>")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b"<a>" * 100 + b"</a>" * 100, "nested"),
        (b"<a>", "well-formed"),
        (b"<a/>", "situationRecord"),
        (b"<a>\x00</a>", "well-formed"),
        (b'<?xml version="1.0" encoding="x"?><a/>', "well-formed"),
    ],
)
def test_dangerous_and_other_xml_is_refused_whole_with_its_reason(body: bytes, word: str) -> None:
    found = decoded(body, "application/xml")
    assert refusals(found) == {-1: "shape_invalid"}
    assert word in found.refused[0].problem.detail


def test_entities_in_utf_16_are_refused_too() -> None:
    body = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    assert refusals(decoded(body.encode("utf-16"), "text/xml")) == {-1: "shape_invalid"}


def test_a_publication_without_situations_holds_nothing() -> None:
    body = b'<payload xmlns:i="y" i:type="sit:SituationPublication"><x/></payload>'
    assert decoded(body, "application/xml").received == 0
