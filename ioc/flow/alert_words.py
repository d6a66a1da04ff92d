"""Why an alert stands as it does, in words."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from alerts.alert import State, TransitionReason
from alerts.mute import MuteCause
from alerts.rule import (
    Behind,
    Deviation,
    Flat,
    Missing,
    MissingReport,
    Rate,
    Rule,
    Sum,
    Threshold,
    Together,
    Watching,
)
from ioc.catalogue import Language, has, number, say
from ioc.live.wire import Text
from ioc.org import Organisation, answers_for
from ioc.store.alerts import AlertRow

_BREACHED: Final = frozenset(
    {
        TransitionReason.BREACH_BEGAN,
        TransitionReason.HELD,
        TransitionReason.CLEARING_BROKE_OFF,
    }
)

_UOMS: Final = {
    "{veh}/h": "vehicles",
    "{beds}": "beds",
    "{customers}": "customers",
    "{calls}/h": "calls",
    "{cases}": "cases",
}


class Said:
    """Says it in both languages, by what is known of rules and of who answers."""

    def __init__(self, zone: str) -> None:
        """Times are written in the province's zone."""
        self._zone = ZoneInfo(zone)
        self.organisation = Organisation([])
        self.unit_names: Mapping[str, str] = {}

    def reason(
        self, row: AlertRow, rule: Rule | None, prop: str, uom: str | None, unit: str | None
    ) -> Text:
        """Why, as `prop` in `uom` is what is observed and `unit` answers."""
        return _both(lambda language: self._reason(row, rule, prop, uom, unit, language))

    def muted(self, row: AlertRow, by: Text) -> Text | None:
        """Why it is kept quiet; `by` names the alert that explains it."""
        muted = row.muted
        if muted is None:
            return None
        until = muted.get("until")
        if muted["cause"] != MuteCause.INHIBITED:
            ends = "" if until is None else self.moment(datetime.fromisoformat(until))
            key = f"muted.{muted['cause']}"
            return _both(lambda language: say(key, language, why=muted["why"], until=ends))
        return Text(say("muted.inhibited", "vi", by=by.vi), say("muted.inhibited", "en", by=by.en))

    def moment(self, at: datetime) -> str:
        """A time as people of the province write it."""
        return f"{at.astimezone(self._zone):%H:%M %d/%m/%Y}"

    def _reason(
        self,
        row: AlertRow,
        rule: Rule | None,
        prop: str,
        uom: str | None,
        unit: str | None,
        language: Language,
    ) -> str:
        if isinstance(rule, MissingReport):
            return self._owed(row, unit, language)
        if row.reason == TransitionReason.CLEARING_BEGAN and row.clearing_since is not None:
            since = self.moment(row.clearing_since)
            return say("alert.clearing_began", language, since=since)
        breached = row.reason in _BREACHED
        cleared = row.state == State.CLEARED and row.reason == TransitionReason.LEVEL_CLEARED
        if rule is not None and (breached or cleared):
            sentence = _measured(row, rule, prop, uom, language, breached=breached)
            if sentence is not None:
                return sentence
        level = None if row.level is None else duration(row.level, language)
        return say(f"alert.{row.reason}", language, level=level)

    def _owed(self, row: AlertRow, unit: str | None, language: Language) -> str:
        """Who owes what since when, and whom to call."""
        if row.reason != TransitionReason.REPORT_OVERDUE:
            return say(f"alert.{row.reason}", language)
        unit = unit or ""
        due_at = row.value_time or row.pending_since
        answers = answers_for(self.organisation, unit, due_at.astimezone(self._zone).date())
        name = self.unit_names.get(unit, unit)
        sentence = say("alert.report_overdue", language, unit=name, due=self.moment(due_at))
        if answers is None:
            return sentence
        contact = answers.contact
        named = [part for part in (contact.post, contact.name, contact.phone) if part]
        return f"{sentence}; {', '.join(named)}" if named else sentence


def _measured(
    row: AlertRow, rule: Rule, prop: str, uom: str | None, language: Language, *, breached: bool
) -> str | None:
    """What was measured against which level; None where the rule measures nothing."""
    named = f"property.{prop}"
    unit = shown_uom(uom, language)
    values: dict[str, object] = {
        "property": say(named, language) if has(named) else prop,
        "value": row.value,
        "uom": unit and f" {unit}",
        "level": row.level,
    }
    match rule:
        case Flat():
            length = duration(row.value or 0.0, language)
            key = "alert.flat" if breached else "alert.flat_cleared"
            return say(key, language, **{**values, "value": length})
        case Deviation():
            key = "alert.deviation" if breached else "alert.deviation_cleared"
        case Rate():
            side = "rising" if rule.sign > 0 else "falling"
            key = f"alert.{side}" if breached else "alert.rate_cleared"
        case Sum():
            values["window"] = duration(rule.window.total_seconds(), language)
            key = "alert.sum" if breached else "alert.sum_cleared"
        case Threshold() | Behind():
            side = "above" if rule.sign > 0 else "below"
            key = f"alert.{side}" if breached else "alert.level_cleared"
        case Together():
            share = rule.share is not None
            key = "alert.share" if share else "alert.count"
            if not breached:
                key += "_cleared"
            if share:
                values |= {
                    "value": 100 * (row.value or 0.0), "level": 100 * (row.level or 0.0)
                }  # fmt: skip
        case Missing() | MissingReport():
            return None
    sentence = say(key, language, **values).strip()
    if breached and isinstance(rule, Watching | Together) and rule.hold_us:
        held = duration(rule.hold.total_seconds(), language)
        sentence += ", " + say("alert.held", language, hold=held)
    return sentence


def shown_uom(uom: str | None, language: Language) -> str:
    """A UCUM code as people write it."""
    if uom is None or uom == "1":
        return ""
    if uom in _UOMS:
        per_hour = "/h" if uom.endswith("/h") else ""
        return say(f"uom.{_UOMS[uom]}", language) + per_hour
    return {"ug/m3": "µg/m³", "Cel": "°C", "m3/s": "m³/s"}.get(uom, uom)


def duration(seconds: float, language: Language) -> str:
    """A length of time in the largest unit that fits."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= length and seconds % length == 0:
            return say(f"duration.{unit}", language, n=number(seconds / length, language, 0))
    return say("duration.minutes", language, n=number(seconds / 60, language))


def _both(speak: Callable[[Language], str]) -> Text:
    return Text(speak("vi"), speak("en"))
