"""Layers, rules and boards of a city, checked against its feeds and units."""

from itertools import pairwise

from alerts.rule import MissingReport, Threshold, decode_rule
from ioc.city.feeds import Feeds
from ioc.city.finding import Spot
from ioc.city.folder import Folder, Tables
from ioc.city.indicators import name_of, report
from ioc.city.spec import (
    BoardSpec,
    CityRule,
    LayerSpec,
)
from ioc.errors import Invalid


def check_layers(layers: Tables[LayerSpec], feeds: Feeds, known: set[str]) -> None:
    """Report layers that show what no feed of theirs observes, or colour by no indicator."""
    for placed in layers:
        spec, at = placed.spec, placed.at
        if spec.kind == "units":
            if spec.indicator is None:
                at.report("a layer of units needs an indicator")
            elif spec.indicator not in known:
                (at / "indicator").unknown("indicator", spec.indicator, known)
        elif not spec.properties:
            at.report("a layer of points needs properties; the first one colours it")
        else:
            _check_shown(spec, at, feeds)
        for index, (lower, upper) in enumerate(pairwise(spec.levels), start=1):
            if upper.at <= lower.at:
                (at / "levels" / index).report(
                    f"{upper.at:g} does not lie above {lower.at:g}", "levels stand lowest first"
                )


def _check_shown(spec: LayerSpec, at: Spot, feeds: Feeds) -> None:
    sources = [feed for feed in feeds.good if feed.layer == spec.id]
    for feed in sources:
        if feed.domain != spec.domain:
            (at / "domain").report(f"is {spec.domain}, but its feed {feed.id} is of {feed.domain}")
    observed = {s.property for feed in sources for s in feed.series}
    for index, name in enumerate(spec.properties):
        if observed and name not in observed:
            (at / "properties" / index).unknown("property of this layer's feeds", name, observed)


def read_rules(folder: Folder, feeds: Feeds, obligations: set[str]) -> list[CityRule]:
    """Rules of `rules.toml`, with the domains, properties, attributes and feeds that they name."""
    content, file = folder.toml("rules.toml")
    folder.only(content, file, ["rule"])
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
        if isinstance(rule, Threshold):
            _check_threshold(rule, at, feeds)
        elif isinstance(rule, MissingReport):
            if rule.obligation is not None and rule.obligation not in obligations:
                (at / "obligation").unknown("obligation", rule.obligation, obligations)
        elif rule.feed is not None and rule.feed not in feeds.ids:
            (at / "feed").unknown("feed", rule.feed, feeds.ids)
        good.append(CityRule(rule, document))
    return good


def _check_threshold(rule: Threshold, at: Spot, feeds: Feeds) -> None:
    known = feeds.properties(rule.domain)
    if rule.observed_property not in known:
        (at / "property").unknown(f"property of {rule.domain}", rule.observed_property, known)
        return
    features = feeds.watched(rule.domain, rule.observed_property)
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


def check_boards(boards: Tables[BoardSpec], indicators: set[str]) -> None:
    """Report figures of boards that are no indicators, and those that stand twice."""
    for placed in boards:
        figures = placed.spec.figures
        for index, figure in enumerate(figures):
            at = placed.at / "figures" / index
            if figure not in indicators:
                at.unknown("indicator", figure, indicators)
            elif figure in figures[:index]:
                at.report(f"{figure!r} stands on this board twice")
        for index, figure in enumerate(placed.spec.ranked or []):
            if figure not in figures:
                (placed.at / "ranked" / index).unknown("figure of this board", figure, figures)
