"""The five articles reproduced: every printed figure against what its counts give."""

import csv
import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.report import DecodedReports, decode_reports
from ingest.report_item import Figure, MeasureFacts, ReportRules
from ioc.city.history import read_history
from ioc.city.read import read_city
from ioc.kpi.cycle import CALENDAR
from ioc.kpi.evaluate import printed, share
from ioc.kpi.reported import ReportedMeasure, agrees, previous_rank
from ioc.org import Organisation

CITY = Path(__file__).parents[2] / "city"
ARTICLES = CITY / "history" / "articles"
SEEDS = ("000_17da6619370f6a5c", "001_68aa98263e0be6cb", "002_4f08234437ca1766",
         "003_e4aaf1eea47ce3d3", "004_e35a093b845fab96")  # fmt: skip

PHU_THO, NAM_DINH, BEN_TRE = "phu-tho-1997", "nam-dinh-1997", "ben-tre-1976"
CENTRE = "trung-tam-pvhcc-tuyen-quang"

city = read_city(CITY)
history = read_history(ARTICLES)
measures = {m.id: m for m in (*city.measures, *history.measures)}
differences: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (ARTICLES / "differences.toml").read_text()
)


def _facts(measure: ReportedMeasure) -> MeasureFacts:
    def period(text: str) -> tuple[str, date, date]:
        found = CALENDAR[measure.cycle].period(text)
        return found.text, found.start, found.end

    return MeasureFacts(
        uom=measure.uom, kind=measure.kind, is_share=measure.is_share, period=period,
        decimals=measure.decimals, maximum=measure.maximum,
    )  # fmt: skip


def _decoded() -> DecodedReports:
    calendar = {m.id: _facts(m) for m in measures.values() if m.cycle in CALENDAR}
    rules = ReportRules(
        measures=calendar, find_unit=Organisation([*city.units, *history.units]).resolve,
        zone=ZoneInfo("Asia/Ho_Chi_Minh"), now=datetime(2026, 11, 22, tzinfo=UTC),
        number_format="plain",
    )  # fmt: skip
    return decode_reports(history.reports, rules)


decoded = _decoded()
figures = {(f.measure, f.unit): f for _, f, _ in decoded.figures}


def _value(measure: str, unit: str = CENTRE) -> float:
    value = figures[measure, unit].value
    assert value is not None
    return value


def _percentages() -> Iterator[Figure]:
    for figure in figures.values():
        if figure.printed_value is not None and figure.denominator is not None:
            yield figure


def _stated(kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(d["measure"], d["unit"]): d for d in differences[kind]}


def test_the_door_takes_every_figure() -> None:
    assert decoded.refused == []
    assert len(decoded.figures) == len(figures) == len(json.loads(history.reports))


def test_every_figure_names_its_source_and_its_day() -> None:
    documents = {figure.document for figure in figures.values()}
    assert len(documents) == len(SEEDS)
    assert all(document.rsplit(", ", 1)[1][:-1].count("/") == 2 for document in documents)


@pytest.mark.parametrize("figure", list(_percentages()), ids=lambda f: f"{f.measure}/{f.unit}")
def test_a_printed_percentage_is_what_its_counts_give_or_its_difference_is_stated(
    figure: Figure,
) -> None:
    assert figure.printed_value is not None
    assert figure.printed_decimals is not None
    exact = share(figure.numerator, figure.denominator)
    assert exact is not None
    computed = float(printed(exact, figure.printed_decimals))
    stated = _stated("difference").get((figure.measure, figure.unit))
    same = agrees(
        figure.printed_value, figure.numerator, figure.denominator, figure.printed_decimals, "="
    )
    assert same is (stated is None)
    if stated is not None:
        assert (stated["printed"], stated["computed"]) == (figure.printed_value, computed)


def test_no_difference_is_stated_that_is_none() -> None:
    printed_figures = {(f.measure, f.unit) for f in _percentages()}
    assert set(_stated("difference")) <= printed_figures
    assert {d["id"] for of in differences.values() for d in of} == {"A1", "A2", "A5", "A10", "A11",
                                                                    "A12"}  # fmt: skip


def test_what_cannot_be_verified_has_no_counts() -> None:
    for (measure, unit), stated in _stated("unverifiable").items():
        figure = figures[measure, unit]
        assert figure.printed_value == stated["printed"]
        assert (figure.numerator, figure.denominator) == (None, None)


def test_a_percentage_without_decimals_is_finer_than_it_was_printed() -> None:
    for (measure, unit), stated in _stated("coarse").items():
        figure = figures[measure, unit]
        exact = share(figure.numerator, figure.denominator)
        assert exact is not None
        assert figure.printed_decimals == stated["decimals"]
        assert float(printed(exact, 1)) == stated["computed"]


def test_the_two_scores_that_are_one_have_two_ranks() -> None:
    (stated,) = differences["suspicious"]
    found = [figures[measure, stated["unit"]] for measure in stated["measures"]]
    assert {figure.value for figure in found} == {stated["value"]}
    assert [figure.rank for figure in found] == stated["ranks"]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("received_direct", "received_online", "received_post"), "received"),
        (("resolved_early", "resolved_on_time", "resolved_late"), "resolved"),
        (("services_level_2", "services_level_3", "services_level_4"), "services"),
    ],
)
def test_parts_add_up_to_their_whole(parts: tuple[str, ...], whole: str) -> None:
    assert sum(_value(f"stated_{part}") for part in parts) == _value(f"stated_{whole}")


def test_shares_that_were_forced_to_a_hundred_are_shown_unforced() -> None:
    names = ("stated_early_share", "stated_on_time_share", "stated_late_share")
    found = [figures[name, CENTRE] for name in names]
    assert round(sum(f.printed_value or 0 for f in found), 2) == 100
    exact = [share(f.numerator, f.denominator) or 0 for f in found]
    assert round(sum(float(printed(value, 2)) for value in exact), 2) == 99.99


@pytest.mark.parametrize(
    ("measure", "value", "rank", "before"),
    [
        ("par_index", 82.01, 20, 22),
        ("par_index_regulations", 99.36, 1, 57),
        ("par_index_direction", None, 20, 47),
        ("par_index_modernisation", 83.24, 22, 35),
        ("par_index_finance", 83.24, 24, 27),
        ("par_index_procedures", None, 28, 55),
        ("sipas", 85.89, 25, 53),
    ],
)
def test_an_index_keeps_its_score_its_rank_and_the_rank_before(
    measure: str, value: float | None, rank: int, before: int
) -> None:
    figure = figures[measure, PHU_THO]
    assert (figure.value, figure.rank, figure.of) == (value, rank, 63)
    assert previous_rank(figure.rank, figure.movement) == before


@pytest.mark.parametrize(
    ("measure", "unit", "figure", "bound"),
    [
        ("stated_staff_with_computer_commune", NAM_DINH, 80, ">="),
        ("stated_signed_per_month", NAM_DINH, 8000, "<="),
        ("stated_documents_electronic", NAM_DINH, 90, ">="),
        ("stated_portal_visits", NAM_DINH, 1_500_000, ">="),
        ("stated_integrated_with_dossiers", NAM_DINH, 50, ">="),
        ("stated_level_4_rank", NAM_DINH, 3, "<="),
        ("stated_years_of_signatures", PHU_THO, 5, ">="),
        ("stated_meeting_documents", "tuyen-quang-1991", 1700, ">="),
    ],
)
def test_what_was_said_to_be_above_or_nearly_is_a_bound(
    measure: str, unit: str, figure: float, bound: str
) -> None:
    found = figures[measure, unit]
    stated = found.value if found.printed_value is None else found.printed_value
    assert (stated, found.bound) == (figure, bound)


def test_all_other_figures_are_exact() -> None:
    bounds = [figure for figure in figures.values() if figure.bound != "="]
    assert len(bounds) == 8


@pytest.mark.parametrize(
    ("measure", "unit", "numerator", "denominator", "percent"),
    [
        ("stated_level_3_active", CENTRE, 21, 66, 31.8),
        ("stated_level_4_active", CENTRE, 192, 917, 20.9),
        ("stated_level_3_4_share", BEN_TRE, 1148, 1758, 65.3),
        ("stated_integrated_share", BEN_TRE, 553, 1148, 48.2),
    ],
)
def test_counts_give_their_percentage(
    measure: str, unit: str, numerator: float, denominator: float, percent: float
) -> None:
    found = figures[measure, unit]
    assert (found.numerator, found.denominator) == (numerator, denominator)
    assert float(printed(share(numerator, denominator) or 0, 1)) == percent


def _targets() -> list[dict[str, str]]:
    with (ARTICLES / "targets.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_target_of_the_articles_is_there() -> None:
    found = [(row["unit"], row["by"], float(row["value"])) for row in _targets()]
    hoa_binh = [(by, value) for unit, by, value in found if unit == "hoa-binh-1991"]
    assert hoa_binh == [("2021", 51), ("2025", 40), ("2025", 60), ("2025", 90), ("2025", 80),
                        ("2025", 60)]  # fmt: skip
    national = [value for unit, _, value in found if not unit]
    assert national == [100, 50, 80, 50, 90]
    phu_tho = [(by, value) for unit, by, value in found if unit == PHU_THO]
    assert phu_tho == [("2020", 100), ("2020", 80), ("2020", 60), ("2020", 30), ("2020", 30),
                       ("2020", 80)]  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "unit", "met"),
    [
        ("sipas", PHU_THO, True),
        ("stated_iso_mandatory", NAM_DINH, True),
        ("stated_integrated_share", BEN_TRE, False),
    ],
)
def test_a_figure_stands_against_its_target(measure: str, unit: str, met: bool) -> None:
    (target,) = [row for row in _targets() if row["measure"] == measure]
    figure = figures[measure, unit]
    value = figure.value if figure.denominator is None else share(
        figure.numerator, figure.denominator
    )  # fmt: skip
    assert value is not None
    assert target["bound"] == ">="
    assert (value >= float(target["value"])) is met


def test_every_figure_stands_in_its_article(data: Path) -> None:
    """The printed text of each figure, as Vietnamese writes numbers, is found in its source."""
    texts = [(data.parent / "seeds" / f"{name}.txt").read_text("utf-8") for name in SEEDS]
    documents = list(dict.fromkeys(figure.document for figure in figures.values()))
    absent = [
        (figure.measure, number)
        for figure in figures.values()
        for number in _numbers(figure)
        if number not in texts[documents.index(figure.document)]
    ]
    assert absent == []


def _numbers(figure: Figure) -> list[str]:
    decimals = figure.printed_decimals or 0
    counts = [figure.numerator, figure.value if figure.rank is None else None]
    shown = [_count(count) for count in counts if count is not None and count > 99]
    if figure.rank is not None and figure.value is not None:
        shown.append(_vietnamese(figure.value, 2))
    if figure.printed_value is not None:
        shown.append(_vietnamese(figure.printed_value, decimals))
    return shown


def _count(count: float) -> str:
    """A count as articles write it, from a million on in millions."""
    return _vietnamese(count / 1e6, 1) if count >= 1e6 else _vietnamese(count, 0)


def _vietnamese(number: float, decimals: int) -> str:
    text = f"{number:,.{decimals}f}"
    return text.replace(",", "_").replace(".", ",").replace("_", ".")
