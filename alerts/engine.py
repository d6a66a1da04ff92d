"""Stored observations and silence in, transitions of alerts out."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.alert import Fingerprint, OpenAlert, State, Transition, TransitionReason, followed
from alerts.pairs import LateBreach, Pairs
from alerts.rule import Behind, Missing, MissingReport, Rule, Together
from alerts.selection import SeriesFacts
from alerts.signals import Rhythm
from alerts.silence import FeedFacts, Listening
from alerts.table import PairRule
from alerts.together import Gatherings
from ioc.model import NO_COLUMNS, Columns


class Engine:
    """The rules of a city, applied to what was stored.

    Per series only time moves forward: an observation older than the newest is late and changes
    nothing, one of the same time is a correction and counts. An observation older than the
    rule's `fresh_within` (and than three intervals of its series) is history, as a back-fill
    brings it: it moves the newest time and may end an alert, but never raises one.

    Transitions must be stored before the next batch is observed; an engine made anew from the
    open alerts, the newest observation per series, and what `remember` is given then goes on
    exactly where this one stood.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        series: Iterable[SeriesFacts] = (),
        feeds: Iterable[FeedFacts] = (),
        open_alerts: Iterable[OpenAlert] = (),
        *,
        latest: Columns = NO_COLUMNS,
        rhythm: Rhythm | None = None,
    ) -> None:
        """Go on from `open_alerts`; `latest` holds the newest observation per series."""
        self._rules = {rule.id: rule for rule in rules}
        self._facts = {facts.series_id: facts for facts in series}
        self._feeds = {facts.feed_key: facts for facts in feeds}
        self._open = {alert.fingerprint: alert for alert in open_alerts}
        self._orphans: set[Fingerprint] = set()
        self._pairs = Pairs(self._followed, rhythm)
        self._gatherings = Gatherings([], [], {}, latest, self._followed)
        self._rebuild(latest.series.astype(np.int64), latest.time, latest)

    @property
    def open_alerts(self) -> tuple[OpenAlert, ...]:
        """All pending and active alerts."""
        return tuple(self._open.values())

    @property
    def late(self) -> list[LateBreach]:
        """What the last batch brought that was beyond a level but late."""
        return self._pairs.late

    def looks_back(self) -> Mapping[int, int]:
        """By series how many µs before its newest observation `remember` should be given."""
        return self._pairs.looks_back()

    def remember(self, columns: Columns) -> None:
        """Take observations of before the start for rules that look back; they change nothing."""
        self._pairs.remember(columns)

    def observe(
        self, columns: Columns, now_us: int, stuck: NDArray[np.bool_] | None = None
    ) -> list[Transition]:
        """What a stored batch changes, in the order of event times.

        Rows that are `stuck` are implausible only because they stay the same: they are heard and
        they are still, and nothing else is concluded from them.
        """
        moves = self._pairs.observe(columns, now_us, stuck)
        moving = columns if stuck is None else columns.take(~stuck)
        moves += self._gatherings.observe(moving, now_us)
        return sorted(moves, key=_in_time)

    def tick(self, now_us: int, feed_newest: Mapping[int, int | None]) -> list[Transition]:
        """What silence changes; `feed_newest` is when something of a feed was last stored.

        Alerts whose rule or subject has gone since the last call end here too.
        """
        moves = self._retire(now_us)
        heard = self._listening.tick(now_us, feed_newest, self._open.get)
        moves += [self._followed(move) for move in heard]
        return moves + self._pairs.tick(now_us)

    def replace_rules(self, rules: Iterable[Rule], now_us: int) -> list[Transition]:
        """Watch by other rules from now on; open alerts that no rule bears out any more end."""
        self._rules = {rule.id: rule for rule in rules}
        self._rebuild(*self._pairs.newest(), self._gatherings.newest())
        return self._retire(now_us)

    def replace_feeds(self, feeds: Iterable[FeedFacts]) -> None:
        """Listen for these feeds from now on; alerts of others end at the next tick."""
        self._feeds = {facts.feed_key: facts for facts in feeds}
        self._listen()

    def add_series(self, series: Iterable[SeriesFacts]) -> None:
        """Watch further series, or known ones by new facts (an attribute that holds a level).

        Alerts that the new facts do not bear out any more end at the next tick.
        """
        changed = {f.series_id: f for f in series if self._facts.get(f.series_id) != f}
        if not changed:
            return
        known = any(series_id in self._facts for series_id in changed)
        self._facts |= changed
        if known:
            self._rebuild(*self._pairs.newest(), self._gatherings.newest())
            return
        self._pairs.add(changed)
        self._gather(self._gatherings.newest())
        for mark in sorted(self._orphans):
            alert = self._open[mark]
            if alert.series in changed and self._pairs.seat(alert):
                self._orphans.discard(mark)

    def _rebuild(self, ids: NDArray[np.int64], newest: NDArray[np.int64], values: Columns) -> None:
        """Lay out everything anew; the newest times and the open alerts are carried over."""
        rules: list[PairRule] = [
            rule
            for rule in self._rules.values()
            if not isinstance(rule, Missing | MissingReport | Together | Behind)
            or (isinstance(rule, Missing) and rule.each == "series")
        ]
        about_series = [alert for alert in self._open.values() if alert.series is not None]
        self._orphans = self._pairs.rebuild(rules, self._facts, ids, newest, about_series)
        self._gather(values)
        self._listen()

    def _gather(self, values: Columns) -> None:
        rules = [rule for rule in self._rules.values() if isinstance(rule, Together)]
        self._gatherings = Gatherings(
            rules, self._facts.values(), self._open, values, self._followed
        )
        self._settle(self._gatherings.marks, lambda alert: alert.subject is not None)

    def _listen(self) -> None:
        rules = [rule for rule in self._rules.values() if isinstance(rule, Missing)]
        self._listening = Listening(rules, self._feeds.values())
        self._settle(
            self._listening.marks, lambda alert: alert.series is None and alert.subject is None
        )

    def _settle(self, marks: frozenset[Fingerprint], about: Callable[[OpenAlert], bool]) -> None:
        """Of the alerts that something is about, remember those that it does not know."""
        of_it = {mark for mark, alert in self._open.items() if about(alert)}
        self._orphans = (self._orphans - of_it) | (of_it - marks)

    def _retire(self, now_us: int) -> list[Transition]:
        """End the alerts that nothing watches any more."""
        orphans = [self._open[mark] for mark in sorted(self._orphans)]
        self._orphans = set()
        return [
            self._followed(
                Transition(
                    fingerprint=alert.fingerprint,
                    rule=alert.rule,
                    series=alert.series,
                    feed_key=alert.feed_key,
                    from_state=alert.state,
                    to_state=State.CLEARED,
                    reason=(
                        TransitionReason.NO_LONGER_APPLIES
                        if alert.rule in self._rules
                        else TransitionReason.RULE_REMOVED
                    ),
                    at=now_us,
                    pending_since=alert.pending_since,
                    subject=alert.subject,
                )
            )
            for alert in orphans
        ]

    def _followed(self, move: Transition) -> Transition:
        """The same transition, after the open alerts have followed it."""
        alert = followed(self._open.get(move.fingerprint), move)
        if alert is None:
            self._open.pop(move.fingerprint, None)
        else:
            self._open[move.fingerprint] = alert
        return move


def _in_time(move: Transition) -> tuple[int, Fingerprint]:
    return move.at, move.fingerprint
