"""The rules of the packaged city as time scripts: one for each, and none without."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.alert import Transition
from alerts.engine import Engine
from alerts.figures import FigureFacts, judge_figures
from alerts.mute import Causes, Facets, Inhibition
from alerts.owed import Overdue, judge_owed
from alerts.rule import Behind, Missing, MissingReport, Rule
from alerts.rule_reading import decode_rule
from alerts.silence import FeedFacts
from ioc.city.read import packaged_city
from ioc.model import Domain, Severity
from tests.unit.alerts.timeline import (
    START,
    Stored,
    a_series,
    columns,
    duration,
    expand,
    scripted,
    timeline,
)

USUAL, SPREAD = 40.0, 3.0


@dataclass(frozen=True)
class Script:
    """What is observed at regular times, and the states that it must lead to.

    Values are those of a series; for silence and for reports 1 where something came or is owed;
    for figures 1 where they are off their course, 0 where they are on it.
    """

    every: str
    values: str
    states: str
    attributes: Mapping[str, float] = field(default_factory=dict[str, float])


SCRIPTS: Mapping[str, Sequence[Script]] = {
    "traffic-slow": [
        Script("5m", "40 22 14x3 18 25", "pending@10m active@20m cleared@35m", {"slow_speed": 20}),
        Script("5m", "14 21 14 21 14 21", "pending@0m cleared@5m pending@10m cleared@15m "
               "pending@20m cleared@25m", {"slow_speed": 20}),
        Script("5m", "14x9", ""),
    ],
    "traffic-jam": [
        Script("5m", "30 8 7x2 12 14 15", "pending@10m active@20m cleared@35m"),
        Script("5m", "7 15 7 15", "pending@0m cleared@5m pending@10m cleared@15m"),
    ],
    "traffic-unusual": [
        Script("5m", "40 16 15x2 30 34", "pending@10m active@15m cleared@30m"),
        Script("5m", "40 70x9", ""),
    ],
    "traffic-missing": [Script("5m", "1x3 _x8 1", "active@45m cleared@1h")],
    "camera-missing": [Script("5m", "1x3 _x5 1", "active@30m cleared@45m")],
    "beds-full": [
        Script("15m", "98 101x3 100", "pending@15m active@45m cleared@75m", {"beds_actual": 100}),
    ],
    "dengue-cluster": [
        Script("7d", "3 20 21 11 10", "active@336h cleared@672h"),
    ],
    "health-missing": [Script("15m", "1x2 _x4 1", "active@90m cleared@105m")],
    "disease-missing": [Script("1d", "1 _x16 1", "active@360h cleared@408h")],
    "outage": [Script("15m", "0 2000 2001 501 500", "active@30m cleared@1h")],
    "load-high": [
        Script("15m", "90 97x3 96", "pending@15m active@45m cleared@75m", {"load_alarm": 96.3}),
        Script("15m", "97 96 97x2 96", "pending@0m cleared@15m pending@30m active@1h cleared@75m",
               {"load_alarm": 96.3}),
    ],
    "electricity-missing": [Script("15m", "1 _x4 1", "active@1h cleared@75m")],
    "air-bad": [
        Script("15m", "111x4 109 91 90", "pending@0m active@1h cleared@105m"),
        Script("15m", "111 90 111 90", "pending@0m cleared@15m pending@30m cleared@45m"),
    ],
    "water-alarm-1": [
        Script("30m", "13.7 13.8x1 13.7", "pending@30m active@1h cleared@90m", {"alarm_1": 13.7}),
    ],
    "water-alarm-2": [
        Script("30m", "14.9 15x1 14.9", "pending@30m active@1h cleared@90m", {"alarm_2": 14.9}),
    ],
    "water-alarm-3": [
        Script("30m", "15.9 16 15.9", "active@30m cleared@1h", {"alarm_3": 15.9}),
    ],
    "rain-hour": [
        Script("10m", "0x5 9x5 0x5", "active@110m cleared@140m"),
        Script("10m", "8x12", ""),
    ],
    "rain-day": [
        Script("1h", "5x19 6x4 0x8", "active@20h cleared@33h"),
    ],
    "rain-day-200": [Script("1h", "20x10 0x16", "active@10h cleared@26h")],
    "rain-day-400": [Script("1h", "40x10 0x16", "active@10h cleared@26h")],
    "reservoir-full": [
        Script("30m", "117 117.1x1 117", "pending@30m active@1h cleared@90m", {"full_level": 117}),
    ],
    "reservoir-spills": [
        Script("30m", "2400 2401 2400", "active@30m cleared@1h", {"spill_from": 2400}),
    ],
    "reservoir-spills-much": [
        Script("30m", "6000 6001 6000", "active@30m cleared@1h", {"spill_much": 6000}),
    ],
    "environment-missing": [Script("30m", "1 _x6 1", "active@3h cleared@210m")],
    "service-missing": [Script("12h", "1 _x6 1", "active@72h cleared@84h")],
    "system-down": [
        Script("5m", "1 0x2 1", "pending@5m active@10m cleared@20m"),
        Script("5m", "1 0 1 0 1", "pending@5m cleared@10m pending@15m cleared@20m"),
    ],
    "it-missing": [Script("5m", "1 _x4 1", "active@20m cleared@25m")],
    "report-missing": [Script("1d", "0 1x2 0", "active@24h cleared@96h")],
    "online-off-track": [
        Script("6h", "0 1x4 _x2 0", "pending@6h active@30h cleared@48h"),
        Script("6h", "1 0 1 0", "pending@0m cleared@6h pending@12h cleared@18h"),
    ],
}  # fmt: skip


@cache
def city_rules() -> Mapping[str, Rule]:
    """The rules of the packaged city by id."""
    documents = tomllib.loads((packaged_city() / "rules.toml").read_text("utf-8"))["rule"]
    return {document["id"]: decode_rule(document["id"], document) for document in documents}


def test_every_rule_of_the_city_has_a_script_and_every_script_its_rule() -> None:
    assert set(SCRIPTS) == set(city_rules())


@pytest.mark.parametrize(
    ("name", "script"),
    [
        pytest.param(name, one, id=f"{name}-{number}")
        for name, those in SCRIPTS.items()
        for number, one in enumerate(those)
    ],
)
def test_a_rule_of_the_city_raises_holds_and_clears_when_its_script_says(
    name: str, script: Script
) -> None:
    rule = city_rules()[name]
    match rule:
        case Missing(each="series"):
            assert scripted(_heard(rule, script)) == script.states.split()
        case Missing():
            assert scripted(_listened(rule, script)) == script.states.split()
        case MissingReport():
            assert scripted(_owed(rule, script)) == script.states.split()
        case Behind():
            assert scripted(_followed(rule, script)) == script.states.split()
        case _:
            line = timeline(
                rule, every=script.every, values=script.values, attributes=script.attributes,
                rhythm=_usual,
            )  # fmt: skip
            line.expects(script.states)


def _usual(
    series: NDArray[np.int64], time: NDArray[np.int64], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A rhythm that expects the same at any hour."""
    return (value - USUAL) / SPREAD


def _moments(script: Script) -> Iterator[tuple[int, float | None]]:
    for turn, value in enumerate(expand(script.values)):
        yield START + turn * duration(script.every), value


def _listened(rule: Missing, script: Script) -> list[Transition]:
    """What silence makes of a feed; every moment meets an engine that was just started."""
    domain = rule.domain or Domain.SERVICE
    feed = FeedFacts(feed_key=1, id=rule.feed or "feed", domain=domain, created_at=START)
    stored = Stored.empty()
    heard: int | None = None
    for now, value in _moments(script):
        heard = heard if value is None else now
        engine = Engine([rule], [], [feed], stored.open.values())
        stored.take(engine.tick(now, {1: heard}))
    return stored.moves


def _heard(rule: Missing, script: Script) -> list[Transition]:
    """What silence makes of one series of a feed that is heard all the time."""
    feed = FeedFacts(
        feed_key=1, id=rule.feed or "feed", domain=rule.domain or Domain.SERVICE, created_at=START
    )
    series = a_series(feed_key=1, feed=feed.id, domain=feed.domain)
    engine = Engine([rule], [series], [feed])
    moves: list[Transition] = []
    for now, value in _moments(script):
        if value is not None:
            moves += engine.observe(columns((1, now, value)), now)
        moves += engine.tick(now, {1: now})
    return moves


def _owed(rule: MissingReport, script: Script) -> list[Transition]:
    stored = Stored.empty()
    for now, value in _moments(script):
        overdue = [Overdue("monthly", "so-a", now)] if value else []
        stored.take(judge_owed([rule], overdue, stored.open, now))
    return stored.moves


def _followed(rule: Behind, script: Script) -> list[Transition]:
    courses: Mapping[Any, str | None] = {None: None, 0.0: "on_track", 1.0: rule.course}
    stored = Stored.empty()
    for now, value in _moments(script):
        figure = FigureFacts(
            indicator=rule.indicator, unit="tinh", is_province=True, value=None,
            standing="unknown", course=courses[value], at=now,
        )  # fmt: skip
        stored.take(judge_figures([rule], [figure], stored.open))
    return stored.moves


def test_an_outage_explains_what_hangs_on_its_substation_and_nothing_else() -> None:
    content = tomllib.loads((packaged_city() / "rules.toml").read_text("utf-8"))
    causes = Causes(msgspec.convert(content["inhibition"], list[Inhibition]))
    system = next(iter(features("systems").values()))
    fed_by = system["substation"]
    causes.add(an_alert("outage", Severity.CRITICAL, feature=fed_by))
    fed = an_alert("system-down", Severity.HIGH, feature="he-thong/a", attributes=system)
    other = {**system, "substation": "luoi-dien/tba-xa"}
    fed_elsewhere = an_alert("system-down", Severity.HIGH, feature="he-thong/b", attributes=other)
    muted = causes.of(fed)
    assert muted is not None
    assert (muted.rule, muted.why) == ("outage", "without-power")
    assert causes.of(fed_elsewhere) is None


def test_what_hangs_on_a_substation_names_one_that_there_is() -> None:
    known = {f"luoi-dien/{id}" for id in features("substations")}
    named = {
        properties["substation"]
        for file in (packaged_city() / "features").glob("*.geojson")
        for properties in features(file.stem).values()
        if "substation" in properties
    }
    assert named
    assert named <= known


def features(file: str) -> Mapping[str, Mapping[str, Any]]:
    """The attributes of the features of a file by their ids."""
    path = packaged_city() / "features" / f"{file}.geojson"
    return {one["id"]: one["properties"] for one in json.loads(path.read_bytes())["features"]}


def an_alert(rule: str, severity: Severity, **known: Any) -> Facets:
    return Facets(id=rule, rule=rule, kind="threshold", domain="it", severity=severity, **known)
