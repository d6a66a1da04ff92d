"""A new version of a definition: what it changes of those before, and whether it may stand."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ioc.errors import Conflict, Invalid
from ioc.kpi.checking import faults
from ioc.kpi.indicator import Definitions, Indicator, decode_indicator, overlapping
from ioc.kpi.reported import ReportedMeasure
from ioc.org import Organisation
from ioc.store.indicators import Stored


class Proposal(msgspec.Struct, frozen=True):
    """A definition that may be written; `versions` are the documents that change by it."""

    made: Indicator
    versions: Mapping[int, Mapping[str, Any]]
    known: Definitions


def proposed(
    id: str,
    document: Mapping[str, Any],
    stored: Sequence[Stored],
    known: Definitions,
    measures: Mapping[str, ReportedMeasure],
    organisation: Organisation,
) -> Proposal:
    """What writing a document would do; raises where it may not be written.

    Without a number it is the next version. The one that holds when it begins ends there.
    """
    number = document.get("version", stored[-1].version + 1 if stored else 1)
    made = decode_indicator(id, {**document, "version": number})
    if not made.has_periods:
        raise Invalid(
            f"indicator {id}: source {made.made_of} is defined in the city's files; "
            'write source = "measures" here',
            key="source",
        )
    versions: dict[int, Mapping[str, Any]] = {
        made.version: {**document, "id": id, "version": made.version}
    }
    begins = made.valid_from
    for one in stored:
        before = decode_indicator(id, {**one.document, "version": one.version})
        open_then = before.valid_until is None and before.holds(begins) if begins else False
        if begins is not None and open_then and one.version != made.version:
            versions[one.version] = {**one.document, "until": begins.isoformat()}
    documents = {one.version: one.document for one in stored} | versions
    own = [decode_indicator(id, {**doc, "version": n}) for n, doc in documents.items()]
    for one, other in overlapping(own):
        raise Conflict(
            f"indicator {id}: version {other.version} would be valid while version {one.version} "
            "is; write `from` and `until` so that they do not overlap"
        )
    others = [version for name in known if name != id for version in known.versions(name)]
    after = Definitions([*others, *own])
    for fault in faults(made, after, measures, list(organisation)):
        key = ".".join(str(part) for part in fault.key)
        raise Invalid(f"indicator {id}: {key}: {fault.message}; {fault.hint}", key=key)
    return Proposal(made, versions, after)
