"""Bodies of tickets: read item by item; what is refused is kept as a hash alone.

A ticket may name its reporter, so nobody can tell what a refused one says of whom.
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
    """What was not understood: its place, why, its size and the SHA-256 of its bytes."""

    problem: Problem
    size: int
    digest: bytes


class DecodedTickets(msgspec.Struct):
    """The tickets that were understood, with their places, and the others."""

    tickets: list[tuple[int, Ticket]]
    refused: list[RefusedTicket]

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


def decode_tickets(body: bytes, rules: TicketRules) -> DecodedTickets:
    """Read a JSON array of tickets, or one; a bad one never costs its neighbours."""
    try:
        single = body.lstrip()[:1] == b"{"
        raws = [msgspec.Raw(body.strip())] if single else _raws.decode(body)
        if single:
            msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"not a JSON array of tickets: {_plain(str(error))}; {_NOT_KEPT}"
        return DecodedTickets([], [_refused(-1, body, Fault(Reason.JSON_INVALID, detail))])
    found = DecodedTickets([], [])
    for index, raw in enumerate(raws):
        try:
            found.tickets.append((index, _one(bytes(raw), rules)))
        except Fault as fault:
            found.refused.append(_refused(index, bytes(raw), fault))
    return found


def _refused(index: int, raw: bytes, fault: Fault) -> RefusedTicket:
    problem = Problem(index, fault.reason, fault.detail)
    return RefusedTicket(problem, len(raw), sha256(raw).digest())


def _plain(said: str) -> str:
    """What a decoder says, without the values that it repeats."""
    return _QUOTED.sub("…", said)


def _one(raw: bytes, rules: TicketRules) -> Ticket:
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
    try:
        ticket = _ticket.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Fault(Reason.SHAPE_INVALID, f"{_plain(str(error))}; {_NOT_KEPT}") from None
    return checked(ticket, rules)


def _unknown(named: dict[str, Any]) -> list[str]:
    """The names that a ticket does not have, those of its parts with the way to them."""
    found = {_shown(name) for name in named if name not in FIELDS}
    for part, known in _INNER.items():
        value: Any = named.get(part)
        inner: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        for item in inner:
            if isinstance(item, dict):
                names = cast("dict[str, Any]", item)
                found |= {f"{part}.{_shown(name)}" for name in names if name not in known}
    return sorted(found)


def _shown(name: str) -> str:
    """A field's name, unless it looks like content that stands in the place of a name."""
    return name if _NAME.fullmatch(name) and not LONG_NUMBER.search(name) else "(not shown)"
