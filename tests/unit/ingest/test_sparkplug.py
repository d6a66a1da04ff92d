"""Sparkplug B: field numbers of the specification, births, aliases and their bounds."""

import struct
from typing import Any

from ingest.decode import decode
from ingest.decoders.sparkplug import Births, Declared, Message
from tests.fixtures.decoding import a_feed, a_payload, refusals, rows, whole

AT_MS = 1_795_312_800_000
AT = "2026-11-22T02:00:00Z"


def _varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def _field(number: int, value: int | bytes | float) -> bytes:
    """One field on the wire, by hand, so that the numbers do not come from what is tested."""
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(len(value)) + value
    if isinstance(value, float):
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    return _varint(number << 3) + _varint(value)


def _send(births: Births, kind: str, *metrics: bytes, device: str = "", feed: int = 1) -> Any:
    body = _field(1, AT_MS) + b"".join(_field(2, metric) for metric in metrics)
    topic = f"spBv1.0/nuoc/{kind}/bom" + (f"/{device}" if device else "")
    payload = a_payload(body, "", topic_key=topic)
    found = decode(payload, a_feed(key=feed), births)
    assert whole(found)
    return found


def test_a_birth_names_what_later_data_call_by_their_alias() -> None:
    births = Births()
    unit = _field(1, b"engUnit") + _field(2, _field(1, 12) + _field(8, b"bar"))
    birth = (
        _field(1, b"ap-suat") + _field(2, 7) + _field(4, 10) + _field(9, unit) + _field(13, 4.25)
    )
    found = _send(births, "NBIRTH", birth)
    assert (rows(found), found.uoms) == ([("nuoc/bom/ap-suat", AT, 4.25)], ["bar"])
    found = _send(births, "NDATA", _field(2, 7) + _field(3, AT_MS + 1000) + _field(13, 4.5))
    assert rows(found) == [("nuoc/bom/ap-suat", "2026-11-22T02:00:01Z", 4.5)]
    assert found.uoms == ["bar"]


def test_an_alias_without_a_birth_is_refused_and_the_cure_is_a_rebirth() -> None:
    found = _send(
        Births(), "NDATA", _field(2, 7) + _field(13, 1.0), _field(1, b"x") + _field(13, 2.0)
    )
    assert refusals(found) == {0: "alias_unknown"}
    assert "rebirth" in found.refused[0].problem.detail
    assert rows(found) == [("nuoc/bom/x", AT, 2.0)]


def test_devices_have_names_of_their_own_and_share_the_aliases_of_their_node() -> None:
    births = Births()
    _send(births, "NBIRTH", _field(1, b"tong") + _field(2, 1) + _field(13, 0.0))
    _send(births, "DBIRTH", _field(1, b"muc") + _field(2, 2) + _field(13, 0.0), device="be-1")
    found = _send(births, "DDATA", _field(2, 2) + _field(13, 3.0), device="be-1")
    assert rows(found) == [("nuoc/bom/be-1/muc", AT, 3.0)]


def test_a_death_and_a_new_birth_end_what_was_known() -> None:
    births = Births()
    _send(births, "NBIRTH", _field(1, b"a") + _field(2, 1) + _field(13, 0.0))
    assert _send(births, "NDEATH").received == 0
    assert refusals(_send(births, "NDATA", _field(2, 1) + _field(13, 1.0))) == {0: "alias_unknown"}
    _send(births, "NBIRTH", _field(1, b"a") + _field(2, 1) + _field(13, 0.0))
    _send(births, "NBIRTH", _field(1, b"a") + _field(2, 5) + _field(13, 0.0))
    assert refusals(_send(births, "NDATA", _field(2, 1) + _field(13, 1.0))) == {0: "alias_unknown"}


def test_births_of_one_feed_say_nothing_of_another() -> None:
    births = Births()
    _send(births, "NBIRTH", _field(1, b"a") + _field(2, 1) + _field(13, 0.0), feed=1)
    found = _send(births, "NDATA", _field(2, 1) + _field(13, 1.0), feed=2)
    assert refusals(found) == {0: "alias_unknown"}


def test_signed_numbers_come_back_from_their_unsigned_form() -> None:
    births = Births()
    for datatype, field, sent, meant in (
        (1, 10, 2**32 - 5, -5.0), (3, 10, 2**32 - 5, -5.0), (4, 11, 2**64 - 5, -5.0),
        (7, 10, 2**32 - 5, 2.0**32 - 5), (8, 11, 2**63, 2.0**63), (2, 10, 65_531, -5.0),
    ):  # fmt: skip
        born = _field(1, b"a") + _field(2, 1) + _field(4, datatype) + _field(field, 0)
        _send(births, "NBIRTH", born)
        assert rows(_send(births, "NDATA", _field(2, 1) + _field(field, sent)))[0][2] == meant


def test_texts_and_truths_are_taken_and_what_is_not_stored_is_refused() -> None:
    found = _send(
        Births(), "NDATA",
        _field(1, b"a") + _field(14, 1), _field(1, b"b") + _field(15, "mở".encode()),
        _field(1, b"c") + _field(16, b"x"), _field(1, b"d") + _field(7, 1), _field(13, 1.0),
    )  # fmt: skip
    assert [row[2] for row in rows(found)] == [True, "mở"]
    assert refusals(found) == {2: "value_missing", 3: "value_missing", 4: "series_missing"}


def test_what_is_kept_of_a_metric_is_a_payload_of_its_own() -> None:
    births = Births()
    _send(births, "NBIRTH", _field(1, b"a") + _field(2, 1) + _field(16, b"x"))
    found = _send(births, "NDATA", _field(2, 1) + _field(16, b"x"))
    message = Message()
    message.ParseFromString(found.refused[0].raw)
    assert [metric.name for metric in message.metrics] == ["a"]
    assert message.timestamp == AT_MS


def test_metrics_of_the_connection_and_other_message_types_are_no_observations() -> None:
    births = Births()
    found = _send(births, "NBIRTH", _field(1, b"bdSeq") + _field(11, 3),
                  _field(1, b"Node Control/Rebirth") + _field(14, 0))  # fmt: skip
    assert found.received == 0
    for kind in ("NDEATH", "DDEATH", "NCMD", "DCMD"):
        assert _send(births, kind, _field(1, b"a") + _field(13, 1.0)).received == 0
    state = decode(a_payload(b"{}", "", topic_key="spBv1.0/STATE/scada"), a_feed())
    assert state.received == 0


def test_a_topic_that_is_none_of_sparkplug_is_refused() -> None:
    payload = a_payload(b"\x08\x01", topic_key="spBv1.0/nuoc")
    assert refusals(decode(payload, a_feed(format="sparkplug"))) == {-1: "shape_invalid"}


def test_over_rest_metrics_go_by_their_names() -> None:
    body = _field(1, AT_MS) + _field(2, _field(1, b"a/x") + _field(13, 1.0))
    payload = a_payload(body, "application/x-protobuf")
    assert rows(decode(payload, a_feed())) == [("a/x", AT, 1.0)]


def test_births_are_bounded_and_the_longest_silent_node_goes_first() -> None:
    births = Births(most=8)
    for node in ("a", "b"):
        for alias in (1, 2):
            births.born(1, node, "", alias, Declared(f"m{alias}", 10, ""))
    assert births.find(1, "a", "", 1, "") is not None
    births.born(1, "c", "", 1, Declared("m1", 10, ""))
    assert births.find(1, "b", "", 1, "") is None
    assert births.find(1, "a", "", 1, "") is not None
    for alias in range(10):
        births.born(1, "d", "", alias, Declared(f"m{alias}", 10, ""))
    held = [n for n in "abcd" for a in range(10) if births.find(1, n, "", a, "") is not None]
    assert len(held) <= 4


def test_a_text_that_is_not_utf8_costs_its_own_metric_only() -> None:
    unit = _field(1, b"engUnit") + _field(2, _field(1, 12) + _field(8, b"\xff"))
    found = _send(
        Births(), "NDATA", _field(1, b"\xff") + _field(13, 1.0), _field(1, b"x") + _field(13, 2.0),
        _field(1, b"y") + _field(15, b"\xff"), _field(1, b"z") + _field(9, unit) + _field(13, 3.0),
    )  # fmt: skip
    assert rows(found) == [("nuoc/bom/x", AT, 2.0)]
    assert list(refusals(found).values()) == ["encoding_invalid"] * 3
