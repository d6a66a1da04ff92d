"""Sparkplug B: field numbers of the specification, births, deaths, and what is not taken."""

import struct
from typing import Any

import pytest

from ingest.decode import decode
from ingest.decoders.births import Births
from ingest.decoders.sparkplug import node_of
from ingest.decoders.sparkplug_message import Message
from ingest.payload import Replay
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


def _send(
    births: Births,
    kind: str,
    *metrics: bytes,
    device: str = "",
    feed: int = 1,
    seq: int | None = None,
    **more: Any,
) -> Any:
    body = _field(1, AT_MS) + b"".join(_field(2, metric) for metric in metrics)
    body += b"" if seq is None else _field(3, seq)
    topic = f"spBv1.0/nuoc/{kind}/bom" + (f"/{device}" if device else "")
    payload = a_payload(body, "", topic_key=topic, **more)
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


def _bd_seq(number: int) -> bytes:
    return _field(1, b"bdSeq") + _field(4, 8) + _field(11, number)


def test_a_late_death_of_an_earlier_session_ends_nothing() -> None:
    births = Births()
    born = _field(1, b"a") + _field(2, 1) + _field(13, 0.0)
    _send(births, "NBIRTH", _bd_seq(4), born)
    _send(births, "NBIRTH", _bd_seq(5), born)
    for gone in (_bd_seq(4), _field(1, b"x")):
        _send(births, "NDEATH", gone)
        assert len(_send(births, "NDATA", _field(2, 1) + _field(13, 1.0)).keys) == 1
    _send(births, "NDEATH", _bd_seq(5))
    assert refusals(_send(births, "NDATA", _field(2, 1) + _field(13, 1.0))) == {0: "alias_unknown"}


def test_a_death_below_a_node_ends_what_was_known_of_it_alone() -> None:
    births = Births()
    _send(births, "NBIRTH", _field(1, b"a") + _field(2, 1) + _field(13, 0.0))
    for device, alias in (("be-1", 2), ("be-2", 3)):
        _send(births, "DBIRTH", _field(1, b"muc") + _field(2, alias), device=device)
    _send(births, "DDEATH", device="be-1")
    found = _send(births, "DDATA", _field(2, 2) + _field(13, 1.0), device="be-1")
    assert refusals(found) == {0: "alias_unknown"}
    assert len(_send(births, "DDATA", _field(2, 3) + _field(13, 1.0), device="be-2").keys) == 1
    assert len(_send(births, "NDATA", _field(2, 1) + _field(13, 1.0)).keys) == 1


def test_a_replay_out_of_quarantine_is_no_news_of_births_and_deaths() -> None:
    births = Births()
    _send(births, "NBIRTH", _field(1, b"a") + _field(2, 1) + _field(4, 1) + _field(10, 0))
    again: dict[str, Any] = {"replay": Replay(1, 0, 60.0)}
    _send(births, "NBIRTH", _field(1, b"b") + _field(2, 2) + _field(13, 0.0), **again)
    _send(births, "NDEATH", **again)
    found = _send(births, "NDATA", _field(2, 1) + _field(10, 250), **again)
    assert rows(found) == [("nuoc/bom/a", AT, -6.0)]


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


@pytest.mark.parametrize("sent", [128, 250, 255, 32_768, 65_530, 2**31, 2**32 - 6, 2**64 - 6])
def test_an_integer_that_may_be_negative_waits_for_a_birth_that_tells_its_type(sent: int) -> None:
    metric = _field(1, b"a") + _field(11, sent)
    births = Births()
    found = _send(births, "NDATA", metric)
    [refused] = found.refused
    assert refused.problem.reason.value == "datatype_unknown"
    assert "rebirth" in refused.problem.detail
    _send(births, "NBIRTH", _field(1, b"a") + _field(4, 8) + _field(11, 0))
    assert rows(_send(births, "NDATA", metric))[0][2] == float(sent)
    assert rows(_send(Births(), "NDATA", metric + _field(4, 8)))[0][2] == float(sent)


@pytest.mark.parametrize("sent", [0, 1, 127, 256, 32_767, 65_536, 2**31 - 1, 2**32])
def test_an_integer_that_cannot_be_negative_needs_no_type(sent: int) -> None:
    found = _send(Births(), "NDATA", _field(1, b"a") + _field(11, sent))
    assert rows(found)[0][2] == float(sent)


def _quality(number: int, name: bytes = b"Quality") -> bytes:
    return _field(9, _field(1, name) + _field(2, _field(1, 3) + _field(3, number)))


def test_a_value_that_the_node_itself_calls_bad_is_refused_and_never_stored() -> None:
    births = Births()
    for kind in ("NBIRTH", "NDATA"):
        found = _send(
            births, kind,
            *(_field(1, name) + _field(13, 1.0) + _quality(number)
              for name, number in ((b"a", 192), (b"b", 0), (b"c", 500), (b"d", 64), (b"e", 216))),
            _field(1, b"f") + _field(13, 1.0) + _quality(0, b"Khac"),
        )  # fmt: skip
        assert [row[0] for row in rows(found)] == ["nuoc/bom/a", "nuoc/bom/e", "nuoc/bom/f"]
        assert [r.problem.reason.value for r in found.refused] == ["value_invalid"] * 3
        for refused, said in zip(found.refused, ("0: bad", "500: stale", "64"), strict=True):
            assert f"Quality {said}" in refused.problem.detail


def test_what_is_transient_by_its_own_word_is_told_and_not_stored() -> None:
    births = Births()
    transient = _field(1, b"a") + _field(2, 1) + _field(6, 1) + _field(13, 1.0)
    found = _send(births, "NBIRTH", transient, _field(1, b"b") + _field(13, 2.0))
    assert (rows(found), found.refused) == ([("nuoc/bom/b", AT, 2.0)], [])
    [remark] = found.remarks
    assert (remark.index, remark.reason.value) == (-1, "value_transient")
    assert "is_transient" in remark.detail
    # It is declared all the same.
    assert len(_send(births, "NDATA", _field(2, 1) + _field(13, 1.0)).keys) == 1


def _gaps(found: Any) -> list[str]:
    return [r.detail.split(" ", 1)[0] for r in found.remarks if r.reason == "sequence_gap"]


def test_payloads_that_are_missing_in_the_sequence_are_counted_and_told() -> None:
    births = Births()
    metric = _field(1, b"a") + _field(13, 1.0)
    for kind, seq, missed in (
        ("NBIRTH", 250, []), ("NDATA", 251, []), ("DBIRTH", 252, []), ("DDATA", 255, ["2"]),
        ("NDATA", 0, []), ("NDATA", 2, ["1"]), ("NDATA", 1, []), ("NDATA", 3, []),
        ("DDEATH", 5, ["1"]), ("NBIRTH", 0, []), ("NDATA", 1, []), ("NDATA", None, []),
        ("NDATA", 2, []),
    ):  # fmt: skip
        found = _send(births, kind, metric, seq=seq, device="be" if kind[0] == "D" else "")
        assert _gaps(found) == missed, (kind, seq)


def test_what_is_sent_again_or_divided_among_processes_has_no_gaps() -> None:
    metric = _field(1, b"a") + _field(13, 1.0)
    births = Births()
    _send(births, "NBIRTH", metric, seq=0)
    assert _gaps(_send(births, "NDATA", metric, seq=9, redelivered=True)) == []
    assert _gaps(_send(births, "NDATA", metric, seq=1)) == []
    divided = Births(sequenced=False)
    _send(divided, "NBIRTH", metric, seq=0)
    assert _gaps(_send(divided, "NDATA", metric, seq=9)) == []


def test_texts_that_are_not_utf_8_cost_their_metric_only() -> None:
    found = _send(
        Births(), "NBIRTH",
        _field(1, b"\xff") + _field(13, 1.0), _field(1, b"b") + _field(15, b"\xff"),
        _field(1, b"c") + _field(13, 2.0) + _field(9, _field(1, b"engUnit") + _field(
            2, _field(8, b"\xff"))),
    )  # fmt: skip
    assert refusals(found) == {0: "series_invalid", 1: "value_invalid"}
    assert rows(found) == [("nuoc/bom/c", AT, 2.0)]


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


@pytest.mark.parametrize(
    ("topic", "node"),
    [
        ("spBv1.0/nuoc/NDATA/bom", "nuoc/bom"), ("spBv1.0/nuoc/DDATA/bom/be", "nuoc/bom"),
        ("spBv1.0/STATE/scada", None), ("spBv1.0/nuoc", None), ("a/x", None), (None, None),
        (f"spBv1.0/nuoc/NDATA/{'x' * 300}", None),
    ],
)  # fmt: skip
def test_a_topic_names_its_node(topic: str | None, node: str | None) -> None:
    assert node_of(topic) == node


def test_a_birth_of_which_nothing_can_be_stored_is_not_remembered() -> None:
    births = Births()
    body = _field(1, AT_MS) + _field(2, _field(1, b"a") + _field(2, 1) + _field(13, 1.0))
    payload = a_payload(body, "", topic_key=f"spBv1.0/nuoc/NBIRTH/{'x' * 300}")
    assert refusals(decode(payload, a_feed(), births)) == {0: "series_invalid"}
    assert births.changes() == []
