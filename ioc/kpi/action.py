"""What was done on a day to move a figure: a fee cut, a help desk, an urging letter; pure."""

from collections.abc import Collection
from datetime import date
from typing import Literal

import msgspec

from ioc.model import Text

ActionKind = Literal["fee_cut", "help_desk", "urging_letter", "training", "campaign", "other"]


class Action(msgspec.Struct, frozen=True, kw_only=True,
             rename={"valid_from": "from", "valid_until": "until"}):  # fmt: skip
    """An action of a unit, from its first day up to, not including, its last.

    One without an end goes on, or was done on a single day. It is drawn on the lines of the
    `indicators` of its unit and of the units below it.
    """

    id: str
    unit: str
    kind: ActionKind
    name: Text
    valid_from: date
    document: str
    indicators: tuple[str, ...]
    valid_until: date | None = None
    sample: bool = False

    def touches(self, start: date, end: date) -> bool:
        """Whether it was going on, or began, on some day of a range."""
        return self.valid_from < end and (self.valid_until is None or start < self.valid_until)

    def is_about(self, indicator: str, units: Collection[str]) -> bool:
        """Whether it is drawn on the line of an indicator, of a unit with those above it."""
        return indicator in self.indicators and self.unit in units
