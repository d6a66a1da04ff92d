"""Real detectors of traffic, replayed through the engine as it runs: rule, rhythm and clock."""

import csv
import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from alerts.alert import State
from alerts.engine import Engine
from alerts.rhythm import HOUR, WEEK_HOURS
from alerts.rule import Deviation, Side
from alerts.rule_reading import decode_rule
from alerts.selection import SeriesFacts
from ioc.city.read import packaged_city
from ioc.flow.rhythms import MARGIN, Rhythms
from ioc.model import Columns, Domain
from ioc.procedures.calendar import Calendar, Day

WEEK = WEEK_HOURS * HOUR
LABOR_DAY = Day(date(2015, 9, 7), working=False, name="Labor Day", source="test")
SERIES = SeriesFacts(
    series_id=1, feed_key=1, domain=Domain.TRAFFIC, property="value", interval=300.0
)

Span = tuple[int, int]


def the_rule(side: Side) -> Deviation:
    """The city's own rule about unusual traffic, on the side that is bad for these values."""
    documents = tomllib.loads((packaged_city() / "rules.toml").read_text("utf-8"))["rule"]
    [document] = [one for one in documents if one["id"] == "traffic-unusual"]
    rule = decode_rule("traffic-unusual", document)
    assert isinstance(rule, Deviation)
    return msgspec.structs.replace(rule, observed_property="value", side=side)


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def heard(path: Path) -> Columns:
    """A detector's observations; a repeated time is a correction."""
    rows = {
        micros(row["timestamp"]): float(row["value"])
        for row in csv.DictReader(path.read_text().splitlines())
    }
    times = np.array(sorted(rows), np.int64)
    values = np.array([rows[time] for time in times.tolist()])
    return Columns(np.ones(len(times), np.int32), times, values)


def lived(rule: Deviation, columns: Columns) -> list[Span]:
    """The alerts that a running engine raises; an hour is learned a while after its end."""
    rhythms = Rhythms(ZoneInfo("UTC"), "plain")
    rhythms.keep(Calendar([LABOR_DAY]))
    rhythms.watch([rule], [SERIES])
    engine = Engine([rule], [SERIES], rhythm=rhythms.spreads)
    hours = columns.time // HOUR
    learned = 0
    alerts: list[Span] = []
    began: int | None = None
    turns = (columns.time - MARGIN) // HOUR
    for turn in np.unique(turns).tolist():
        over = np.unique(hours[(hours >= learned) & (hours < turn)]).tolist()
        means = [columns.value[hours == hour].mean() for hour in over]
        learned = turn
        starts = np.array(over, np.int64) * HOUR
        rhythms.learn(Columns(np.ones(len(over), np.int32), starts, np.array(means, float)))
        batch = columns.take(turns == turn)
        for move in engine.observe(batch, int(batch.time[-1])):
            if move.to_state is State.ACTIVE:
                began = move.at
            elif move.to_state is State.CLEARED and began is not None:
                alerts.append((began, move.at))
                began = None
    return alerts if began is None else [*alerts, (began, int(columns.time[-1]))]


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("TravelTime_387", Side.HIGH),
        ("TravelTime_451", Side.HIGH),
        ("speed_7578", Side.LOW),
        ("speed_6005", Side.LOW),
        ("speed_t4013", Side.LOW),
        ("occupancy_6005", Side.HIGH),
        ("occupancy_t4013", Side.HIGH),
    ],
)
def test_a_real_detector_is_alerted_in_its_known_windows_and_falsely_at_most_once_a_week(
    data: Path, name: str, side: Side
) -> None:
    folder = data / "traffic" / "loop_detectors"
    marked = json.loads((folder / "windows_of_two.json").read_text())
    windows = [tuple(map(micros, pair)) for pair in marked.get(f"realTraffic/{name}.csv", [])]
    columns = heard(folder / f"{name}.csv")
    alerts = lived(the_rule(side), columns)
    for first, last in windows:
        assert any(first <= began <= last for began, _ in alerts), "begun inside its window"
    false = [
        began
        for began, ended in alerts
        if all(ended < first or began > last for first, last in windows)
    ]
    assert len(false) <= int(columns.time[-1] - columns.time[0]) / WEEK
