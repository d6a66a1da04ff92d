"""An NGSI `KeyPerformanceIndicator` as a report: a measure of a unit over a period.

The attributes are those of the Smart Data Models; `to` of a `calculationPeriod` is its last day.
"""

from datetime import date, timedelta
from typing import Any, Final

import msgspec

from ingest.decoders.attributes import Instance, Time, instances, plain, value_of
from ingest.decoders.documents import as_object, as_text
from ingest.decoders.entity import Wrong
from ingest.rows import as_number, read_time
from ioc.model import Reason

KIND: Final = "KeyPerformanceIndicator"

COUNTS: Final = ("numerator", "denominator")

_CHANGED: Final = ("updatedAt", "modifiedAt", "dateModified")


def report_of(given: dict[str, Any], identity: str) -> bytes:
    """The report in the own format; raises `Wrong` where one cannot be made of the entity."""
    report = {
        "measure": _needed(
            given, ("alternateName", "name"), Reason.MEASURE_UNKNOWN,
            "the id of a measure (GET /api/v1/measures) as `name`, or as `alternateName`",
        ),
        "unit": _needed(
            given, ("organization",), Reason.UNIT_UNKNOWN,
            "the id or a code of a unit (GET /api/v1/units) as `organization`",
        ),
        "period": _period(value_of(given.get("calculationPeriod"))),
        "document": as_text(value_of(given.get("source"))).strip() or identity,
        **_figure(given.get("kpiValue")),
    }  # fmt: skip
    bound = as_text(value_of(given.get("bound")))
    if bound:
        report["bound"] = bound
    changed = _changed(given)
    if changed is not None:
        report["changed_at"] = changed
    return msgspec.json.encode(report)


def _needed(given: dict[str, Any], names: tuple[str, ...], reason: Reason, cure: str) -> str:
    for name in names:
        found = as_text(value_of(given.get(name))).strip()
        if found:
            return found
    raise Wrong(reason, f"the {KIND} is of no {reason.value.partition('_')[0]}; send {cure}")


def _period(given: object) -> str:
    """The days from the first one up to the one after the last, as periods are written."""
    fields = as_object(given) or {}
    days = [_day(plain(value_of(fields.get(name)))) for name in ("from", "to")]
    since, until = days
    if since is None or until is None or until < since or until == date.max:
        raise Wrong(
            Reason.PERIOD_INVALID,
            f"the {KIND} is of no period; send its first and last day as `calculationPeriod`, "
            'such as {"from": "2026-07-01", "to": "2026-07-31"}',
        )
    return f"{since}/{until + timedelta(days=1)}"


def _day(written: object) -> date | None:
    try:
        return date.fromisoformat(as_text(written).strip())
    except ValueError:
        return None


def _figure(attribute: object) -> dict[str, Any]:
    """The value with its measuring unit; counts of a share, where it is an object of them."""
    fields = as_object(attribute)
    uom = _uom(attribute)
    told = {"uom": uom} if uom else {}
    value = value_of(attribute)
    counts = as_object(value)
    if counts is not None and fields is not None and counts.keys() == {*COUNTS}:
        return {**told, **counts}
    if as_number(value) is None and not (isinstance(value, str) and value.strip()):
        raise Wrong(
            Reason.VALUE_MISSING,
            f"the {KIND} has no figure; send a number as `kpiValue`, of a share an object with "
            "`numerator` and `denominator`",
        )
    return {**told, "value": value}


def _uom(attribute: object) -> str:
    found: list[Instance] = list(instances(attribute, plain_numbers=True))
    return found[0].uom if found else ""


def _changed(given: dict[str, Any]) -> str | None:
    for name in _CHANGED:
        time: Time = read_time(value_of(given.get(name)))
        if time is not None:
            return time.isoformat()
    return None
