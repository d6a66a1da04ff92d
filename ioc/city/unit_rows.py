"""Versions of units from rows of `communes.csv` and `districts.csv`."""

from typing import Any

import msgspec

from ioc.city.decode import decode_table
from ioc.city.finding import Spot
from ioc.city.unit_spec import UnitSpec, VersionSpec
from ioc.org import UnitVersion

COLUMNS = (
    "id",
    "code",
    "name",
    "short_name",
    "level",
    "parent",
    "from",
    "until",
    "area_km2",
    "longitude",
    "latitude",
)
OPTIONAL = ("eid", "one_stop", "head_post", "head_name", "duty_phone", "sample")
"""Columns that may stand behind the others."""

CODES = {"code": "gso", "eid": "eid", "one_stop": "one_stop"}
CONTACT = {"head_post": "post", "head_name": "name", "duty_phone": "phone"}
YES = "yes"


def version_of(unit: str, spec: VersionSpec) -> UnitVersion:
    """The version of a unit that a table describes."""
    values = msgspec.structs.asdict(spec)
    values["contact"] = None if spec.contact is None else spec.contact.contact()
    return UnitVersion(unit=unit, **values)


def version_of_row(row: dict[str, str], at: Spot) -> UnitVersion | None:
    """The version that a row describes; None when an error was reported."""
    raw: dict[str, Any] = {
        key: row[key]
        for key in ("name", "short_name", "level", "parent", "from", "until")
        if row[key]
    }
    codes = {kind: row[column] for column, kind in CODES.items() if row.get(column)}
    if codes:
        raw["codes"] = codes
    contact: dict[str, Any] = {key: row[name] for name, key in CONTACT.items() if row.get(name)}
    if contact:
        raw["contact"] = contact
    if row.get("sample", "") not in ("", YES):
        (at / "sample").report(f"{row['sample']!r} is not {YES} or empty")
        return None
    if row.get("sample"):
        contact["sample"] = True
    if not _place(row, raw, at):
        return None
    unit = decode_table(UnitSpec, {"id": row["id"], "version": [raw]}, _Row(at))
    return None if unit is None else version_of(unit.id, unit.version[0])


def _place(row: dict[str, str], raw: dict[str, Any], at: Spot) -> bool:
    """Add the area and the point; False when an error was reported."""
    values: dict[str, float] = {}
    for key in ("area_km2", "longitude", "latitude"):
        try:
            if row[key]:
                values[key] = float(row[key])
        except ValueError:
            (at / key).report(f"{row[key]!r} is not a number", "write 12.5, without separators")
            return False
    if "area_km2" in values:
        raw["area_km2"] = values["area_km2"]
    if "longitude" in values and "latitude" in values:
        raw["point"] = [values["longitude"], values["latitude"]]
    elif "longitude" in values or "latitude" in values:
        at.report("has only one of longitude and latitude")
    return True


class _Row(Spot):
    """A row of a CSV as the place of a unit: the version's keys are the row's columns."""

    def __init__(self, at: Spot) -> None:
        self._row = at

    def __truediv__(self, key: str | int) -> Spot:
        return self if key in ("version", "contact") or isinstance(key, int) else self._row / key

    def report(self, message: str, hint: str = "") -> None:
        self._row.report(message, hint)
