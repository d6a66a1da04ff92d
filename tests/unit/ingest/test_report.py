"""Reports at the door: what is understood, and what is refused with its cure."""

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.report import DecodedReports, decode_reports, decode_rows
from ingest.report_item import Figure, MeasureFacts, ReportRules
from ioc.errors import Invalid
from ioc.kpi.cycle import CALENDAR
from ioc.model import Reason

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)


def _period(text: str) -> tuple[str, date, date]:
    period = CALENDAR["month"].period(text)
    return period.text, period.start, period.end


def _facts(kind: str = "flow", uom: str = "{dossiers}", **more: Any) -> MeasureFacts:
    given: dict[str, Any] = {
        "uom": uom, "kind": kind, "is_share": uom == "%" and kind in ("flow", "stock"),
        "decimals": 1, "maximum": None, "period": _period,
    }  # fmt: skip
    return MeasureFacts(**{**given, **more})


def _unit(given: str, on: date) -> str:
    if given == "so-a" and on >= date(2026, 1, 31):
        return given
    raise Invalid(f"no unit had the id or code {given!r} on {on}; see GET /api/v1/units")


MEASURES = {
    "received": _facts(),
    "in_hand": _facts("stock"),
    "online_share": _facts(uom="%"),
    "par_index": _facts("score", "{points}", maximum=100.0),
    "par_rank": _facts("rank", "1"),
}


def rules(number_format: str = "plain") -> ReportRules:
    return ReportRules(
        measures=MEASURES, find_unit=_unit, zone=ZoneInfo("Asia/Ho_Chi_Minh"), now=NOW,
        number_format=number_format,
    )  # fmt: skip


def item(**more: Any) -> dict[str, Any]:
    given = {
        "measure": "received", "unit": "so-a", "period": "2026-07", "value": 12,
        "document": "Báo cáo số 1/BC-SA",
    }  # fmt: skip
    return {**given, **more}


def share(**more: Any) -> dict[str, Any]:
    return item(**{"measure": "online_share", "value": None, **more})


def score(**more: Any) -> dict[str, Any]:
    return item(**{"measure": "par_index", "value": 82.01, **more})


def decoded(*items: Any, number_format: str = "plain") -> DecodedReports:
    return decode_reports(json.dumps(items).encode(), rules(number_format))


def figure(given: dict[str, Any], number_format: str = "plain") -> Figure:
    found = decoded(given, number_format=number_format)
    assert not found.refused, found.refused
    return found.figures[0][1]


def test_a_figure_has_the_days_of_its_period() -> None:
    found = figure(item())
    assert (found.value, found.start, found.end) == (12, date(2026, 7, 1), date(2026, 8, 1))
    assert found.changed_at == NOW


@pytest.mark.parametrize(
    ("given", "reason", "cure"),
    [
        (item(measure="recieved"), Reason.MEASURE_UNKNOWN, "did you mean received?"),
        (item(measure="zzz"), Reason.MEASURE_UNKNOWN, "see GET /api/v1/measures"),
        (item(unit="so-b"), Reason.UNIT_UNKNOWN, "see GET /api/v1/units"),
        (item(period="2025-12"), Reason.UNIT_UNKNOWN, "on 2025-12-31"),
        (item(period="2026-Q3"), Reason.PERIOD_INVALID, "write such as 2026-07"),
        (item(period="2026-12"), Reason.TIME_FUTURE, "send it when it is over"),
        (item(value=-1), Reason.VALUE_INVALID, "0 or more"),
        (item(value="12"), Reason.VALUE_KIND, "number_format"),
        (item(value=None), Reason.VALUE_MISSING, "nothing_occurred"),
        (item(uom="{files}"), Reason.UOM_MISMATCH, "convert it"),
        (item(document=" "), Reason.VALUE_INVALID, "`document`"),
        (item(reason="x" * 501), Reason.VALUE_INVALID, "`reason`"),
        (item(citizen="Ng. Văn A"), Reason.PERSONAL_DATA, "unknown fields: citizen"),
        (item(state="closed"), Reason.SHAPE_INVALID, "state"),
        (item(bound="<"), Reason.SHAPE_INVALID, "bound"),
        (item(numerator=1, denominator=2), Reason.VALUE_INVALID, "is no share"),
        (item(rank=1), Reason.VALUE_INVALID, "has no rank"),
        (item(nothing_occurred=True), Reason.VALUE_INVALID, "leave out one"),
        (item(measure="in_hand", value=None, nothing_occurred=True), Reason.VALUE_INVALID, "flows"),
        (item(changed_at="2026-11-23T00:00:00+07:00"), Reason.TIME_FUTURE, "clock"),
        (share(value=37.5), Reason.VALUE_INVALID, "needs its numerator and denominator"),
        (share(numerator=3), Reason.VALUE_INVALID, "come together"),
        (share(numerator=3, denominator=2), Reason.VALUE_INVALID, "above denominator"),
        (share(numerator=-3, denominator=2), Reason.VALUE_INVALID, "0 or more"),
        (score(value=100.5), Reason.VALUE_INVALID, "above the maximum"),
        (score(rank=64, of=63), Reason.VALUE_INVALID, "from 1 to `of`"),
        (score(of=63), Reason.VALUE_INVALID, "belong to a `rank`"),
        (score(rank=1, movement=-1), Reason.VALUE_INVALID, "a rise of three is 3"),
        (item(measure="par_rank", value=2.5), Reason.VALUE_INVALID, "whole number"),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_cure(
    given: dict[str, Any], reason: Reason, cure: str
) -> None:
    given = {name: value for name, value in given.items() if value is not None}
    found = decoded(given)
    assert not found.figures
    problem = found.refused[0].problem
    assert problem.reason is reason
    assert cure in problem.detail


def test_a_bad_report_never_costs_its_neighbours() -> None:
    found = decoded(item(), 7, item(value=-1), item(period="2026-08"))
    assert [index for index, _, _ in found.figures] == [0, 3]
    assert [refused.problem.index for refused in found.refused] == [1, 2]
    assert found.received == 4


def test_what_may_be_about_a_person_is_not_kept() -> None:
    refused = decoded(item(ho_ten="Nguyễn Văn A")).refused[0]
    assert refused.raw == b""
    assert refused.digest is not None


def test_nothing_occurred_is_a_figure() -> None:
    found = figure({**item(nothing_occurred=True), "value": None})
    assert (found.nothing_occurred, found.value) == (True, None)


def test_a_printed_figure_needs_no_counts_and_keeps_its_decimals() -> None:
    found = figure(share(printed_value=62.3, decimals=2, bound="~"))
    assert (found.printed_value, found.printed_decimals, found.bound) == (62.3, 2, "~")
    assert (found.numerator, found.denominator) == (None, None)


def test_vietnamese_numbers_are_texts_where_the_feed_says_so() -> None:
    assert figure(item(value="1.803,5"), "vietnamese").value == 1803.5
    found = figure(share(printed_value="9,30"), "vietnamese")
    assert (found.printed_value, found.printed_decimals) == (9.3, 2)
    refused = decoded(item(value="1.80"), number_format="vietnamese").refused[0].problem
    assert (refused.reason, "1.803,5" in refused.detail) == (Reason.VALUE_INVALID, True)


def test_a_rank_keeps_its_movement() -> None:
    found = figure(score(rank=20, of=63, movement=2))
    assert (found.rank, found.of, found.movement) == (20, 63, 2)


def test_a_row_of_a_table_is_a_report_and_empty_cells_say_nothing() -> None:
    cells = {"measure": "received", "unit": "so-a", "period": "2026-07", "value": " 1.803 ",
             "document": "BC 1", "rank": "", "nothing_occurred": "không"}  # fmt: skip
    found = decode_rows([(2, cells), (3, {**cells, "value": "", "nothing_occurred": "x"})],
                        rules("vietnamese"))  # fmt: skip
    assert not found.refused
    assert [figure.value for _, figure, _ in found.figures] == [1803.0, None]
    assert [figure.nothing_occurred for _, figure, _ in found.figures] == [False, True]


def test_a_plain_table_holds_plain_numbers() -> None:
    cells = {"measure": "par_index", "unit": "so-a", "period": "2026-07", "value": "82.01",
             "rank": "20", "of": "63", "document": "QĐ 1"}  # fmt: skip
    found = decode_rows([(2, cells), (3, {**cells, "value": "82,01"})], rules())
    assert found.figures[0][1].value == 82.01
    assert found.refused[0].problem.reason is Reason.VALUE_KIND


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1803", 1803),
        ("1803.5", 1803.5),
        ("1.803,5", 1803.5),
        ("12,5", 12.5),
        ("1.803.000", 1803000),
    ],
)
def test_a_workbook_of_a_vietnamese_feed_holds_numbers_and_texts(text: str, value: float) -> None:
    cells = {"measure": "received", "unit": "so-a", "period": "2026-07", "document": "BC 1"}
    found = decode_rows([(2, {**cells, "value": text})], rules("vietnamese"), plain=True)
    assert [figure.value for _, figure, _ in found.figures] == [value]


def test_a_number_that_can_be_read_in_two_ways_is_refused() -> None:
    cells = {"measure": "received", "unit": "so-a", "period": "2026-07", "document": "BC 1"}
    found = decode_rows([(2, {**cells, "value": "1.803"})], rules("vietnamese"), plain=True)
    assert "two ways" in found.refused[0].problem.detail


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_and_not_kept(body: bytes) -> None:
    found = decode_reports(body, rules())
    assert not found.figures
    assert all(refused.raw == b"" for refused in found.refused)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3)))  # fmt: skip
def test_any_value_of_any_field_is_taken_or_refused(value: Any) -> None:
    for name in ("value", "numerator", "period", "rank", "bound", "changed_at"):
        found = decoded({**item(), name: value})
        assert found.received == 1
