"""Reports as agencies hand them in: read item by item, unknown fields refused by name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from ingest.report_checks import checked
from ingest.report_item import FIELDS, NUMBERS, Figure, Refused, Report, ReportRules
from ingest.report_table import twofold, typed
from ioc.model import Problem, Reason


class RefusedReport(msgspec.Struct, frozen=True):
    """What was not taken: its place, why, and its own bytes, or only their SHA-256."""

    problem: Problem
    raw: bytes
    size: int
    digest: bytes | None = None
    field: str | None = None


class DecodedReports(msgspec.Struct):
    """The reports that were understood with their places and bytes, and the others."""

    figures: list[tuple[int, Figure, bytes]]
    refused: list[RefusedReport]

    @property
    def received(self) -> int:
        """How many the body held."""
        return len(self.figures) + len(self.refused)


_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_anything: Final = msgspec.json.Decoder(dict[str, Any])
_report: Final = msgspec.json.Decoder(Report)
_NAME: Final = re.compile(r"[a-z_]{1,40}")
_WITHHELD: Final = frozenset({Reason.PERSONAL_DATA, Reason.JSON_INVALID})


def decode_reports(body: bytes, rules: ReportRules) -> DecodedReports:
    """Read a JSON array of reports, or one; a bad one never costs its neighbours."""
    try:
        if body.lstrip()[:1] == b"{":
            msgspec.json.decode(body)
            raws = [msgspec.Raw(body.strip())]
        else:
            raws = _raws.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"not a JSON array of reports: {error}; nothing of it is kept, send it again"
        return DecodedReports([], [_kept(Problem(-1, Reason.JSON_INVALID, detail), body)])
    return decode_each(((index, bytes(raw)) for index, raw in enumerate(raws)), rules)


def decode_each(items: Iterable[tuple[int, bytes]], rules: ReportRules) -> DecodedReports:
    """Read reports that came among other things, each with its place."""
    found = DecodedReports([], [])
    for index, raw in items:
        _take(found, index, raw, rules)
    return found


def decode_rows(
    rows: Sequence[tuple[int, Mapping[str, str]]], rules: ReportRules, *, plain: bool = False
) -> DecodedReports:
    """Read the rows of a table, whose cells are texts; an empty cell says nothing.

    With `plain`, numbers may be plain although the feed writes them otherwise: a workbook does not
    tell a number from a text. One that can be read in two ways is refused.
    """
    found = DecodedReports([], [])
    for index, (_, cells) in enumerate(rows):
        filled = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
        raw = msgspec.json.encode(typed(filled, rules.number_format, plain))
        ambiguous = [
            name for name in NUMBERS if plain and twofold(filled.get(name, ""), rules.number_format)
        ]
        if ambiguous:
            detail = (
                f"`{ambiguous[0]}`: {filled[ambiguous[0]]!r} can be read in two ways; write it as "
                "1803 or as 1,803, or send the table as CSV"
            )
            problem = Problem(index, Reason.VALUE_INVALID, detail)
            found.refused.append(_kept(problem, raw, ambiguous[0]))
        else:
            _take(found, index, raw, rules)
    return found


def _take(found: DecodedReports, index: int, raw: bytes, rules: ReportRules) -> None:
    try:
        found.figures.append((index, _one(raw, rules), raw))
    except Refused as refused:
        problem = Problem(index, refused.reason, refused.detail)
        found.refused.append(_kept(problem, raw, refused.field))


def _kept(problem: Problem, raw: bytes, field: str | None = None) -> RefusedReport:
    """Nobody can tell what an unreadable text or an unknown field says of whom."""
    if problem.reason in _WITHHELD:
        return RefusedReport(problem, b"", len(raw), sha256(raw).digest())
    return RefusedReport(problem, raw, len(raw), field=field)


def _one(raw: bytes, rules: ReportRules) -> Figure:
    try:
        named = _anything.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(
            Reason.PERSONAL_DATA, "a report is an object; the content is not kept"
        ) from error
    unknown = sorted(
        name if _NAME.fullmatch(name) else "(not shown)" for name in named.keys() - {*FIELDS}
    )
    if unknown:
        raise Refused(
            Reason.PERSONAL_DATA,
            f"unknown fields: {', '.join(unknown[:20])}; a report has {', '.join(FIELDS)} and "
            "nothing else; its content is not kept, send it again without them",
        )
    try:
        report = _report.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(
            Reason.SHAPE_INVALID, f"{error}; compare it with the fields of a report"
        ) from error
    return checked(report, rules)
