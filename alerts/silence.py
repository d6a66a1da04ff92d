"""Feeds from which nothing comes: silence in, transitions of alerts out."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from alerts.alert import (
    Fingerprint,
    OpenAlert,
    State,
    Transition,
    TransitionReason,
    feed_fingerprint,
)
from alerts.rule import Missing
from alerts.table import SECOND
from ioc.model import Domain


class FeedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What rules need to know of a feed; `created_at` in µs since 1970."""

    feed_key: int
    id: str
    domain: Domain
    created_at: int


class Listening:
    """Which rules listen for which feeds."""

    def __init__(self, rules: Iterable[Missing], feeds: Iterable[FeedFacts]) -> None:
        """Listen for every feed that a rule names, or that is of its domain."""
        known = list(feeds)
        self._pairs = [
            (rule, feed)
            for rule in rules
            if rule.each == "feed"
            for feed in known
            if rule.feed == feed.id or rule.domain == feed.domain
        ]
        self.marks: frozenset[Fingerprint] = frozenset(
            feed_fingerprint(rule.id, feed.id) for rule, feed in self._pairs
        )
        """The alerts that there can be."""

    def tick(
        self,
        now_us: int,
        feed_newest: Mapping[int, int | None],
        find: Callable[[Fingerprint], OpenAlert | None],
    ) -> Sequence[Transition]:
        """What silence changes; a feed never heard is judged from its making."""
        moves: list[Transition] = []
        for rule, feed in self._pairs:
            alert = find(feed_fingerprint(rule.id, feed.id))
            move = _listened(rule, feed, alert, feed_newest.get(feed.feed_key), now_us)
            if move is not None:
                moves.append(move)
        return moves


def _listened(
    rule: Missing, feed: FeedFacts, alert: OpenAlert | None, newest: int | None, now_us: int
) -> Transition | None:
    """How a feed's silence, or its end, moves the alert of a rule; None where it does not."""
    heard = feed.created_at if newest is None else newest
    silent = now_us - heard >= rule.after_us
    if silent == (alert is not None):
        return None
    resumed = alert is not None and newest is not None and newest > alert.pending_since
    match silent, resumed:
        case True, _:
            at = heard + rule.after_us
            never = newest is None
            reason = TransitionReason.FEED_NEVER_SPOKE if never else TransitionReason.FEED_SILENT
        case False, True:
            at, reason = heard, TransitionReason.FEED_RESUMED
        case _:
            at, reason = now_us, TransitionReason.NO_LONGER_APPLIES
    return Transition(
        fingerprint=feed_fingerprint(rule.id, feed.id),
        rule=rule.id,
        series=None,
        feed_key=feed.feed_key,
        from_state=alert.state if alert else None,
        to_state=State.ACTIVE if silent else State.CLEARED,
        reason=reason,
        at=at,
        pending_since=alert.pending_since if alert else heard,
        level=rule.after_us / SECOND,
        value_time=newest,
    )
