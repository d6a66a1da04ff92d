"""An indicator as data: which figure, from what, and which way is better."""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import msgspec

from ioc.errors import Invalid
from ioc.model import Domain, Text

Kind = Literal["share", "sum", "max", "mean", "count"]
Take = Literal["sum", "max", "mean", "count"]
Direction = Literal["up", "down"]

CountedThing = Literal["dossiers", "ledger", "feeds", "quality"]

COUNTS: Mapping[CountedThing, tuple[str, ...]] = {
    "dossiers": (
        "received_direct",
        "received_online",
        "received_post",
        "resolved_early",
        "resolved_on_time",
        "resolved_late",
        "resolved_undated",
        "in_hand",
        "in_hand_overdue",
    ),
    "ledger": (
        "received",
        "stored",
        "duplicate",
        "corrected",
        "late",
        "quarantined",
        "stored_late",
        "redelivered",
    ),
    "feeds": ("fresh", "late", "stale", "never"),
    "quality": (
        "right",
        "right_of",
        "complete",
        "complete_of",
        "clean",
        "clean_of",
        "live",
        "live_of",
    ),
}
"""What is counted: dossiers per unit and month, rows of the ledger of a day, feeds by freshness,
and the four words of the running day, each with the count that it is a share of."""


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is taken of the latest values of one property: those between `above` and `below`."""

    property: str
    take: Take
    above: float | None = None
    below: float | None = None


class LatestSource(msgspec.Struct, frozen=True):
    """The latest values of one property, or of two whose quotient is the figure."""

    numerator: Term
    denominator: Term | None


class CountSource(msgspec.Struct, frozen=True):
    """Sums of counts of dossiers, of the ledger or of feeds; no denominator is a plain sum."""

    source: CountedThing
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """A defined figure of the province; a change of its definition is a new version."""

    id: str
    version: int
    name: Text
    domain: Domain
    kind: Kind
    uom: str
    decimals: int
    direction: Direction
    source: LatestSource | CountSource
    legal_reference: str | None = None
    note: Text | None = None

    @property
    def properties(self) -> frozenset[str]:
        """The observed properties that it is made of, none where it is made of counts."""
        if not isinstance(self.source, LatestSource):
            return frozenset()
        terms = (self.source.numerator, self.source.denominator)
        return frozenset(term.property for term in terms if term is not None)

    @property
    def counts_dossiers(self) -> bool:
        """Whether it is made of dossiers, and so has a figure for every unit."""
        return isinstance(self.source, CountSource) and self.source.source == "dossiers"

    @property
    def is_scored(self) -> bool:
        """Whether it is one of the four words of the quality of data."""
        return isinstance(self.source, CountSource) and self.source.source == "quality"


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An indicator as it is written down, but for the terms, whose shape the source decides."""

    id: str
    name: Text
    domain: Domain
    kind: Kind
    source: Literal["latest"] | CountedThing
    uom: str
    decimals: int
    direction: Direction
    numerator: Any
    version: int = 1
    denominator: Any = None
    legal_reference: str | None = None
    note: Text | None = None


MOST_DECIMALS = 6

_SLUG = re.compile(r"[a-z0-9-]{1,64}")
_PLACE = re.compile(r"`\$\.?(?P<key>[A-Za-z_.]*)[^`]*`")

_CURES: Mapping[str, str] = {
    "domain": f"write one of {', '.join(Domain)}",
    "kind": "write one of share, sum, max, mean, count",
    "source": "write latest, dossiers, ledger, feeds or quality",
    "direction": "write up where more is better, else down",
    "name": "write both languages: {vi = …, en = …}",
    "note": "write both languages: {vi = …, en = …}, or leave it out",
    "decimals": f"write 0 to {MOST_DECIMALS}",
    "version": "write a whole number from 1 on",
    "numerator": 'write {property = "…", take = "sum"}, or the name of a count',
    "denominator": 'write {property = "…", take = "sum"}, or the names of counts',
}


def decode_indicator(indicator_id: str, document: Mapping[str, Any]) -> Indicator:
    """The indicator that a document of `city/indicators` or of the API describes.

    Raises `Invalid`, whose message names the cure and whose values carry `indicator` and `key`.
    """
    if not _SLUG.fullmatch(indicator_id):
        raise _invalid(indicator_id, "id", "is not a slug", "use a-z, 0-9 and -, at most 64")
    if document.get("id", indicator_id) != indicator_id:
        raise _invalid(indicator_id, "id", "differs inside the document", "make one id of the two")
    try:
        written = msgspec.convert({**document, "id": indicator_id}, _Document)
    except msgspec.ValidationError as fault:
        raise _explained(indicator_id, str(fault), _Document.__struct_fields__) from fault
    if not 0 <= written.decimals <= MOST_DECIMALS:
        raise _invalid(indicator_id, "decimals", "is out of range", _CURES["decimals"])
    if written.version < 1:
        raise _invalid(indicator_id, "version", "is out of range", _CURES["version"])
    if (written.kind == "share") != (written.denominator is not None):
        fault, cure = (
            ("is missing", "a share needs one")
            if written.kind == "share"
            else ("has no meaning here", f"a {written.kind} has none: leave it out")
        )
        raise _invalid(indicator_id, "denominator", fault, cure)
    return Indicator(
        id=written.id,
        version=written.version,
        name=written.name,
        domain=written.domain,
        kind=written.kind,
        uom=written.uom,
        decimals=written.decimals,
        direction=written.direction,
        source=_latest(written) if written.source == "latest" else _counts(written, written.source),
        legal_reference=written.legal_reference,
        note=written.note,
    )


def _latest(written: _Document) -> LatestSource:
    # Outside a share the kind says what is taken: writing it twice is allowed, otherwise is not.
    implied = None if written.kind == "share" else written.kind
    numerator = _term(written, "numerator", implied)
    if written.denominator is None:
        return LatestSource(numerator, None)
    return LatestSource(numerator, _term(written, "denominator", None))


def _term(written: _Document, key: str, implied: Take | None) -> Term:
    given: Any = getattr(written, key)
    if implied and isinstance(given, dict) and "take" not in given:
        given = cast(dict[str, Any], given) | {"take": implied}
    try:
        term = msgspec.convert(given, Term)
    except msgspec.ValidationError as fault:
        raise _explained(written.id, str(fault), Term.__struct_fields__, key) from fault
    if implied and term.take != implied:
        cure = f"write take = {implied!r}, or leave it out"
        raise _invalid(written.id, key, f"takes the {term.take} for a {implied}", cure)
    for limit in (term.above, term.below):
        if limit is not None and not math.isfinite(limit):
            raise _invalid(written.id, key, "has a limit that is not finite", "write a number")
    return term


def _counts(written: _Document, source: CountedThing) -> CountSource:
    if written.kind not in ("share", "sum", "count"):
        cure = f"{source} have share, sum and count"
        raise _invalid(written.id, "kind", f"{written.kind} is not made of {source}", cure)
    names = _names(written, "numerator", source)
    if written.denominator is None:
        return CountSource(source, names, ())
    return CountSource(source, names, _names(written, "denominator", source))


def _names(written: _Document, key: str, source: CountedThing) -> tuple[str, ...]:
    given: Any = getattr(written, key)
    known = COUNTS[source]
    try:
        names = msgspec.convert([given] if isinstance(given, str) else given, tuple[str, ...])
    except msgspec.ValidationError as fault:
        raise _explained(written.id, str(fault), (), key) from fault
    if not names or len(set(names)) < len(names):
        raise _invalid(written.id, key, "is empty or names a count twice", _CURES[key])
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            cure = f"did you mean {near[0]}?" if near else f"use some of {', '.join(known)}"
            raise _invalid(written.id, key, f"names an unknown count {name}", cure)
    return names


def _explained(indicator_id: str, fault: str, known: Sequence[str], within: str = "") -> Invalid:
    place = _PLACE.search(fault)
    key = within or (place["key"].split(".")[0] if place else "")
    unknown = re.search(r"unknown field `([^`]*)`", fault)
    if unknown:
        fields = ("vi", "en") if key and not within else known
        near = difflib.get_close_matches(unknown[1], fields, n=1)
        cure = f"did you mean {near[0]}?" if near else f"use {', '.join(fields)}"
        return _invalid(indicator_id, unknown[1], "is not known here", cure)
    missing = re.search(r"required field `([^`]*)`", fault)
    if missing and not key:
        return _invalid(indicator_id, missing[1], "is missing", _CURES.get(missing[1], "add it"))
    what = fault.split(" - at ", maxsplit=1)[0]
    return _invalid(indicator_id, key, f"cannot be read ({what})", _CURES.get(key, "correct it"))


def _invalid(indicator_id: str, key: str, fault: str, cure: str) -> Invalid:
    message = f"indicator {indicator_id}: {key} {fault}; {cure}"
    return Invalid(message, indicator=indicator_id, key=key)
