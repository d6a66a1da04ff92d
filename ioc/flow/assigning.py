"""Assigning targets: what a decision or a row of a table means, and whether it may stand."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from ioc.documents.tables import Table
from ioc.errors import Conflict, Invalid, IocError, NotPermitted
from ioc.flow.precedence import check_gives_way
from ioc.flow.target_table import RefusedTarget, read_row, refused, wrong_in
from ioc.kpi.definition import Direction
from ioc.kpi.indicator import Definitions, Indicator
from ioc.org import Organisation
from ioc.store import audit, targets
from ioc.store.pool import Connection
from ioc.store.targets import Replaced, Target

MOST_SHARE: Final = 100.0


class Assignment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True,
                 rename={"valid_from": "from", "valid_until": "until"}):  # fmt: skip
    """A target as it is assigned by a document; `reason` is needed where it reaches back.

    The direction is that of the indicator; one that is told must be the same.
    """

    indicator: str
    unit: str
    valid_from: date
    value: float
    document: str
    valid_until: date | None = None
    direction: Direction | None = None
    decided_on: date | None = None
    decided_by: str | None = None
    must_cascade_by: date | None = None
    reason: str = ""


class Made(msgspec.Struct, frozen=True):
    """A target that was assigned, and what it ended or replaced."""

    target: Target
    replaced: list[Replaced]


class Taken(msgspec.Struct, frozen=True):
    """What a table assigned, and the rows that were refused."""

    made: list[Made]
    refused: list[RefusedTarget]


@dataclass(frozen=True, slots=True)
class Assigner:
    """Who assigns; `within` are the units that it speaks for, None the whole province."""

    name: str
    source: str
    within: Sequence[str] | None = None


class Desk:
    """Checks what one person assigns, and writes it down."""

    def __init__(
        self, by: Assigner, organisation: Organisation, definitions: Definitions, today: date
    ) -> None:
        """Take what assignments are checked against."""
        self._by = by
        self._organisation = organisation
        self._definitions = definitions
        self._today = today

    def checked(self, wanted: Assignment) -> Target:
        """The target that is meant; raises with the cure."""
        since = wanted.valid_from
        with wrong_in("unit"):
            unit = self._organisation.resolve(wanted.unit, since)
        by = None
        if wanted.decided_by is not None:
            with wrong_in("decided_by"):
                by = self._organisation.resolve(wanted.decided_by, since)
        by = self._deciding(unit, by, since)
        with wrong_in("indicator"):
            indicator = self._indicator(wanted)
        with wrong_in("value"):
            _check_value(indicator, wanted)
        _check_direction(indicator, wanted)
        self._check_days(wanted, unit)
        if not wanted.document.strip():
            raise Invalid("a target needs the document that assigns it", field="document")
        return Target(
            indicator=indicator.id, unit=unit, valid_from=since, valid_until=wanted.valid_until,
            value=wanted.value, direction=indicator.direction, document=wanted.document.strip(),
            decided_on=wanted.decided_on, decided_by=by, must_cascade_by=wanted.must_cascade_by,
        )  # fmt: skip

    def _indicator(self, wanted: Assignment) -> Indicator:
        id = self._definitions.require(wanted.indicator)
        found = self._definitions.on(id, wanted.valid_from)
        if found is None:
            spans = ", ".join(
                f"from {v.valid_from or 'ever'} until {v.valid_until or 'now on'}"
                for v in self._definitions.versions(id)
            )
            raise Invalid(f"`{id}` is not defined on {wanted.valid_from}; it is {spans}")
        return found

    def _deciding(self, unit: str, by: str | None, on: date) -> str:
        """The unit whose decision it is: one above the target's unit, and the assigner's own.

        The province, that none stands above, decides on itself too.
        """
        above = [v.unit for v in self._organisation.ancestors(unit, on)]
        own = self._by.within
        if own is not None and not any(one in above for one in own):
            raise NotPermitted("a unit assigns targets only to the units below it")
        if by is None:
            top = (above or [unit])[-1]
            return top if own is None else next(one for one in above if one in own)
        if own is not None and by not in own:
            raise NotPermitted(f"`decided_by` is one of {', '.join(own)}, or left out")
        if by not in (above or [unit]):
            raise NotPermitted(
                f"{by} is not above {unit}; `decided_by` is one of {', '.join(above or [unit])}"
            )
        return by

    def _check_days(self, wanted: Assignment, unit: str) -> None:
        since, until, cascade = wanted.valid_from, wanted.valid_until, wanted.must_cascade_by
        if until is not None and until <= since:
            raise Invalid(
                f"the target ends on {until}, before it begins; `until` is the first day on which "
                "it no longer holds",
                field="until",
            )
        if cascade is not None and until is not None and cascade >= until:
            raise Invalid(
                f"`must_cascade_by` is {cascade}, when the target no longer holds",
                field="must_cascade_by",
            )
        if cascade is not None and not self._organisation.children(unit, since):
            raise Invalid(
                f"unit {unit} has no units below it on {since}; leave `must_cascade_by` out",
                field="must_cascade_by",
            )
        if wanted.decided_on is not None and wanted.decided_on > self._today:
            raise Invalid(
                f"`decided_on` is {wanted.decided_on}, which is still to come; correct it",
                field="decided_on",
            )
        if since < self._today and not wanted.reason.strip():
            raise Invalid(
                f"the target reaches back to {since}, and figures shown since would stand against "
                "another one; say the `reason`",
                field="reason",
            )

    async def assign(
        self, conn: Connection, target: Target, reason: str, now: datetime
    ) -> list[Replaced]:
        """Write a checked target down, with its trace; returns what it ended or replaced."""
        replaced = await targets.assign(
            conn, target, by=self._by.name, now=now,
            check=lambda held: check_gives_way(held, target, self._organisation),
        )  # fmt: skip
        await audit.record(
            conn, now=now, actor=self._by.name, source=self._by.source, action="target.assign",
            subject=f"{target.indicator} of {target.unit}",
            before={"replaced": msgspec.to_builtins(replaced)},
            after=msgspec.to_builtins(target) | {"reason": reason},
        )  # fmt: skip
        return replaced

    async def take(self, conn: Connection, table: Table, now: datetime) -> Taken:
        """Assign the targets of a table; a row that is wrong costs no other."""
        found = Taken([], [])
        seen: list[tuple[int, Target]] = []
        for index, (number, row) in enumerate(table.rows):
            try:
                wanted = _written(row)
                target = self.checked(wanted)
                _check_alone(target, seen)
                replaced = await self.assign(conn, target, wanted.reason, now)
            except IocError as fault:
                found.refused.append(refused(table, index, fault))
                continue
            seen.append((number, target))
            found.made.append(Made(target, replaced))
        return found


def _check_value(indicator: Indicator, wanted: Assignment) -> None:
    if not math.isfinite(wanted.value):
        raise Invalid(f"{wanted.value} is no target")
    if indicator.kind == "share" and not 0 <= wanted.value <= MOST_SHARE:
        raise Invalid(
            f"{indicator.id} is a share: its target lies from 0 to 100, not {wanted.value:g}"
        )


def _check_direction(indicator: Indicator, wanted: Assignment) -> None:
    if wanted.direction is not None and wanted.direction != indicator.direction:
        raise Invalid(
            f"the target is good {wanted.direction}, but {indicator.id} is good "
            f"{indicator.direction}; leave `direction` out",
            field="direction",
        )


def _check_alone(target: Target, seen: Sequence[tuple[int, Target]]) -> None:
    """Refuse two rows for the same days: nobody could say which of them is meant."""
    for number, other in seen:
        if target.is_for(other) and target.overlaps(other):
            raise Conflict(
                f"row {number} assigns {other.value:g} to {other.unit} for days of these too; "
                "write `until` so that they do not overlap"
            )


def _written(row: Mapping[str, str]) -> Assignment:
    try:
        return msgspec.convert(read_row(row), Assignment)
    except msgspec.ValidationError as fault:
        raise Invalid(f"{fault}; correct the row", field="direction") from fault
