"""Rows of a table of targets, with numbers and days as people here write them."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final

import msgspec

from ingest.numbers import read_number
from ioc.documents.tables import Table
from ioc.errors import Invalid, IocError

COLUMNS: Final = (
    "indicator", "unit", "from", "until", "value", "direction", "document", "decided_on",
    "decided_by", "must_cascade_by", "reason",
)  # fmt: skip
NEEDED: Final = ("indicator", "unit", "from", "value", "document")
ALIASES: Final[Mapping[str, str]] = {
    "Chỉ tiêu": "indicator", "Đơn vị": "unit", "Từ ngày": "from", "Đến ngày": "until",
    "Mức giao": "value", "Chiều": "direction", "Văn bản giao": "document",
    "Ngày văn bản": "decided_on", "Đơn vị giao": "decided_by",
    "Hạn giao tiếp": "must_cascade_by", "Lý do": "reason",
}  # fmt: skip
"""The columns of a table of targets, and how Vietnamese headings name them."""

DAYS: Final = ("from", "until", "decided_on", "must_cascade_by")


class RefusedTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken: where it is wrong, why, and what cures it.

    `cell` is as spreadsheets name it; `field` and `cell` are null where it is no single one, and
    `sheet` of a CSV.
    """

    row: int
    sheet: str | None
    cell: str | None
    field: str | None
    reason: str
    detail: str


def refused(table: Table, index: int, fault: IocError) -> RefusedTarget:
    """Where a row was refused, and why."""
    field = fault.values.get("field")
    named = field if isinstance(field, str) else None
    return RefusedTarget(
        row=table.rows[index][0], sheet=table.sheet, cell=table.cell(index, named), field=named,
        reason=fault.code, detail=fault.message,
    )  # fmt: skip


@contextmanager
def wrong_in(field: str) -> Generator[None]:
    """Say of a refusal in which field it is."""
    try:
        yield
    except IocError as fault:
        fault.values = {**fault.values, "field": field}
        raise


def read_row(row: Mapping[str, str]) -> dict[str, Any]:
    """What a row says, by column; raises `Invalid` that names the field and the cure."""
    found: dict[str, Any] = {name: text for name, text in row.items() if text}
    for name in NEEDED:
        if name not in found:
            raise Invalid(f"`{name}` is empty; write it", field=name)
    with wrong_in("value"):
        found["value"] = _number(found["value"])
    for name in DAYS:
        if name in found:
            with wrong_in(name):
                found[name] = _day(name, found[name])
    return found


def _number(text: str) -> float:
    """A number, 80.5 as spreadsheets keep it or 80,5 as people write it."""
    number = read_number(text, "vietnamese" if "," in text else "plain")
    if number is None:
        raise Invalid(f"`value` is {text[:40]!r}, which is not a number; write such as 80,5")
    return number


def _day(name: str, text: str) -> date:
    for shape in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, shape).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise Invalid(f"`{name}` is {text[:40]!r}, which is not a day; write 01/07/2026 or 2026-07-01")
