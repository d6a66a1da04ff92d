"""Rules as data: what is watched, from which level on, for how long, and how bad it is."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from ioc.model import Domain, Severity, Text

MICROSECOND = timedelta(microseconds=1)
HOUR_US = timedelta(hours=1) // MICROSECOND

NO_TIME = timedelta(0)

FRESH_WITHIN = timedelta(hours=1)
"""An older observation is history by default: it never raises an alert about now."""


class Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule has.

    `national_level` is the level of risk of a natural hazard, 1 to 5 (Decision 18/2021/QĐ-TTg,
    article 4), a field of its own beside the severity; other rules leave it out.
    """

    id: str
    name: Text
    severity: Severity
    advice: Text | None = None
    national_level: Literal[1, 2, 3, 4, 5] | None = None


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which series a rule watches beside domain and property; all that is given must hold.

    `unit` is the agency whose feed it is, `zone` an administrative unit in which the feature
    lies, `tag` an attribute of the feature as `key` or `key=value`.
    """

    layer: str | None = None
    feed: str | None = None
    unit: str | None = None
    zone: str | None = None
    tag: str | None = None


class Held(Named, frozen=True, kw_only=True):
    """Something that must hold for a time until it counts, and be clear for a time until it ends.

    Both times are those of the observations.
    """

    hold: timedelta = NO_TIME
    clear_hold: timedelta = NO_TIME

    @property
    def hold_us(self) -> int:
        """The hold time in microseconds."""
        return self.hold // MICROSECOND

    @property
    def clear_hold_us(self) -> int:
        """How long it must be clear until the alert ends, in microseconds."""
        return self.clear_hold // MICROSECOND


class Leveled(Held, frozen=True, kw_only=True):
    """A number beyond a level.

    The level itself is not a breach. Once beyond, a value counts as beyond until it reaches
    `clear`, which is the level itself unless given.
    """

    above: float | str | None = None
    below: float | str | None = None
    clear: float | str | None = None

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


class Watching(Leveled, frozen=True, kw_only=True):
    """A rule over each of many series."""

    domain: Domain
    observed_property: str = msgspec.field(name="property")
    where: Where = Where()
    fresh_within: timedelta = FRESH_WITHIN

    @property
    def fresh_us(self) -> int:
        """The age in microseconds up to which an observation may raise an alert."""
        return self.fresh_within // MICROSECOND

    @property
    def reach_us(self) -> int:
        """How far back its signal looks, in microseconds; 0 where the value itself is compared."""
        return 0


class Threshold(Watching, frozen=True, kw_only=True, tag="threshold", tag_field="kind"):
    """A value beyond a level.

    `above`, `below` and `clear` are numbers or the name of a feature's attribute that holds the
    number (a river gauge's own flood levels); a feature without the attribute is not watched.
    """


class Rate(Watching, frozen=True, kw_only=True, tag="rate", tag_field="kind"):
    """A change per hour beyond a level, over a window of time up to the observation."""

    window: timedelta

    @property
    def reach_us(self) -> int:
        """The window, and as much again for series that report seldom."""
        return 2 * (self.window // MICROSECOND)


class Flat(Watching, frozen=True, kw_only=True, tag="flat", tag_field="kind"):
    """A value that has not moved by more than `tolerance` for a time: a stuck sensor."""

    after: timedelta
    tolerance: float = 0.0

    @property
    def level(self) -> float | str:
        """The tolerated time in seconds."""
        return self.after.total_seconds()

    @property
    def sign(self) -> int:
        """More time is worse."""
        return 1

    @property
    def reach_us(self) -> int:
        """A little more than the tolerated time."""
        return self.after // MICROSECOND + HOUR_US


class Sum(Watching, frozen=True, kw_only=True, tag="sum", tag_field="kind"):
    """What a series adds up to over a window of time up to the observation: rain of 24 hours.

    While less than the window is known the sum is what is known of it, and so never too much.
    """

    window: timedelta

    @property
    def reach_us(self) -> int:
        """The window."""
        return self.window // MICROSECOND


class Side(StrEnum):
    """On which side of its rhythm a series must be."""

    HIGH = "high"
    LOW = "low"
    BOTH = "both"


class Deviation(Watching, frozen=True, kw_only=True, tag="deviation", tag_field="kind"):
    """A value that is `above` so many spreads away from the series' own rhythm."""

    side: Side = Side.BOTH


class Missing(Named, frozen=True, kw_only=True, tag="missing", tag_field="kind"):
    """A feed, or any feed of a domain, from which nothing was stored for a time.

    With `each` = `series` every single series is listened for instead.
    """

    after: timedelta
    domain: Domain | None = None
    feed: str | None = None
    each: Literal["feed", "series"] = "feed"

    @property
    def after_us(self) -> int:
        """The tolerated silence in microseconds."""
        return self.after // MICROSECOND


class MissingReport(Named, frozen=True, kw_only=True, tag="missing_report", tag_field="kind"):
    """A report that a unit owes by an obligation, or by any, and that is past its deadline."""

    domain: Domain
    obligation: str | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the conditions that must hold together at a feature."""

    observed_property: str = msgspec.field(name="property")
    above: float | str | None = None
    below: float | str | None = None
    clear: float | str | None = None


class Together(Held, frozen=True, kw_only=True, tag="together", tag_field="kind"):
    """So many features at which all conditions hold, of one feature, zone, tag or layer.

    `over` says what one alert is about: `feature`, `zone` (each administrative unit at `level`),
    `layer`, or `tag:road` (each value of an attribute, such as the stretches of one road).
    `at_least` counts features, `share` is of those with fresh values, of which there must be
    `members`. With `over` = `feature` it is simply several conditions together.
    """

    domain: Domain
    when: tuple[Condition, ...]
    over: str = "feature"
    where: Where = Where()
    at_least: int | None = None
    share: float | None = None
    members: int = 1
    fresh_within: timedelta = FRESH_WITHIN

    @property
    def fresh_us(self) -> int:
        """The age in microseconds up to which a value counts."""
        return self.fresh_within // MICROSECOND


class Behind(Leveled, frozen=True, kw_only=True, tag="figure", tag_field="kind"):
    """An indicator beyond a level, behind its target, or off the course to it.

    `units` says whose figures: the province's, or those of each unit that is ranked.
    """

    indicator: str
    domain: Domain
    standing: Literal["behind"] | None = None
    course: Literal["at_risk", "off_track"] | None = None
    units: Literal["province", "each"] = "province"


Watch = Threshold | Rate | Sum | Flat | Deviation
Rule = Watch | Missing | MissingReport | Together | Behind

KINDS: Mapping[str, type[Rule]] = {
    "threshold": Threshold,
    "rate": Rate,
    "sum": Sum,
    "flat": Flat,
    "deviation": Deviation,
    "missing": Missing,
    "missing_report": MissingReport,
    "together": Together,
    "figure": Behind,
}
