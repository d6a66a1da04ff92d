"""CAP as XML, against the schema and against files that were looked at."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from defusedxml.ElementTree import fromstring

from alerts.cap import Message
from alerts.cap_telling import messages_of
from ioc.documents.cap import FeedEntry, atom_xml, cap_xml
from ioc.model import Severity, Text
from tests.fixtures.cap import AREA, SENT, SETTING, entry
from tests.fixtures.xsd import Schema

GOLDEN = Path("tests/data/cap")

MESSAGES = messages_of(
    [entry(1), entry(2, severity=Severity.CRITICAL, national_level=4), entry(3, state="cleared")],
    AREA,
    SETTING,
)


@pytest.fixture
def schema(data: Path) -> Schema:
    """The schema of CAP 1.2, from the data folder; without it the golden files stand alone."""
    return Schema(data / "cap" / "schema" / "CAP-v1.2.xsd")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: one.kind.value.lower())
def test_a_message_is_written_as_its_golden_file(message: Message) -> None:
    golden = GOLDEN / f"{message.kind.value.lower()}.xml"
    assert cap_xml(message) == golden.read_bytes().rstrip(b"\n")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: one.kind.value.lower())
def test_a_message_is_valid_by_the_schema(message: Message, schema: Schema) -> None:
    assert schema.faults(cap_xml(message)) == []


def test_the_schema_refuses_what_is_not_cap(schema: Schema) -> None:
    good = cap_xml(MESSAGES[0])
    for bad in (
        good.replace(b"<status>Actual</status>", b"<status>Real</status>"),
        good.replace(b"+07:00</sent>", b"Z</sent>"),
        good.replace(b"<scope>Restricted</scope>", b""),
        good.replace(b"<info>", b"<more /><info>", 1),
    ):
        assert bad != good
        assert schema.faults(bad)


def test_universal_time_has_the_offset_that_cap_wants() -> None:
    message = msgspec.structs.replace(MESSAGES[0], sent=SENT.replace(microsecond=0))
    assert b"<sent>2026-11-22T02:00:30-00:00</sent>" in cap_xml(message)


def test_characters_that_no_xml_holds_are_replaced() -> None:
    title = Text("a\x00b<&>", "a\ufffeb")
    root = fromstring(cap_xml(messages_of([entry(1, title=title)], AREA, SETTING)[0]))
    events = [one.text for one in root.iter() if one.tag.endswith("}event")]
    assert events == ["a\ufffdb<&>", "a\ufffdb"]


def test_a_page_of_the_feed_leads_to_alerts_and_to_the_next_page() -> None:
    at = datetime(2026, 11, 22, 2, tzinfo=UTC)
    feed = fromstring(
        atom_xml(
            id="urn:uuid:1", title="IOC", updated=at, here="http://x/here", next="http://x/next",
            entries=[FeedEntry("urn:uuid:2", "Mưa lớn", at, "http://x/2.cap.xml")],
        )
    )  # fmt: skip
    atom = "{http://www.w3.org/2005/Atom}"
    assert {e.get("rel"): e.get("href") for e in feed.findall(f"{atom}link")} == {
        "self": "http://x/here", "next": "http://x/next",
    }  # fmt: skip
    assert feed.findtext(f"{atom}entry/{atom}updated") == "2026-11-22T02:00:00+00:00"
    link = feed.find(f"{atom}entry/{atom}link")
    assert link is not None
    assert (link.get("href"), link.get("type")) == ("http://x/2.cap.xml", "application/cap+xml")
