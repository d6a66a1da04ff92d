"""Single dossiers behind a figure, and counts of them by what they have in common."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from ingest.dossier import DossierState
from ioc.errors import TooMuch
from ioc.store import dossier_drill, dossiers
from ioc.store.dossier_lines import By, Chosen, DossierLine, DossierTally, Group, Place, Span, State
from ioc.store.pool import ReadPool, WritePool
from tests.fixtures.counted_dossiers import NOW, in_span, local, naive, overdue_at, some_rows
from tests.fixtures.store import ZONE, a_feed_key, a_province

START, END = date(2026, 6, 15), date(2026, 9, 15)
SPAN = Span(start=START, end=END, at=datetime(2026, 9, 14, 17, tzinfo=UTC))


@pytest.fixture
async def units(database: str) -> dict[str, int]:
    return await a_province(database, "so-a", "so-b")


@pytest.fixture
async def rows(
    database: str, pools: tuple[ReadPool, WritePool], units: dict[str, int]
) -> list[DossierState]:
    made = some_rows(1_500)
    feed = await a_feed_key(database)
    await dossiers.put(pools[1], feed, made, [], units=units, zone=ZONE, now=NOW)
    return made


KEYS: dict[Group, Callable[[DossierState], str | None]] = {
    "unit": lambda row: row.handling_unit,
    "procedure": lambda row: row.procedure,
    "field": lambda row: row.field or None,
    "office": lambda row: row.office,
    "level": lambda row: row.level,
    "channel": lambda row: row.channel,
}


@pytest.mark.parametrize("group", KEYS)
async def test_counts_of_a_span_are_those_of_counting_one_by_one(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool], group: Group
) -> None:
    expected: dict[str | None, Counter[str]] = {}
    for row in rows:
        expected.setdefault(KEYS[group](row), Counter()).update(naive(row, SPAN))
    found = await dossier_drill.counted(pools[0], Chosen(), SPAN, [group])
    assert {tally.key[0]: +Counter(_counts(tally)) for tally in found} == {
        key: counts for key, counts in expected.items() if counts
    }


def _counts(tally: DossierTally) -> dict[str, int]:
    names = [name for name in tally.__slots__ if name != "key"]
    return {name: getattr(tally, name) for name in names}


async def test_every_group_adds_up(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool]
) -> None:
    for tally in await dossier_drill.counted(pools[0], Chosen(), SPAN, ["unit", "field"]):
        assert tally.carried_over + tally.received - tally.resolved == tally.in_hand


async def test_by_month_receipts_and_results_stand_in_their_own_months(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool]
) -> None:
    found = await dossier_drill.counted(pools[0], Chosen(), Span(at=NOW), ["month"])
    received = Counter(f"{local(row.received_at):%Y-%m}" for row in rows)
    late = Counter(f"{local(row.resolved_at):%Y-%m}" for row in rows if row.timeliness == "late")
    assert {tally.key[0]: tally.received for tally in found if tally.received} == received
    assert {tally.key[0]: tally.resolved_late for tally in found if tally.resolved_late} == late


@pytest.mark.parametrize("by", ["handling", "receiving", "applicant"])
async def test_units_are_those_that_handle_or_receive_or_live_with_the_applicant(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool], units: dict[str, int],
    by: By,
) -> None:  # fmt: skip
    column = {"handling": "handling_unit", "receiving": "received_unit"}.get(by, "applicant_unit")
    chosen = Chosen(units=[units["so-b"]], by=by)
    expected = {row.code for row in rows if getattr(row, column) == "so-b"}
    found = await dossier_drill.listed(pools[0], chosen, Span(at=NOW), limit=2_000)
    assert {line.code for line in found} == expected
    tallies = await dossier_drill.counted(pools[0], chosen, Span(at=NOW), ["unit"])
    assert [(tally.key, tally.received) for tally in tallies] == [(("so-b",), len(expected))]


STATES: dict[State, Callable[[DossierState], bool]] = {
    "in_hand": lambda row: row.resolved_at is None,
    "overdue": lambda row: row.resolved_at is None and overdue_at(row, NOW),
    "early": lambda row: row.timeliness == "early",
    "on_time": lambda row: row.timeliness == "on_time",
    "late": lambda row: row.timeliness == "late",
}


@pytest.mark.parametrize("state", STATES)
async def test_pages_hold_every_dossier_of_a_state_once_oldest_return_date_first(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool], state: State
) -> None:
    seen: list[DossierLine] = []
    before: Place | None = None
    while True:
        page = await dossier_drill.listed(
            pools[0], Chosen(), Span(at=NOW), state=state, before=before, limit=50
        )
        seen += page
        if len(page) < 50:
            break
        before = (page[-1].due_at, page[-1].dossier_id)
    expected = {row.code: row.due_at for row in rows if STATES[state](row)}
    assert len(seen) == len(expected)
    assert {line.code: line.due_at for line in seen} == expected
    far = datetime.max.replace(tzinfo=UTC)
    dates = [line.due_at or far for line in seen]
    assert dates == sorted(dates)


async def test_a_span_is_of_days_of_receipt_or_of_resolution(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool]
) -> None:
    late = await dossier_drill.listed(pools[0], Chosen(), SPAN, state="late", limit=2_000)
    assert {line.code for line in late} == {
        row.code
        for row in rows
        if row.timeliness == "late" and in_span(local(row.resolved_at), SPAN)
    }
    held = await dossier_drill.listed(pools[0], Chosen(), SPAN, state="in_hand", limit=2_000)
    assert {line.code for line in held} == {
        row.code
        for row in rows
        if row.resolved_at is None and in_span(local(row.received_at), SPAN)
    }


async def test_procedure_and_field_narrow_the_choice(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool]
) -> None:
    chosen = Chosen(procedure="1.1", field="Đất đai")
    found = await dossier_drill.listed(pools[0], chosen, Span(at=NOW), limit=2_000)
    assert {line.code for line in found} == {
        row.code for row in rows if (row.procedure, row.field) == ("1.1", "Đất đai")
    }


async def test_a_question_that_takes_too_long_names_the_cure(
    rows: list[DossierState], pools: tuple[ReadPool, WritePool]
) -> None:
    async with pools[1].connection() as conn:
        await conn.execute("LOCK TABLE dossier IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TooMuch, match="shorter period"):
            await dossier_drill.counted(pools[0], Chosen(), SPAN, ["field"], seconds=0.05)
