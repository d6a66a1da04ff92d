"""Batches and silence in, transitions out: order, lateness, restarts, changing rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alert import OpenAlert, State, Transition, TransitionReason, step
from alerts.engine import Engine
from alerts.rule import Missing, Rule, Threshold
from alerts.selection import SeriesFacts
from alerts.silence import FeedFacts
from ioc.model import Columns, Domain
from tests.unit.alerts.timeline import SECOND, START, Stored, a_rule, a_series, columns, duration

MINUTE = duration("1m")
HIGH = a_rule("high", above=50, clear=40, hold="PT10M")
QUICK = a_rule("quick", above=50)
SILENCE = a_rule("silence", kind="missing", domain="environment", after="PT30M")


def at(minutes: float) -> int:
    return START + round(minutes * MINUTE)


def told(moves: Sequence[Transition]) -> list[tuple[State, float, TransitionReason]]:
    return [(move.to_state, (move.at - START) / MINUTE, move.reason) for move in moves]


def a_feed(key: int = 1, **facts: Any) -> FeedFacts:
    sane: dict[str, Any] = {"id": f"feed-{key}", "domain": Domain.ENVIRONMENT, "created_at": START}
    return FeedFacts(feed_key=key, **(sane | facts))


def test_a_whole_breach_in_one_batch_becomes_pending_and_active() -> None:
    engine = Engine([HIGH], [a_series()])
    batch = columns(*[(1, at(minute), 60.0) for minute in range(21)])
    moves = engine.observe(batch, at(20))
    assert told(moves) == [
        (State.PENDING, 0, TransitionReason.BREACH_BEGAN),
        (State.ACTIVE, 10, TransitionReason.HELD),
    ]
    assert engine.open_alerts == (
        OpenAlert(
            fingerprint=moves[0].fingerprint,
            rule="high",
            series=1,
            feed_key=1,
            state=State.ACTIVE,
            pending_since=at(0),
            active_since=at(10),
        ),
    )


def test_a_transition_carries_what_a_sentence_about_it_needs() -> None:
    engine = Engine([QUICK], [a_series(7, feed_key=3)])
    assert engine.observe(columns((7, at(0), 61.5)), at(1)) == [
        Transition(
            fingerprint=engine.open_alerts[0].fingerprint,
            rule="quick",
            series=7,
            feed_key=3,
            from_state=None,
            to_state=State.ACTIVE,
            reason=TransitionReason.BREACH_BEGAN,
            at=at(0),
            pending_since=at(0),
            value=61.5,
            level=50.0,
            value_time=at(0),
        )
    ]


def test_rows_of_one_batch_are_taken_in_the_order_of_their_times() -> None:
    engine = Engine([HIGH], [a_series()])
    batch = columns((1, at(10), 60.0), (1, at(5), 30.0), (1, at(0), 60.0))
    assert told(engine.observe(batch, at(10))) == [
        (State.PENDING, 0, TransitionReason.BREACH_BEGAN),
        (State.CLEARED, 5, TransitionReason.BREACH_ENDED_BEFORE_HOLD),
        (State.PENDING, 10, TransitionReason.BREACH_BEGAN),
    ]


def test_late_data_neither_raises_nor_clears() -> None:
    engine = Engine([QUICK], [a_series(1), a_series(2)])
    engine.observe(columns((1, at(10), 30.0), (2, at(10), 60.0)), at(10))
    assert engine.observe(columns((1, at(9), 60.0), (2, at(9), 30.0)), at(11)) == []


def test_a_correction_of_the_newest_observation_counts() -> None:
    engine = Engine([QUICK], [a_series()])
    engine.observe(columns((1, at(0), 60.0)), at(0))
    assert told(engine.observe(columns((1, at(0), 6.0)), at(1))) == [
        (State.CLEARED, 0, TransitionReason.LEVEL_CLEARED)
    ]
    assert told(engine.observe(columns((1, at(0), 66.0)), at(1))) == [
        (State.ACTIVE, 0, TransitionReason.BREACH_BEGAN)
    ]


def test_the_last_arrival_of_one_time_counts_within_a_batch() -> None:
    engine = Engine([QUICK], [a_series()])
    assert engine.observe(columns((1, at(0), 600.0), (1, at(0), 6.0)), at(0)) == []


def test_the_same_batch_again_changes_nothing() -> None:
    engine = Engine([HIGH, QUICK], [a_series()])
    batch = columns(*[(1, at(minute), 60.0) for minute in range(21)])
    assert engine.observe(batch, at(20))
    assert engine.observe(batch, at(20)) == []


def test_history_raises_nothing_but_what_follows_it_does() -> None:
    engine = Engine([HIGH], [a_series()])
    history = columns(*[(1, at(minute), 60.0) for minute in range(0, 60 * 24 * 2, 10)])
    assert engine.observe(history, at(60 * 24 * 35)) == []
    assert told(engine.observe(columns((1, at(60 * 24 * 35), 60.0)), at(60 * 24 * 35))) == [
        (State.PENDING, 60 * 24 * 35, TransitionReason.BREACH_BEGAN)
    ]


def test_the_fresh_tail_of_a_back_fill_raises_an_alert_about_now() -> None:
    engine = Engine([HIGH], [a_series()])
    batch = columns(*[(1, at(minute), 60.0) for minute in range(0, 300, 10)])
    assert told(engine.observe(batch, at(290))) == [
        (State.PENDING, 230, TransitionReason.BREACH_BEGAN),
        (State.ACTIVE, 240, TransitionReason.HELD),
    ]


def test_history_may_clear_an_alert() -> None:
    engine = Engine([QUICK], [a_series()])
    engine.observe(columns((1, at(0), 60.0)), at(0))
    assert told(engine.observe(columns((1, at(1), 10.0)), at(500))) == [
        (State.CLEARED, 1, TransitionReason.LEVEL_CLEARED)
    ]


def test_three_intervals_of_a_weekly_series_are_not_history() -> None:
    weekly = a_series(interval=duration("7d") / SECOND)
    engine = Engine([QUICK], [weekly])
    assert engine.observe(columns((1, at(0), 60.0)), at(0) + duration("22d")) == []
    assert engine.observe(columns((1, at(1), 60.0)), at(0) + duration("20d"))


def test_a_series_without_facts_is_ignored() -> None:
    assert Engine([QUICK], [a_series(2)]).observe(columns((1, at(0), 60.0)), at(0)) == []
    assert Engine([QUICK]).observe(columns((1, at(0), 60.0)), at(0)) == []
    assert Engine([]).observe(columns(), at(0)) == []


def test_a_value_that_is_no_number_changes_nothing() -> None:
    engine = Engine([QUICK], [a_series()])
    nan = float("nan")
    assert engine.observe(columns((1, at(0), nan)), at(0)) == []
    engine.observe(columns((1, at(1), 60.0)), at(1))
    assert engine.observe(columns((1, at(2), nan)), at(2)) == []


def test_rules_of_one_series_stand_on_their_own() -> None:
    engine = Engine([HIGH, a_rule("worse", above=100), a_rule("low", below=10)], [a_series()])
    moves = engine.observe(columns((1, at(0), 120.0), (1, at(10), 60.0), (1, at(20), 5.0)), at(20))
    assert [(move.rule, move.to_state, move.at) for move in moves] == [
        ("high", State.PENDING, at(0)),
        ("worse", State.ACTIVE, at(0)),
        ("high", State.ACTIVE, at(10)),
        ("worse", State.CLEARED, at(10)),
        ("high", State.CLEARED, at(20)),
        ("low", State.ACTIVE, at(20)),
    ]


def test_a_new_series_is_watched_from_its_first_observation() -> None:
    engine = Engine([QUICK], [a_series(5)])
    engine.observe(columns((5, at(0), 60.0)), at(0))
    engine.add_series([a_series(9), a_series(2)])
    moves = engine.observe(columns((9, at(1), 60.0), (2, at(1), 60.0), (5, at(1), 6.0)), at(1))
    assert [(move.series, move.to_state) for move in moves] == [
        (2, State.ACTIVE),
        (5, State.CLEARED),
        (9, State.ACTIVE),
    ]


def test_an_attribute_that_comes_later_gives_a_series_its_level() -> None:
    engine = Engine([a_rule("gauge", above="alarm_2")], [a_series(), a_series(2)])
    assert engine.observe(columns((1, at(0), 60.0)), at(0)) == []
    engine.add_series([a_series(attributes={"alarm_2": 50})])
    assert engine.observe(columns((1, at(-1), 60.0)), at(1)) == []
    assert told(engine.observe(columns((1, at(1), 60.0)), at(1))) == [
        (State.ACTIVE, 1, TransitionReason.BREACH_BEGAN)
    ]
    engine.add_series([a_series()])
    assert told(engine.tick(at(2), {})) == [(State.CLEARED, 2, TransitionReason.NO_LONGER_APPLIES)]


def test_an_open_alert_finds_its_series_when_it_comes_later() -> None:
    first = Engine([HIGH], [a_series()])
    first.observe(columns((1, at(0), 60.0)), at(0))
    engine = Engine([HIGH], [], [], first.open_alerts)
    engine.add_series([a_series()])
    assert engine.tick(at(1), {}) == []
    assert told(engine.observe(columns((1, at(10), 60.0)), at(10))) == [
        (State.ACTIVE, 10, TransitionReason.HELD)
    ]


def test_alerts_of_a_removed_rule_end() -> None:
    engine = Engine([HIGH, QUICK], [a_series()])
    engine.observe(columns((1, at(0), 60.0)), at(0))
    moves = engine.replace_rules([HIGH], at(3))
    assert told(moves) == [(State.CLEARED, 3, TransitionReason.RULE_REMOVED)]
    assert [alert.rule for alert in engine.open_alerts] == ["high"]


def test_a_changed_rule_keeps_the_hold_time_that_was_served() -> None:
    engine = Engine([HIGH], [a_series()])
    engine.observe(columns((1, at(0), 60.0)), at(0))
    assert engine.replace_rules([a_rule("high", above=45, clear=40, hold="PT5M")], at(3)) == []
    assert told(engine.observe(columns((1, at(5), 48.0)), at(5))) == [
        (State.ACTIVE, 5, TransitionReason.HELD)
    ]


def test_alerts_of_a_rule_that_watches_something_else_now_end() -> None:
    engine = Engine([HIGH], [a_series()])
    engine.observe(columns((1, at(0), 60.0)), at(0))
    moves = engine.replace_rules([a_rule("high", property="pm10", above=50)], at(3))
    assert told(moves) == [(State.CLEARED, 3, TransitionReason.NO_LONGER_APPLIES)]


def test_an_alert_whose_rule_went_while_nobody_ran_ends_at_the_first_tick() -> None:
    first = Engine([HIGH], [a_series()])
    first.observe(columns((1, at(0), 60.0)), at(0))
    engine = Engine([], [a_series()], [], first.open_alerts)
    assert told(engine.tick(at(5), {})) == [(State.CLEARED, 5, TransitionReason.RULE_REMOVED)]
    assert engine.tick(at(6), {}) == []


def test_a_silent_feed_is_told_from_the_moment_its_time_was_up() -> None:
    engine = Engine([SILENCE], [], [a_feed()])
    assert engine.tick(at(39), {1: at(10)}) == []
    moves = engine.tick(at(41), {1: at(10)})
    assert told(moves) == [(State.ACTIVE, 40, TransitionReason.FEED_SILENT)]
    assert (moves[0].feed_key, moves[0].series, moves[0].value_time) == (1, None, at(10))
    assert (moves[0].level, moves[0].pending_since) == (1800.0, at(10))
    assert engine.tick(at(42), {1: at(10)}) == []


def test_a_feed_that_speaks_again_clears_its_alert() -> None:
    engine = Engine([SILENCE], [], [a_feed()])
    engine.tick(at(41), {1: at(10)})
    assert told(engine.tick(at(51), {1: at(50)})) == [
        (State.CLEARED, 50, TransitionReason.FEED_RESUMED)
    ]
    assert engine.open_alerts == ()


@pytest.mark.parametrize("newest", [{}, {1: None}])
def test_a_feed_never_heard_is_judged_from_its_making(newest: Mapping[int, int | None]) -> None:
    engine = Engine([SILENCE], [], [a_feed()])
    assert engine.tick(at(29), newest) == []
    assert told(engine.tick(at(31), newest)) == [
        (State.ACTIVE, 30, TransitionReason.FEED_NEVER_SPOKE)
    ]
    assert told(engine.tick(at(32), {1: at(31.5)})) == [
        (State.CLEARED, 31.5, TransitionReason.FEED_RESUMED)
    ]


def test_a_missing_rule_listens_to_its_domain_or_its_feed() -> None:
    one = a_rule("one", kind="missing", feed="feed-2", after="PT30M")
    traffic = a_feed(3, domain=Domain.TRAFFIC)
    engine = Engine([SILENCE, one], [], [a_feed(1), a_feed(2), traffic])
    marks = {move.fingerprint for move in engine.tick(at(31), {})}
    assert marks == {"silence/feed:feed-1", "silence/feed:feed-2", "one/feed:feed-2"}


def test_a_longer_tolerance_ends_an_alert_without_claiming_that_the_feed_spoke() -> None:
    engine = Engine([SILENCE], [], [a_feed()])
    engine.tick(at(31), {})
    patient = a_rule("silence", kind="missing", domain="environment", after="PT2H")
    assert engine.replace_rules([patient], at(32)) == []
    assert told(engine.tick(at(33), {})) == [
        (State.CLEARED, 33, TransitionReason.NO_LONGER_APPLIES)
    ]


def test_the_alert_of_a_retired_feed_ends() -> None:
    engine = Engine([SILENCE], [], [a_feed(1), a_feed(2)])
    engine.tick(at(31), {2: at(30)})
    engine.replace_feeds([a_feed(2)])
    assert told(engine.tick(at(32), {2: at(30)})) == [
        (State.CLEARED, 32, TransitionReason.NO_LONGER_APPLIES)
    ]


MOMENT = 1_000  # µs


@pytest.mark.parametrize("cut", [[[0, 1]], [[1, 0]], [[0], [1]], [[1], [0]]])
def test_two_breaches_a_millisecond_apart_raise_one_alert_in_whichever_order_they_come(
    cut: list[list[int]],
) -> None:
    rows = [(1, at(0), 60.0), (1, at(0) + MOMENT, 61.0)]
    engine = Engine([QUICK], [a_series()])
    moves = [
        move
        for batch in cut
        for move in engine.observe(columns(*(rows[place] for place in batch)), at(1))
    ]
    assert [move.to_state for move in moves] == [State.ACTIVE]
    assert len(engine.open_alerts) == 1


@pytest.mark.parametrize("cut", [[[0, 1]], [[1, 0]], [[0], [1]], [[1], [0]]])
@pytest.mark.parametrize(("values", "open_alerts"), [((60.0, 20.0), 0), ((20.0, 60.0), 1)])
def test_of_a_breach_and_its_end_a_millisecond_apart_the_later_one_counts(
    cut: list[list[int]], values: tuple[float, float], open_alerts: int
) -> None:
    rows = [(1, at(0), values[0]), (1, at(0) + MOMENT, values[1])]
    stored = Stored.empty()
    engine = Engine([QUICK], [a_series()])
    for batch in cut:
        stored.take(engine.observe(columns(*(rows[place] for place in batch)), at(1)))
    assert len(stored.open) == open_alerts


@pytest.mark.parametrize("jumps", [[0] * 5, [0, -600, -600, 0, 0], [0, 45, 45, 0, -30]])
def test_a_clock_that_jumps_changes_no_hold_time(jumps: list[int]) -> None:
    engine = Engine([HIGH], [a_series()])
    moves: list[Transition] = []
    for turn, (minutes, value) in enumerate([(0, 60), (5, 60), (10, 60), (15, 60), (20, 30)]):
        now = at(minutes + jumps[turn])
        moves += engine.observe(columns((1, at(minutes), float(value))), now)
    assert [(move.to_state, (move.at - START) / MINUTE) for move in moves] == [
        (State.PENDING, 0),
        (State.ACTIVE, 10),
        (State.CLEARED, 20),
    ]


def test_a_sensor_whose_clock_was_ahead_is_heard_again_once_time_has_caught_up() -> None:
    engine = Engine([QUICK], [a_series()])
    engine.observe(columns((1, at(30), 20.0)), at(0))
    assert engine.observe(columns((1, at(10), 60.0)), at(10)) == []
    (raised,) = engine.observe(columns((1, at(31), 60.0)), at(31))
    assert (raised.to_state, raised.at) == (State.ACTIVE, at(31))


def test_a_clock_that_jumps_back_takes_back_a_silence_that_it_made_up() -> None:
    engine = Engine([SILENCE], [], [a_feed()])
    (raised,) = engine.tick(at(90), {1: at(0)})
    assert raised.reason is TransitionReason.FEED_SILENT
    (ended,) = engine.tick(at(5), {1: at(0)})
    assert (ended.to_state, ended.reason) == (State.CLEARED, TransitionReason.NO_LONGER_APPLIES)


RULES: list[Rule] = [
    a_rule("at-once", above=7, clear=5),
    a_rule("held", above=6, clear=4, hold="PT3M"),
    a_rule("low", below=2, clear=3, hold="PT2M"),
    a_rule("gauge", above="alarm", hold="PT1M"),
    a_rule("narrow", above=8, fresh_within="PT5M", hold="PT2M"),
    a_rule("silence", kind="missing", domain="environment", after="PT7M"),
]
FEEDS = [a_feed(1, created_at=at(0)), a_feed(2, created_at=at(3))]
SERIES = [
    a_series(1),
    a_series(2, attributes={"alarm": 5}),
    a_series(3, feed_key=2, attributes={"alarm": 3}),
    a_series(4, feed_key=2, property="pm10"),
]
THRESHOLDS = [rule for rule in RULES if isinstance(rule, Threshold)]


@dataclass(frozen=True)
class Batch:
    """Rows that were stored together, when, and whether the program starts anew before."""

    rows: Sequence[tuple[int, int, float]]
    now: int
    restart: bool


@st.composite
def streams(draw: st.DrawFn) -> list[Batch]:
    """Batches with gaps, repeats, corrections, late rows and restarts."""
    batches: list[Batch] = []
    now = 0
    for _ in range(draw(st.integers(1, 12))):
        now += draw(st.sampled_from([0, 1, 1, 2, 4, 70]))
        row = st.tuples(
            st.integers(1, 5),
            st.integers(-3, 6).map(lambda back, now=now: at(now - back)),
            st.integers(0, 10).map(float),
        )
        rows = draw(st.lists(row, max_size=8))
        batches.append(Batch(rows, at(now), draw(st.booleans())))
    return batches


class Run:
    """An engine over a store: what survives a restart is what the store kept, and nothing else."""

    def __init__(self, series: Sequence[SeriesFacts] = SERIES) -> None:
        self.stored = Stored.empty()
        self.latest: dict[int, tuple[int, int, float]] = {}
        self.heard: dict[int, int | None] = {}
        self.series = series
        self.start()

    def start(self) -> None:
        latest = columns(*self.latest.values())
        alerts = self.stored.open.values()
        self.engine = Engine(RULES, self.series, FEEDS, alerts, latest=latest)

    def take(self, batch: Batch) -> None:
        for series, time, value in batch.rows:
            kept = self.latest.get(series)
            if kept is None or time >= kept[1]:
                self.latest[series] = (series, time, value)
            if series <= 2:
                self.heard[1] = batch.now
        self.stored.take(self.engine.observe(columns(*batch.rows), batch.now))
        self.stored.take(self.engine.tick(batch.now, self.heard))


@settings(max_examples=100, deadline=None)
@given(streams())
def test_an_engine_restarted_anywhere_makes_the_same_transitions(batches: list[Batch]) -> None:
    steady, restarted = Run(), Run()
    for batch in batches:
        if batch.restart:
            restarted.start()
        steady.take(batch)
        restarted.take(batch)
    assert restarted.stored.moves == steady.stored.moves
    assert restarted.stored.open == steady.stored.open


@settings(max_examples=100, deadline=None)
@given(streams())
def test_a_fingerprint_never_has_two_open_alerts(batches: list[Batch]) -> None:
    run = Run()
    for batch in batches:
        run.take(batch)
        marks = [alert.fingerprint for alert in run.engine.open_alerts]
        assert len(marks) == len(set(marks))
        assert {alert.fingerprint: alert for alert in run.engine.open_alerts} == run.stored.open


@settings(max_examples=60, deadline=None)
@given(streams(), st.permutations(SERIES), st.integers(0, len(SERIES)))
def test_it_does_not_matter_when_and_in_which_order_series_were_added(
    batches: list[Batch], order: list[SeriesFacts], split: int
) -> None:
    steady, grown = Run(), Run(order[:split])
    for facts in order[split:]:
        grown.engine.add_series([facts])
    for batch in batches:
        steady.take(batch)
        grown.take(batch)
    assert grown.stored.moves == steady.stored.moves


@settings(max_examples=100, deadline=None)
@given(streams())
def test_whole_batches_give_what_single_steps_give(batches: list[Batch]) -> None:
    engine = Engine(RULES, SERIES)
    newest: dict[int, int] = {}
    states: dict[tuple[str, int], tuple[State | None, int]] = {}
    for batch in batches:
        expected: list[tuple[int, str, State]] = []
        current = {
            (series, time): value
            for series, time, value in batch.rows
            if time >= newest.get(series, time)
        }
        for (series, time), value in sorted(current.items()):
            newest[series] = time
            for rule in THRESHOLDS:
                facts = next((f for f in SERIES if f.series_id == series), None)
                if facts is None or facts.property != rule.observed_property:
                    continue
                level, clear = rule.level, rule.clear
                if isinstance(level, str):
                    level = float(facts.attributes.get(level, "nan"))
                clear = level if clear is None else clear
                assert not isinstance(clear, str), "no rule here clears at an attribute"
                state, since = states.get((rule.id, series), (None, 0))
                after = step(
                    state,
                    since,
                    beyond=rule.sign * value > rule.sign * level,
                    clear=rule.sign * value <= rule.sign * clear,
                    fresh=batch.now - time <= rule.fresh_us,
                    time=time,
                    hold=rule.hold_us,
                )
                states[rule.id, series] = after.state, after.since
                if after.reason:
                    mark = f"{rule.id}/series:{series}"
                    expected.append((time, mark, after.state or State.CLEARED))
        moves = engine.observe(columns(*batch.rows), batch.now)
        found = [(move.at, str(move.fingerprint), move.to_state) for move in moves]
        assert found == sorted(expected, key=lambda move: move[:2])


def test_a_thousand_rules_over_many_series_touch_only_what_breaches() -> None:
    rules = [a_rule(f"r{turn}", property=f"p{turn}", above=50) for turn in range(1000)]
    series = [a_series(turn, property=f"p{turn % 1000}") for turn in range(1, 50_001)]
    engine = Engine(rules, series)
    ids = np.arange(1, 5001, dtype=np.int32)
    value = np.where(ids % 1000 == 0, 60.0, 20.0)
    moves = engine.observe(Columns(ids, np.full(5000, at(0)), value), at(0))
    assert {move.series for move in moves} == {1000, 2000, 3000, 4000, 5000}
    assert {move.rule for move in moves} == {"r0"}


def test_missing_rules_and_thresholds_are_told_apart() -> None:
    assert isinstance(SILENCE, Missing)
    assert isinstance(HIGH, Threshold)
