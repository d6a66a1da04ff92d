"""Conditions that hold together at a place, and counts and shares over zones and roads."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import State, Transition
from alerts.engine import Engine
from alerts.rule import Rule
from alerts.selection import SeriesFacts
from ioc.model import Domain
from tests.unit.alerts.timeline import START, Stored, a_rule, columns, duration

MINUTE = duration("1m")
SLOW = {"property": "speed", "below": 20, "clear": 30}
DENSE = {"property": "flow", "above": 100}


def a_gathering(rule_id: str = "jam", **document: Any) -> Rule:
    return a_rule(rule_id, **({"kind": "together", "domain": "traffic", "when": [SLOW]} | document))


def sensor(series: int, feature: str, property: str = "speed", **facts: Any) -> SeriesFacts:
    known: dict[str, Any] = {"feed_key": 1, "domain": Domain.TRAFFIC, "layer": "sensors"}
    return SeriesFacts(series_id=series, property=property, feature=feature, **(known | facts))


def at(minute: float) -> int:
    return START + round(minute * MINUTE)


def told(moves: Sequence[Transition]) -> list[tuple[str, str, float | None]]:
    return [(str(move.to_state), move.fingerprint, move.value) for move in moves]


def test_several_conditions_must_hold_together_at_one_feature() -> None:
    facts = [sensor(1, "a"), sensor(2, "a", "flow"), sensor(3, "b"), sensor(4, "b", "flow")]
    engine = Engine([a_gathering(when=[SLOW, DENSE])], facts)
    assert engine.observe(columns((1, at(0), 10.0), (4, at(0), 200.0)), at(0)) == []
    moves = engine.observe(columns((2, at(1), 150.0)), at(1))
    assert told(moves) == [("active", "jam/feature:a", 1.0)]
    assert engine.observe(columns((1, at(2), 25.0)), at(2)) == []
    moves = engine.observe(columns((1, at(3), 30.0)), at(3))
    assert told(moves) == [("cleared", "jam/feature:a", 0.0)]


def test_a_feature_without_one_of_the_properties_is_no_place_of_the_rule() -> None:
    engine = Engine([a_gathering(when=[SLOW, DENSE])], [sensor(1, "a")])
    assert engine.observe(columns((1, at(0), 1.0)), at(0)) == []


def test_places_are_counted_in_each_zone() -> None:
    facts = [sensor(n, f"s{n}", zone="east" if n < 4 else "west") for n in range(1, 7)]
    engine = Engine([a_gathering(over="zone", at_least=2)], facts)
    moves = engine.observe(columns(*[(n, at(0), 10.0) for n in (1, 2, 4)]), at(0))
    assert told(moves) == [("active", "jam/zone:east", 2.0)]
    moves = engine.observe(columns((2, at(1), 50.0), (5, at(1), 5.0)), at(1))
    assert told(moves) == [("cleared", "jam/zone:east", 1.0), ("active", "jam/zone:west", 2.0)]


def test_a_share_is_of_the_stretches_of_a_road_that_report_freshly() -> None:
    facts = [sensor(n, f"s{n}", attributes={"road": "QL6"}) for n in range(1, 5)]
    rule = a_gathering(over="tag:road", share=0.5, members=3, fresh_within="PT10M")
    engine = Engine([rule], facts)
    assert engine.observe(columns((1, at(0), 10.0), (2, at(0), 10.0)), at(0)) == []
    moves = engine.observe(columns((3, at(1), 60.0)), at(1))
    assert told(moves) == [("active", "jam/tag:road=QL6", 2 / 3)]
    assert engine.observe(columns((3, at(30), 60.0), (4, at(30), 60.0)), at(30)) == []
    moves = engine.observe(columns((1, at(31), 60.0)), at(31))
    assert told(moves) == [("cleared", "jam/tag:road=QL6", 0.0)]


def test_hold_and_clear_times_hold_for_places_together() -> None:
    rule = a_gathering(over="layer", at_least=1, hold="PT5M", clear_hold="PT5M")
    stored = Stored.empty()
    facts, newest = [sensor(1, "a")], columns()
    script = {0: 10.0, 3: 10.0, 6: 10.0, 8: 40.0, 10: 40.0, 14: 40.0}
    for minute, speed in script.items():
        engine = Engine([rule], facts, [], stored.open.values(), latest=newest)
        newest = columns((1, at(minute), speed))
        stored.take(engine.observe(newest, at(minute)))
    written = [(move.to_state, (move.at - START) // MINUTE) for move in stored.moves]
    assert written == [
        (State.PENDING, 0),
        (State.ACTIVE, 6),
        (State.ACTIVE, 8),
        (State.CLEARED, 14),
    ]


def test_an_alert_ends_when_its_zone_has_no_place_of_the_rule_any_more() -> None:
    engine = Engine([a_gathering(over="zone", at_least=1)], [sensor(1, "a", zone="east")])
    engine.observe(columns((1, at(0), 1.0)), at(0))
    engine.add_series([sensor(1, "a", zone="west")])
    assert told(engine.tick(at(1), {})) == [("cleared", "jam/zone:east", None)]


def test_series_that_come_later_take_part_and_nothing_is_forgotten() -> None:
    engine = Engine([a_gathering(over="layer", at_least=2)], [sensor(1, "a")])
    assert engine.observe(columns((1, at(0), 1.0)), at(0)) == []
    engine.add_series([sensor(2, "b")])
    moves = engine.observe(columns((2, at(1), 1.0)), at(1))
    assert told(moves) == [("active", "jam/layer:sensors", 2.0)]


rows = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 60), st.sampled_from([5.0, 25.0, 50.0])),
    min_size=1,
    max_size=40,
)


@given(rows)
def test_the_count_is_that_of_a_plain_reckoning(rows: list[tuple[int, int, float]]) -> None:
    facts = [sensor(n, f"s{n}", zone="east" if n % 2 else "west") for n in range(1, 7)]
    rule = a_gathering(over="zone", at_least=2, fresh_within="PT2H")
    engine = Engine([rule], facts)
    slow: dict[int, bool] = {}
    newest: dict[int, int] = {}
    for series, minute, speed in rows:
        engine.observe(columns((series, at(minute), speed)), at(60))
        if minute >= newest.get(series, 0):
            newest[series] = minute
            slow[series] = speed < 20 or (slow.get(series, False) and speed < 30)
        wanted = {
            f"jam/zone:{zone}"
            for zone, odd in (("east", 1), ("west", 0))
            if sum(is_slow for n, is_slow in slow.items() if n % 2 == odd) >= 2
        }
        assert {alert.fingerprint for alert in engine.open_alerts} == wanted
