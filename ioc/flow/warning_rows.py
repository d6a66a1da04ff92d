"""Alerts of the warnings that are in force: begun, changed, and cleared when they are over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from alerts.alert import State, fingerprint
from alerts.cap_hearing import in_language, warned
from alerts.lifecycle import follow
from ioc.catalogue import Language, say
from ioc.flow.alert_draft import life_of, with_life
from ioc.flow.alert_items import WARNING, About, AlertItems
from ioc.flow.alert_rows import responsible
from ioc.ids import uuid7
from ioc.model import SEVERITY_RANK, Severity, Text
from ioc.store.alerts import AlertRow
from ioc.store.warnings import WarningRow

MOST_SAID: Final = 600
"""Characters of a description that go into the reason of an alert."""

BY_HAND: Final = "hand"


class Standing(msgspec.Struct, frozen=True):
    """What an alert of a warning is, by the newest message in force.

    `unit` answers for it; without one it is the agency of the feed.
    """

    mark: str
    feed_key: int | None
    unit: str | None
    sent: datetime
    severity: Severity
    about: dict[str, Any]


def standings(rows: Sequence[WarningRow], zone: ZoneInfo, province: str | None) -> list[Standing]:
    """One for each lineage; `rows` are the messages in force, the newest first.

    The `province` answers for what is typed in.
    """
    found: dict[str, Standing] = {}
    for row in rows:
        mark = fingerprint(WARNING, f"{row.feed_key or BY_HAND}:{row.lineage}")
        if mark not in found:
            found[mark] = _standing(mark, row, zone, province)
    return list(found.values())


def _standing(mark: str, row: WarningRow, zone: ZoneInfo, province: str | None) -> Standing:
    message = row.message
    meant = warned(message, trusted=row.feed_key is None or row.signature == "verified")

    def said(language: Language) -> str:
        info = in_language(message.infos, language)
        sentence = say(
            "alert.warning_by_hand" if row.feed_key is None else f"alert.warning_{row.signature}",
            language,
            sender=info.sender_name or message.sender,
            until=f"{row.ends.astimezone(zone):%H:%M %d/%m/%Y}",
        )
        return f"{sentence}. {info.description.strip()[:MOST_SAID]}".strip()

    about = About(
        title=meant.title,
        reason=Text(said("vi"), said("en")),
        place=meant.place,
        feature=str(row.warning_id),
        domain=meant.domain,
        national_level=meant.national_level,
        exercise=meant.exercise,
    )
    unit = province if row.feed_key is None else None
    said_now = msgspec.to_builtins(about)
    return Standing(mark, row.feed_key, unit, message.sent, meant.severity, said_now)


def changes(
    items: AlertItems,
    wanted: Iterable[Standing],
    open_rows: Mapping[str, AlertRow],
    now: datetime,
) -> Iterator[tuple[AlertRow, str]]:
    """Each alert that is to stand otherwise, and what is the change; new ones begin now."""
    by_mark = {one.mark: one for one in wanted}
    for mark, row in open_rows.items():
        if mark not in by_mark:
            over = with_life(row, follow(life_of(row), State.CLEARED, now))
            yield replace(over, reason="warning_over"), "warning_over"
    for mark, one in by_mark.items():
        row = open_rows.get(mark)
        if row is None:
            yield _begun(items, one, now), "warning_in_force"
        elif (row.about, row.severity) != (one.about, one.severity.value):
            yield _changed(row, one), "warning_updated"


def _begun(items: AlertItems, one: Standing, now: datetime) -> AlertRow:
    return AlertRow(
        alert_id=uuid7(now),
        fingerprint=one.mark,
        rule_id=WARNING,
        kind=WARNING,
        severity=one.severity.value,
        series_id=None,
        feed_key=one.feed_key,
        unit_key=responsible(items, one.unit, None, one.feed_key),
        state=State.ACTIVE.value,
        pending_since=min(one.sent, now),
        active_since=now,
        reason="warning_in_force",
        subject=f"warning:{one.about['feature']}",
        about=one.about,
    )


def _changed(row: AlertRow, one: Standing) -> AlertRow:
    """What has become worse is to be acknowledged anew."""
    after = replace(row, severity=one.severity.value, about=one.about)
    if SEVERITY_RANK[one.severity] < SEVERITY_RANK[Severity(row.severity)]:
        after = replace(after, acknowledged_at=None, acknowledged_by=None)
    return after
