"""Dossiers as agencies send them: checked item by item, unknown fields refused by name."""

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import Any, Final, Literal, cast

import msgspec

from ingest.rows import LATEST_YEAR
from ioc.model import Problem, Reason

FIELDS: Final = (
    "code", "procedure", "field", "received_unit", "handling_unit", "applicant_unit", "channel",
    "received_at", "due_at", "resolved_at", "outcome", "changed_at",
)  # fmt: skip
"""All that is kept of a dossier; nothing of it is about a person."""

LONGEST: Final = 200
"""Characters of a code, procedure or field."""

EARLIEST_YEAR: Final = 1990


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """One dossier (hồ sơ TTHC); units by id, times aware."""

    code: str
    procedure: str
    received_unit: str
    handling_unit: str
    channel: Literal["direct", "online", "post"]
    received_at: datetime
    field: str = ""
    applicant_unit: str | None = None
    due_at: datetime | None = None
    resolved_at: datetime | None = None
    outcome: Literal["granted", "refused", "withdrawn"] | None = None
    changed_at: datetime | None = None


class RefusedDossier(msgspec.Struct, frozen=True):
    """What was not understood: its place, why, and its own bytes.

    Where it may hold something about a person there is only the SHA-256 of the bytes, and `raw`
    is empty: such content is kept nowhere.
    """

    problem: Problem
    raw: bytes
    size: int
    digest: bytes | None = None


class DecodedDossiers(msgspec.Struct):
    """The dossiers that were understood with their places, and the others."""

    dossiers: list[tuple[int, Dossier]]
    refused: list[RefusedDossier]

    @property
    def received(self) -> int:
        """How many the body held."""
        return len(self.dossiers) + len(self.refused)


FindUnit = Callable[[str], str | None]
"""Unit id or official code to the unit's id; None where there is none, or more than one."""

_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_anything: Final = msgspec.json.Decoder(dict[str, Any])

_NAME: Final = re.compile(r"[^\W\d][\w-]{0,39}")
_NUMBER: Final = re.compile(r"\d{5}")
_MOST_NAMES: Final = 50
_NOT_KEPT: Final = "its content is not kept, send it again without them"
_WITHHELD: Final = frozenset({Reason.PERSONAL_DATA, Reason.JSON_INVALID})


def decode_dossiers(body: bytes, *, zone: tzinfo, find_unit: FindUnit) -> DecodedDossiers:
    """Read a JSON array of dossiers, or one; a bad one never costs its neighbours."""
    try:
        single = body.lstrip()[:1] == b"{"
        raws = [msgspec.Raw(body.strip())] if single else _raws.decode(body)
        if single:
            msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"not a JSON array of dossiers: {error}; nothing of it is kept, send it again"
        problem = Problem(-1, Reason.JSON_INVALID, detail)
        return DecodedDossiers([], [_withheld(problem, body)])
    found = DecodedDossiers([], [])
    for index, raw in enumerate(raws):
        outcome = _one(bytes(raw), zone, find_unit)
        if isinstance(outcome, Dossier):
            found.dossiers.append((index, outcome))
            continue
        problem = Problem(index, *outcome)
        if problem.reason in _WITHHELD:
            found.refused.append(_withheld(problem, bytes(raw)))
        else:
            found.refused.append(RefusedDossier(problem, bytes(raw), len(raw)))
    return found


def _withheld(problem: Problem, raw: bytes) -> RefusedDossier:
    """Nobody can tell what an unreadable text or an unknown field says of whom."""
    return RefusedDossier(problem, b"", len(raw), sha256(raw).digest())


def _one(raw: bytes, zone: tzinfo, find_unit: FindUnit) -> Dossier | tuple[Reason, str]:
    try:
        named = _anything.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Reason.PERSONAL_DATA, "a dossier is an object; the content is not kept"
    unknown = _unknown(named)
    if unknown:
        more = f" and {len(unknown) - _MOST_NAMES} more" if len(unknown) > _MOST_NAMES else ""
        return Reason.PERSONAL_DATA, (
            f"unknown fields: {', '.join(unknown[:_MOST_NAMES])}{more}; a dossier has "
            f"{', '.join(FIELDS)} and nothing else, so that nothing about a person is kept by "
            f"accident; {_NOT_KEPT}"
        )
    try:
        dossier = msgspec.json.decode(raw, type=Dossier)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Reason.SHAPE_INVALID, str(error)
    return _checked(dossier, zone, find_unit)


def _unknown(named: dict[str, Any]) -> list[str]:
    """The names that a dossier does not have, nested ones with the way to them."""
    found: set[str] = set()
    waiting: list[tuple[str, Any, bool]] = [
        (_shown(name), value, name in FIELDS) for name, value in named.items()
    ]
    while waiting:
        path, value, known = waiting.pop()
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            waiting += [(f"{path}.{_shown(name)}", part, False) for name, part in inner.items()]
        elif isinstance(value, list):
            waiting += [(path, part, False) for part in cast("list[Any]", value)]
        elif not known:
            found.add(path)
            continue
        if isinstance(value, dict | list) and not value:
            found.add(path)
    return sorted(found)


def _shown(name: str) -> str:
    """A field's name, unless it looks like content that stands in the place of a name."""
    return name if _NAME.fullmatch(name) and not _NUMBER.search(name) else "(not shown)"


def _checked(dossier: Dossier, zone: tzinfo, find_unit: FindUnit) -> Dossier | tuple[Reason, str]:
    for name in ("code", "procedure", "field"):
        text: str = getattr(dossier, name)
        if (name != "field" and not text.strip()) or len(text) > LONGEST or "\x00" in text:
            return Reason.VALUE_INVALID, f"`{name}` must have 1 to {LONGEST} characters"
    times: dict[str, Any] = {}
    for name in ("received_at", "due_at", "resolved_at", "changed_at"):
        at: datetime | None = getattr(dossier, name)
        if at is None:
            continue
        if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
            return Reason.TIME_INVALID, f"`{name}` has the year {at.year}"
        times[name] = at if at.tzinfo else at.replace(tzinfo=zone)
    if "resolved_at" in times and times["resolved_at"] < times["received_at"]:
        return Reason.TIME_INVALID, "`resolved_at` is before `received_at`"
    if dossier.outcome is not None and "resolved_at" not in times:
        return Reason.TIME_MISSING, "a dossier with an `outcome` needs `resolved_at`"
    times.setdefault(
        "changed_at", max(times["received_at"], times.get("resolved_at", times["received_at"]))
    )
    units: dict[str, str] = {}
    for name in ("received_unit", "handling_unit", "applicant_unit"):
        given: str | None = getattr(dossier, name)
        if given is None:
            continue
        unit = find_unit(given)
        if unit is None:
            detail = f"`{name}`: no unit has the id or code {given[:80]!r}; see GET /api/v1/units"
            return Reason.VALUE_INVALID, detail
        units[name] = unit
    return msgspec.structs.replace(dossier, **times, **units)
