"""How units stand against their targets: gap, pace, forecast, course and reason."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from ioc.flow.counting import Counted, Counting, ReportCounts
from ioc.flow.figures import Figures
from ioc.flow.standing import Standings, UnitStanding
from ioc.flow.tables import Tables
from ioc.forecast.course import Answer, Foreseen, Question, as_so_far
from ioc.forecast.forecaster import Forecaster
from ioc.kpi.cube import EPOCH, DayCube
from ioc.kpi.indicator import Definitions, decode_indicator
from ioc.kpi.period import Period, parse_period
from ioc.org import Level, Organisation, UnitVersion
from ioc.procedures.calendar import Calendar
from ioc.store.measures import Declared
from ioc.store.targets import Target

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
TODAY = NOW.date()
YEAR = parse_period("2026")
STORED = decode_indicator("stored", {
    "name": {"vi": "Đã lưu", "en": "Stored"}, "domain": "service", "kind": "share",
    "source": "quality", "numerator": "right", "denominator": ["right_of"], "uom": "%",
    "decimals": 1, "direction": "up",
})  # fmt: skip
MEASURES = ("received_online", "received_direct", "resolved_late")


def _version(unit: str, level: Level, parent: str | None = "tinh", **more: Any) -> UnitVersion:
    given = {"valid_from": date(2020, 1, 1), "name": unit, "short_name": unit}
    return UnitVersion(unit=unit, level=level, parent=parent, **{**given, **more})


ORGANISATION = Organisation([
    _version("tinh", Level.PROVINCE, None),
    _version("so-a", Level.DEPARTMENT), _version("so-b", Level.DEPARTMENT),
    _version("phong-a", Level.SERVICE_CENTER, "so-a"),
    _version("so-moi", Level.DEPARTMENT, valid_from=date(2026, 10, 1)),
])  # fmt: skip

ONLINE = decode_indicator("online", {
    "name": {"vi": "Trực tuyến", "en": "Online"}, "domain": "service", "kind": "share",
    "source": "measures", "numerator": "received_online",
    "denominator": "received_direct + received_online", "uom": "%", "decimals": 1,
    "direction": "up",
})  # fmt: skip
STRANGE = decode_indicator("strange", {
    "name": {"vi": "Lạ", "en": "Strange"}, "domain": "service", "kind": "count",
    "source": "measures", "numerator": "max(received_online, received_direct)", "uom": "{d}",
    "decimals": 0, "direction": "up",
})  # fmt: skip


class Cubed:
    """The cube of days as a source of counts."""

    def __init__(self, cube: DayCube) -> None:
        self._cube = cube

    async def refresh(self, now: datetime) -> bool:
        del now
        return False

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        del now
        wanted = [name for name in MEASURES if name in names]
        return Counted(self._cube.counts(period.start, period.end).of(wanted))


class NoReports(ReportCounts):
    def __init__(self) -> None:
        self.declared = Declared({}, {}, [])

    async def rows(self, names: Collection[str], period: Period) -> dict[Any, Any]:
        del names, period
        return {}


class Hand(Forecaster):
    """Foresees plainly and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Question] = []

    async def foresee(self, question: Question) -> Answer:
        self.asked.append(question)
        found: list[Foreseen | None] = [as_so_far(question, c) for c in question.courses]
        return Answer(found)


def _target(unit: str, value: float, **more: Any) -> Target:
    given = {
        "indicator": "online", "valid_from": date(2026, 1, 1), "valid_until": date(2027, 1, 1),
    }  # fmt: skip
    return Target(
        unit=unit, value=value, direction="up", document="QĐ 1",
        **{**given, **more},
    )  # fmt: skip


class Office:
    """A province whose departments get dossiers on every working day since 2025."""

    def __init__(self, *targets: Target, a: tuple[int, int] = (6, 4)) -> None:
        cube = DayCube(MEASURES)
        first = date(2025, 1, 1)
        days = [first + timedelta(days=n) for n in range((TODAY - first).days + 1)]
        days = [day for day in days if day.weekday() < 5]
        self._fill(cube, "phong-a", days, a)
        self._fill(cube, "so-moi", [d for d in days if d >= date(2026, 10, 1)], (1, 1))
        self.forecaster = Hand()
        figures = Figures(Tables(Counting([Cubed(cube)]), NoReports()), "Asia/Ho_Chi_Minh")
        definitions = Definitions([ONLINE, STRANGE, STORED])
        figures.load(definitions, ORGANISATION, targets, "tinh")
        self.standings = Standings(
            figures=figures, cube=cube, targets=lambda: targets, calendar=Calendar,
            forecaster=self.forecaster,
        )  # fmt: skip

    def _fill(self, cube: DayCube, unit: str, days: list[date], counts: tuple[int, int]) -> None:
        places = np.array([day.toordinal() - EPOCH for day in days], np.int64)
        cube.merge([unit] * len(days), places, np.array([[*counts, 0]] * len(days), np.int64))

    async def of(self, unit: str, period: Period = YEAR) -> UnitStanding:
        found = await self.standings.of("online", period, NOW)
        return next(one for one in found.items if one.figure.unit and one.figure.unit.id == unit)


async def test_a_unit_stands_by_its_counts_with_those_of_the_units_below() -> None:
    office = Office(_target("so-a", 58), _target("tinh", 70))
    await office.standings.refresh(NOW)
    found = await office.of("so-a")
    assert found.pace is not None
    assert found.forecast is not None
    assert (found.figure.value, found.pace.gap) == (60, pytest.approx(2))
    assert (found.pace.course, found.pace.why) == ("on_track", "foreseen_reaches")
    assert found.forecast.low < 60 < found.forecast.high
    assert found.forecast.at == NOW
    province = await office.of("tinh")
    assert province.pace is not None
    assert province.pace.course == "off_track"


async def test_the_reason_is_a_sentence_with_what_is_needed_and_what_was_lately() -> None:
    office = Office(_target("so-a", 63))
    await office.standings.refresh(NOW)
    found = await office.of("so-a")
    assert found.reason is not None
    assert "% hồ sơ còn lại nộp trực tuyến; 4 tuần qua là 60,0 %" in found.reason.vi
    assert "dự báo cuối kỳ 60" in found.reason.vi
    assert "quá khứ còn ngắn" in found.reason.vi
    assert "filed online; the last 4 weeks had 60.0 %" in found.reason.en


async def test_a_unit_with_a_target_and_no_dossier_is_listed_all_the_same() -> None:
    office = Office(_target("so-b", 51))
    await office.standings.refresh(NOW)
    found = await office.of("so-b")
    assert found.pace is not None
    assert (found.figure.value, found.forecast, found.pace.why) == (None, None, "no_figure")


async def test_weeks_in_which_a_unit_was_not_there_are_not_known() -> None:
    office = Office(_target("so-a", 51), _target("so-moi", 51))
    await office.standings.refresh(NOW)
    [question] = office.forecaster.asked
    long, short = question.courses
    known = [value for value in short.numerators if value is not None]
    assert len(known) == 7
    assert len([value for value in long.numerators if value is not None]) == 98
    assert (long.numerators[-1], long.denominators and long.denominators[-1]) == (30, 50)
    assert question.behind[-1] == 5


async def test_the_day_that_has_begun_is_still_to_come() -> None:
    office = Office(_target("so-a", 51))
    await office.standings.refresh(NOW)
    [question] = office.forecaster.asked
    assert sum(question.ahead) == Calendar().count(TODAY, date(2027, 1, 1))
    assert question.courses[0].denominator == 10 * Calendar().count(date(2026, 1, 1), TODAY)


async def test_before_the_first_forecast_the_last_weeks_tell() -> None:
    office = Office(_target("so-a", 51))
    found = await office.of("so-a")
    assert found.pace is not None
    assert found.forecast is None
    assert found.pace.course == "on_track"
    assert found.reason is not None
    assert "cứ như vậy thì cuối kỳ là" in (await Office(_target("so-a", 63)).of("so-a")).reason.vi  # pyright: ignore[reportOptionalMemberAccess]


async def test_a_period_that_somebody_looks_at_is_foreseen_soon() -> None:
    office = Office(_target("so-a", 51))
    await office.standings.refresh(NOW)
    month = parse_period("2026-11")
    assert (await office.of("so-a", month)).forecast is None
    assert office.standings.is_asked
    await office.standings.answer_asked(NOW)
    assert (await office.of("so-a", month)).forecast is not None
    assert not office.standings.is_asked


async def test_a_period_that_is_over_needs_no_forecast() -> None:
    office = Office(_target("so-a", 51, valid_from=date(2025, 1, 1), valid_until=None))
    found = await office.of("so-a", parse_period("2025"))
    assert found.pace is not None
    assert (found.pace.course, found.pace.why) == ("met", "over")
    assert not office.standings.is_asked


async def test_what_does_not_add_up_by_day_has_no_forecast() -> None:
    office = Office(_target("so-a", 500, indicator="strange"))
    await office.standings.refresh(NOW)
    assert office.forecaster.asked == []


async def test_a_target_of_what_is_now_does_not_hold_back_the_others() -> None:
    office = Office(_target("tinh", 99, indicator="stored"), _target("so-a", 51))
    await office.standings.refresh(NOW)
    assert office.standings.standing_of("online", "so-a") is not None
    assert office.standings.standing_of("stored", "tinh") is None


async def test_boards_find_how_a_unit_stood() -> None:
    office = Office(_target("so-a", 51))
    assert office.standings.standing_of("online", "so-a") is None
    await office.standings.refresh(NOW)
    kept = office.standings.standing_of("online", "so-a")
    assert kept is not None
    assert kept.forecast is not None
    assert office.standings.standing_of("online", "so-b") is None


async def test_a_refused_forecast_leaves_those_of_before() -> None:
    office = Office(_target("so-a", 51))
    await office.standings.refresh(NOW)

    async def fails(question: Question) -> Answer:
        raise RuntimeError(str(len(question.courses)))

    office.forecaster.foresee = fails
    with pytest.raises(RuntimeError):
        await office.standings.refresh(NOW + timedelta(hours=1))
    assert (await office.of("so-a")).forecast is not None


async def test_an_outlook_holds_for_figures_of_the_same_days_and_target_only() -> None:
    office = Office(_target("so-a", 51))
    await office.standings.refresh(NOW)
    kept = office.standings.standing_of("online", "so-a")
    assert kept is not None
    assert kept.pace is not None
    newer = msgspec.structs.replace(kept.figure, value=99.0)
    outlook = kept.outlook(newer)
    assert outlook is not None
    assert (outlook.course, outlook.at) == (kept.pace.course, NOW)
    assert outlook.low is not None
    assert kept.outlook(msgspec.structs.replace(newer, period="2025")) is None
    assert kept.outlook(msgspec.structs.replace(newer, target=None)) is None
