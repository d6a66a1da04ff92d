"""MQTT packets read back what an independent writer of them meant, however the stream is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest import mqtt_packets as packets
from ingest.mqtt_packets import Malformed, Publish

TOPICS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=200)


def _length(size: int) -> bytes:
    out = b""
    while True:
        size, low = size >> 7, size & 127
        out += bytes([low | (128 if size else 0)])
        if not size:
            return out


def _publish(
    topic: str, body: bytes, mid: int, qos: int, dup: bool, retain: bool, properties: bytes
) -> bytes:
    """A PUBLISH put together by the letter of the standard, sections 3.3.1 to 3.3.3."""
    name = topic.encode()
    rest = len(name).to_bytes(2, "big") + name
    if qos:
        rest += mid.to_bytes(2, "big")
    rest += properties + body
    return bytes([0x30 | dup << 3 | qos << 1 | retain]) + _length(len(rest)) + rest


def _all(data: bytes, *, five: bool = False) -> list[Publish]:
    spans, used, _ = packets.split(data)
    assert used == len(data)
    return [packets.publish_of(data, *span, five=five) for span in spans]


@given(
    st.lists(
        st.tuples(TOPICS, st.binary(max_size=400), st.integers(1, 65_535), st.integers(0, 1),
                  st.booleans(), st.booleans()),
        max_size=8,
    ),
    st.data(),
)  # fmt: skip
def test_a_stream_of_publishes_is_read_whole_however_it_is_cut(
    sent: list[tuple[str, bytes, int, int, bool, bool]], data: Any
) -> None:
    stream = b"".join(_publish(*one, b"") for one in sent)
    found: list[Publish] = []
    buffer, at = b"", 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        buffer, at = buffer + stream[at : at + step], at + step
        spans, used, needed = packets.split(buffer)
        found += [packets.publish_of(buffer, *span, five=False) for span in spans]
        buffer = buffer[used:]
        assert needed > len(buffer), "with what it asks for it gets on"
    assert buffer == b""
    assert found == [
        Publish(topic, mid if qos else 0, qos, dup, retain, body, "")
        for topic, body, mid, qos, dup, retain in sent
    ]


@given(TOPICS.filter(bool), st.binary(max_size=50), st.text("abc/+json", max_size=30),
       st.integers(0, 3), st.booleans())  # fmt: skip
def test_the_content_type_is_found_among_other_properties(
    topic: str, body: bytes, content_type: str, users: int, expiring: bool
) -> None:
    properties = Properties(PacketTypes.PUBLISH)
    for n in range(users):
        properties.UserProperty = (f"k{n}", "v")
    if expiring:
        properties.MessageExpiryInterval = 60
        properties.CorrelationData = b"\x03\x00"
    properties.ContentType = content_type
    (found,) = _all(_publish(topic, body, 9, 1, False, False, properties.pack()), five=True)
    assert (found.content_type, found.body, found.mid) == (content_type, body, 9)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_read_or_refused_and_nothing_else_happens(data: bytes, five: bool) -> None:
    try:
        spans, used, needed = packets.split(data)
        assert 0 <= used <= len(data)
        assert needed > len(data) - used
        for first, start, end in spans:
            assert used >= end >= start >= 2
            packets.publish_of(data, first, start, end, five=five)
            packets.codes_of(data, start, end, five=five)
            packets.greeting_of(data, start, end)
    except Malformed:
        pass


@pytest.mark.parametrize(
    "packet",
    [
        b"\x32\x02\x00\x00",  # a QoS 1 publish without an id
        b"\x30\x01\x00",  # half a length
        b"\x30\x04\x00\x09ab",  # a topic longer than its packet
        b"\x30\x04\x00\x02\xff\xfe",  # a topic that is no text
    ],
)
def test_a_publish_that_is_cut_within_is_refused(packet: bytes) -> None:
    with pytest.raises(Malformed):
        _all(packet)


def test_a_length_without_an_end_is_refused() -> None:
    with pytest.raises(Malformed):
        packets.split(b"\x30\xff\xff\xff\xff\x01")
