"""Alerts of a time as columns: when each began and ended, and what people made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

NEVER: Final = int(np.iinfo(np.int64).max)
"""The instant of what has not happened yet."""


class Quiet(IntEnum):
    """What kept an alert quiet, if anything did."""

    NO = 0
    SILENCE = 1
    PLANNED = 2
    INHIBITED = 3


class Ended(IntEnum):
    """How the incident ended that an alert is in; drills count as none."""

    NO_INCIDENT = 0
    NOT_YET = 1
    FALSE = 2
    OTHERWISE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAlerts:
    """Occurrences of alerts that were active, in the order of their beginnings; times in µs.

    `rule` counts into `rules`; `mark` is the same for occurrences of one alert; `severity` is 0
    for the worst. `pending` is when its condition began. `quiet_first` was quiet when it began,
    so that nobody was told of it.
    """

    rules: tuple[str, ...]
    rule: Ints
    mark: Ints
    severity: Ints
    pending: Ints
    began: Ints
    cleared: Ints
    acknowledged: Ints
    quiet: Ints
    quiet_first: Truths
    shelved: Truths
    ended: Ints

    def __len__(self) -> int:
        """How many occurrences there are."""
        return len(self.began)

    def only(self, which: Truths) -> "PastAlerts":
        """Some of them."""
        return PastAlerts(
            rules=self.rules, **{name: getattr(self, name)[which] for name in COLUMNS}
        )

    def as_seen_at(self, end: int) -> "PastAlerts":
        """The same as they stood at a time: what came later has not happened yet."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        for name in ("cleared", "acknowledged"):
            columns[name] = np.where(columns[name] <= end, columns[name], NEVER)
        return PastAlerts(rules=self.rules, **columns).only(self.began < end)

    @property
    def seen_while_active(self) -> Truths:
        """Which of them somebody acknowledged while they stood, and not to tidy up the list."""
        return (self.acknowledged < NEVER) & (self.acknowledged <= self.cleared)

    @property
    def in_incident(self) -> Truths:
        """Which of them are in an incident that was no false alarm."""
        return (self.ended == Ended.NOT_YET) | (self.ended == Ended.OTHERWISE)


COLUMNS: Final = tuple(name for name in PastAlerts.__slots__ if name != "rules")

_DTYPES: Final[Mapping[str, Any]] = {"quiet_first": np.bool_, "shelved": np.bool_}


def past_alerts(rules: tuple[str, ...], columns: Mapping[str, Any]) -> PastAlerts:
    """Columns in any order of rows, in the order of their beginnings."""
    arrays = {name: np.asarray(columns[name], _DTYPES.get(name, np.int64)) for name in COLUMNS}
    order = np.argsort(arrays["began"], kind="stable")
    return PastAlerts(rules=rules, **{name: array[order] for name, array in arrays.items()})
