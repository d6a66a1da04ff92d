"""The report of a shift to print or to keep: an HTML page without scripts, or a workbook."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from ioc.api.shift_items import ShiftReport
from ioc.catalogue import Language, say
from ioc.documents.workbook import Cell, Sheet, write_workbook
from ioc.model import Text

_STYLE: Final = (
    "body{font:11pt/1.4 serif;margin:2cm;color:#000}h1{font-size:16pt;text-align:center}"
    "h2{font-size:12pt}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #000;padding:.2em .4em;text-align:left;vertical-align:top}"
    ".sign{display:flex;justify-content:space-between;margin-top:2em}"
    "@page{size:A4;margin:1.5cm}@media print{body{margin:0}}"
)

Rows = list[tuple[Cell, ...]]


class ShiftPaper:
    """A report in the words and the local time of its readers."""

    def __init__(self, report: ShiftReport, zone: str, language: Language) -> None:
        """Write times in `zone`."""
        self._report = report
        self._zone = ZoneInfo(zone)
        self._language: Language = language

    def page(self) -> bytes:
        """The report as a page to print."""
        title = escape(self._say("title"))
        tables = "".join(
            f"<h2>{escape(self._say(name))}</h2>"
            + (_table(self._headings(heads), rows) if rows else f"<p>{escape(self._say('none'))}")
            for name, heads, rows in self._tables()
        )
        return (
            f'<!doctype html><html lang="{self._language}"><meta charset="utf-8">'
            f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
            f"{_table((), self._summary())}{tables}"
            f'<div class="sign"><p>{escape(self._say("giver"))}</p>'
            f"<p>{escape(self._say('taker'))}</p></div></html>"
        ).encode()

    def workbook(self) -> bytes:
        """The report as a workbook, a sheet for each of its parts."""
        first = Sheet(self._say("title"), self._headings(("what", "value")), self._summary())
        return write_workbook(
            [first]
            + [
                Sheet(self._say(name), self._headings(heads), rows)
                for name, heads, rows in self._tables()
            ]
        )

    def _tables(self) -> list[tuple[str, Sequence[str], Rows]]:
        """The parts of the report: name, headings and rows."""
        return [
            ("alerts", _ALERT, self._alerts()),
            ("incidents", _INCIDENT, self._incidents()),
            ("log", _ENTRY, self._entries()),
            ("calls", _CALL, self._calls()),
            ("handed_over", _HANDOVER, self._handed_over()),
        ]

    def _summary(self) -> Rows:
        report, shift = self._report, self._report.shift
        ended = self._say("running") if shift.ended_at is None else self._time(shift.ended_at)
        return [
            (self._say("began"), self._time(shift.began_at)),
            (self._say("ended"), ended),
            (self._say("on_duty"), ", ".join(shift.on_duty)),
            (self._say("opened"), report.opened),
            (self._say("resolved"), report.resolved),
            (self._say("closed"), report.closed),
            (self._say("false_reports"), report.false_reports),
            (self._say("alerts_raised"), report.alerts_raised),
            (self._say("alerts_acknowledged"), report.alerts_acknowledged),
            (self._say("note"), shift.note),
            (self._say("summary"), shift.summary),
        ]

    def _alerts(self) -> Rows:
        return [
            (
                say(f"notify.{one.severity.value}", self._language),
                self._marked(self._text(one.title), exercise=one.exercise), one.place,
                self._time(one.since), self._say("open" if one.cleared_at is None else "cleared"),
                one.acknowledged_by or self._say("nobody"),
                "" if one.incident is None else one.incident.code,
            )
            for one in self._report.alerts
        ]  # fmt: skip

    def _entries(self) -> Rows:
        return [(self._time(one.at), one.actor, one.text) for one in self._report.entries]

    def _calls(self) -> Rows:
        return [
            (self._time(one.at), one.made_by, one.person, one.phone,
             self._say(f"call_{one.result}"), one.note)
            for one in self._report.calls
        ]  # fmt: skip

    def _incidents(self) -> Rows:
        return [
            (
                one.code, self._marked(one.title, exercise=one.exercise), self._text(one.category),
                one.lead.name, self._word("state", one.state),
                "" if one.result is None else self._word("result", one.result), one.entries,
            )
            for one in self._report.incidents
        ]  # fmt: skip

    def _handed_over(self) -> Rows:
        return [
            (one.code, one.title, self._word("state", one.state), self._time(one.due_at), one.to,
             one.note)
            for one in self._report.handed_over
        ]  # fmt: skip

    def _marked(self, title: str, *, exercise: bool) -> str:
        return f"{self._say('exercise')} {title}" if exercise else title

    def _headings(self, names: Sequence[str]) -> list[str]:
        return [self._say(name) for name in names]

    def _say(self, name: str) -> str:
        return say(f"shift.{name}", self._language)

    def _word(self, kind: str, word: str) -> str:
        return say(f"incident.{kind}_{word}", self._language)

    def _text(self, text: Text) -> str:
        return text.vi if self._language == "vi" else text.en

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%H:%M %d/%m/%Y}"


_ALERT: Final = ("severity", "name", "place", "since", "state", "acknowledged", "incident")
_ENTRY: Final = ("at", "actor", "text")
_CALL: Final = ("at", "actor", "person", "phone", "result", "note")
_INCIDENT: Final = ("code", "name", "category", "lead", "state", "result", "entries")
_HANDOVER: Final = ("code", "name", "state", "due", "to", "note")


def _table(headings: Sequence[str], rows: Rows) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"
