"""Past alerts for tests, written by the minute."""

from collections.abc import Iterable
from typing import Any

from alerts.matter import MINUTE
from alerts.past import COLUMNS, NEVER, PastAlerts, past_alerts
from alerts.staffing import Staff, staffed

START = 1_000 * 24 * 60 * MINUTE
"""Midnight of some day."""


def at(minutes: float) -> int:
    return START + round(minutes * MINUTE)


def one(
    minute: float,
    *,
    lasts: float | None = 5,
    held: float = 0,
    acknowledged: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An alert of rule `a` that begins at a minute; `acknowledged` so many minutes after that."""
    return {
        "rule": "a",
        "mark": 1,
        "severity": 3,
        "pending": at(minute - held),
        "began": at(minute),
        "cleared": NEVER if lasts is None else at(minute + lasts),
        "acknowledged": NEVER if acknowledged is None else at(minute + acknowledged),
        "quiet": 0,
        "quiet_first": False,
        "shelved": False,
        "ended": 0,
        **more,
    }


def past(rows: Iterable[dict[str, Any]]) -> PastAlerts:
    rows = list(rows)
    rules = tuple(sorted({row["rule"] for row in rows}))
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    columns["rule"] = [rules.index(rule) for rule in columns["rule"]]
    return past_alerts(rules, columns)


def alone(hours: float) -> Staff:
    """One position for so many hours."""
    return staffed([], [], since=START, until=at(60 * hours))
