"""Recordings: read line by line, and played then or now, at once or at a speed."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ioc.errors import Invalid
from ioc.simulate.recording import BadLine, Row, default_series, read_recording
from ioc.simulate.replay import Player, bodies

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def rows_of(text: str, *, fixed: bool = False) -> list[Row | BadLine]:
    return list(read_recording(text.splitlines(keepends=True), "s/value", fixed=fixed))


def test_the_base_name_of_a_file_is_the_feature():
    assert default_series(Path("/x/speed_6005.csv"), "value") == "speed_6005/value"
    assert default_series(Path("a.b.jsonl"), "speed") == "a/speed"


def test_a_csv_of_time_and_value_is_read():
    assert rows_of("timestamp,value\n2015-09-01 13:45:00,3.06\n") == [
        Row("s/value", datetime(2015, 9, 1, 13, 45), 3.06)  # noqa: DTZ001, the feed's own time
    ]


def test_a_series_column_names_the_series_unless_one_is_given():
    text = "series,time,value\nx/speed,2026-11-22T09:00:00+07:00,5\n"
    assert [row.series for row in rows_of(text) if isinstance(row, Row)] == ["x/speed"]
    assert [row.series for row in rows_of(text, fixed=True) if isinstance(row, Row)] == ["s/value"]


def test_bad_lines_are_named_by_number_and_cost_nothing_else():
    text = (
        "time,value\n2026-11-22 09:00:00,1\nnonsense,2\n\n2026-11-22 09:00:01,\n"
        '2026-11-22 09:00:02,3,4\n"2026-11-22 09:00:03",5\n'
    )
    found = rows_of(text)
    assert [row.value for row in found if isinstance(row, Row)] == [1.0, 5.0]
    assert [bad.number for bad in found if isinstance(bad, BadLine)] == [3, 5, 6]


def test_json_lines_are_read_with_either_name_of_the_time():
    text = (
        '{"time":"2026-11-22T09:00:00Z","value":1,"series":"a/b"}\n'
        '{"timestamp":"2026-11-22T09:00:01","value":true}\nnot json\n{"value":3}\n'
    )
    found = rows_of(text)
    assert found[0] == Row("a/b", datetime(2026, 11, 22, 9, tzinfo=UTC), 1.0)
    assert isinstance(found[1], Row)
    assert found[1].value is True
    assert [bad.number for bad in found if isinstance(bad, BadLine)] == [3, 4]


def test_a_file_without_header_says_what_it_lacks():
    with pytest.raises(Invalid, match="name the columns"):
        rows_of("2026-11-22 09:00:00,1\n")


def test_an_empty_file_has_no_rows():
    assert rows_of("") == []


def a_recording(many: int, step: int = 300) -> list[Row]:
    first = datetime(2015, 9, 1, 13, 45)  # noqa: DTZ001, the feed's own time
    return [Row("a/b", first + timedelta(seconds=n * step), float(n)) for n in range(many)]


def test_kept_times_without_offset_go_out_without_one():
    player = Player(math.inf, False, ZONE)
    ((due, body),) = bodies(player.played(a_recording(2), START))
    assert due == 0.0
    assert msgspec.json.decode(body)[1] == {
        "series": "a/b",
        "time": "2015-09-01T13:50:00",
        "value": 1.0,
    }


def test_at_once_and_now_the_newest_row_is_now():
    played = [item for _, item in Player(math.inf, True, ZONE).played(a_recording(3), START)]
    assert played[-1].time == START
    assert played[0].time == START - timedelta(seconds=600)


def test_at_a_speed_and_now_no_row_is_ahead_of_its_sending():
    played = list(Player(60.0, True, ZONE).played(a_recording(13), START))
    assert [due for due, _ in played] == [5.0 * n for n in range(13)]
    assert all(item.time == START + timedelta(seconds=due) for due, item in played)


def test_bodies_hold_a_thousand_rows_in_order():
    found = list(bodies(Player(math.inf, False, ZONE).played(a_recording(2_100), START)))
    decoded = [msgspec.json.decode(body) for _, body in found]
    assert [len(items) for items in decoded] == [1_000, 1_000, 100]
    values = [item["value"] for items in decoded for item in items]
    assert values == sorted(values)
