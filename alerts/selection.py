"""Which series a rule watches: by domain, property, layer, feed, unit, zone and tag."""

from collections.abc import Mapping
from typing import Any

import msgspec

from alerts.rule import Missing, Together, Watch, Where
from ioc.model import Domain


def _no_attributes() -> Mapping[str, Any]:
    return {}


class SeriesFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What rules need to know of a series; `interval` in seconds, its own or its feed's.

    `unit` is the agency whose feed it is; `zones` are the administrative units in which its
    feature lies, and `zone` the smallest of them.
    """

    series_id: int
    feed_key: int
    domain: Domain
    property: str
    feature: str = ""
    layer: str | None = None
    feed: str = ""
    unit: str = ""
    zone: str | None = None
    zones: frozenset[str] = frozenset()
    attributes: Mapping[str, Any] = msgspec.field(default_factory=_no_attributes)
    interval: float | None = None


def may_watch(rule: Watch | Missing, facts: SeriesFacts) -> bool:
    """Whether a rule watches series like this one, whatever their attributes say."""
    if isinstance(rule, Missing):
        if rule.each != "series":
            return False
        return rule.feed == facts.feed if rule.domain is None else rule.domain == facts.domain
    return (
        rule.domain == facts.domain
        and rule.observed_property == facts.property
        and lies_within(rule.where, facts)
    )


def takes_part(rule: Together, facts: SeriesFacts) -> bool:
    """Whether a series is one of those that the conditions of a rule look at."""
    return (
        rule.domain == facts.domain
        and any(condition.observed_property == facts.property for condition in rule.when)
        and lies_within(rule.where, facts)
        and has_tag(rule.where.tag, facts.attributes)
    )


def lies_within(where: Where, facts: SeriesFacts) -> bool:
    """Whether all that is given of `where` but the tag holds for a series."""
    return (
        where.layer in (None, facts.layer)
        and where.feed in (None, facts.feed)
        and where.unit in (None, facts.unit)
        and (where.zone is None or where.zone in facts.zones)
    )


def has_tag(tag: str | None, attributes: Mapping[str, Any]) -> bool:
    """Whether a feature has an attribute, written as `key` or `key=value`."""
    if tag is None:
        return True
    key, given, wanted = tag.partition("=")
    return key in attributes and (not given or str(attributes[key]) == wanted)
