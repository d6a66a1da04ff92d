"""Time scripts for rules: values in Prometheus' shorthand against the states they must lead to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alerts.alert import Fingerprint, OpenAlert, Transition, followed
from alerts.engine import Engine
from alerts.rule import Rule, Watch, Watching
from alerts.rule_reading import decode_rule
from alerts.selection import SeriesFacts
from alerts.signals import Rhythm
from ioc.model import NO_COLUMNS, Columns

SECOND = 1_000_000
START = 1_760_000_000 * SECOND
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
STEP = re.compile(r"(?P<value>_|-?[0-9.]+)(?P<add>[+-][0-9.]+)?(?:x(?P<times>[0-9]+))?")


def duration(text: str) -> int:
    """`90s`, `5m`, `2h`, `7d` in microseconds."""
    return round(float(text[:-1]) * UNITS[text[-1]] * SECOND)


def expand(values: str) -> list[float | None]:
    """`12 60x2 1+2x2 _x2` is 12, 60 and two more 60, 1 3 5, and nothing twice."""
    found: list[float | None] = []
    for word in values.split():
        step = STEP.fullmatch(word)
        assert step, f"not a step of a timeline: {word}"
        times = int(step["times"] or 0)
        if step["value"] == "_":
            found += [None] * max(times, 1)
        else:
            add = float(step["add"] or 0)
            found += [float(step["value"]) + add * turn for turn in range(times + 1)]
    return found


def a_rule(rule_id: str = "a-rule", **document: Any) -> Rule:
    """A rule of which only what matters is written."""
    sane: dict[str, Any] = {
        "kind": "threshold",
        "name": {"vi": "Quy tắc", "en": "Rule"},
        "severity": "medium",
    }
    if document.get("kind", "threshold") == "threshold":
        sane |= {"domain": "environment", "property": "pm25"}
    return decode_rule(rule_id, sane | document)


def a_series(series_id: int = 1, **facts: Any) -> SeriesFacts:
    """Facts of a series that the rule of `a_rule` watches."""
    sane: dict[str, Any] = {"feed_key": 1, "domain": "environment", "property": "pm25"}
    return SeriesFacts(series_id=series_id, **(sane | facts))


def columns(*rows: tuple[int, int, float]) -> Columns:
    """Rows of series, time and value as a batch."""
    if not rows:
        return NO_COLUMNS
    series, time, value = zip(*rows, strict=True)
    return Columns(np.array(series, np.int32), np.array(time, np.int64), np.array(value, float))


@dataclass
class Stored:
    """What a store keeps of alerts: the open ones, and every transition."""

    open: dict[Fingerprint, OpenAlert]
    moves: list[Transition]

    @classmethod
    def empty(cls) -> "Stored":
        return cls({}, [])

    def take(self, moves: Sequence[Transition]) -> None:
        """Keep the transitions; a second open alert of one fingerprint is refused."""
        for move in moves:
            before = self.open.get(move.fingerprint)
            assert move.from_state == (before.state if before else None), move
            after = followed(before, move)
            self.open.pop(move.fingerprint, None)
            if after:
                self.open[move.fingerprint] = after
        self.moves += moves


@dataclass(frozen=True)
class Timeline:
    """Values of one series at regular times, under one rule."""

    rule: Watch
    series: SeriesFacts
    rows: Sequence[tuple[int, int, float]]
    rhythm: Rhythm | None = None

    def expects(self, script: str) -> None:
        """The states and when they begin, however the rows are cut into batches and runs."""
        found = self.run(batches=[[row] for row in self.rows])
        assert found == script.split(), found
        span = self.rows[-1][1] - self.rows[0][1]
        if span <= self.rule.fresh_us:
            assert self.run(batches=[list(self.rows)]) == script.split()

    def run(self, batches: Sequence[Sequence[tuple[int, int, float]]]) -> list[str]:
        """The script that comes about; every batch meets an engine that was just started."""
        stored = Stored.empty()
        rows: list[tuple[int, int, float]] = []
        for batch in batches:
            seen = columns(*rows[-1:])
            engine = Engine(
                [self.rule], [self.series], [], stored.open.values(), latest=seen,
                rhythm=self.rhythm,
            )  # fmt: skip
            engine.remember(columns(*rows))
            rows += batch
            new = columns(*batch)
            stored.take(engine.observe(new, int(new.time[-1])))
        return scripted(stored.moves)


def timeline(
    rule: Rule | None = None,
    *,
    every: str,
    values: str,
    attributes: Mapping[str, Any] | None = None,
    rhythm: Rhythm | None = None,
    **document: Any,
) -> Timeline:
    """A timeline under a rule, or under one that is written beside it."""
    rule = rule or a_rule(**document)
    assert isinstance(rule, Watching), "silence has no values"
    width = duration(every)
    series = a_series(
        domain=rule.domain,
        property=rule.observed_property,
        attributes=attributes or {},
        interval=width / SECOND,
    )
    rows = [
        (1, START + turn * width, value)
        for turn, value in enumerate(expand(values))
        if value is not None
    ]
    return Timeline(rule, series, rows, rhythm)


def scripted(moves: Sequence[Transition]) -> list[str]:
    """Transitions as a script says them: `pending@1m active@6m`."""
    return [f"{move.to_state}@{_written(move.at - START)}" for move in moves]


def _written(micros: int) -> str:
    seconds = micros // SECOND
    for unit in ("h", "m"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]}{unit}"
    return "0m" if seconds == 0 else f"{seconds}s"
