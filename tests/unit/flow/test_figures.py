"""Figures of periods: with their year, the period before and the last year, and what changed."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ioc.errors import Invalid, NotFound
from ioc.flow.counting import Counted, Counting, ReportCounts
from ioc.flow.figures import Figures
from ioc.flow.tables import Tables
from ioc.ids import uuid7
from ioc.kpi.counts import counts_of
from ioc.kpi.cycle import CALENDAR
from ioc.kpi.indicator import Definitions, Indicator, decode_indicator
from ioc.kpi.obligation import Obligation
from ioc.kpi.period import Period, parse_period
from ioc.kpi.reported import ReportedMeasure
from ioc.live.wire import FigureItem
from ioc.model import Text
from ioc.org import Contact, Level, Organisation, Passage, UnitEvent, UnitVersion
from ioc.store.city import Target
from ioc.store.measures import Declared
from ioc.store.report_rows import ReportRow

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
MERGER = date(2025, 7, 1)

Day = Mapping[str, Mapping[str, float]]
"""Counts of one day by unit and measure."""


def _version(unit: str, parent: str | None, level: Level, **more: Any) -> UnitVersion:
    given = {"valid_from": date(2020, 1, 1), "name": unit, "short_name": unit}
    return UnitVersion(unit=unit, parent=parent, level=level, **{**given, **more})


ORGANISATION = Organisation(
    [
        _version("tinh", None, Level.PROVINCE),
        _version("so-a", "tinh", Level.DEPARTMENT, contact=Contact(post="Giám đốc", phone="113")),
        _version("so-b", "tinh", Level.DEPARTMENT),
        _version("so-c", "tinh", Level.DEPARTMENT),
        _version("xa-cu", "tinh", Level.COMMUNE, valid_until=MERGER),
        _version("xa-moi", "tinh", Level.COMMUNE, valid_from=MERGER),
        _version("xa-khac", "tinh", Level.COMMUNE, valid_from=MERGER),
    ],
    [
        UnitEvent(
            id="e", kind="split", effective=MERGER, legal_reference="NQ 1",
            passages=(Passage("xa-cu", "xa-moi", 0.75, "area"),
                      Passage("xa-cu", "xa-khac", 0.25, "area")),
        )
    ],
)  # fmt: skip


def _indicator(id: str = "online", **more: Any) -> Indicator:
    document = {
        "name": {"vi": id, "en": id}, "domain": "service", "kind": "share", "source": "measures",
        "numerator": "received_online", "denominator": "received_direct + received_online",
        "uom": "%", "decimals": 1, "direction": "up", **more,
    }  # fmt: skip
    return decode_indicator(id, {k: v for k, v in document.items() if v is not None})


class Days:
    """Counts by day, as the sources of the product have them."""

    def __init__(self, days: Mapping[str, Day]) -> None:
        self._days = {date.fromisoformat(day): counts for day, counts in days.items()}
        self.moved = True

    async def refresh(self, now: datetime) -> bool:
        del now
        moved, self.moved = self.moved, False
        return moved

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        del now
        found: dict[str, dict[str, float]] = {}
        for day, units in self._days.items():
            for unit, counts in units.items() if period.start <= day < period.end else ():
                for name, count in counts.items():
                    own = found.setdefault(unit, {})
                    own[name] = own.get(name, 0.0) + count
        used = sorted({name for own in found.values() for name in own if name in names})
        rows = [(unit, [own.get(name, 0.0) for name in used]) for unit, own in found.items()]
        return Counted(counts_of(rows, used))


def _measure(id: str, **more: Any) -> ReportedMeasure:
    given = {"id": id, "name": Text(id, id), "uom": "{d}", "kind": "flow", "cycle": "month"}
    return ReportedMeasure(**{**given, **more})


class Handed(ReportCounts):
    """Reports that were handed in."""

    def __init__(self, *rows: ReportRow) -> None:
        self._rows = rows
        measures = [
            _measure("documents", group="e"), _measure("signed", group="e"),
            _measure("official", kind="score"), _measure("told", kind="stock", uom="%"),
        ]  # fmt: skip
        owed = Obligation(
            id="e", name=Text("", ""), group="e", cycle="month", each=Level.DEPARTMENT
        )
        self.declared = Declared(CALENDAR, {m.id: m for m in measures}, [owed])

    async def refresh(self, now: datetime) -> bool:
        del now
        return False

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        del now
        used = [name for name in ("documents", "signed") if name in names]
        rows = {row.unit: {} for row in self._rows if row.measure in used}
        for row in self._rows:
            if row.measure in used and period.start <= row.starts and row.ends <= period.end:
                rows[row.unit][row.measure] = row.value
        table = [(unit, [own.get(name) for name in used]) for unit, own in rows.items()]
        submitted = frozenset(row.unit for row in self._rows if row.state == "submitted")
        return Counted(counts_of(table, used), frozenset(used), submitted)

    async def rows(self, names: Collection[str], period: Period) -> dict[Any, ReportRow]:
        return {
            (row.measure, row.unit): row
            for row in self._rows
            if row.measure in names and period.start <= row.starts and row.ends <= period.end
        }


def _report(measure: str, unit: str = "tinh", period: str = "2026-10", **more: Any) -> ReportRow:
    found = parse_period(period)
    given: dict[str, Any] = {
        "report_id": uuid7(NOW), "feed": "f", "measure": measure, "unit": unit,
        "period_text": period, "starts": found.start, "ends": found.end, "version": 1,
        "state": "approved", "value": None, "bound": "=", "printed_value": None,
        "printed_decimals": None, "numerator": None, "denominator": None, "rank": None,
        "of": None, "movement": None, "nothing_occurred": False, "document": "BC 1", "flags": [],
        "changed_at": NOW, "submitted_at": NOW, "stored_at": NOW, **more,
    }  # fmt: skip
    return ReportRow(**given)


class Office:
    """Figures over counts by day and reports."""

    def __init__(
        self,
        *indicators: Indicator,
        days: Mapping[str, Day] | None = None,
        reports: Collection[ReportRow] = (),
        targets: Collection[Target] = (),
    ) -> None:
        handed = Handed(*reports)
        self.counting = Counting([Days(days or {}), handed])
        self.figures = Figures(Tables(self.counting, handed), "Asia/Ho_Chi_Minh")
        known = Definitions(indicators or [_indicator()])
        self.figures.load(known, ORGANISATION, list(targets), "tinh")

    async def item(
        self, period: str, unit: str = "tinh", id: str = "online", as_of: date | None = None
    ) -> FigureItem:
        return await self.figures.value(id, unit, parse_period(period), NOW, as_of)


def _counts(online: float, direct: float) -> dict[str, float]:
    return {"received_online": online, "received_direct": direct}


DAYS: dict[str, Day] = {
    "2025-10-05": {"so-a": _counts(1, 9)},
    "2026-03-05": {"so-a": _counts(10, 10)},
    "2026-09-05": {"so-a": _counts(2, 2)},
    "2026-10-05": {"so-a": _counts(3, 1), "so-b": _counts(0, 4)},
}


async def test_a_figure_stands_beside_its_year_the_period_before_and_the_last_year() -> None:
    item = await Office(days=DAYS).item("2026-10")
    assert (item.value, item.numerator, item.denominator) == (37.5, 3, 8)
    assert item.cumulative is not None
    assert (item.cumulative.value, item.cumulative.denominator) == (15 / 32 * 100, 32)
    assert item.previous is not None
    assert (item.previous.period, item.previous.value) == ("2026-09", 50.0)
    assert item.same_last_year is not None
    assert (item.same_last_year.period, item.same_last_year.value) == ("2025-10", 10.0)


async def test_a_figure_of_a_few_days_counts_just_these() -> None:
    item = await Office(days=DAYS).item("2026-09-05/2026-10-05")
    assert (item.numerator, item.denominator) == (2, 4)


async def test_a_running_period_is_compared_with_as_many_days_of_those_before() -> None:
    days = {**DAYS, "2026-11-02": {"so-a": _counts(1, 1)}, "2026-10-25": {"so-a": _counts(0, 99)}}
    item = await Office(days=days).item("2026-11")
    assert item.previous is not None
    assert (item.previous.period, item.previous.denominator) == ("2026-10-01/2026-10-23", 8)


async def test_the_version_of_a_definition_is_chosen_by_the_period() -> None:
    old = _indicator(denominator="received_direct", until="2026-10-01")
    new = _indicator(version=2, **{"from": "2026-10-01"}, legal_reference="QĐ 2")
    item = await Office(old, new, days=DAYS).item("2026-10")
    assert (item.version, item.value) == (2, 37.5)
    assert item.previous is not None
    assert (item.previous.version, item.previous.value) == (1, 100.0)
    assert [(b.at, "QĐ 2" in b.reason.en) for b in item.breaks] == [("2026-10-01", True)]


async def test_a_period_without_a_definition_is_told_when_there_is_one() -> None:
    office = Office(_indicator(**{"from": "2026-10-01"}), days=DAYS)
    with pytest.raises(NotFound, match="2026-10-01"):
        await office.item("2026-09")


async def test_what_is_made_of_newest_values_has_no_periods() -> None:
    speed = _indicator(
        "speed", kind="mean", source="latest", numerator={"property": "speed"}, denominator=None
    )
    with pytest.raises(Invalid, match="leave the period out"):
        await Office(speed).item("2026", id="speed")


async def test_a_numerator_above_its_denominator_is_flagged_and_shown() -> None:
    strange = _indicator(numerator="received_online", denominator="received_direct")
    item = await Office(strange, days=DAYS).item("2026-10", "so-a")
    assert (item.value, item.flags) == (300.0, ("above",))
    assert (await Office(days=DAYS).item("2026-10", "so-a")).flags == ()
    nothing = await Office(strange, days={"2026-10-05": {"so-a": _counts(3, 0)}}).item("2026-10")
    assert (nothing.value, nothing.flags) == (None, ("above",))


async def test_units_read_as_they_were_and_as_of_another_day_by_weight() -> None:
    days = {"2025-06-05": {"xa-cu": _counts(4, 4)}, "2025-08-05": {"xa-moi": _counts(1, 0)}}
    office = Office(days=days)
    assert (await office.item("2025-06", "xa-moi")).value is None
    restated = await office.item("2025-06", "xa-moi", as_of=date(2026, 1, 1))
    assert (restated.numerator, restated.denominator, restated.value) == (3.0, 6.0, 50.0)
    assert restated.estimated
    whole = await office.item("2025", as_of=date(2026, 1, 1))
    assert (whole.numerator, whole.denominator) == (5, 9)
    as_was = await office.item("2025")
    assert (as_was.numerator, as_was.denominator, as_was.estimated) == (5, 9, False)


async def test_a_line_breaks_where_the_unit_changed() -> None:
    item = await Office(days=DAYS).item("2026-03", "xa-moi")
    assert [b.at for b in item.breaks] == ["2025-07-01"]
    restated = await Office(days=DAYS).item("2026-03", "xa-moi", as_of=date(2026, 1, 1))
    assert restated.breaks == ()


async def test_a_ranking_has_ties_and_says_who_moved() -> None:
    days = {
        "2026-09-05": {"so-a": _counts(1, 9), "so-b": _counts(5, 5), "so-c": _counts(9, 1)},
        "2026-10-05": {"so-a": _counts(5, 5), "so-b": _counts(1, 1), "so-c": _counts(1, 9)},
    }
    items = await Office(days=days).figures.ranking("online", parse_period("2026-10"), NOW)
    assert [(i.unit and i.unit.id, i.rank, i.of, i.movement) for i in items] == [
        ("so-a", 1, 3, 2), ("so-b", 1, 3, 1), ("so-c", 3, 3, -2),
    ]  # fmt: skip


async def test_a_ranking_is_of_one_level_where_that_is_asked() -> None:
    days = {"2026-10-05": {"so-a": _counts(5, 5), "xa-moi": _counts(1, 1)}}
    items = await Office(days=days).figures.ranking(
        "online", parse_period("2026-10"), NOW, level=Level.COMMUNE
    )
    assert [item.unit and item.unit.id for item in items] == ["xa-moi"]


async def test_the_target_of_the_time_decides_how_a_figure_stands() -> None:
    old = Target("online", "tinh", date(2025, 1, 1), date(2026, 1, 1), 5, "up", "KH 1", False)
    new = Target("online", "tinh", date(2026, 1, 1), None, 51, "up", "KH 2", False)
    office = Office(days=DAYS, targets=[old, new])
    assert (await office.item("2025-10")).standing == "met"
    assert (await office.item("2026-10")).standing == "behind"


SIGNED = _indicator(numerator="signed", denominator="documents")
HANDED = [
    _report("signed", "so-a", value=8.0), _report("documents", "so-a", value=10.0),
    _report("signed", "so-b", value=1.0, state="submitted"),
    _report("documents", "so-b", value=2.0, state="submitted"),
]  # fmt: skip


async def test_the_coverage_of_reports_is_the_units_that_handed_in_of_those_that_owe() -> None:
    item = await Office(SIGNED, reports=HANDED).item("2026-10")
    assert (item.value, item.numerator, item.denominator) == (75.0, 9, 12)
    assert item.coverage is not None
    assert (item.coverage.observed, item.coverage.expected) == (2, 3)


async def test_a_figure_is_provisional_while_a_report_behind_it_is_not_approved() -> None:
    office = Office(SIGNED, reports=HANDED)
    assert (await office.item("2026-10")).provisional
    assert not (await office.item("2026-10", "so-a")).provisional


async def test_the_total_that_a_province_hands_in_stands_before_the_sum_of_its_units() -> None:
    own = [_report("signed", value=90.0), _report("documents", value=100.0)]
    assert (await Office(SIGNED, reports=[*HANDED, *own]).item("2026-10")).value == 90.0


POINTS = _indicator(
    kind="score", score="maximum * rate", maximum=6, imported="official", uom="{points}"
)


async def test_official_points_are_the_score_and_ours_an_estimate_beside_it() -> None:
    told = _report("official", value=5.5, rank=3, of=63, movement=2)
    item = await Office(POINTS, days=DAYS, reports=[told]).item("2026-10")
    assert item.value == 5.5
    assert item.official is not None
    assert (item.official.rank, item.official.of, item.official.movement) == (3, 63, 2)
    assert item.own is not None
    assert (item.own.value, item.own.covered, item.own.maximum) == (2.25, 6.0, 6.0)
    assert not item.estimated


async def test_points_of_our_own_alone_are_marked_as_an_estimate() -> None:
    item = await Office(POINTS, days=DAYS).item("2026-10")
    assert (item.value, item.estimated, item.official) == (2.25, True, None)


async def test_points_without_a_formula_say_so() -> None:
    bare = _indicator(
        kind="score", maximum=6, imported="official", numerator=None, denominator=None
    )
    item = await Office(bare, days=DAYS).item("2026-10")
    assert item.own is not None
    assert (item.value, item.own.formula, item.own.covered) == (None, False, 0.0)


@pytest.mark.parametrize(
    ("rounding", "printed", "bound", "agrees"),
    [("half_up", 9.4, "=", True), ("half_up", 9.3, "=", False), ("truncate", 9.3, "=", True),
     ("half_up", 9.0, ">=", True), ("half_up", 9.0, "<=", False), ("half_up", 9.0, "~", None)],
)  # fmt: skip
async def test_a_printed_figure_is_compared_by_the_rule_of_rounding(
    rounding: str, printed: float, bound: str, agrees: bool | None
) -> None:
    told = _report("told", printed_value=printed, printed_decimals=1, bound=bound)
    days = {"2026-10-05": {"so-a": _counts(1803, 19259 - 1803)}}
    item = await Office(
        _indicator(printed="told", rounding=rounding), days=days, reports=[told]
    ).item("2026-10")
    assert item.printed is not None
    assert (item.printed.value, item.printed.agrees) == (printed, agrees)


async def test_a_share_without_formulas_is_made_of_the_counts_of_its_report() -> None:
    told = _report(
        "told", printed_value=9.3, printed_decimals=1, numerator=1803.0, denominator=19259.0
    )
    bare = _indicator(printed="told", numerator=None, denominator=None)
    item = await Office(bare, reports=[told]).item("2026-10")
    assert (item.numerator, item.denominator) == (1803, 19259)
    assert item.value == pytest.approx(9.3619, abs=1e-4)
    assert item.printed is not None
    assert item.printed.agrees is False


async def test_who_answers_for_a_unit_comes_with_its_figure() -> None:
    item = await Office(days=DAYS).item("2026-10", "so-a")
    assert item.answering is not None
    assert (item.answering.unit.id, item.answering.post, item.answering.phone) == (
        "so-a", "Giám đốc", "113",
    )  # fmt: skip


async def test_the_unit_of_an_indicator_answers_for_the_figure_of_the_province() -> None:
    item = await Office(_indicator(unit="so-a"), days=DAYS).item("2026-10")
    assert item.answering is not None
    assert item.answering.unit.id == "so-a"


async def test_counts_are_kept_until_something_moves() -> None:
    office = Office(days=DAYS)
    assert await office.counting.refresh(NOW)
    generation = office.counting.generation
    assert not await office.counting.refresh(NOW)
    assert office.counting.generation == generation


async def test_a_definition_is_tried_without_being_in_force() -> None:
    office = Office(days=DAYS)
    made = _indicator(version=2, denominator="received_direct", **{"from": "2100-01-01"})
    known = Definitions([_indicator(), made])
    item = await office.figures.tried(made, known, "tinh", parse_period("2026-10"), NOW)
    assert (item.version, item.value) == (2, 60.0)
    assert (await office.item("2026-10")).value == 37.5


async def test_the_points_of_a_part_are_shown_with_their_coverage_and_not_as_the_score() -> None:
    bare = _indicator(
        "bare", kind="score", maximum=4, imported="other", numerator=None, denominator=None
    )
    index = _indicator(
        "index", kind="composite", maximum=10, parts=["online", "bare"], partial=True,
        imported="told", numerator=None, denominator=None, uom="{points}",
    )  # fmt: skip
    office = Office(index, POINTS, bare, days=DAYS)
    item = await office.item("2026-10", id="index")
    assert (item.value, item.estimated) == (None, False)
    assert item.own is not None
    assert (item.own.value, item.own.covered, item.own.maximum) == (2.25, 6.0, 10.0)
