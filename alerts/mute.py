"""Why an alert is kept quiet: a silence that was planned, or a cause that explains it."""

from collections.abc import Iterable, Mapping, Sequence
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
    INHIBITED = "inhibited"


class Muted(msgspec.Struct, frozen=True):
    """The answer why: by which silence, or by which alert."""

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
    return Muted(MuteCause.SILENCE, last.id, why=last.why, until=last.ends)


def inhibited_by(
    facets: Facets, causes: Sequence[Facets], inhibitions: Iterable[Inhibition]
) -> Muted | None:
    """The active alert that explains this one, the oldest; None where none does.

    An alert never explains itself, and of two that explain each other the older one speaks. A
    cause may be younger than what it explains: a feed dies while its alerts stand.
    """
    for inhibition in inhibitions:
        if not matches(inhibition.effect, facets):
            continue
        found = [
            cause
            for cause in causes
            if cause.id != facets.id
            and _explains(inhibition, cause, facets)
            and (
                not _explains(inhibition, facets, cause)
                or (cause.since, cause.id) < (facets.since, facets.id)
            )
        ]
        if found:
            oldest = min(found, key=lambda cause: (cause.since, cause.id))
            return Muted(MuteCause.INHIBITED, oldest.id, rule=inhibition.id)
    return None


def _explains(inhibition: Inhibition, cause: Facets, effect: Facets) -> bool:
    return (
        matches(inhibition.cause, cause)
        and matches(inhibition.effect, effect)
        and _hang_together(inhibition, cause, effect)
    )


def _hang_together(inhibition: Inhibition, cause: Facets, effect: Facets) -> bool:
    for name in inhibition.equal:
        common = getattr(cause, name)
        if common is None or common != getattr(effect, name):
            return False
    if inhibition.link is None:
        return True
    return cause.feature is not None and effect.attributes.get(inhibition.link) == cause.feature
