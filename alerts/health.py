"""How alerts burden who has to look at them: figures of ISA-18.2, IEC 62682 and EEMUA 191."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
import numpy as np

from alerts.benchmark import BENCHMARKS, BUSY_HOUR, Benchmark
from alerts.flood import REPEATS, Flood, floods, most_within, repeated
from alerts.matter import FLOOD_WITHIN
from alerts.past import NEVER, Ended, Ints, PastAlerts, Quiet
from alerts.rule import HOUR_US
from alerts.staffing import Staff
from alerts.table import SECOND
from ioc.model import Severity, from_micros

DAY: Final = 24 * HOUR_US
STALE_AFTER: Final = DAY
TOP: Final = 10


class HealthFigure(msgspec.Struct, frozen=True):
    """One figure: `numerator` of `denominator`, and what it should be if a standard says so.

    `value` is None where there was nothing to count; a plain count has no denominator.
    """

    value: float | None
    numerator: float
    denominator: float | None
    uom: str
    benchmark: Benchmark | None
    met: bool | None


class HealthFlood(msgspec.Struct, frozen=True):
    """A flood, and how many alerts came in it."""

    begins: datetime
    ends: datetime
    alerts: int


class HealthRule(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule brought; the counts are of `alerts`, those that people were told of.

    `false` are of `judged`, whose incidents ended with a result.
    """

    rule: str
    alerts: int
    share: float
    stale: int
    chattering: int
    flapping: int
    shelved: int
    judged: int
    false: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Figures by name; the rules by how much they brought; what came in each hour from `since`.

    People are told of `told` of `raised` alerts, the others were quiet from their beginning.
    """

    raised: int
    told: int
    figures: dict[str, HealthFigure]
    floods: list[HealthFlood]
    rules: list[HealthRule]
    hours: list[int]
    operators: tuple[float, ...]


def health_of(past: PastAlerts, staff: Staff, *, since: int, until: int) -> Health:
    """The figures of a time (µs), as the alerts stood at its end.

    Alerts that began before it count only as stale and standing.
    """
    all_of_them = past.as_seen_at(until)
    raised = all_of_them.only(all_of_them.began >= since)
    told = raised.only(~raised.quiet_first)
    flooded = floods(told.began, until)
    start = since - since % HOUR_US
    hours = np.bincount((told.began - start) // HOUR_US, minlength=len(staff.each_hour))
    return Health(
        raised=len(raised),
        told=len(told),
        figures={
            **_load(told, staff, hours, flooded, until - since),
            **_standing(all_of_them, since, until),
            **_repeats(told),
            **_shares(told),
            **_answers(told),
            **_aside(raised),
        },
        floods=[HealthFlood(from_micros(f.begins), from_micros(f.ends), f.alerts) for f in flooded],
        rules=_by_rule(told, until),
        hours=hours.tolist(),
        operators=staff.each_hour,
    )


def _figure(
    name: str, value: float | None, numerator: float, denominator: float | None, uom: str
) -> dict[str, HealthFigure]:
    wanted = BENCHMARKS.get(name)
    met = None if wanted is None or value is None else wanted.is_met_by(value)
    return {name: HealthFigure(value, numerator, denominator, uom, wanted, met)}


def _share(name: str, part: float, whole: float) -> dict[str, HealthFigure]:
    return _figure(name, 100 * part / whole if whole else None, part, whole, "%")


def _count(name: str, many: int) -> dict[str, HealthFigure]:
    return _figure(name, many, many, None, "{alerts}")


def _load(
    told: PastAlerts, staff: Staff, hours: Ints, flooded: list[Flood], length: int
) -> dict[str, HealthFigure]:
    many = len(told)
    rate = many / staff.operator_hours if staff.operator_hours else None
    busy = int((hours > BUSY_HOUR * np.maximum(staff.each_hour, 1)).sum())
    lengths = [flood.ends - flood.begins for flood in flooded]
    longest = max(lengths, default=0) / SECOND / 60
    return {
        **_figure("rate", rate, many, staff.operator_hours, "{alerts}/h"),
        **_count("peak", most_within(told.began, FLOOD_WITHIN)),
        **_share("busy_hours", busy, len(hours)),
        **_figure("floods", len(flooded), len(flooded), None, "{floods}"),
        **_share("flood_time", sum(lengths) / HOUR_US, length / HOUR_US),
        **_figure("flood_longest", longest, longest, None, "min"),
        **_count("flood_biggest", max((flood.alerts for flood in flooded), default=0)),
    }


def _standing(past: PastAlerts, since: int, until: int) -> dict[str, HealthFigure]:
    standing = past.only(past.cleared == NEVER)
    stale = int((until - standing.began > STALE_AFTER).sum())
    return {
        **_count("standing", len(standing)),
        **_share("stale", stale, len(standing)),
        **_count("stale_most", _stale_most(past, since, until)),
    }


def _stale_most(past: PastAlerts, since: int, until: int) -> int:
    """The most stale alerts that there were in any one day of the time, counted from its end."""
    became, over = past.began + STALE_AFTER, np.minimum(past.cleared, until)
    ends = np.arange(until, since, -DAY)
    starts = np.maximum(ends - DAY, since)
    inside = became < over
    begun = np.searchsorted(np.sort(became[inside]), ends, "left")
    gone = np.searchsorted(np.sort(over[inside]), starts, "right")
    return int((begun - gone).max(initial=0))


def _repeats(told: PastAlerts) -> dict[str, HealthFigure]:
    found: dict[str, HealthFigure] = {}
    for name, (times, within) in REPEATS.items():
        which = repeated(told.mark, told.began, times, within)
        found |= _figure(
            name, len(np.unique(told.mark[which])), int(which.sum()), len(told), "{alerts}"
        )
    return found


def _shares(told: PastAlerts) -> dict[str, HealthFigure]:
    of_severity = np.bincount(told.severity, minlength=len(Severity))
    of_rule = np.sort(np.bincount(told.rule, minlength=len(told.rules)))
    of_mark = np.sort(np.unique(told.mark, return_counts=True)[1])
    found = _share("top_rules", int(of_rule[-TOP:].sum()), len(told))
    found |= _share("top_alerts", int(of_mark[-TOP:].sum()), len(told))
    for place, severity in enumerate(Severity):
        found |= _share(severity.value, int(of_severity[place]), len(told))
    return found


def _answers(told: PastAlerts) -> dict[str, HealthFigure]:
    done = told.acknowledged < NEVER
    seconds = (told.acknowledged[done] - told.began[done]) / SECOND
    many = len(seconds)
    middle, most = np.percentile(seconds, (50, 90)) if many else (None, None)
    standing = told.cleared == NEVER
    judged = (told.ended == Ended.FALSE) | (told.ended == Ended.OTHERWISE)
    return {
        **_figure("acknowledge_median", _number(middle), many, len(told), "s"),
        **_figure("acknowledge_p90", _number(most), many, len(told), "s"),
        **_share("acknowledged", many, len(told)),
        **_share("waiting", int((~done & standing).sum()), len(told)),
        **_share("never_acknowledged", int((~done & ~standing).sum()), len(told)),
        **_share("false", int((told.ended == Ended.FALSE).sum()), int(judged.sum())),
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _aside(raised: PastAlerts) -> dict[str, HealthFigure]:
    many = len(raised)
    return {
        **_share("silenced", int((raised.quiet == Quiet.SILENCE).sum()), many),
        **_share("planned", int((raised.quiet == Quiet.PLANNED).sum()), many),
        **_share("inhibited", int((raised.quiet == Quiet.INHIBITED).sum()), many),
        **_share("shelved", int(raised.shelved.sum()), many),
    }


def _by_rule(told: PastAlerts, until: int) -> list[HealthRule]:
    counts = {
        "alerts": np.ones(len(told)),
        "stale": np.minimum(told.cleared, until) - told.began > STALE_AFTER,
        "shelved": told.shelved,
        "judged": (told.ended == Ended.FALSE) | (told.ended == Ended.OTHERWISE),
        "false": told.ended == Ended.FALSE,
        **{name: repeated(told.mark, told.began, *what) for name, what in REPEATS.items()},
    }
    sums = {
        name: np.bincount(told.rule, weights=which, minlength=len(told.rules)).astype(int).tolist()
        for name, which in counts.items()
    }
    found = [
        _rule(rule, {name: of_rule[place] for name, of_rule in sums.items()}, len(told))
        for place, rule in enumerate(told.rules)
        if sums["alerts"][place]
    ]
    return sorted(found, key=lambda one: (-one.alerts, one.rule))


def _rule(rule: str, counts: Mapping[str, int], all_told: int) -> HealthRule:
    return HealthRule(rule=rule, share=100 * counts["alerts"] / all_told, **counts)
