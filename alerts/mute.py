"""Why an alert is kept quiet: a silence that was planned, or a cause that explains it."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from alerts.selection import has_tag
from ioc.model import SEVERITY_RANK, Severity


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """What silences and causes look at in an alert; absent where it has none."""

    id: str
    rule: str
    kind: str
    domain: str
    severity: Severity
    feed: str | None = None
    unit: str | None = None
    feature: str | None = None
    layer: str | None = None
    zones: frozenset[str] = frozenset()
    attributes: Mapping[str, Any] = {}
    since: int = 0


class Matcher(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Which alerts are meant; all that is given must hold, and nothing given means every one.

    `severity` is the worst that is meant: a silence up to `medium` lets `high` through.
    """

    rule: str | None = None
    kind: str | None = None
    domain: str | None = None
    severity: Severity | None = None
    feed: str | None = None
    unit: str | None = None
    feature: str | None = None
    layer: str | None = None
    zone: str | None = None
    tag: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it means every alert."""
        return all(value is None for value in msgspec.structs.astuple(self))


def matches(matcher: Matcher, facets: Facets) -> bool:
    """Whether an alert is one that is meant."""
    return (
        matcher.rule in (None, facets.rule)
        and matcher.kind in (None, facets.kind)
        and matcher.domain in (None, facets.domain)
        and matcher.feed in (None, facets.feed)
        and matcher.unit in (None, facets.unit)
        and matcher.feature in (None, facets.feature)
        and matcher.layer in (None, facets.layer)
        and (matcher.zone is None or matcher.zone in facets.zones)
        and has_tag(matcher.tag, facets.attributes)
        and (
            matcher.severity is None
            or SEVERITY_RANK[facets.severity] >= SEVERITY_RANK[matcher.severity]
        )
    )


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which some alerts are expected: a maintenance window, a power cut, road works.

    Times in µs since 1970, half-open. `plan` names the document of planned work.
    """

    id: str
    matcher: Matcher
    starts: int
    ends: int
    why: str
    by: str
    plan: str | None = None

    def holds_at(self, now_us: int) -> bool:
        """Whether it is in force."""
        return self.starts <= now_us < self.ends


class Inhibition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cause that explains other alerts: while it stands they are kept quiet.

    `equal` lists what cause and effect must have in common (`feed`, `feature`, `unit`,
    `domain`); `link` is an attribute of the effect's feature that names the cause's feature.
    """

    id: str
    cause: Matcher
    effect: Matcher = Matcher()
    equal: tuple[str, ...] = ()
    link: str | None = None


class MuteCause(StrEnum):
    """Why an alert is quiet; the key of its sentence in the catalogue."""

    SILENCE = "silence"
    PLANNED = "planned"
    INHIBITED = "inhibited"


class Muted(msgspec.Struct, frozen=True):
    """The answer why: `by` which silence, or by which alert of which `rule`.

    `why` is the reason of the silence, or the inhibition by which the alert explains it.
    """

    cause: MuteCause
    by: str
    rule: str = ""
    why: str = ""
    until: int | None = None


def silenced_by(facets: Facets, silences: Iterable[Silence], now_us: int) -> Muted | None:
    """The silence that keeps an alert quiet, the one that ends last; None where none does."""
    found = [
        silence
        for silence in silences
        if silence.holds_at(now_us) and matches(silence.matcher, facets)
    ]
    if not found:
        return None
    last = max(found, key=lambda silence: (silence.ends, silence.id))
    cause = MuteCause.SILENCE if last.plan is None else MuteCause.PLANNED
    return Muted(cause, last.id, why=last.why, until=last.ends)


class Causes:
    """The open alerts, and which of them explain which, found by what they have in common.

    Only an active alert explains others; one that has cleared may still be explained.
    """

    def __init__(
        self, inhibitions: Iterable[Inhibition] = (), members: Iterable[Facets] = ()
    ) -> None:
        """Know `members`, which are active."""
        self._kinds = [_Kind(inhibition) for inhibition in inhibitions]
        self._known: dict[str, Facets] = {}
        self._cleared: set[str] = set()
        for member in members:
            self.add(member)

    def add(self, facets: Facets) -> set[str]:
        """Take an alert that is active now; returns those that it may explain."""
        if facets.id in self._known:
            return set()
        self._known[facets.id] = facets
        touched: set[str] = set()
        for kind in self._kinds:
            touched |= kind.add(facets)
        return touched - {facets.id}

    def clear(self, facets: Facets) -> set[str]:
        """Take an alert that has cleared; returns those that it may have explained."""
        if facets.id in self._cleared:
            return set()
        touched = self.remove(facets.id)
        self._known[facets.id] = facets
        self._cleared.add(facets.id)
        for kind in self._kinds:
            kind.add_effect(facets)
        return touched

    def remove(self, id: str) -> set[str]:
        """Forget an alert; returns those that it may have explained."""
        facets = self._known.pop(id, None)
        if facets is None:
            return set()
        self._cleared.discard(id)
        touched: set[str] = set()
        for kind in self._kinds:
            touched |= kind.remove(facets)
        return touched - {id}

    def of(self, facets: Facets) -> Muted | None:
        """The active alert that explains this one, the oldest; None where none does.

        An alert never explains itself, and of two that explain each other the older one speaks.
        A cause may be younger than what it explains: a feed dies while its alerts stand.
        """
        for kind in self._kinds:
            cause = kind.cause_of(facets)
            if cause is not None:
                why = kind.inhibition.id
                return Muted(MuteCause.INHIBITED, cause.id, rule=cause.rule, why=why)
        return None


class _Kind:
    """One inhibition, with the causes and the effects that there are by what they share."""

    def __init__(self, inhibition: Inhibition) -> None:
        self.inhibition = inhibition
        self._causes: dict[tuple[object, ...], list[Facets]] = {}
        self._effects: dict[tuple[object, ...], list[tuple[int, str]]] = {}

    def add(self, facets: Facets) -> set[str]:
        self.add_effect(facets)
        key = self._key_of_cause(facets)
        if key is None:
            return set()
        causes = self._causes.setdefault(key, [])
        place = bisect_left(causes, _age(facets), key=_age)
        causes.insert(place, facets)
        return self._explained(key, place)

    def add_effect(self, facets: Facets) -> None:
        key = self._key_of_effect(facets)
        if key is not None:
            insort(self._effects.setdefault(key, []), _age(facets))

    def remove(self, facets: Facets) -> set[str]:
        as_cause, as_effect = self._key_of_cause(facets), self._key_of_effect(facets)
        if as_effect is not None:
            effects = self._effects[as_effect]
            del effects[bisect_left(effects, _age(facets))]
            if not effects:
                del self._effects[as_effect]
        causes = self._causes.get(as_cause, []) if as_cause is not None else []
        place = bisect_left(causes, _age(facets), key=_age)
        if as_cause is None or place == len(causes) or causes[place].id != facets.id:
            return set()
        touched = self._explained(as_cause, place)
        del causes[place]
        if not causes:
            del self._causes[as_cause]
        return touched

    def _explained(self, key: tuple[object, ...], place: int) -> set[str]:
        """What the cause at a place may explain; what is younger has its answer in the oldest."""
        effects = self._effects.get(key, [])
        upto = bisect_right(effects, _age(self._causes[key][0])) if place else len(effects)
        return {id for _, id in effects[:upto]}

    def cause_of(self, facets: Facets) -> Facets | None:
        key = self._key_of_effect(facets)
        for cause in self._causes.get(key, ()) if key is not None else ():
            older = _age(facets) < _age(cause)
            if cause.id != facets.id and not (older and self._explains(facets, cause)):
                return cause
        return None

    def _key_of_cause(self, facets: Facets) -> tuple[object, ...] | None:
        if not matches(self.inhibition.cause, facets):
            return None
        return _common(self.inhibition, facets, facets.feature)

    def _key_of_effect(self, facets: Facets) -> tuple[object, ...] | None:
        if not matches(self.inhibition.effect, facets):
            return None
        link = self.inhibition.link
        return _common(
            self.inhibition, facets, None if link is None else facets.attributes.get(link)
        )

    def _explains(self, cause: Facets, effect: Facets) -> bool:
        key = self._key_of_cause(cause)
        return key is not None and key == self._key_of_effect(effect)


def _age(facets: Facets) -> tuple[int, str]:
    return facets.since, facets.id


def _common(
    inhibition: Inhibition, facets: Facets, linked: object | None
) -> tuple[object, ...] | None:
    """What a cause and its effect have in common; None where that is lacking."""
    values = [getattr(facets, name) for name in inhibition.equal]
    if inhibition.link is not None:
        values.append(linked)
    return None if None in values else tuple(values)
