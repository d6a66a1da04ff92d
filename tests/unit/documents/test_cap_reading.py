"""CAP of others: read as far as it is valid, and never the cause of a fault."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cap import Grade, Kind, Message
from alerts.cap_telling import messages_of
from ioc.documents.cap import cap_xml
from ioc.documents.cap_reading import read_messages
from ioc.model import Reason
from tests.fixtures.cap import AREA, SENT, SETTING, entry

NOW = SENT + timedelta(hours=1)
GOOD = cap_xml(messages_of([entry(1), entry(2, state="cleared")], AREA, SETTING)[1]).decode()
SAID = "2026-11-22T09:02:30+07:00</sent>"


def _read(text: str) -> Message:
    found = read_messages(text.encode(), NOW)
    assert found.refused == []
    return found.messages[0].message


def _refused(text: str) -> tuple[Reason, str]:
    found = read_messages(text.encode(), NOW)
    assert found.messages == []
    problem = found.refused[0].problem
    return problem.reason, problem.detail


def test_what_we_write_is_read_as_it_was() -> None:
    for message in messages_of([entry(1), entry(2, state="cleared")], AREA, SETTING):
        assert _read(cap_xml(message).decode()) == message


def test_every_sample_is_read(data: Path) -> None:
    files = [file for file in sorted((data / "cap").iterdir()) if file.is_file()]
    assert files
    for file in files:
        found = read_messages(file.read_bytes(), datetime.now(UTC))
        assert (file.name, found.refused, len(found.messages)) == (file.name, [], 1)
        assert found.messages[0].message.infos[0].areas


@pytest.mark.parametrize(
    ("before", "after", "reason", "cure"),
    [
        ("<msgType>Cancel</msgType>", "<msgType>Ack</msgType>", "entity_unsupported", "send Alert"),
        ("<status>Actual</status>", "<status>Test</status>", "entity_unsupported", "Actual"),
        ("<status>Actual</status>", "", "shape_invalid", "write one of"),
        (SAID, "22/11/2026</sent>", "time_invalid", "offset"),
        (SAID, "9999-11-22T09:02:30+07:00</sent>", "time_invalid", "time"),
        (SAID, "2026-12-22T09:02:30+07:00</sent>", "time_future", "clock"),
        ("<references>ioc@example.gov.vn,", "<references>", "shape_invalid", "sender,identifier"),
        ("<event>", "<event/><was>", "shape_invalid", "well-formed"),
        ("<identifier>", "<identifier>a b", "shape_invalid", "without blanks"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_cure(
    before: str, after: str, reason: str, cure: str
) -> None:
    assert before in GOOD
    found, detail = _refused(GOOD.replace(before, after, 1))
    assert found.value == reason
    assert cure in detail


def test_a_cancel_that_names_nothing_is_refused() -> None:
    begin, end = GOOD.index("<references>"), GOOD.index("</references>")
    assert "name the message" in _refused(GOOD[:begin] + GOOD[end + len("</references>") :])[1]


def test_a_word_that_cap_has_not_is_unknown() -> None:
    assert _read(GOOD.replace("Severe", "Terrible")).infos[0].severity is Grade.UNKNOWN


def test_a_bad_polygon_costs_the_polygon_only() -> None:
    found = read_messages(GOOD.replace("21.30000,105.30000 ", "200,5 ", 1).encode(), NOW)
    assert found.messages[0].message.kind is Kind.CANCEL
    assert found.messages[0].message.infos[0].areas[0].rings == ()
    assert [one.reason for one in found.remarks] == [Reason.PLACE_DROPPED]


def test_a_signature_is_seen() -> None:
    signed = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></alert>'
    assert not _read(GOOD).signed
    assert _read(GOOD.replace("</alert>", signed)).signed


def test_a_feed_gives_what_it_holds_and_leads_to_the_rest() -> None:
    inner = GOOD[GOOD.index("<alert") :]
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><link href="/self"/>'
        '<entry><link href="/a.html"/><link href="/a" type="application/cap+xml"/></entry>'
        '<entry><link href="/b"/></entry>'
        f'<entry><content type="text/xml">{inner}</content></entry></feed>'
    )
    found = read_messages(feed.encode(), NOW)
    assert found.links == ["/a", "/b"]
    assert len(found.messages) == 1


def test_an_empty_feed_is_no_fault() -> None:
    found = read_messages(b'<feed xmlns="http://www.w3.org/2005/Atom"/>', NOW)
    assert (found.received, found.links) == (0, [])


@given(st.binary(max_size=300))
def test_no_bytes_are_a_fault(body: bytes) -> None:
    assert read_messages(body, NOW).received


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text(max_size=5))
def test_no_damage_is_a_fault(at: int, until: int, text: str) -> None:
    damaged = GOOD[: min(at, until)] + text + GOOD[max(at, until) :]
    assert read_messages(damaged.encode("utf-8", "replace"), NOW).received


def test_entities_are_refused_before_they_grow() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + GOOD[38:]
    assert "entities are not read" in _refused(bomb)[1]
