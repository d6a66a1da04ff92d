"""Measures that agencies hand in, and what is said of their figures; pure."""

from decimal import Decimal
from typing import Final, Literal

import msgspec

from ioc.kpi.evaluate import PERCENT, printed
from ioc.model import Text

ReportedKind = Literal["flow", "stock", "score", "rank"]
Bound = Literal["=", ">=", "<=", "~"]
ReportState = Literal["draft", "submitted", "approved", "closed"]

PRINTED_DISAGREES: Final = "printed_disagrees"
"""The flag of a printed figure that is not what its counts give."""

PERCENT_UOM: Final = "%"

COUNTED: Final = ("submitted", "approved", "closed")
"""States of which the figure counts; a draft does not."""

FINAL: Final = ("approved", "closed")
"""States of which the figure is the unit's own word; a submitted one is provisional."""


class ReportedMeasure(msgspec.Struct, frozen=True, kw_only=True):
    """A named count that agencies hand in, as `[[measure]]` of `measures.toml` has it.

    A flow adds up over the periods of its cycle, a stock is a state at a period's end; a score
    and a rank are given by somebody else and are neither added up nor averaged. `parent` is the
    measure that this one is a component of; `unit` answers for it.
    """

    id: str
    name: Text
    uom: str
    kind: ReportedKind
    cycle: str
    decimals: int = 0
    group: str | None = None
    parent: str | None = None
    unit: str | None = None
    maximum: float | None = None
    legal_reference: str | None = None
    note: Text | None = None

    @property
    def is_share(self) -> bool:
        """Whether it is a percentage, which needs its numerator and denominator."""
        return self.uom == PERCENT_UOM and self.kind not in ("score", "rank")


def agrees(
    figure: float, numerator: float | None, denominator: float | None, decimals: int, bound: Bound
) -> bool:
    """Whether a printed percentage is what its counts give, rounded half up to its decimals."""
    if numerator is None or not denominator:
        return True
    exact = numerator * PERCENT / denominator
    match bound:
        case "=":
            return printed(exact, decimals) == Decimal(repr(figure)).quantize(
                Decimal(1).scaleb(-decimals)
            )
        case ">=":
            return exact >= figure
        case "<=":
            return exact <= figure
        case "~":
            return True


def previous_rank(rank: int | None, movement: int | None) -> int | None:
    """The rank of the period before; a movement upwards is positive."""
    return None if rank is None or movement is None else rank + movement
