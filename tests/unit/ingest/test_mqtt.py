"""Topics of the broker, as the subscriber reads them, and its acknowledgements."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.intake import Intake
from ingest.mqtt import MqttSource, _Link, split_topic
from ioc.model import Receipt
from tests.fixtures.decoding import RECEIVED, a_feed


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("ioc/v1/so-y-te/giuong", ("so-y-te", "giuong", None)),
        ("ioc/v1/so-y-te/giuong/", ("so-y-te", "giuong", None)),
        ("ioc/v1/so-y-te/giuong/bv-1/beds", ("so-y-te", "giuong", "bv-1/beds")),
        ("ioc/v1/so-y-te", None),
        ("ioc/v1//giuong", None),
        ("ioc/v2/so-y-te/giuong", None),
        ("ioc/errors/so-y-te/giuong", None),
    ],
)
def test_a_topic_names_agency_feed_and_series(topic: str, parts: object) -> None:
    assert split_topic(topic) == parts


@given(st.text())
def test_any_other_topic_is_of_no_feed(topic: str) -> None:
    found = split_topic(topic)
    assert found is None or topic.startswith("ioc/v1/")


class _Wire(asyncio.Transport):
    """A connection of which each write is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))


async def test_the_acknowledgements_of_a_commit_leave_in_one_write_or_with_their_line() -> None:
    source = MqttSource(
        "mqtt://u:p@localhost", Intake(limit_bytes=1_000_000), feed_of=lambda *_: a_feed(),
        learn=_nothing, unknown=lambda *_: None, now=lambda: RECEIVED,
    )  # fmt: skip
    wire, link = _Wire(), _Link(source)
    link.connection_made(wire)
    wire.written.clear()
    link.data_received(b"".join(_publish(mid) for mid in range(1, 301)))
    payloads = await source.intake.take(most=1_000, most_bytes=1_000_000)
    for payload in payloads[:200]:
        payload.answer(Receipt())
    await asyncio.sleep(0)
    acks = b"".join(b"\x40\x02" + mid.to_bytes(2) for mid in range(1, 201))
    assert wire.written == [acks]
    payloads[200].answer(Receipt())
    link.connection_lost(None)
    for payload in payloads[201:]:
        payload.answer(Receipt())
    await asyncio.sleep(0)
    assert wire.written == [acks]
    assert isinstance(link.greeted.exception(), ConnectionResetError)


def _publish(mid: int) -> bytes:
    topic, body = b"ioc/v1/a/f", b"1"
    return (
        bytes([0x32, 2 + len(topic) + 2 + len(body)]) + len(topic).to_bytes(2) + topic
        + mid.to_bytes(2) + body
    )  # fmt: skip


async def _nothing() -> None:
    """All feeds are known."""
