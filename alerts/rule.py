"""A rule as data: what is watched, from which level on, for how long, and how bad it is."""

import difflib
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from ioc.errors import Invalid
from ioc.model import Domain, Severity, Text

MICROSECOND = timedelta(microseconds=1)

NO_TIME = timedelta(0)

FRESH_WITHIN = timedelta(hours=1)
"""An older observation is history by default: it never raises an alert about now."""


class Threshold(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag="threshold",
    tag_field="kind",
    forbid_unknown_fields=True,
):
    """A value beyond a level, for as long as the hold time.

    `above`, `below` and `clear` are numbers or the name of a feature's attribute that holds the
    number (a river gauge's own flood levels); a feature without the attribute is not watched.
    The level itself is not a breach. Once beyond, a value counts as beyond until it reaches
    `clear`, which is the level itself unless given.
    """

    id: str
    name: Text
    severity: Severity
    domain: Domain
    observed_property: str = msgspec.field(name="property")
    above: float | str | None = None
    below: float | str | None = None
    clear: float | str | None = None
    hold: timedelta = NO_TIME
    fresh_within: timedelta = FRESH_WITHIN
    advice: Text | None = None

    @property
    def level(self) -> float | str:
        """The number, or the attribute that holds it."""
        level = self.below if self.above is None else self.above
        assert level is not None, "decode_rule takes exactly one of above and below"
        return level

    @property
    def sign(self) -> int:
        """1 where high values are bad, -1 where low ones are."""
        return -1 if self.above is None else 1

    @property
    def hold_us(self) -> int:
        """The hold time in microseconds."""
        return self.hold // MICROSECOND

    @property
    def fresh_us(self) -> int:
        """The age in microseconds up to which an observation may raise an alert."""
        return self.fresh_within // MICROSECOND


class Missing(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag="missing",
    tag_field="kind",
    forbid_unknown_fields=True,
):
    """A feed, or any feed of a domain, from which nothing was stored for a time."""

    id: str
    name: Text
    severity: Severity
    after: timedelta
    domain: Domain | None = None
    feed: str | None = None
    advice: Text | None = None

    @property
    def after_us(self) -> int:
        """The tolerated silence in microseconds."""
        return self.after // MICROSECOND


class MissingReport(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag="missing_report",
    tag_field="kind",
    forbid_unknown_fields=True,
):
    """A report that a unit owes by an obligation, or by any, and that is past its deadline."""

    id: str
    name: Text
    severity: Severity
    domain: Domain
    obligation: str | None = None
    advice: Text | None = None


Rule = Threshold | Missing | MissingReport

KINDS: Mapping[str, type[Rule]] = {
    "threshold": Threshold,
    "missing": Missing,
    "missing_report": MissingReport,
}

_SLUG = re.compile(r"[a-z0-9-]{1,64}")
_PLACE = re.compile(r"`\$\.?(?P<key>[A-Za-z_.]*)`")
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]*)`")

_CURES: Mapping[str, str] = {
    "kind": f"write one of {', '.join(KINDS)}",
    "domain": f"write one of {', '.join(Domain)}",
    "severity": f"write one of {', '.join(Severity)}",
    "hold": 'write an ISO 8601 duration such as "PT10M"',
    "after": 'write an ISO 8601 duration such as "PT30M"',
    "fresh_within": 'write an ISO 8601 duration such as "PT1H"',
    "name": "write both languages: {vi = …, en = …}",
    "advice": "write both languages: {vi = …, en = …}, or leave it out",
    "above": "write a number, or the name of an attribute of the feature",
    "below": "write a number, or the name of an attribute of the feature",
    "clear": "write a number, or the name of an attribute of the feature, or leave it out",
}


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
    match rule:
        case Threshold():
            _check_threshold(rule)
        case Missing():
            _check_missing(rule)
        case MissingReport():
            pass
    return rule


def _check_threshold(rule: Threshold) -> None:
    if (rule.above is None) == (rule.below is None):
        raise _invalid(rule.id, "above", "and below do not decide", "write exactly one of the two")
    for key in ("above", "below", "clear"):
        level: float | str | None = getattr(rule, key)
        if isinstance(level, float) and not math.isfinite(level):
            raise _invalid(rule.id, key, "is not a finite number", _CURES[key])
        if level == "":
            raise _invalid(rule.id, key, "is empty", _CURES[key])
    level, clear = rule.level, rule.clear
    wrong_side = (
        isinstance(level, float)
        and isinstance(clear, float)
        and rule.sign * clear > rule.sign * level
    )
    if wrong_side:
        side = "at or below the level of above" if rule.sign > 0 else "at or above that of below"
        raise _invalid(rule.id, "clear", "would clear while still in breach", f"put it {side}")
    if rule.hold < NO_TIME:
        raise _invalid(rule.id, "hold", "is negative", _CURES["hold"])
    if rule.fresh_within <= NO_TIME:
        raise _invalid(rule.id, "fresh_within", "is not positive", _CURES["fresh_within"])
    if not rule.observed_property:
        raise _invalid(rule.id, "property", "is empty", "name the observed property")


def _check_missing(rule: Missing) -> None:
    if (rule.domain is None) == (rule.feed is None):
        raise _invalid(rule.id, "domain", "and feed do not decide", "write exactly one of the two")
    if rule.after <= NO_TIME:
        raise _invalid(rule.id, "after", "is not positive", _CURES["after"])


def _explained(rule_id: str, document: Mapping[str, Any], fault: str) -> Invalid:
    unknown = _UNKNOWN.search(fault)
    place = _PLACE.search(fault)
    path = place["key"].strip(".") if place else ""
    if unknown:
        field = unknown["field"]
        kind = KINDS.get(str(document.get("kind")), Threshold)
        known = ["vi", "en"] if path else [*kind.__struct_encode_fields__, "kind"]
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


def _invalid(rule_id: str, key: str, fault: str, cure: str) -> Invalid:
    return Invalid(f"rule {rule_id}: {key} {fault}; {cure}", rule=rule_id, key=key)
