"""Bodies of dossiers: the whole array at once, or item by item where something is wrong."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, cast

import msgspec

from ingest.dossier import (
    EVENT_FIELDS,
    FIELDS,
    STEP_FIELDS,
    DecodedDossiers,
    Dossier,
    DossierEvent,
    RefusedDossier,
)
from ingest.dossier_check import check_states
from ingest.dossier_event_check import check_event
from ingest.dossier_judge import judge
from ingest.dossier_rules import DossierRules, Fault
from ioc.model import Problem, Reason

_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_anything: Final = msgspec.json.Decoder(dict[str, Any])
_dossiers: Final = msgspec.json.Decoder(list[Dossier])
_dossier: Final = msgspec.json.Decoder(Dossier)
_events: Final = msgspec.json.Decoder(list[DossierEvent])
_event: Final = msgspec.json.Decoder(DossierEvent)

_NAME: Final = re.compile(r"[^\W\d][\w-]{0,39}")
_NUMBER: Final = re.compile(r"\d{5}")
_BOUND: Final = re.compile(r"Expected `\w+` (of length )?[<>]=? ?\d+ - at ")
_MOST_NAMES: Final = 50
_NOT_KEPT: Final = "its content is not kept, send it again without them"
_WITHHELD: Final = frozenset({Reason.PERSONAL_DATA, Reason.JSON_INVALID})

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Items = tuple[list[tuple[int, Dossier]], list[tuple[int, DossierEvent]]]


def decode_dossiers(body: bytes, rules: DossierRules) -> DecodedDossiers:
    """Read a JSON array of dossiers and their events, or one; a bad one costs no neighbour."""
    faults: dict[int, Fault] = {}
    try:
        items = _all_at_once(body) or _one_by_one(_cut(body), faults)
    except _UNREADABLE as error:
        detail = f"not a JSON array of dossiers: {error}; nothing of it is kept, send it again"
        problem = Problem(-1, Reason.JSON_INVALID, detail)
        return DecodedDossiers(refused=[_withheld(problem, body)])
    found = DecodedDossiers()
    dossiers, events = items
    states, wrong = check_states([dossier for _, dossier in dossiers], rules)
    found.dossiers = [state for state in states if state is not None]
    judge(found.dossiers, rules)
    faults.update((dossiers[row][0], fault) for row, fault in wrong.items())
    for index, event in events:
        checked = check_event(event, rules)
        if isinstance(checked, tuple):
            faults[index] = checked
        else:
            found.events.append(checked)
    if faults:
        raws = _cut(body)
        found.refused = [_refused(n, faults[n], bytes(raws[n])) for n in sorted(faults)]
    return found


def _all_at_once(body: bytes) -> Items | None:
    """What the body holds if all of it is dossiers, or all of it events; None if not."""
    try:
        return list(enumerate(_dossiers.decode(body))), []
    except msgspec.ValidationError:
        pass
    try:
        return [], list(enumerate(_events.decode(body)))
    except msgspec.ValidationError:
        return None


def _cut(body: bytes) -> Sequence[msgspec.Raw]:
    """The items of a body as they were written."""
    if body.lstrip()[:1] != b"{":
        return _raws.decode(body)
    msgspec.json.decode(body)
    return [msgspec.Raw(body.strip())]


def _one_by_one(raws: Sequence[msgspec.Raw], faults: dict[int, Fault]) -> Items:
    dossiers: list[tuple[int, Dossier]] = []
    events: list[tuple[int, DossierEvent]] = []
    for index, raw in enumerate(raws):
        try:
            dossiers.append((index, _dossier.decode(raw)))
        except _UNREADABLE as error:
            item = _event_or_fault(bytes(raw), error)
            if isinstance(item, DossierEvent):
                events.append((index, item))
            else:
                faults[index] = item
    return dossiers, events


def _event_or_fault(raw: bytes, error: Exception) -> DossierEvent | Fault:
    """What is no dossier may be an event; else why it is neither."""
    try:
        named = _anything.decode(raw)
    except _UNREADABLE:
        return Reason.PERSONAL_DATA, "a dossier is an object; the content is not kept"
    is_event = "event" in named
    fields = EVENT_FIELDS if is_event else FIELDS
    unknown = _unknown(named, fields)
    if unknown:
        more = f" and {len(unknown) - _MOST_NAMES} more" if len(unknown) > _MOST_NAMES else ""
        return Reason.PERSONAL_DATA, (
            f"unknown fields: {', '.join(unknown[:_MOST_NAMES])}{more}; "
            f"{'an event of a dossier' if is_event else 'a dossier'} has {', '.join(fields)} and "
            f"nothing else, so that nothing about a person is kept by accident; {_NOT_KEPT}"
        )
    if is_event:
        try:
            return _event.decode(raw)
        except _UNREADABLE as wrong:
            error = wrong
    reason = Reason.VALUE_INVALID if _BOUND.match(str(error)) else Reason.SHAPE_INVALID
    return reason, f"{error}; correct that field"


def _unknown(named: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    """The names that an item does not have, nested ones with the way to them."""
    found: set[str] = set()
    waiting: list[tuple[str, Any, bool]] = [
        (_shown(name), value, name in fields) for name, value in named.items()
    ]
    while waiting:
        path, value, known = waiting.pop()
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            steps = STEP_FIELDS if path == "steps" and "steps" in fields else ()
            waiting += [
                (f"{path}.{_shown(name)}", part, name in steps) for name, part in inner.items()
            ]
        elif isinstance(value, list):
            waiting += [(path, part, False) for part in cast("list[Any]", value)]
        elif not known:
            found.add(path)
            continue
        if isinstance(value, dict | list) and not value and path != "steps":
            found.add(path)
    return sorted(found)


def _shown(name: str) -> str:
    """A field's name, unless it looks like content that stands in the place of a name."""
    return name if _NAME.fullmatch(name) and not _NUMBER.search(name) else "(not shown)"


def _refused(index: int, fault: Fault, raw: bytes) -> RefusedDossier:
    problem = Problem(index, *fault)
    if problem.reason in _WITHHELD:
        return _withheld(problem, raw)
    return RefusedDossier(problem, raw, len(raw))


def _withheld(problem: Problem, raw: bytes) -> RefusedDossier:
    """Nobody can tell what an unreadable text or an unknown field says of whom."""
    return RefusedDossier(problem, b"", len(raw), sha256(raw).digest())
