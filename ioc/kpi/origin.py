"""What an indicator is made of: latest values, counts by name, formulas over measures, or parts."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from ioc.kpi.formula import Formula, parse

Take = Literal["sum", "max", "mean", "count"]
CountedThing = Literal["dossiers", "ledger", "feeds", "quality"]

COUNTS: Final[Mapping[CountedThing, tuple[str, ...]]] = {
    "dossiers": (
        "received_direct",
        "received_online",
        "received_post",
        "resolved_early",
        "resolved_on_time",
        "resolved_late",
        "resolved_undated",
        "in_hand",
        "in_hand_overdue",
    ),
    "ledger": (
        "received",
        "stored",
        "duplicate",
        "corrected",
        "late",
        "quarantined",
        "stored_late",
        "redelivered",
    ),
    "feeds": ("fresh", "late", "stale", "never"),
    "quality": (
        "right",
        "right_of",
        "complete",
        "complete_of",
        "clean",
        "clean_of",
        "live",
        "live_of",
    ),
}
"""What is counted: dossiers per unit and month, rows of the ledger of a day, feeds by freshness,
and the four words of the running day, each with the count that it is a share of."""

SCORED_BY: Final = ("n", "d", "rate", "maximum")
"""The names in the formula of a score: numerator, denominator, their quotient, the most points."""


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is taken of the latest values of one property: those between `above` and `below`."""

    property: str
    take: Take
    above: float | None = None
    below: float | None = None


class LatestSource(msgspec.Struct, frozen=True):
    """The latest values of one property, or of two whose quotient is the figure."""

    numerator: Term
    denominator: Term | None


class CountSource(msgspec.Struct, frozen=True):
    """Sums of counts of dossiers, of the ledger or of feeds; no denominator is a plain sum."""

    source: CountedThing
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]

    def formulas(self) -> "MeasureSource":
        """The same as formulas; only names of dossiers are names of measures."""
        under = parse(" + ".join(self.denominator)) if self.denominator else None
        return MeasureSource(numerator=parse(" + ".join(self.numerator)), denominator=under)


class MeasureSource(msgspec.Struct, frozen=True, kw_only=True):
    """Formulas over named measures; `score` makes points of them.

    `when_none` are the points where there is nothing to be a share of. Without a numerator the
    points can only be imported, because nobody published how they are made, and a share is that
    of the counts that its reports carry.
    """

    numerator: Formula | None = None
    denominator: Formula | None = None
    score: Formula | None = None
    when_none: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The measures that stand in its formulas, each once."""
        formulas = (self.numerator, self.denominator)
        return tuple(dict.fromkeys(n for f in formulas if f is not None for n in f.names))


class PartsSource(msgspec.Struct, frozen=True):
    """The sum of the points of other indicators.

    Unknown parts make it unknown; where `partial`, it is the sum of the known ones, which says how
    much of the maximum they cover.
    """

    parts: tuple[str, ...]
    partial: bool = False


Source = LatestSource | CountSource | MeasureSource | PartsSource
