"""Statistical forms as data: columns made of counts, rows by field or by unit; pure."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from ioc.org import Level

Rows = Literal["field", "unit"]

MEASURES: Final = (
    "received_direct", "received_online", "received_post", "carried_over", "resolved_early",
    "resolved_on_time", "resolved_late", "resolved_undated", "in_hand_in_time", "in_hand_overdue",
)  # fmt: skip
"""What a column may count: of a period, at its beginning (carried over) or at its end (in hand).

Those received and carried over add up to those resolved and in hand.
"""


class FormColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column under a heading of several: the sum of `measures`, or of other columns.

    Below the whole stands which share it has in the column `of`.
    """

    id: str
    group: str
    heading: str
    measures: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    of: str | None = None


class FormGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Units that stand together with a sum of their own."""

    number: str
    title: str
    levels: tuple[Level, ...]


class FormSection(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet: a row per field or per unit. `unnamed` is what a row without a name is called."""

    title: str
    rows: Rows
    label: str
    unnamed: str
    groups: tuple[FormGroup, ...] = ()

    def group_of(self, level: Level) -> FormGroup | None:
        """The group that units of a level stand in."""
        return next((group for group in self.groups if level in group.levels), None)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form: its head, the cycles that it may be made for (the usual one first), and its table.

    In `notes` a `$measure` stands for the count of the whole.
    """

    id: str
    number: str
    title: str
    legal_reference: str
    cycles: tuple[str, ...]
    columns: tuple[FormColumn, ...]
    sections: tuple[FormSection, ...]
    notes: tuple[str, ...] = ()

    def values(self, counts: Mapping[str, int]) -> dict[str, int]:
        """The number of every column, by counts of its measures."""
        found: dict[str, int] = {}
        for column in self.columns:
            found[column.id] = sum(counts[measure] for measure in column.measures)
        for column in self.columns:
            if column.columns:
                found[column.id] = sum(found[part] for part in column.columns)
        return found
