"""Format `sensorthings`: Observations of OGC SensorThings 1.1, in each form that servers send.

They come alone, listed, as data arrays, or expanded in their Datastreams and Things. The series
key is the id of the Datastream, which stands in the Observation (`Datastream`, or a link to it),
around it, or in the topic `v1.1/Datastreams({id})/Observations`.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from ingest.decoders.documents import as_list, as_object, as_text, encode, read_documents
from ingest.payload import Decoded, Place, Setting, nothing
from ingest.rows import Rows, key_fault, read_time
from ioc.model import Reason

_DATASTREAM: Final = re.compile(r"(?<!Multi)Datastreams\(([^()]+)\)")
_MANY: Final = re.compile(r"MultiDatastreams\([^()]+\)")
_LINK: Final = "Datastream@iot.navigationLink"

_COMPONENTS: Final = frozenset(
    {"id", "phenomenonTime", "resultTime", "result", "resultQuality", "validTime"}
)
"""What of a data array is kept with each of its Observations."""

_MOST_COMPONENTS: Final = 50
_MOST_TEXT: Final = 200
_NO_OBSERVATION: Final = (
    'an Observation is an object with `result`; a list is {"value":[…]}, and Datastreams come with '
    "theirs where they are asked for with $expand=Observations"
)
_NO_STREAM: Final = (
    "the Observation names no Datastream; send `Datastream`, ask with $expand=Datastream, or use "
    "the topic v1.1/Datastreams({id})/Observations"
)
_MULTIPLE: Final = (
    "the Observation is of a MultiDatastream, which has several results in one; offer a Datastream "
    "for each of them, or read it by a mapping: `ioc feed mapping FEED FILE`"
)


_Around = dict[str, dict[str, Any]]
"""What a Datastream is told by around an Observation: `Datastream` or `MultiDatastream`."""


class _Found(NamedTuple):
    """An Observation; with a `fault` what stands in the place of one."""

    content: Any
    fault: tuple[Reason, str] | None = None


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read the Observations; their `result` is a number, a truth or a text."""
    topic = setting.topic or ""
    named = _in_link(topic)
    fault = None if named is None else key_fault(named)
    if fault is not None:
        return nothing(Reason.SERIES_INVALID, f"the Datastream of the topic: {fault}", body)
    around = _around(named, many=_MANY.search(topic) is not None)
    rows = Rows(setting.zone)
    for document in read_documents(body, rows, lines=setting.lines):
        for found in _items(document.content):
            given = as_object(found.content)
            if found.fault is not None or given is None:
                whole = found.content is document.content and not setting.lines
                raw = document.raw if whole else encode(found.content)
                reason, detail = found.fault or (Reason.SHAPE_INVALID, _NO_OBSERVATION)
                rows.refuse(-1 if whole else rows.next, reason, detail, raw)
            else:
                _observation(rows, _within(given, around), setting)
    # Decision 13: a result "7" is a number where the series takes numbers, else a text.
    return rows.done(numeric_texts=True)


def _items(content: object) -> Iterator[_Found]:
    """The Observations in a document: those of a page or a list, or of what stands alone."""
    given = as_object(content)
    listed = as_list(content if given is None else given.get("value"))
    if listed is None or (given is not None and "result" in given):
        yield from _item(content)
        return
    for each in listed:
        yield from _item(each)


def _item(content: object) -> Iterator[_Found]:
    """The Observations of one item: it, those in its data array, or those expanded within it."""
    given = as_object(content) or {}
    if "result" in given:
        yield _Found(content)
    elif "dataArray" in given:
        yield from _data_array(given)
    elif as_list(given.get("Observations")) is not None:
        yield from _expanded(given, many="multiObservationDataTypes" in given)
    elif as_list(given.get("Datastreams")) or as_list(given.get("MultiDatastreams")):
        for name in ("Datastreams", "MultiDatastreams"):
            for each in as_list(given.get(name)) or ():
                yield from _expanded(as_object(each) or {}, many=name == "MultiDatastreams")
    else:
        yield _Found(content, (Reason.SHAPE_INVALID, _NO_OBSERVATION))


def _expanded(stream: dict[str, Any], *, many: bool) -> Iterator[_Found]:
    """The Observations that a Datastream comes with; they carry it."""
    identity = _identity(stream) or _in_link(as_text(stream.get("@iot.selfLink")))
    fault = None if identity is None else key_fault(identity)
    if fault is not None:
        yield _Found(stream, (Reason.SERIES_INVALID, f"the Datastream: {fault}"))
        return
    observations = as_list(stream.get("Observations"))
    if observations is None:
        yield _Found(stream, (Reason.SHAPE_INVALID, _NO_OBSERVATION))
        return
    around = _around(identity, many=many)
    symbol = _symbol(stream)
    for told in around.values() if symbol else ():
        told["unitOfMeasurement"] = {"symbol": symbol}
    for each in observations:
        observation = as_object(each)
        if observation is None or "result" not in observation:
            marks: dict[str, Any] = {"multiObservationDataTypes": []} if many else {}
            kept = {"@iot.id": identity, **marks, "Observations": [each]}
            yield _Found(kept, (Reason.SHAPE_INVALID, _NO_OBSERVATION))
        else:
            yield _Found(_within(observation, around))


def _data_array(given: dict[str, Any]) -> Iterator[_Found]:
    components = as_list(given.get("components")) or []
    data = as_list(given.get("dataArray"))
    identity = _stream(given)
    if data is None or len(components) > _MOST_COMPONENTS or not all(map(_is_name, components)):
        detail = "a data array has names in `components`, and in `dataArray` a row for each result"
        yield _Found(given, (Reason.SHAPE_INVALID, detail))
        return
    fault = None if identity is None else key_fault(identity)
    if fault is not None:
        yield _Found(given, (Reason.SERIES_INVALID, f"the Datastream: {fault}"))
        return
    around = _around(identity, many=identity is None and _is_of_many(given))
    for values in data:
        cells = as_list(values)
        if cells is None or len(cells) != len(components):
            kept = {**around, "components": components, "dataArray": [values]}
            detail = "a row of `dataArray` has a value for each of `components`"
            yield _Found(kept, (Reason.SHAPE_INVALID, detail))
        else:
            named = zip(components, cells, strict=True)
            yield _Found({**around, **{k: v for k, v in named if k in _COMPONENTS}})


def _is_name(given: object) -> bool:
    return isinstance(given, str) and len(given) <= _MOST_TEXT


def _around(identity: str | None, *, many: bool) -> _Around:
    told = {} if identity is None else {"@iot.id": identity}
    return {"MultiDatastream": told} if many else {"Datastream": told} if told else {}


def _within(observation: dict[str, Any], around: _Around) -> dict[str, Any]:
    """An Observation with the Datastream around it, unless it names its own."""
    if _stream(observation) is not None or _is_of_many(observation):
        return observation
    told = {
        name: {**(as_object(observation.get(name)) or {}), **each} for name, each in around.items()
    }
    return {**observation, **told}


def _stream(given: dict[str, Any]) -> str | None:
    """The Datastream that an Observation, or a data array, names."""
    inner = as_object(given.get("Datastream")) or {}
    identity = _identity(inner) or _identity({"@iot.id": given.get("Datastream@iot.id")})
    links = (given.get(_LINK), inner.get("@iot.selfLink"), given.get("Datastream@navigationLink"))
    named = (found for link in links if (found := _in_link(as_text(link))))
    return identity or next(named, None)


def _identity(stream: dict[str, Any]) -> str | None:
    for identity in (stream.get("@iot.id"), stream.get("@id")):
        if isinstance(identity, int | str) and not isinstance(identity, bool) and identity != "":
            return _in_link(str(identity)) or str(identity)
    return None


def _in_link(link: str) -> str | None:
    found = _DATASTREAM.search(link)
    return found.group(1).strip("'\"") or None if found else None


def _is_of_many(given: dict[str, Any]) -> bool:
    """Whether an Observation that names no Datastream is of a MultiDatastream.

    Servers that know those link each Observation to one, so that the link alone says nothing.
    """
    if as_object(given.get("MultiDatastream")) is not None:
        return True
    named = [name for name in given if name.startswith("MultiDatastream@")]
    return bool(named) and (
        as_list(given.get("result")) is not None
        or given.get("MultiDatastream@iot.id") is not None
        or any(_MANY.search(as_text(given[name])) for name in named)
    )


def _observation(rows: Rows, given: dict[str, Any], setting: Setting) -> None:
    stream, raw = _stream(given), partial(encode, given)
    if stream is None and _is_of_many(given):
        rows.refuse(rows.next, Reason.ENTITY_UNSUPPORTED, _MULTIPLE, raw)
        return
    if stream is None:
        rows.refuse(rows.next, Reason.SERIES_MISSING, _NO_STREAM, raw)
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
        rows.add(
            rows.next,
            stream,
            time,
            value,
            raw,
            uom=_symbol(as_object(given.get("Datastream")) or {}),
        )


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


def _symbol(stream: dict[str, Any]) -> str:
    """The measuring unit of a Datastream."""
    unit = as_object(stream.get("unitOfMeasurement")) or {}
    return as_text(unit.get("symbol"))[:_MOST_TEXT]


def _locate(rows: Rows, given: dict[str, Any], stream: str, time: datetime) -> None:
    interest = as_object(given.get("FeatureOfInterest")) or {}
    geometry = as_object(interest.get("feature"))
    if geometry is not None and geometry.get("type") == "Feature":
        geometry = as_object(geometry.get("geometry"))
    if geometry is not None and "type" in geometry:
        feature = stream.rpartition("/")[0] or stream
        name = as_text(interest.get("name"))[:_MOST_TEXT]
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
