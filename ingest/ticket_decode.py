"""Bodies of tickets: read item by item; what is refused is kept without who reported.

Where nobody can tell what a refused one says of whom, only its hash is kept.
"""

import re
from hashlib import sha256
from typing import Any, Final, cast

import msgspec

from ingest.ticket import LONG_NUMBER, Fault, Reporter, Supplement, Ticket, TicketRules, checked
from ioc.model import Problem, Reason

FIELDS: Final = Ticket.__struct_fields__
"""All that a ticket has."""

_INNER: Final = {
    "contact": frozenset(Reporter.__struct_fields__),
    "supplements": frozenset(Supplement.__struct_fields__),
}


class RefusedTicket(msgspec.Struct, frozen=True):
    """What was not taken: its place, why, its size as sent, and what can be kept of it.

    `content` is the ticket without its contact; where nothing is kept, `digest` is the SHA-256 of
    its bytes.
    """

    problem: Problem
    size: int
    content: bytes = b""
    digest: bytes | None = None


class DecodedTickets(msgspec.Struct):
    """The tickets that were understood, with their places, and the others.

    `reporters` counts those of both that say who reported.
    """

    tickets: list[tuple[int, Ticket]] = msgspec.field(default_factory=list[tuple[int, Ticket]])
    refused: list[RefusedTicket] = msgspec.field(default_factory=list[RefusedTicket])
    reporters: int = 0

    @property
    def received(self) -> int:
        """How many the body held."""
        return len(self.tickets) + len(self.refused)


_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_anything: Final = msgspec.json.Decoder(dict[str, Any])
_ticket: Final = msgspec.json.Decoder(Ticket)

_NAME: Final = re.compile(r"[^\W\d][\w-]{0,39}")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_MOST_NAMES: Final = 50
_NOT_KEPT: Final = "its content is not kept; send it again corrected"
_REPORTER: Final = "who reported is not kept with it; a later state of the ticket says it again"

_CODED: Final = frozenset({"category", "state", "outcome", "unit"})
"""Fields with words of a list, where a long number is that of a person."""


def decode_tickets(body: bytes, rules: TicketRules) -> DecodedTickets:
    """Read a JSON array of tickets, or one; a bad one never costs its neighbours."""
    try:
        single = body.lstrip()[:1] == b"{"
        raws = [msgspec.Raw(body.strip())] if single else _raws.decode(body)
        if single:
            msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"not a JSON array of tickets: {_plain(str(error))}; {_NOT_KEPT}"
        return DecodedTickets(refused=[_withheld(-1, body, Fault(Reason.JSON_INVALID, detail))])
    found = DecodedTickets()
    for index, raw in enumerate(raws):
        _take(found, index, bytes(raw), rules)
    return found


def _take(found: DecodedTickets, index: int, raw: bytes, rules: TicketRules) -> None:
    try:
        named = _named(raw)
    except Fault as fault:
        found.refused.append(_withheld(index, raw, fault))
        return
    found.reporters += bool(named.get("contact"))
    try:
        found.tickets.append((index, checked(_typed(raw), rules)))
    except Fault as fault:
        found.refused.append(_refused(index, raw, named, fault))


def _withheld(index: int, raw: bytes, fault: Fault) -> RefusedTicket:
    problem = Problem(index, fault.reason, fault.detail)
    return RefusedTicket(problem, len(raw), digest=sha256(raw).digest())


def _refused(index: int, raw: bytes, named: dict[str, Any], fault: Fault) -> RefusedTicket:
    if not _is_plain(named):
        return _withheld(index, raw, Fault(fault.reason, f"{fault.detail}; {_NOT_KEPT}"))
    contact = named.pop("contact", None)
    detail = f"{fault.detail}; {_REPORTER}" if contact else fault.detail
    problem = Problem(index, fault.reason, detail)
    return RefusedTicket(problem, len(raw), content=msgspec.json.encode(named))


def _is_plain(named: dict[str, Any]) -> bool:
    """Whether all but the contact looks like a ticket; else it may tell anything of anybody."""
    waits = _parts(named.get("supplements", []))
    if not all(isinstance(wait, dict) for wait in waits):
        return False
    values = [value for name, value in named.items() if name not in _INNER]
    values += [value for wait in waits for value in wait.values()]
    coded = [str(named.get(name, "")) for name in _CODED]
    nested = any(isinstance(value, dict | list) for value in values)
    return not nested and not any(map(LONG_NUMBER.search, coded))


def _plain(said: str) -> str:
    """What a decoder says, without the values that it repeats."""
    return _QUOTED.sub("…", said)


def _named(raw: bytes) -> dict[str, Any]:
    """A ticket with no other fields than those that it has."""
    try:
        named = _anything.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Fault(Reason.SHAPE_INVALID, f"a ticket is an object; {_NOT_KEPT}") from None
    unknown = _unknown(named)
    if unknown:
        more = f" and {len(unknown) - _MOST_NAMES} more" if len(unknown) > _MOST_NAMES else ""
        raise Fault(
            Reason.PERSONAL_DATA,
            f"unknown fields: {', '.join(unknown[:_MOST_NAMES])}{more}; a ticket has "
            f"{', '.join(FIELDS)}, its contact name, phone and email; {_NOT_KEPT}",
        )
    return named


def _typed(raw: bytes) -> Ticket:
    try:
        return _ticket.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Fault(Reason.SHAPE_INVALID, f"{_plain(str(error))}; correct that field") from None


def _unknown(named: dict[str, Any]) -> list[str]:
    """The names that a ticket does not have, those of its parts with the way to them."""
    found = {_shown(name) for name in named if name not in FIELDS}
    for part, known in _INNER.items():
        for item in _parts(named.get(part)):
            if isinstance(item, dict):
                names = cast("dict[str, Any]", item)
                found |= {f"{part}.{_shown(name)}" for name in names if name not in known}
    return sorted(found)


def _parts(value: Any) -> list[Any]:
    """The parts of a field that has such, one or several."""
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _shown(name: str) -> str:
    """A field's name, unless it looks like content that stands in the place of a name."""
    return name if _NAME.fullmatch(name) and not LONG_NUMBER.search(name) else "(not shown)"
