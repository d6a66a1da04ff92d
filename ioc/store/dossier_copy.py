"""Dossiers in the binary format of COPY, made column by column; psycopg's rows cost twice that."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

import msgspec

from ingest.dossier import DossierState
from ioc.ids import uuid7s
from ioc.model import to_micros
from ioc.store.upsert import COPY_HEADER, COPY_TRAILER, PG_EPOCH_US

_RENAMED: Final = {"procedure": "procedure_code", "screen": "device"}
_FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(DossierState))

COLUMNS: Final = tuple(_RENAMED.get(name, name) for name in _FIELDS)
"""The columns of a dossier in the order of a block, which is that of a state's fields."""

_NULL: Final = b"\xff\xff\xff\xff"
_INT4: Final = struct.Struct(">ii")
_INT8: Final = struct.Struct(">iq")
_BOOLS: Final = {None: _NULL, False: b"\0\0\0\1\0", True: b"\0\0\0\1\1"}
_UUID: Final = b"\0\0\0\x10"
_COUNT: Final = struct.pack(">h", len(COLUMNS) + 2)

_UNITS: Final = ("received_unit", "handling_unit", "applicant_unit")
_INSTANTS: Final = (
    "received_at", "due_at", "resolved_at", "changed_at", "office_since", "paused_since",
    "due_computed",
)  # fmt: skip
_TRUTHS: Final = (
    "result_required", "result_file", "digitised", "reused", "personal_store", "population_data",
    "authenticated", "fee", "paid_online", "synced", "asked", "complained",
)  # fmt: skip


def block(rows: Sequence[DossierState], units: Mapping[str, int], now: datetime) -> bytes:
    """The rows with their number, a new id and `COLUMNS`; units by key, ids of the time `now`."""
    heads = (
        b"".join((_COUNT, _INT4.pack(4, number), _UUID, id))
        for number, id in enumerate(uuid7s(now, len(rows)))
    )
    columns = zip(*map(msgspec.structs.astuple, rows), strict=True)
    written = [_column(name, units)(column) for name, column in zip(_FIELDS, columns, strict=False)]
    body = b"".join(chain.from_iterable(zip(heads, *written, strict=True)))
    return b"".join((COPY_HEADER, body, COPY_TRAILER))


def _column(name: str, units: Mapping[str, int]) -> Callable[[Iterable[Any]], Iterator[bytes]]:
    """What writes the values of a column, each with its width before it."""
    if name in _UNITS:
        known = {None: _NULL} | {id: _INT4.pack(4, key) for id, key in units.items()}
        return lambda values: map(known.__getitem__, values)
    if name in _INSTANTS:
        return lambda values: map(_instant, values)
    if name in _TRUTHS:
        return lambda values: map(_BOOLS.__getitem__, values)
    if name in ("supplements", "flags"):
        return lambda values: map(_Numbers(_INT4).__getitem__, values)
    if name == "paused_seconds":
        return lambda values: map(_Numbers(_INT8).__getitem__, values)
    return lambda values: map(_Texts({None: _NULL}).__getitem__, values)


def _instant(at: datetime | None) -> bytes:
    return _NULL if at is None else _INT8.pack(8, to_micros(at) - PG_EPOCH_US)


class _Texts(dict[str | None, bytes]):
    """Texts as they are written, each made once."""

    def __missing__(self, text: str) -> bytes:
        encoded = text.encode()
        made = self[text] = len(encoded).to_bytes(4, "big") + encoded
        return made


class _Numbers(dict[int, bytes]):
    """Whole numbers as they are written, each made once."""

    def __init__(self, form: struct.Struct) -> None:
        self._form = form

    def __missing__(self, number: int) -> bytes:
        made = self[number] = self._form.pack(self._form.size - 4, number)
        return made
