"""Which of two decisions on a target prevails: that of the unit above, else the later one; pure."""

from datetime import date

from ioc.errors import Conflict, Invalid, NotPermitted
from ioc.org import Organisation
from ioc.store.targets import Target


def check_gives_way(held: Target, wanted: Target, organisation: Organisation) -> None:
    """Raise where a target that is in force may not give way to one that is wanted.

    A decision without its unit is one of the province. That of a unit above prevails whatever its
    day, so that it does not matter which of two decisions is written down first.
    """
    told = f"{held.unit} has {held.value:g} from {held.valid_from} by {held.document}"
    by, of = held.decided_by, wanted.decided_by
    days = (wanted.valid_from, held.valid_from)
    if any(_is_above(by, of, on, organisation) for on in days):
        raise NotPermitted(
            f"{told}, which {by or 'the province'} assigned, a unit above {of}; ask that one for a "
            "new decision, or assign days for which it has assigned nothing"
        )
    if held.decided_on is None or any(_is_above(of, by, on, organisation) for on in days):
        return
    if wanted.decided_on is None:
        raise Invalid(
            f"{told} of {held.decided_on}; say `decided_on`, the day of the document that is to "
            "take its place"
        )
    if wanted.decided_on < held.decided_on:
        raise Conflict(
            f"{told} of {held.decided_on}, and {wanted.document} of {wanted.decided_on} is the "
            "earlier decision; it does not come into force: write `until` so that it ends before, "
            "or correct `decided_on`"
        )


def _is_above(one: str | None, other: str | None, on: date, organisation: Organisation) -> bool:
    """Whether one unit stands above another on a day; None is the province."""
    if other is None or organisation.find(other, on) is None:
        return False
    above = [version.unit for version in organisation.ancestors(other, on)]
    return bool(above) if one is None else one in above
