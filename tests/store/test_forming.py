"""Forms filled from dossiers that are really stored, read back as a spreadsheet shows them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.dossier import DossierState
from ioc.city.folder import Folder
from ioc.city.forms import read_forms
from ioc.city.periods import read_cycles
from ioc.city.read import packaged_city
from ioc.documents.form_files import workbook_of
from ioc.flow.dossier_counts import TIMELINESS, DossierCounts
from ioc.flow.forming import Wanted, formed
from ioc.kpi.period import Period
from ioc.org import Level, Organisation, UnitVersion
from ioc.store import dossiers
from ioc.store.dossier_lines import Span
from ioc.store.pool import ReadPool, WritePool
from tests.fixtures.counted_dossiers import NOW, naive, some_rows
from tests.fixtures.spreadsheet import lines_of, sheets_of
from tests.fixtures.store import ZONE, a_feed_key, a_province

FOLDER = Folder(packaged_city())
CYCLES = {cycle.id: cycle for cycle in read_cycles(FOLDER)}
FORM = next(f for f in read_forms(FOLDER, CYCLES.values()) if f.id == "dossiers-quarterly")
QUARTER = CYCLES["quarter-15"].period("2026-Q3")
SPAN = Span(start=QUARTER.start, end=QUARTER.end, at=datetime(2026, 9, 14, 17, tzinfo=UTC))
COLUMNS = (
    "received", "online", "desk", "carried", "resolved", "early", "on_time", "late", "in_hand",
    "in_time", "overdue",
)  # fmt: skip


def _version(unit: str, name: str, level: Level) -> UnitVersion:
    return UnitVersion(
        unit=unit, valid_from=date(2020, 1, 1), name=name, short_name=name, level=level,
        parent=None if level == Level.PROVINCE else "tinh",
    )  # fmt: skip


ORGANISATION = Organisation([
    _version("tinh", "Tỉnh", Level.PROVINCE),
    _version("so-a", "Sở A", Level.DEPARTMENT),
    _version("so-b", "Xã B", Level.COMMUNE),
])  # fmt: skip


def expected(rows: list[DossierState]) -> dict[str, int]:
    """The columns of the form, counted one by one."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(naive(row, SPAN))
    desk = counts["received_direct"] + counts["received_post"]
    on_time = counts["resolved_on_time"] + counts["resolved_undated"]
    return dict(
        zip(
            COLUMNS,
            (
                counts["received_online"] + desk + counts["carried_over"],
                counts["received_online"], desk, counts["carried_over"],
                counts["resolved_early"] + on_time + counts["resolved_late"],
                counts["resolved_early"], on_time, counts["resolved_late"], counts["in_hand"],
                counts["in_hand"] - counts["in_hand_overdue"], counts["in_hand_overdue"],
            ),
            strict=True,
        )
    )  # fmt: skip


class Office:
    """A province with dossiers of which forms are made."""

    def __init__(self, reads: ReadPool, units: dict[str, int], rows: list[DossierState]) -> None:
        self.rows, self.units, self._reads = rows, units, reads
        self.wanted = Wanted(
            form=FORM, period=QUARTER, units=None, heading=["TỈNH"], organisation=ORGANISATION,
            zone=ZoneInfo(ZONE), sample=True,
        )  # fmt: skip

    async def sheet(self, place: int, now: datetime = NOW, **more: Any) -> list[list[Any]]:
        tables = await formed(self._reads, replace(self.wanted, **more), now)
        return lines_of(sheets_of(workbook_of(tables))[place])


@pytest.fixture
async def office(database: str, pools: tuple[ReadPool, WritePool]) -> Office:
    units = await a_province(database, "so-a", "so-b")
    rows = some_rows(1_500)
    feed = await a_feed_key(database)
    await dossiers.put(pools[1], feed, rows, [], units=units, zone=ZONE, now=NOW)
    return Office(pools[0], units, rows)


def counted(lines: list[list[Any]]) -> dict[str, dict[str, int]]:
    """The counted lines by name."""
    begin = next(n for n, line in enumerate(lines) if line[:1] == ["(1)"]) + 1
    end = next(n for n, line in enumerate(lines) if line[1:2] == ["Tỷ lệ (%)"])
    return {line[1]: dict(zip(COLUMNS, line[2:], strict=True)) for line in lines[begin:end]}


async def test_by_field_the_form_shows_what_counting_one_by_one_gives(office: Office) -> None:
    def of(field: str) -> dict[str, int]:
        return expected([row for row in office.rows if row.field == field])

    assert counted(await office.sheet(0)) == {
        "Đất đai": of("Đất đai"),
        "Hộ tịch": of("Hộ tịch"),
        "Chưa ghi lĩnh vực": of(""),
        "Tổng số": expected(office.rows),
    }


async def test_by_unit_each_stands_in_the_group_of_its_level(office: Office) -> None:
    def of(unit: str) -> dict[str, int]:
        return expected([row for row in office.rows if row.handling_unit == unit])

    found = counted(await office.sheet(1))
    assert list(found) == ["Sở, ban, ngành", "Sở A", "Chi nhánh", "Xã, phường", "Xã B", "Tổng số"]
    assert found["Sở, ban, ngành"] == found["Sở A"] == of("so-a")
    assert found["Xã, phường"] == found["Xã B"] == of("so-b")
    assert found["Chi nhánh"] == dict.fromkeys(COLUMNS, 0)
    assert found["Tổng số"] == expected(office.rows)


ADDS_UP: dict[str, Callable[[dict[str, int]], bool]] = {
    "received": lambda row: row["received"] == row["online"] + row["desk"] + row["carried"],
    "resolved": lambda row: row["resolved"] == row["early"] + row["on_time"] + row["late"],
    "in hand": lambda row: row["in_hand"] == row["in_time"] + row["overdue"],
    "all": lambda row: row["received"] - row["resolved"] == row["in_hand"],
}


@pytest.mark.parametrize("rule", ADDS_UP)
@pytest.mark.parametrize("place", [0, 1])
async def test_every_line_adds_up(office: Office, place: int, rule: str) -> None:
    lines = counted(await office.sheet(place))
    assert [name for name, line in lines.items() if not ADDS_UP[rule](line)] == []


async def test_the_form_agrees_with_the_counts_by_day(
    office: Office, pools: tuple[ReadPool, WritePool]
) -> None:
    counts = DossierCounts(*pools, ZONE)
    await counts.refresh(NOW)
    cube = counts.cube.counts(QUARTER.start, QUARTER.end)
    for unit, name in (("so-a", "Sở A"), ("so-b", "Xã B")):
        by_day, line = cube.over([unit]), counted(await office.sheet(1))[name]
        assert line["online"] == by_day["received_online"]
        assert line["late"] == by_day["resolved_late"]
        assert line["resolved"] == sum(by_day[part] or 0 for part in TIMELINESS)


async def test_a_form_of_a_unit_counts_that_unit_only(office: Office) -> None:
    found = counted(await office.sheet(1, units=[office.units["so-b"]]))
    of_unit = expected([row for row in office.rows if row.handling_unit == "so-b"])
    assert found["Tổng số"] == found["Xã B"] == of_unit


async def test_the_head_says_the_period_when_it_was_made_and_that_all_is_made_up(
    office: Office,
) -> None:
    head = [line[0] for line in await office.sheet(0) if line][:6]
    assert head == [
        "TỈNH",
        "Biểu số II.06 (Thông tư 01/2020/TT-VPCP, biểu II.06)",
        "Kỳ báo cáo: 2026-Q3 (từ ngày 15/06/2026 đến hết ngày 14/09/2026)",
        "Ngày lập: 22/11/2026",
        "SỐ LIỆU MẪU",
        FORM.title,
    ]
    real = await office.sheet(0, sample=False)
    assert ["SỐ LIỆU MẪU"] not in real


async def test_a_running_period_is_marked_as_not_over(office: Office) -> None:
    running = Period("2026-Q4", date(2026, 9, 15), date(2026, 12, 15))
    assert any("tạm tính" in str(line[0]) for line in await office.sheet(0, period=running) if line)
    assert not any("tạm tính" in str(line[0]) for line in await office.sheet(0) if line)
