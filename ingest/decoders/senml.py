"""Format `senml`: SenML JSON packs of RFC 8428."""

from typing import Any

import msgspec

from ingest.decoders.documents import NOT_UTF8, TOO_DEEP
from ingest.payload import Decoded, Scalar, Setting, nothing
from ingest.rows import Rows
from ioc.model import Reason, to_micros

RELATIVE_BELOW = 2**28
"""RFC 8428 section 4.5.3: times below it are relative to now, in seconds."""

VERSION = 10
"""The version of SenML that RFC 8428 defines; a pack with a higher `bver` must be refused."""

_records = msgspec.json.Decoder(list[msgspec.Raw])
_record = msgspec.json.Decoder(dict[str, Any])

_BASE_FIELDS = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_VALUES = frozenset({"v", "vb", "vs", "vd"})


class _Base:
    """The base values in force (RFC 8428 section 4.6)."""

    def __init__(self) -> None:
        self.name = ""
        self.time = 0.0
        self.value = 0.0
        self.uom = ""
        self.sum = False
        self.version = VERSION


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read a pack; records without an absolute time take the arrival where the feed does.

    RFC 8428 lets a sensor without a clock send times relative to the moment of receipt. Those
    differ at each delivery, so that a retry would be stored twice: they are refused as
    `time_missing` unless the feed takes its time from the arrival.
    """
    try:
        # One record by itself is how the quarantine keeps it.
        single = body.lstrip()[:1] == b"{"
        raws = [body.strip()] if single else [bytes(raw) for raw in _records.decode(body)]
        if single:
            msgspec.json.decode(body)
    except msgspec.ValidationError:
        return nothing(Reason.SHAPE_INVALID, "a SenML pack is a JSON array of objects", body)
    except msgspec.DecodeError as error:
        return nothing(Reason.JSON_INVALID, f"not valid JSON: {error}", body)
    except UnicodeDecodeError:
        return nothing(Reason.ENCODING_INVALID, NOT_UTF8, body)
    except RecursionError:
        return nothing(Reason.JSON_INVALID, TOO_DEEP, body)
    rows = Rows(setting.zone)
    base = _Base()
    for index, raw in enumerate(raws):
        try:
            record = _record.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            rows.refuse(index, Reason.SHAPE_INVALID, "a SenML record is an object", raw)
            continue
        _one(rows, index, raw, record, base, setting)
    return rows.done()


def _number(record: dict[str, Any], name: str) -> float | None:
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(name)
    try:
        return float(value)
    except OverflowError:
        raise TypeError(name) from None


def _one(
    rows: Rows,
    index: int,
    raw: bytes,
    record: dict[str, Any],
    base: _Base,
    setting: Setting,
) -> None:
    try:
        if "bn" in record:
            base.name = _name(record, "bn")
        if "bu" in record:
            base.uom = _name(record, "bu")
        base.sum = base.sum or "bs" in record
        base.time = base.time if (time := _number(record, "bt")) is None else time
        base.value = base.value if (value := _number(record, "bv")) is None else value
        # The version holds for the pack, not for the record that states it.
        base.version = max(base.version, int(_number(record, "bver") or 0))
        own_time = _number(record, "t")
        own_value = _number(record, "v")
        name = base.name + _name(record, "n")
        uom = _name(record, "u") or base.uom
    except TypeError as error:
        rows.refuse(index, Reason.SHAPE_INVALID, f"`{error}` has the wrong type", raw)
        return
    unknown = [field for field in record if field.endswith("_")]
    if unknown or base.version > VERSION:
        what = f"field `{unknown[0]}` must be understood" if unknown else "version is too new"
        rows.refuse(index, Reason.SHAPE_INVALID, f"the SenML {what}", raw)
        return
    if len(record.keys() & _VALUES) > 1:
        detail = "a record has one of v, vb, vs and vd; send a record for each"
        rows.refuse(index, Reason.SHAPE_INVALID, detail, raw)
        return
    value = _value(record, own_value, base)
    if value is None:
        if "s" in record or "bs" in record or (base.sum and "n" in record):
            detail = "sums (`s`, `bs`) are not stored; send the value itself as `v`"
            rows.refuse(index, Reason.SUM_UNSUPPORTED, detail, raw)
        elif not record or not _BASE_FIELDS.issuperset(record):
            detail = "the record has no v, vb or vs; data (`vd`) is not stored"
            rows.refuse(index, Reason.VALUE_MISSING, detail, raw)
        else:
            # A record of base values only is a header, not an observation: it is refused by
            # nobody and received by nobody.
            return
        return
    seconds = base.time + (own_time or 0.0)
    resolved = _resolved(record, name, seconds, value, uom)
    if seconds < RELATIVE_BELOW:
        if setting.arrival is None:
            detail = "the time is relative to now; send absolute times (`bt` or `t` since 1970)"
            rows.refuse(index, Reason.TIME_MISSING, detail, resolved)
            return
        # A time that is out of all bounds becomes one before 1970, which `add` refuses.
        micros = to_micros(setting.received) + round(seconds * 1e6) if seconds > -1e11 else -1
    else:
        micros = round(seconds * 1e6) if seconds < 1e11 else -1
    rows.add(index, name, micros, value, resolved, uom=uom)


def _resolved(record: dict[str, Any], name: str, seconds: float, value: Scalar, uom: str) -> bytes:
    """The record without its bases (RFC 8428 section 4.6): it stands by itself."""
    kept = {k: v for k, v in record.items() if k not in _BASE_FIELDS and k not in _VALUES}
    field = "vs" if isinstance(value, str) else "vb" if isinstance(value, bool) else "v"
    units = {"u": uom} if uom else {}
    return msgspec.json.encode({**kept, "n": name, "t": seconds, field: value, **units})


def _name(record: dict[str, Any], field: str) -> str:
    value = record.get(field, "")
    if not isinstance(value, str):
        raise TypeError(field)
    return value


def _value(record: dict[str, Any], own: float | None, base: _Base) -> Scalar | None:
    if own is not None:
        return own + base.value
    if isinstance(record.get("vb"), bool):
        return bool(record["vb"])
    if isinstance(record.get("vs"), str):
        return str(record["vs"])
    return base.value if base.value and "bv" in record and "n" in record else None
