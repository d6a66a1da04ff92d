"""The levels by which a rule judged one alert, as numbers that people are shown; pure."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from alerts.rule import Held, Leveled, Rule, Threshold


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """What raises an alert and what ends it; times in seconds, null where a rule has none.

    `sign` is 1 where high values are bad, -1 where low ones are. `compares` is false where the
    levels are not those of the values themselves, such as of a change per hour.
    """

    level: float | None = None
    clear: float | None = None
    sign: int | None = None
    hold: float | None = None
    clear_hold: float | None = None
    compares: bool = False


def levels_of(rule: Rule | None, level: float | None, attributes: Mapping[str, Any]) -> Levels:
    """The levels of a rule for an alert that was raised beyond `level`, at such a feature."""
    if not isinstance(rule, Held):
        return Levels(level=level)
    hold, clear_hold = rule.hold.total_seconds(), rule.clear_hold.total_seconds()
    if not isinstance(rule, Leveled):
        return Levels(level=level, hold=hold, clear_hold=clear_hold)
    return Levels(
        level=level,
        clear=None if level is None else _clear(rule, level, attributes),
        sign=rule.sign,
        hold=hold,
        clear_hold=clear_hold,
        compares=isinstance(rule, Threshold),
    )


def _clear(rule: Leveled, level: float, attributes: Mapping[str, Any]) -> float:
    """As the engine takes it: the level itself where none is given, or on its wrong side."""
    clear = attributes.get(rule.clear) if isinstance(rule.clear, str) else rule.clear
    if isinstance(clear, bool) or not isinstance(clear, int | float) or not math.isfinite(clear):
        return level
    return min(clear * rule.sign, level * rule.sign) * rule.sign
