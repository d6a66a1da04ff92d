"""Format `datex`: situations of DATEX II, versions 2 and 3, read by the names of their elements.

No schema is checked: what is read are identity, times, validity, severity, location and comment.
A publication says what is in force at its own time, so that each delivery is an observation then:
a work of months is as fresh as the last publication that names it.
"""

from datetime import datetime
from functools import partial
from typing import Final
from xml.parsers import expat

from ingest.decoders.elements import Unencoded, Unsafe, in_utf8
from ingest.decoders.situations import RECORD, Record, Situations, find
from ingest.payload import Decoded, Place, Setting, nothing
from ingest.rows import Rows, read_time
from ioc.model import Reason

XML: Final = "application/xml"

_TAKEN: Final = "SituationPublication"
_EXAMPLE: Final = "2026-11-22T09:00:00+07:00"


class _Wrong(Exception):
    """A record that cannot be taken, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read the situation records as features with a place, `active` and `severity`."""
    try:
        document = in_utf8(body)
        found = find(document, setting.zone, setting.received)
    except Unencoded as error:
        return nothing(Reason.ENCODING_INVALID, str(error), body)
    except Unsafe as error:
        return nothing(Reason.SHAPE_INVALID, str(error), body)
    except (expat.ExpatError, ValueError) as error:
        return nothing(Reason.SHAPE_INVALID, f"not well-formed XML: {error}", body)
    if not found.records and not any(_TAKEN in each.kind for each in found.payloads):
        detail = f"no {RECORD}: of DATEX II only {_TAKEN}s are taken"
        return nothing(Reason.SHAPE_INVALID, detail, body)
    rows = Rows(setting.zone)
    for record in found.records:
        _record(rows, record, document, setting)
    _others(rows, found, document)
    return rows.done()


def _record(rows: Rows, record: Record, document: bytes, setting: Setting) -> None:
    raw, first = partial(record.alone, document), rows.next
    try:
        time = _time(record, setting)
    except _Wrong as wrong:
        rows.refuse(rows.next, wrong.reason, wrong.detail, raw, kind=XML)
        return
    identity = record.identity
    rows.add(rows.next, f"{identity}/active", time, record.active, raw, kind=XML)
    severity = record.severity or record.around.said("severity")
    if severity:
        rows.add(rows.next, f"{identity}/severity", time, severity, raw, kind=XML)
    if record.geometry is not None:
        rows.put(
            Place(
                feature=identity,
                geometry=record.geometry,
                time=rows.instant(time),
                name=record.name,
                attributes={"type": record.kind} if record.kind else {},
                index=first,
                rows=rows.next - first,
            )
        )


def _time(record: Record, setting: Setting) -> datetime:
    """When a record was said to be so; raises what is wrong with it."""
    if record.fault is not None:
        raise _Wrong(*record.fault)
    if not record.identity:
        raise _Wrong(Reason.SERIES_MISSING, f"the {RECORD} has no `id`")
    status = record.around.said("status")
    if status not in ("", "real"):
        # Who looks at the wall acts on what is there.
        detail = (
            f"informationStatus is {status[:40]!r}: tests and exercises are not shown; send real"
        )
        raise _Wrong(Reason.ENTITY_UNSUPPORTED, detail)
    for name, written in (
        ("publicationTime", record.around.said("published")),
        (f"{RECORD}VersionTime", record.version),
    ):
        if written:
            time = read_time(written)
            if time is None:
                detail = f"{name} is {written[:40]!r}; send a time such as {_EXAMPLE}"
                raise _Wrong(Reason.TIME_INVALID, detail)
            return time
    if setting.arrival is None:
        detail = f"neither publicationTime nor {RECORD}VersionTime is given; send one of them"
        raise _Wrong(Reason.TIME_MISSING, detail)
    return setting.arrival


def _others(rows: Rows, found: Situations, document: bytes) -> None:
    """Refuse the publications of other kinds in the same container, each by its name."""
    for each in found.payloads:
        if _TAKEN not in each.kind and not each.holds:
            detail = f"{each.kind}: of DATEX II only {_TAKEN}s are taken"
            raw = document[each.start : each.end]
            rows.refuse(rows.next, Reason.ENTITY_UNSUPPORTED, detail, raw, kind=XML)
