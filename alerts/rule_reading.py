"""From documents of `city/rules.toml` and of the API to rules, and what a wrong one is told."""

import difflib
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from alerts.rule import (
    KINDS,
    NO_TIME,
    Behind,
    Condition,
    Deviation,
    Flat,
    Held,
    Missing,
    MissingReport,
    Rate,
    Rule,
    Sum,
    Threshold,
    Together,
    Watching,
    Where,
)
from ioc.errors import Invalid
from ioc.model import Domain, Severity

_SLUG = re.compile(r"[a-z0-9-]{1,64}")
_PLACE = re.compile(r"`\$\.?(?P<key>[A-Za-z_.]*)(?P<rest>[^`]*)`")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]*)`")
_OVER = re.compile(r"feature|zone|layer|tag:[A-Za-z0-9_-]{1,64}")

_CURES: Mapping[str, str] = {
    "kind": f"write one of {', '.join(KINDS)}",
    "domain": f"write one of {', '.join(Domain)}",
    "severity": f"write one of {', '.join(Severity)}",
    "hold": 'write an ISO 8601 duration such as "PT10M"',
    "clear_hold": 'write an ISO 8601 duration such as "PT10M"',
    "after": 'write an ISO 8601 duration such as "PT30M"',
    "window": 'write an ISO 8601 duration such as "PT1H"',
    "fresh_within": 'write an ISO 8601 duration such as "PT1H"',
    "name": "write both languages: {vi = …, en = …}",
    "advice": "write both languages: {vi = …, en = …}, or leave it out",
    "above": "write a number, or the name of an attribute of the feature",
    "below": "write a number, or the name of an attribute of the feature",
    "clear": "write a number, or the name of an attribute of the feature, or leave it out",
    "when": "write one condition or more: [{property = …, above = …}]",
    "over": "write feature, zone, layer, or tag:NAME of an attribute",
    "share": "write a number from 0 to 1, such as 0.5",
    "at_least": "write a whole number, 1 or more",
    "side": "write one of high, low, both",
    "national_level": "write the level of the natural hazard, 1 to 5, or leave it out",
}

_BOTH_SIDES = "write exactly one of the two"


def decode_rule(rule_id: str, document: Mapping[str, Any]) -> Rule:
    """The rule that a document of `city/rules.toml` or of the API describes.

    Raises `Invalid`, whose message names the cure and whose values carry `rule` and `key`.
    """
    if not _SLUG.fullmatch(rule_id):
        raise _invalid(rule_id, "id", "is not a slug", "use a-z, 0-9 and -, at most 64")
    if document.get("id", rule_id) != rule_id:
        raise _invalid(rule_id, "id", f"is {document['id']!r} inside the document", "make one id")
    try:
        rule: Rule = msgspec.convert({**document, "id": rule_id}, Rule)
    except msgspec.ValidationError as fault:
        raise _explained(rule_id, document, str(fault)) from fault
    if isinstance(rule, Held):
        _check_holds(rule)
    if isinstance(rule, Watching):
        _check_watching(rule)
    match rule:
        case Threshold() | Rate() | Sum():
            _check_sides(rule.id, rule.above, rule.below, rule.clear)
            if not isinstance(rule, Threshold):
                _check_window(rule)
        case Deviation():
            _check_deviation(rule)
        case Flat():
            _check_flat(rule)
        case Missing():
            _check_missing(rule)
        case Together():
            _check_together(rule)
        case Behind():
            _check_behind(rule)
        case MissingReport():
            pass
    return rule


def _check_holds(rule: Held) -> None:
    for key in ("hold", "clear_hold"):
        held: timedelta = getattr(rule, key)
        if held < NO_TIME:
            raise _invalid(rule.id, key, "is negative", _CURES[key])


def _check_watching(rule: Watching) -> None:
    if rule.fresh_within <= NO_TIME:
        raise _invalid(rule.id, "fresh_within", "is not positive", _CURES["fresh_within"])
    if not rule.observed_property:
        raise _invalid(rule.id, "property", "is empty", "name the observed property")


def _check_sides(
    rule_id: str, above: float | str | None, below: float | str | None, clear: float | str | None
) -> None:
    if (above is None) == (below is None):
        raise _invalid(rule_id, "above", "and below do not decide", _BOTH_SIDES)
    for key, level in (("above", above), ("below", below), ("clear", clear)):
        if isinstance(level, float) and not math.isfinite(level):
            raise _invalid(rule_id, key, "is not a finite number", _CURES[key])
        if level == "":
            raise _invalid(rule_id, key, "is empty", _CURES[key])
    level, sign = (below, -1) if above is None else (above, 1)
    if isinstance(level, float) and isinstance(clear, float) and sign * clear > sign * level:
        side = "at or below the level of above" if sign > 0 else "at or above that of below"
        raise _invalid(rule_id, "clear", "would clear while still in breach", f"put it {side}")


def _check_window(rule: Rate | Sum) -> None:
    if rule.window <= NO_TIME:
        raise _invalid(rule.id, "window", "is not positive", _CURES["window"])
    if isinstance(rule, Sum) and rule.below is not None:
        cure = "a sum that is not known whole would always be too small; write above"
        raise _invalid(rule.id, "below", "has no place here", cure)


def _check_deviation(rule: Deviation) -> None:
    if not isinstance(rule.above, float) or rule.below is not None or rule.above <= 0:
        cure = "write so many spreads away from the rhythm, such as 4; `side` says which way"
        raise _invalid(rule.id, "above", "is not a number of spreads", cure)
    _check_sides(rule.id, rule.above, None, rule.clear)


def _check_flat(rule: Flat) -> None:
    if rule.after <= NO_TIME:
        raise _invalid(rule.id, "after", "is not positive", _CURES["after"])
    if not (math.isfinite(rule.tolerance) and rule.tolerance >= 0):
        raise _invalid(rule.id, "tolerance", "is not 0 or more", "write such as 0.01")
    for key in ("above", "below", "clear"):
        if getattr(rule, key) is not None:
            raise _invalid(rule.id, key, "has no place here", "`after` is the level; leave it out")


def _check_missing(rule: Missing) -> None:
    if (rule.domain is None) == (rule.feed is None):
        raise _invalid(rule.id, "domain", "and feed do not decide", _BOTH_SIDES)
    if rule.after <= NO_TIME:
        raise _invalid(rule.id, "after", "is not positive", _CURES["after"])


def _check_together(rule: Together) -> None:
    if not rule.when:
        raise _invalid(rule.id, "when", "is empty", _CURES["when"])
    for condition in rule.when:
        _check_sides(rule.id, condition.above, condition.below, condition.clear)
    if not _OVER.fullmatch(rule.over):
        raise _invalid(rule.id, "over", f"cannot be {rule.over!r}", _CURES["over"])
    if rule.over == "feature":
        if rule.at_least is not None or rule.share is not None:
            cure = "leave it out, or say over which zone, layer or tag it is counted"
            raise _invalid(rule.id, "at_least", "counts nothing at one feature", cure)
    elif (rule.at_least is None) == (rule.share is None):
        raise _invalid(rule.id, "at_least", "and share do not decide", _BOTH_SIDES)
    if rule.at_least is not None and rule.at_least < 1:
        raise _invalid(rule.id, "at_least", "is less than 1", _CURES["at_least"])
    if rule.share is not None and not 0 < rule.share <= 1:
        raise _invalid(rule.id, "share", "is not within 0 to 1", _CURES["share"])


def _check_behind(rule: Behind) -> None:
    deciding = ("above", "below", "standing", "course")
    given = [key for key in deciding if getattr(rule, key) is not None]
    if len(given) != 1:
        cure = "write exactly one of above, below, standing and course"
        raise _invalid(rule.id, "above", "is not the only thing that decides", cure)
    for key in ("above", "below", "clear"):
        if isinstance(getattr(rule, key), str):
            raise _invalid(rule.id, key, "is no number", "figures have no attributes")
    if given[0] in ("above", "below"):
        _check_sides(rule.id, rule.above, rule.below, rule.clear)


def _explained(rule_id: str, document: Mapping[str, Any], fault: str) -> Invalid:
    unknown = _UNKNOWN.search(fault)
    place = _PLACE.search(fault)
    path = place["key"].strip(".") if place else ""
    if unknown:
        field = unknown["field"]
        known = _known_at(path, str(document.get("kind")))
        near = difflib.get_close_matches(field, known, n=1)
        cure = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
        return _invalid(rule_id, field, "is not known here", cure)
    required = re.search(r"required field `([^`]*)`", fault)
    if required and not path:
        key = required[1]
        return _invalid(rule_id, key, "is missing", _CURES.get(key, "add it"))
    key = path.split(".", maxsplit=1)[0]
    what = fault.split(" - at ", maxsplit=1)[0]
    return _invalid(rule_id, key, f"cannot be read ({what})", _CURES.get(key, "correct it"))


def _known_at(path: str, kind: str) -> list[str]:
    """The fields that there are at a place of the document."""
    match path:
        case "":
            return [*KINDS.get(kind, Threshold).__struct_encode_fields__, "kind"]
        case "where":
            return list(Where.__struct_encode_fields__)
        case "when":
            return list(Condition.__struct_encode_fields__)
        case _:
            return ["vi", "en"]


def _invalid(rule_id: str, key: str, fault: str, cure: str) -> Invalid:
    return Invalid(f"rule {rule_id}: {key} {fault}; {cure}", rule=rule_id, key=key)
