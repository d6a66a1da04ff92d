"""Rules of a city, checked against its feeds, layers, units and indicators."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.mute import Inhibition
from alerts.rule import (
    Behind,
    Condition,
    Missing,
    MissingReport,
    Rule,
    Together,
    Watching,
    Where,
)
from alerts.rule_reading import decode_rule
from ioc.city.feeds import Feeds
from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.indicators import name_of, report
from ioc.city.spec import CityRule
from ioc.errors import Invalid
from ioc.model import Domain


@dataclass(frozen=True, slots=True)
class Known:
    """What rules may name."""

    feeds: Feeds
    layers: set[str]
    units: set[str]
    indicators: set[str]
    obligations: set[str]


def read_rules(folder: Folder, known: Known) -> list[CityRule]:
    """Rules of `rules.toml`, with all that they name."""
    content, file = folder.toml("rules.toml")
    folder.only(content, file, ["rule", "inhibition"])
    found: dict[str, Spot] = {}
    good: list[CityRule] = []
    for document, at in folder.array(content, "rule", file):
        name = name_of(document, at)
        if name is None:
            continue
        if name in found:
            (at / "id").report(f"{name!r} stands at {found[name]} already", "ids are unique")
            continue
        found[name] = at
        try:
            rule = decode_rule(name, document)
        except Invalid as fault:
            report(fault, f"rule {name}: ", document, at)
            continue
        _check(rule, at, known)
        good.append(CityRule(rule, document))
    return good


def _check(rule: Rule, at: Spot, known: Known) -> None:
    match rule:
        case MissingReport():
            if rule.obligation is not None and rule.obligation not in known.obligations:
                (at / "obligation").unknown("obligation", rule.obligation, known.obligations)
        case Missing():
            if rule.feed is not None and rule.feed not in known.feeds.ids:
                (at / "feed").unknown("feed", rule.feed, known.feeds.ids)
        case Behind():
            if rule.indicator not in known.indicators:
                (at / "indicator").unknown("indicator", rule.indicator, known.indicators)
        case Together():
            for number, condition in enumerate(rule.when):
                _check_levels(rule.domain, condition, at / "when" / number, known.feeds)
            _check_where(rule.where, at / "where", known)
        case _:
            _check_levels(rule.domain, rule, at, known.feeds)
            _check_where(rule.where, at / "where", known)


def _check_where(where: Where, at: Spot, known: Known) -> None:
    for key, there in (
        ("layer", known.layers),
        ("feed", known.feeds.ids),
        ("unit", known.units),
        ("zone", known.units),
    ):
        name = getattr(where, key)
        if name is not None and name not in there:
            (at / key).unknown("unit" if key == "zone" else key, name, there)


def _check_levels(domain: Domain, rule: Watching | Condition, at: Spot, feeds: Feeds) -> None:
    known = feeds.properties(domain)
    if rule.observed_property not in known:
        (at / "property").unknown(f"property of {domain}", rule.observed_property, known)
        return
    features = feeds.watched(domain, rule.observed_property)
    for key in ("above", "below", "clear"):
        name = getattr(rule, key)
        if not isinstance(name, str):
            continue
        values = [f.attributes[name] for f in features if name in f.attributes]
        if not values:
            attributes = {k for f in features for k, v in f.attributes.items() if _is_number(v)}
            what = f"attribute of features with {rule.observed_property}"
            (at / key).unknown(what, name, attributes)
        elif not all(_is_number(value) for value in values):
            (at / key).report(f"the attribute {name!r} is not a number on every feature")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_inhibitions(folder: Folder, rules: Iterable[str]) -> list[Inhibition]:
    """Which alerts explain which others, from `rules.toml`."""
    known = set(rules)
    placed = folder.tables(["rules.toml"], "inhibition", Inhibition, others=["rule"])
    for one in placed:
        for key, matcher in (("cause", one.spec.cause), ("effect", one.spec.effect)):
            if matcher.rule is not None and matcher.rule not in known:
                (one.at / key / "rule").unknown("rule", matcher.rule, known)
    return placed.specs()
