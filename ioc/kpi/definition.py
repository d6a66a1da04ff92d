"""The definition of an indicator as it is written down, and what a wrong one is told."""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, cast

import msgspec

from ioc.errors import Invalid
from ioc.kpi.formula import Formula, parse
from ioc.kpi.origin import (
    COUNTS,
    SCORED_BY,
    CountedThing,
    CountSource,
    LatestSource,
    MeasureSource,
    PartsSource,
    Source,
    Take,
    Term,
)
from ioc.model import Domain, Severity, Text

Kind = Literal["share", "sum", "max", "mean", "count", "ratio", "score", "composite"]
Use = Literal["steering", "statistical"]
Rounding = Literal["half_up", "truncate"]
UpdateCycle = Literal["day", "month", "quarter", "half", "year"]
Direction = Literal["up", "down"]

MOST_DECIMALS: Final = 6
MOST_PARTS: Final = 64

OF_PARTS: Final = frozenset({"score", "composite"})
"""The kinds that are points, of a maximum."""


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure that is worse than `at` is that severe."""

    at: float
    severity: Severity | None = None


class Definition(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"valid_from": "from", "valid_until": "until"},
):
    """An indicator as it is written down, but for the terms, whose shape the source decides."""

    id: str
    name: Text
    domain: Domain
    kind: Kind
    source: Literal["latest", "measures"] | CountedThing
    uom: str
    decimals: int
    direction: Direction
    numerator: Any = None
    version: int = 1
    denominator: Any = None
    score: str | None = None
    when_none: float | None = None
    parts: tuple[str, ...] = ()
    partial: bool = False
    maximum: float | None = None
    imported: str | None = None
    printed: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    use: Use | None = None
    rounding: Rounding = "half_up"
    thresholds: tuple[Level, ...] = ()
    unit: str | None = None
    cycle: UpdateCycle | None = None
    deadline: timedelta | None = None
    legal_reference: str | None = None
    note: Text | None = None


_SLUG: Final = re.compile(r"[a-z0-9-]{1,64}")
_PLACE: Final = re.compile(r"`\$\.?(?P<key>[A-Za-z_.]*)[^`]*`")

_CURES: Final[Mapping[str, str]] = {
    "domain": f"write one of {', '.join(Domain)}",
    "kind": "write one of share, sum, max, mean, count, ratio, score, composite",
    "source": "write latest, dossiers, ledger, feeds or quality, or measures for formulas",
    "direction": "write up where more is better, else down",
    "name": "write both languages: {vi = …, en = …}",
    "note": "write both languages: {vi = …, en = …}, or leave it out",
    "decimals": f"write 0 to {MOST_DECIMALS}",
    "version": "write a whole number from 1 on",
    "numerator": 'write {property = "…", take = "sum"}, or the name of a count',
    "denominator": 'write {property = "…", take = "sum"}, or the names of counts',
    "from": "write a day as 2025-07-01",
    "until": "write a day as 2025-07-01",
    "use": "write steering or statistical",
    "rounding": "write half_up or truncate",
    "cycle": "write day, month, quarter, half or year",
    "deadline": "write a duration such as P5D",
    "thresholds": 'write [{at = 90, severity = "medium"}, …]',
    "parts": "write the ids of the indicators that it is the sum of",
}
_A_FORMULA: Final = 'write a formula over names of measures, such as "received_online"'


def read_definition(indicator_id: str, document: Mapping[str, Any]) -> Definition:
    """The definition that a document holds, with what is wrong of single keys refused."""
    if not _SLUG.fullmatch(indicator_id):
        raise invalid(indicator_id, "id", "is not a slug", "use a-z, 0-9 and -, at most 64")
    if document.get("id", indicator_id) != indicator_id:
        raise invalid(indicator_id, "id", "differs inside the document", "make one id of the two")
    try:
        written = msgspec.convert({**document, "id": indicator_id}, Definition)
    except msgspec.ValidationError as fault:
        known = Definition.__struct_encode_fields__
        raise _explained(indicator_id, str(fault), known) from fault
    if not 0 <= written.decimals <= MOST_DECIMALS:
        raise invalid(indicator_id, "decimals", "is out of range", _CURES["decimals"])
    if written.version < 1:
        raise invalid(indicator_id, "version", "is out of range", _CURES["version"])
    _check_validity(written)
    _check_points(written)
    return written


def _check_validity(written: Definition) -> None:
    since, until = written.valid_from, written.valid_until
    if until is not None and since is not None and until <= since:
        cure = "the day after the last one stands there"
        raise invalid(written.id, "until", "does not lie after from", cure)
    if written.deadline is not None and written.deadline < timedelta(0):
        raise invalid(written.id, "deadline", "lies before the period's end", _CURES["deadline"])
    levels = [level.at for level in written.thresholds]
    # Where more is better, what is worse lies lower.
    ordered = sorted(levels, reverse=written.direction == "up")
    if levels != ordered or len(set(levels)) < len(levels):
        cure = "the mildest stands first, and each once"
        raise invalid(written.id, "thresholds", "are out of order", cure)


def _check_points(written: Definition) -> None:
    points = written.kind in OF_PARTS
    if points and not (written.maximum and math.isfinite(written.maximum) and written.maximum > 0):
        cure = f"a {written.kind} has the most points that can be had"
        raise invalid(written.id, "maximum", "is missing or not above 0", cure)
    for key in ("score", "when_none", "maximum", "imported"):
        if not points and getattr(written, key) is not None:
            cure = "leave it out, or write kind = score"
            raise invalid(written.id, key, f"has no meaning for a {written.kind}", cure)
    if (written.kind == "composite") != bool(written.parts):
        cure = _CURES["parts"] if written.kind == "composite" else "write kind = composite"
        fault = "are missing" if written.kind == "composite" else "stand beside another kind"
        raise invalid(written.id, "parts", fault, cure)


def source_of(written: Definition) -> Source:
    """What the indicator is made of; `Invalid` where that does not fit its kind."""
    match written.source:
        case "measures":
            return _parts(written) if written.kind == "composite" else _measures(written)
        case "latest":
            _check_denominator(written)
            return _latest(written)
        case counted:
            _check_denominator(written)
            return _counts(written, counted)


def _check_denominator(written: Definition) -> None:
    if written.kind in ("ratio", "score", "composite"):
        cure = 'write source = "measures"'
        raise invalid(written.id, "kind", f"{written.kind} is made of measures", cure)
    if written.numerator is None:
        raise invalid(written.id, "numerator", "is missing", _CURES["numerator"])
    if (written.kind == "share") != (written.denominator is not None):
        fault, cure = (
            ("is missing", "a share needs one")
            if written.kind == "share"
            else ("has no meaning here", f"a {written.kind} has none: leave it out")
        )
        raise invalid(written.id, "denominator", fault, cure)


def _parts(written: Definition) -> PartsSource:
    if written.numerator is not None or written.denominator is not None or written.score:
        cure = "leave numerator, denominator and score out"
        raise invalid(written.id, "parts", "stand beside a formula", cure)
    if len(set(written.parts)) < len(written.parts) or len(written.parts) > MOST_PARTS:
        cure = f"name each once, at most {MOST_PARTS}"
        raise invalid(written.id, "parts", "name one twice, or too many", cure)
    if written.id in written.parts:
        raise invalid(written.id, "parts", "name the indicator itself", "take it away")
    return PartsSource(written.parts, written.partial)


def _measures(written: Definition) -> MeasureSource:
    kind = written.kind
    if kind in ("max", "mean"):
        cure = "write ratio for a mean, or take latest values"
        raise invalid(written.id, "kind", f"{kind} is not made of measures", cure)
    if written.numerator is None and written.imported is None and written.printed is None:
        raise invalid(written.id, "numerator", "is missing", _A_FORMULA)
    divided = kind in ("share", "ratio")
    if divided and written.denominator is None and written.numerator is not None:
        raise invalid(written.id, "denominator", "is missing", f"a {kind} needs one")
    if kind in ("sum", "count") and written.denominator is not None:
        cure = f"a {kind} has none: leave it out"
        raise invalid(written.id, "denominator", "has no meaning here", cure)
    if kind == "score" and (written.numerator is None) != (written.score is None):
        cure = "write both, or neither where the points are only imported"
        raise invalid(written.id, "score", "stands without numerator, or that without it", cure)
    numerator = _formula(written, "numerator")
    denominator = _formula(written, "denominator")
    score = _formula(written, "score")
    if score is not None:
        strange = [name for name in score.names if name not in SCORED_BY]
        if strange:
            cure = f"use {', '.join(SCORED_BY)}"
            raise invalid(written.id, "score", f"names {strange[0]}", cure)
    return MeasureSource(
        numerator=numerator, denominator=denominator, score=score, when_none=written.when_none
    )


def _formula(written: Definition, key: str) -> Formula | None:
    given: Any = getattr(written, key)
    if given is None:
        return None
    if not isinstance(given, str):
        raise invalid(written.id, key, "is no formula", _A_FORMULA)
    try:
        return parse(given)
    except Invalid as fault:
        message, _, cure = fault.message.partition("; ")
        what = message.removeprefix("the formula ")
        raise invalid(written.id, key, what, cure) from fault


def _latest(written: Definition) -> LatestSource:
    # Outside a share the kind says what is taken: writing it twice is allowed, otherwise is not.
    implied = None if written.kind == "share" else cast(Take, written.kind)
    numerator = _term(written, "numerator", implied)
    if written.denominator is None:
        return LatestSource(numerator, None)
    return LatestSource(numerator, _term(written, "denominator", None))


def _term(written: Definition, key: str, implied: Take | None) -> Term:
    given: Any = getattr(written, key)
    if implied and isinstance(given, dict) and "take" not in given:
        given = cast(dict[str, Any], given) | {"take": implied}
    try:
        term = msgspec.convert(given, Term)
    except msgspec.ValidationError as fault:
        raise _explained(written.id, str(fault), Term.__struct_fields__, key) from fault
    if implied and term.take != implied:
        cure = f"write take = {implied!r}, or leave it out"
        raise invalid(written.id, key, f"takes the {term.take} for a {implied}", cure)
    for limit in (term.above, term.below):
        if limit is not None and not math.isfinite(limit):
            raise invalid(written.id, key, "has a limit that is not finite", "write a number")
    return term


def _counts(written: Definition, source: CountedThing) -> CountSource:
    if written.kind not in ("share", "sum", "count"):
        cure = f"{source} have share, sum and count"
        raise invalid(written.id, "kind", f"{written.kind} is not made of {source}", cure)
    names = _names(written, "numerator", source)
    if written.denominator is None:
        return CountSource(source, names, ())
    return CountSource(source, names, _names(written, "denominator", source))


def _names(written: Definition, key: str, source: CountedThing) -> tuple[str, ...]:
    given: Any = getattr(written, key)
    known = COUNTS[source]
    try:
        names = msgspec.convert([given] if isinstance(given, str) else given, tuple[str, ...])
    except msgspec.ValidationError as fault:
        raise _explained(written.id, str(fault), (), key) from fault
    if not names or len(set(names)) < len(names):
        raise invalid(written.id, key, "is empty or names a count twice", _CURES[key])
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            cure = f"did you mean {near[0]}?" if near else f"use some of {', '.join(known)}"
            raise invalid(written.id, key, f"names an unknown count {name}", cure)
    return names


def _explained(indicator_id: str, fault: str, known: Sequence[str], within: str = "") -> Invalid:
    place = _PLACE.search(fault)
    key = within or (place["key"].split(".")[0] if place else "")
    unknown = re.search(r"unknown field `([^`]*)`", fault)
    if unknown:
        fields = ("vi", "en") if key in ("name", "note") and not within else known
        near = difflib.get_close_matches(unknown[1], fields, n=1)
        cure = f"did you mean {near[0]}?" if near else f"use {', '.join(fields)}"
        return invalid(indicator_id, unknown[1], "is not known here", cure)
    missing = re.search(r"required field `([^`]*)`", fault)
    if missing and not key:
        return invalid(indicator_id, missing[1], "is missing", _CURES.get(missing[1], "add it"))
    what = fault.split(" - at ", maxsplit=1)[0]
    return invalid(indicator_id, key, f"cannot be read ({what})", _CURES.get(key, "correct it"))


def invalid(indicator_id: str, key: str, fault: str, cure: str) -> Invalid:
    """What is wrong with a key of an indicator, and the cure."""
    message = f"indicator {indicator_id}: {key} {fault}; {cure}"
    return Invalid(message, indicator=indicator_id, key=key)
