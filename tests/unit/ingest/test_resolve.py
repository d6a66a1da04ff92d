"""From decoded items to rows: kinds, units, clocks and limits, each refusal with its cure."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

import pytest

from ingest.decode import decode
from ingest.payload import Decoded
from ioc.flow.resolve import Resolver
from ioc.model import Feed, Series, SeriesId, ValueKind
from ioc.store.flush import Part
from ioc.store.pool import WritePool
from ioc.store.registry import Registry
from tests.fixtures.decoding import RECEIVED, a_feed, a_payload

AT = RECEIVED.isoformat()
ZONE = "Asia/Ho_Chi_Minh"


class _Registry(Registry):
    """Makes series without a database."""

    def known(self, feed: Feed, series: Iterable[Series]) -> "_Registry":
        self.feeds[feed.key] = feed
        for each in series:
            self._put(each)
        return self

    async def create_series(self, writes: Any, feed: Any, wanted: Any, uoms: Any = None) -> Any:
        made = [
            _series(self.highest + place, key, value_kind=kind, uom=(uoms or {}).get(key))
            for place, (key, kind) in enumerate(wanted.items(), 1)
        ]
        for series in made:
            self._put(series)
        return made


def _series(number: int, key: str, **more: Any) -> Series:
    feature, _, prop = key.rpartition("/")
    return Series(id=SeriesId(number), feed_key=1, key=key, feature=feature, property=prop, **more)


KNOWN = (
    _series(1, "a/x", uom="Cel"),
    _series(2, "a/state", value_kind=ValueKind.TEXT),
    _series(3, "a/open", value_kind=ValueKind.BOOLEAN),
)


async def _resolve(
    content: Any,
    kind: str = "application/json",
    known: Iterable[Series] = KNOWN,
    waited: timedelta = timedelta(0),
    **more: Any,
) -> tuple[Part, _Registry]:
    feed = a_feed(**more)
    registry = _Registry().known(feed, known)
    resolver = Resolver(registry, cast(WritePool, None), ZONE)
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    payload = a_payload(body, kind)
    found: Decoded = decode(payload, feed)
    resolver.read_numbers([(feed, found)])
    await resolver.make_series([(feed, found)])
    now = RECEIVED + waited
    [plain] = resolver.resolve_plain([(payload, feed, found)], now)
    careful = resolver.resolve(payload, feed, found, now)
    if plain is not None:
        assert plain.rows.value.tolist() == careful.rows.value.tolist()
        assert careful.quarantined == []
    return careful, registry


def _item(value: Any, series: str = "a/x", time: str = AT) -> dict[str, Any]:
    return {"series": series, "time": time, "value": value}


def _refused(part: Part) -> list[tuple[int, str, str]]:
    return [(q.problem.index, q.problem.reason.value, q.problem.detail) for q in part.quarantined]


async def test_vietnamese_numbers_are_numbers_where_the_feed_says_so() -> None:
    items = [_item("1.803,5"), _item("1.803,5", "a/state"), _item("2,5", "a/new")]
    part, registry = await _resolve(items, number_format="vietnamese", auto_series=True)
    assert part.rows.value.tolist() == [1803.5, 2.5]
    assert [text for _, _, text, _ in part.text] == ["1.803,5"]
    assert registry.series[registry.keys[1]["a/new"]].value_kind is ValueKind.NUMBER


async def test_a_vietnamese_number_is_refused_with_the_setting_that_would_read_it() -> None:
    part, _ = await _resolve([_item("1.803,5"), _item(1.5)])
    [(index, reason, detail)] = _refused(part)
    assert (index, reason) == (0, "value_kind")
    assert "ioc feed set f --number-format vietnamese" in detail
    assert part.rows.value.tolist() == [1.5]


async def test_an_unclear_number_is_refused_and_never_guessed() -> None:
    part, _ = await _resolve([_item("1.80")], number_format="vietnamese")
    [(_, reason, detail)] = _refused(part)
    assert (reason, "1.803,5" in detail) == ("value_kind", True)


async def test_a_csv_with_vietnamese_numbers_is_read_as_it_is_meant() -> None:
    table = f"series;time;value\na/x;{AT};1.803\na/x;{AT};12,4\n".encode()
    part, _ = await _resolve(table, "text/csv", number_format="vietnamese")
    assert part.rows.value.tolist() == [1803.0, 12.4]


async def test_a_result_seven_is_a_number_only_where_the_series_is_numeric() -> None:
    def observation(stream: str) -> dict[str, Any]:
        return {"result": "7", "phenomenonTime": AT, "Datastream": {"@iot.id": stream}}

    content = [observation("a/x"), observation("a/state"), observation("new")]
    part, registry = await _resolve(content, auto_series=True)
    assert part.rows.value.tolist() == [7.0]
    assert [text for _, _, text, _ in part.text] == ["7", "7"]
    assert registry.series[registry.keys[1]["new"]].value_kind is ValueKind.TEXT


@pytest.mark.parametrize(("unit", "taken"), [("Cel", True), ("degF", False), ("K", False)])
async def test_another_unit_than_that_of_the_series_is_refused_and_nothing_converted(
    unit: str, taken: bool
) -> None:
    pack = [{"n": "a/x", "u": unit, "t": RECEIVED.timestamp(), "v": 20}]
    part, _ = await _resolve(pack)
    if taken:
        assert part.rows.value.tolist() == [20.0]
    else:
        [(_, reason, detail)] = _refused(part)
        assert (reason, unit in detail, "convert" in detail) == ("uom_mismatch", True, True)
        assert json.loads(part.quarantined[0].raw)["uom"] == unit
        again, _ = await _resolve(part.quarantined[0].raw, part.quarantined[0].content_type)
        assert [reason for _, reason, _ in _refused(again)] == ["uom_mismatch"]


async def test_the_unit_of_the_first_observation_is_that_of_the_series_it_makes() -> None:
    entity = {
        "id": "t", "type": "W",
        "heat": {"value": 20, "unitCode": "CEL", "observedAt": AT},
    }  # fmt: skip
    part, registry = await _resolve(entity, auto_series=True, known=[])
    assert part.rows.value.tolist() == [20.0]
    assert registry.series[registry.keys[1]["t/heat"]].uom == "Cel"


async def test_local_time_sent_as_utc_is_recognised() -> None:
    for ahead, hint in ((7 * 3600 - 300, True), (7 * 3600, True), (4 * 3600, False), (600, False)):
        time = (RECEIVED + timedelta(seconds=ahead)).isoformat()
        part, _ = await _resolve([_item(1.0, time=time)])
        [(_, reason, detail)] = _refused(part)
        assert reason == "time_future"
        assert ("looks like local time sent as UTC" in detail) is hint
        assert ("check clock" in detail) is not hint


@pytest.mark.parametrize(
    ("zone", "hours", "cure"),
    [
        ("UTC", 7, "send the offset (+07:00), or for times without one: "
                   "ioc feed set f --time-zone Asia/Ho_Chi_Minh"),
        ("Europe/Paris", 6, "sent as Europe/Paris; send the offset (+07:00)"),
        ("Europe/Paris", 7, "sent as UTC; send the offset (+07:00)"),
        ("Asia/Ho_Chi_Minh", 7, "or leave out the Z and local time is assumed"),
        ("UTC", 0.2, "check clock and time zone"),
        ("Asia/Ho_Chi_Minh", 0.2, "check clock and time zone"),
        ("Asia/Tokyo", 0.2, "check clock and time zone"),
    ],
)  # fmt: skip
async def test_local_time_is_guessed_by_the_zone_of_the_province_in_a_feed_of_any_zone(
    zone: str, hours: float, cure: str
) -> None:
    time = (RECEIVED + timedelta(hours=hours)).isoformat()
    part, _ = await _resolve([_item(1.0, time=time)], time_zone=zone)
    [(_, reason, detail)] = _refused(part)
    assert reason == "time_future"
    assert cure in detail


async def test_what_had_to_wait_for_us_is_not_late_for_that() -> None:
    waited = timedelta(hours=3)
    part, _ = await _resolve([_item(1.0), _item(True, "a/open")], waited=waited, late_limit=3600.0)
    assert (part.late, len(part.rows)) == ([], 2)
    before = (RECEIVED - timedelta(minutes=61)).isoformat()
    part, _ = await _resolve([_item(1.0, time=before)], waited=waited, late_limit=3600.0)
    assert len(part.late) == 1


async def test_what_is_too_late_is_told_the_limit_that_would_take_it() -> None:
    time = (RECEIVED - timedelta(days=10, hours=1)).isoformat()
    part, _ = await _resolve([_item(1.0, time=time), _item(2.0)], late_limit=604800.0)
    [problem] = part.late
    assert "older than the 604800 s that feed f takes" in problem.detail
    assert "ioc feed set f --late-limit P11D" in problem.detail
    taken, _ = await _resolve([_item(1.0, time=time)], late_limit=11 * 86400.0)
    assert taken.rows.value.tolist() == [1.0]


NUMBERS = ["1.803,5", "12,5", "-0,25", "1,803.5", "1 803,5", "1.803.500", "1'803"]
NOTHING = ["N/A", "n/a", "null", "-", "—", "NaN", "", "  ", "không có", "Chưa có số liệu"]


@pytest.mark.parametrize("text", [*NUMBERS, *NOTHING])
async def test_a_text_that_stands_in_for_a_number_makes_no_series_of_texts(text: str) -> None:
    items = [_item(text, "new/x"), _item(12.5, "new/x"), _item(text, "new/y")]
    part, registry = await _resolve(items, auto_series=True)
    assert part.rows.value.tolist() == [12.5]
    assert part.text == []
    assert registry.series[registry.keys[1]["new/x"]].value_kind is ValueKind.NUMBER
    assert "new/y" not in registry.keys[1]
    reason = "value_kind" if text in NUMBERS else "value_missing"
    assert [(index, found) for index, found, _ in _refused(part)] == [(0, reason), (2, reason)]
    for *_, detail in _refused(part):
        assert ("leave out" if text in NOTHING else "number") in detail


async def test_a_first_number_with_a_decimal_comma_is_refused_with_the_setting() -> None:
    table = f"series;time;value\nnew/x;{AT};12,5\n".encode()
    part, _ = await _resolve(table, "text/csv", auto_series=True)
    [(_, _, detail)] = _refused(part)
    assert "ioc feed set f --number-format vietnamese" in detail
    told, _ = await _resolve(table, "text/csv", auto_series=True, number_format="vietnamese")
    assert told.rows.value.tolist() == [12.5]
    item = part.quarantined[0]
    again, _ = await _resolve(
        item.raw, item.content_type, auto_series=True, number_format="vietnamese"
    )
    assert again.rows.value.tolist() == [12.5]


@pytest.mark.parametrize(
    "text", ["đang mở", "none", "unknown", "7", "10.100.2.7", "2026-11-22", "A-12,5", "1.2.3"]
)
async def test_a_text_that_says_something_makes_a_series_of_texts(text: str) -> None:
    part, _ = await _resolve([_item(text, "new/x")], auto_series=True)
    assert [said for _, _, said, _ in part.text] == [text]


async def test_in_a_feed_of_vietnamese_numbers_a_plain_one_makes_no_series_of_texts() -> None:
    part, registry = await _resolve(
        [_item("1.80", "new/x")], auto_series=True, number_format="vietnamese"
    )
    [(_, reason, detail)] = _refused(part)
    assert (reason, "no number such as 1.803,5" in detail) == ("value_kind", True)
    assert "new/x" not in registry.keys[1]


@pytest.mark.parametrize(
    ("series", "value", "kind"),
    [("a/state", 12.5, "number"), ("a/open", 12.5, "number"), ("a/x", "đang mở", "text"),
     ("a/x", True, "boolean")],
)  # fmt: skip
async def test_a_value_of_another_kind_is_refused_with_the_way_to_change_the_series(
    series: str, value: Any, kind: str
) -> None:
    part, _ = await _resolve([_item(value, series)])
    [(_, reason, detail)] = _refused(part)
    assert reason == "value_kind"
    assert "PUT /api/v1/feeds/f/series " in detail
    change = json.loads(detail[detail.index("[") : detail.index("]") + 1])
    assert change == [{"key": series, "value_kind": kind}]


async def test_a_plain_number_as_a_text_is_told_to_be_sent_as_a_number() -> None:
    part, _ = await _resolve([_item("12.5")])
    [(_, _, detail)] = _refused(part)
    assert "send a number such as 1803.5 instead of a text" in detail


async def test_unknown_series_beyond_the_limit_of_the_feed_are_refused_with_the_cure() -> None:
    items = [_item(1.0, f"s{number}/x") for number in range(30)]
    part, registry = await _resolve(items, auto_series=True, most_series=13)
    assert len(registry.keys[1]) == 13
    refused = _refused(part)
    assert len(part.rows) + len(refused) == 30
    assert len(refused) == 20
    assert {reason for _, reason, _ in refused} == {"series_unknown"}
    assert "raise its limit" in refused[0][2]


async def test_what_is_kept_of_an_item_says_that_it_is_utf_8_in_a_feed_that_is_not() -> None:
    part, _ = await _resolve(
        f"series,time,value\na/x,{AT},\n".encode(), "text/csv", charset="latin-1"
    )
    assert part.quarantined[0].content_type == "text/csv; charset=utf-8"
