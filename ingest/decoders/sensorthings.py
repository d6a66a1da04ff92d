"""Format `sensorthings`: Observations of OGC SensorThings 1.1, single, listed or as data arrays.

The series key is the id of the Datastream, which stands in the Observation (`Datastream`, or a
link to it) or in the topic `v1.1/Datastreams({id})/Observations`.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from ingest.decoders.documents import as_list, as_object, as_text, encode, read_documents
from ingest.payload import Decoded, Place, Setting
from ingest.rows import Rows, read_time
from ioc.model import Reason

_DATASTREAM: Final = re.compile(r"Datastreams\(([^()]+)\)")
_LINK: Final = "Datastream@iot.navigationLink"


class _Found(NamedTuple):
    observation: dict[str, Any]
    stream: str | None


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read the Observations; their `result` is a number, a truth or a text."""
    rows = Rows(setting.zone)
    named = _in_link(setting.topic or "")
    for document in read_documents(body, rows, lines=setting.lines):
        for item in _observations(document.content, named):
            if isinstance(item, _Found):
                _observation(rows, item, setting)
            else:
                detail = 'an Observation is an object with `result`; a list is {"value":[…]}'
                whole = item is document.content and not setting.lines
                raw = document.raw if whole else encode(item)
                rows.refuse(-1 if whole else rows.next, Reason.SHAPE_INVALID, detail, raw)
    # Decision 13: a result "7" is a number where the series takes numbers, else a text.
    return rows.done(numeric_texts=True)


def _observations(content: object, named: str | None) -> Iterator[_Found | Any]:
    """The Observations in a document; anything else is given as it is."""
    given = as_object(content)
    listed = as_list(content if given is None else given.get("value"))
    if listed is not None and (given is None or "result" not in given):
        for item in listed:
            inner = as_object(item)
            if inner is not None and ("result" in inner or "dataArray" in inner):
                yield from _observations(inner, named)
            else:
                yield item
    elif given is not None and "dataArray" in given:
        yield from _data_array(given, named)
    elif given is not None and "result" in given:
        yield _Found(given, _stream(given) or named)
    else:
        yield content


def _data_array(given: dict[str, Any], named: str | None) -> Iterator[_Found | Any]:
    components = as_list(given.get("components")) or []
    data = as_list(given.get("dataArray"))
    if data is None or not all(isinstance(name, str) for name in components):
        yield given
        return
    stream = _stream(given) or named
    for values in data:
        cells = as_list(values)
        if cells is None or len(cells) != len(components):
            yield values
        else:
            yield _Found(dict(zip(components, cells, strict=True)), stream)


def _stream(given: dict[str, Any]) -> str | None:
    inner = as_object(given.get("Datastream")) or {}
    for identity in (inner.get("@iot.id"), given.get("Datastream@iot.id"), inner.get("@id")):
        if isinstance(identity, int | str) and not isinstance(identity, bool) and identity != "":
            return _in_link(str(identity)) or str(identity)
    links = (given.get(_LINK), inner.get("@iot.selfLink"), given.get("Datastream@navigationLink"))
    return next((found for link in links if (found := _in_link(as_text(link)))), None)


def _in_link(link: str) -> str | None:
    found = _DATASTREAM.search(link)
    return found.group(1).strip("'\"") or None if found else None


def _observation(rows: Rows, found: _Found, setting: Setting) -> None:
    given, stream = found
    inner = as_object(given.get("Datastream")) or {}
    raw = encode({**given, "Datastream": {**inner, "@iot.id": stream}} if stream else given)
    if stream is None:
        detail = (
            "the Observation names no Datastream; send `Datastream`, ask with $expand=Datastream, "
            "or use the topic v1.1/Datastreams({id})/Observations"
        )
        rows.refuse(rows.next, Reason.SERIES_MISSING, detail, raw)
        return
    time = _time(given) or setting.arrival
    if time is None:
        rows.refuse(rows.next, Reason.TIME_MISSING, "the Observation has no phenomenonTime", raw)
        return
    if isinstance(time, str):
        detail = "phenomenonTime is neither a time nor an interval of ISO 8601"
        rows.refuse(rows.next, Reason.TIME_INVALID, detail, raw)
        return
    result = given.get("result")
    if result is None:
        rows.refuse(rows.next, Reason.VALUE_MISSING, "the Observation has no result", raw)
    elif not isinstance(result, bool | int | float | str):
        detail = "a result is a number, true, false or a text; send a Datastream for each part"
        rows.refuse(rows.next, Reason.VALUE_INVALID, detail, raw)
    else:
        _locate(rows, given, stream, time)
        value = result if isinstance(result, bool | str) else _float(result)
        rows.add(rows.next, stream, time, value, raw, uom=_uom(given))


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _time(given: dict[str, Any]) -> datetime | str | None:
    """When the phenomenon was, of an interval its start; a text is a time that cannot be read."""
    for name in ("phenomenonTime", "resultTime"):
        written = given.get(name)
        if written is not None:
            return read_time(written) or str(written)
    return None


def _uom(given: dict[str, Any]) -> str:
    """The unit of an expanded Datastream."""
    unit = as_object((as_object(given.get("Datastream")) or {}).get("unitOfMeasurement")) or {}
    return as_text(unit.get("symbol"))


def _locate(rows: Rows, given: dict[str, Any], stream: str, time: datetime) -> None:
    interest = as_object(given.get("FeatureOfInterest")) or {}
    geometry = as_object(interest.get("feature"))
    if geometry is not None and geometry.get("type") == "Feature":
        geometry = as_object(geometry.get("geometry"))
    if geometry is not None and "type" in geometry:
        feature = stream.rpartition("/")[0] or stream
        name = as_text(interest.get("name"))[:200]
        rows.put(
            Place(
                feature=feature,
                geometry=geometry,
                time=rows.instant(time),
                name=name,
                index=rows.next,
                rows=1,
            )
        )
