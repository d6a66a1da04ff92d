"""Format `senml`: SenML JSON packs of RFC 8428."""

import math
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from ingest.decoders.documents import NOT_UTF8, TOO_DEEP
from ingest.payload import Decoded, Scalar, Setting, nothing
from ingest.rows import KEY_BYTES, Rows, as_number, from_seconds
from ioc.model import Reason, to_micros

RELATIVE_BELOW = 2**28
"""RFC 8428 section 4.5.3: times below it are relative to now, in seconds."""

VERSION = 10
"""The version of SenML that RFC 8428 defines; a pack with a higher `bver` must be refused."""

_records = msgspec.json.Decoder(list[msgspec.Raw])
_record = msgspec.json.Decoder(dict[str, Any])

_BASE_FIELDS = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_VALUES = frozenset({"v", "vb", "vs", "vd"})

_MEANT: Final = {
    "bn": f"a text of at most {KEY_BYTES} bytes",
    "bu": f"a text of at most {KEY_BYTES} bytes",
    "bt": "a number",
    "bv": "a number",
    "bver": "a number",
}


class _Resolved(NamedTuple):
    """What a record says once its bases are taken into it; the time in seconds."""

    name: str
    seconds: float
    value: Scalar
    uom: str


class _Base:
    """The base values in force (RFC 8428 section 4.6).

    `faulty` are fields that cannot be read, and the record that sets them. Such a field has taken
    the place of the one before (section 4.1): what builds on it means nothing until it is set anew.
    """

    def __init__(self) -> None:
        self.name = ""
        self.time = 0.0
        self.value = 0.0
        self.uom = ""
        self.sum = False
        self.version = VERSION
        self.faulty: dict[str, int] = {}

    def take(self, index: int, record: dict[str, Any]) -> None:
        """Put the base fields of a record in force."""
        for field in sorted(_BASE_FIELDS & record.keys()):
            try:
                self._set(field, record)
            except TypeError:
                self.faulty[field] = index
            else:
                self.faulty.pop(field, None)

    def _set(self, field: str, record: dict[str, Any]) -> None:
        if field == "bn":
            self.name = _short(record, field)
        elif field == "bu":
            self.uom = _short(record, field)
        elif field == "bt":
            self.time = _needed(record, field)
        elif field == "bv":
            self.value = _needed(record, field)
        elif field == "bver":
            # The version holds for the pack, not for the record that states it.
            self.version = max(self.version, int(_needed(record, field)))
        else:
            self.sum = True

    def fault(self, index: int, record: dict[str, Any]) -> str | None:
        """What is wrong with the base fields that a record sets, or builds on."""
        spared = {"bu"} if record.get("u") else set[str]()
        if record.keys() & {"vb", "vs", "vd"}:
            spared.add("bv")
        for field, setter in sorted(self.faulty.items()):
            if setter == index:
                return f"`{field}` is not {_MEANT[field]}"
            if field not in spared and not _BASE_FIELDS.issuperset(record):
                return (
                    f"the record builds on `{field}` of record {setter}, which is not "
                    f"{_MEANT[field]}; repair it there, or set `{field}` here"
                )
        return None

    def standing(self, record: dict[str, Any]) -> bytes:
        """A record with the base fields in force, by which it stands alone."""
        given = {"bn": self.name, "bt": self.time, "bu": self.uom, "bv": self.value}
        known = {name: value for name, value in given.items() if value}
        unknown = dict.fromkeys(self.faulty)
        newer = {"bver": self.version} if self.version > VERSION else {}
        return msgspec.json.encode({**known, **unknown, **record, **newer})


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
        _one(rows, index, record, base, setting)
    return rows.done()


def _one(
    rows: Rows,
    index: int,
    record: dict[str, Any],
    base: _Base,
    setting: Setting,
) -> None:
    def refuse(reason: Reason, detail: str) -> None:
        rows.refuse(index, reason, detail, base.standing(record))

    base.take(index, record)
    fault = base.fault(index, record)
    if fault is not None:
        refuse(Reason.SHAPE_INVALID, fault)
        return
    try:
        own_time = _number(record, "t")
        own_value = _number(record, "v")
        name = base.name + _text(record, "n")
        uom = _text(record, "u") or base.uom
    except TypeError as error:
        refuse(Reason.SHAPE_INVALID, f"`{error}` has the wrong type")
        return
    unknown = [field for field in record if field.endswith("_")]
    if unknown or base.version > VERSION:
        what = f"field `{unknown[0]}` must be understood" if unknown else "version is too new"
        refuse(Reason.SHAPE_INVALID, f"the SenML {what}")
        return
    if len(record.keys() & _VALUES) > 1:
        detail = "a record has one of v, vb, vs and vd; send a record for each"
        refuse(Reason.SHAPE_INVALID, detail)
        return
    value = _value(record, own_value, base)
    if value is not None:
        _add(
            rows, index, record, _Resolved(name, base.time + (own_time or 0.0), value, uom), setting
        )
    elif "s" in record or "bs" in record or (base.sum and "n" in record):
        detail = "sums (`s`, `bs`) are not stored; send the value itself as `v`"
        refuse(Reason.SUM_UNSUPPORTED, detail)
    elif not record or not _BASE_FIELDS.issuperset(record):
        # A record of base values only is a header, not an observation: it is refused by nobody
        # and received by nobody.
        detail = "the record has no v, vb or vs; data (`vd`) is not stored"
        refuse(Reason.VALUE_MISSING, detail)


def _add(
    rows: Rows, index: int, record: dict[str, Any], resolved: _Resolved, setting: Setting
) -> None:
    name, seconds, value, uom = resolved
    raw = partial(_standalone, record, resolved)
    micros = from_seconds(seconds)
    if seconds < RELATIVE_BELOW:
        if setting.arrival is None:
            detail = "the time is relative to now; send absolute times (`bt` or `t` since 1970)"
            rows.refuse(index, Reason.TIME_MISSING, detail, raw)
            return
        # A time that is out of all bounds becomes one before 1970, which `add` refuses.
        micros = to_micros(setting.received) + round(seconds * 1e6) if seconds > -1e11 else -1
    rows.add(index, name, micros, value, raw, uom=uom)


def _standalone(record: dict[str, Any], resolved: _Resolved) -> bytes:
    """The record without its bases (RFC 8428 section 4.6): it stands by itself."""
    name, seconds, value, uom = resolved
    kept = {k: v for k, v in record.items() if k not in _BASE_FIELDS and k not in _VALUES}
    field = "vs" if isinstance(value, str) else "vb" if isinstance(value, bool) else "v"
    units = {"u": uom} if uom else {}
    return msgspec.json.encode({**kept, "n": name, "t": seconds, field: value, **units})


def _number(record: dict[str, Any], field: str) -> float | None:
    given = record.get(field)
    return None if given is None else _needed(record, field)


def _needed(record: dict[str, Any], field: str) -> float:
    number = as_number(record[field])
    if number is None or not math.isfinite(number):
        raise TypeError(field)
    return number


def _text(record: dict[str, Any], field: str) -> str:
    given = record.get(field, "")
    if not isinstance(given, str):
        raise TypeError(field)
    return given


def _short(record: dict[str, Any], field: str) -> str:
    # It is kept with each record that is refused.
    given = _text(record, field)
    if len(given.encode()) > KEY_BYTES:
        raise TypeError(field)
    return given


def _value(record: dict[str, Any], own: float | None, base: _Base) -> Scalar | None:
    if own is not None:
        return own + base.value
    if isinstance(record.get("vb"), bool):
        return bool(record["vb"])
    if isinstance(record.get("vs"), str):
        return str(record["vs"])
    return base.value if base.value and "bv" in record and "n" in record else None
