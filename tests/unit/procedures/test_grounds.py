"""What a change of rules or days leaves in doubt, and that it leaves nothing else so."""

from datetime import date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.dossier import DossierState
from ingest.dossier_judge import judge
from ioc.procedures.calendar import Calendar, Day
from ioc.procedures.catalogue import Catalogue, ProcedureVersion
from ioc.procedures.grounds import FOR_EVER, NO_DOUBT, Doubt, Grounds, doubted, grounds_of
from ioc.procedures.timing import SupplementRule, Timing
from tests.fixtures.counted_dossiers import a_row
from tests.fixtures.decoding import VIETNAM
from tests.fixtures.dossiers import rules

FIRST = date(2026, 4, 20)
_days = st.integers(0, 20).map(lambda n: FIRST + timedelta(days=n))
_timings = st.lists(st.tuples(_days, st.integers(0, 2)), max_size=3).map(
    lambda rows: Timing(
        supplements=tuple(
            SupplementRule(valid_from=since, most=most, legal_reference="") for since, most in rows
        )
    )
)
_calendars = st.dictionaries(_days, st.booleans(), max_size=4).map(
    lambda days: Calendar(Day(day, working, "", "") for day, working in days.items())
)
_moments = _days.map(lambda day: datetime.combine(day, time(9), VIETNAM))
_states = st.builds(
    lambda filed, due, lasts, supplements: a_row(
        "HS-1", procedure="1.1", received_at=filed, due_at=due, supplements=supplements,
        resolved_at=None if lasts is None else filed + timedelta(days=lasts),
    ),
    _moments, st.none() | _moments, st.none() | st.integers(0, 9), st.integers(0, 3),
)  # fmt: skip

CATALOGUE = Catalogue([
    ProcedureVersion(
        code="1.1", valid_from=date(2020, 1, 1), name="", field="", unit="so-a", days=3,
        level="full",
    )
])  # fmt: skip


def _judged(state: DossierState, timing: Timing, calendar: Calendar) -> tuple[object, ...]:
    judge([state], rules(timing=timing, calendar=calendar, terms=CATALOGUE))
    return state.timeliness, state.flags, state.level, state.due_computed


def _is_in(doubt: Doubt, state: DossierState) -> bool:
    """As the store asks it: of a dossier judged before the change."""
    filed = state.received_at.astimezone(VIETNAM).date()
    due, own = (
        None if at is None else at.astimezone(VIETNAM).date()
        for at in (state.due_at, state.due_computed)
    )
    by_requests = (
        doubt.filed_from is not None
        and doubt.filed_before is not None
        and state.supplements > 0
        and doubt.filed_from <= filed < doubt.filed_before
    )
    spans = own is not None and any(filed < day <= own for day in doubt.days)
    return doubt.all or by_requests or due in doubt.days or spans


@given(_states, _timings, _calendars, _timings, _calendars)
def test_what_is_not_in_doubt_is_judged_as_before(
    state: DossierState, timing: Timing, calendar: Calendar, other: Timing, later: Calendar
) -> None:
    before = _judged(state, timing, calendar)
    doubt = doubted(grounds_of(timing, calendar), grounds_of(other, later))
    if not _is_in(doubt, state):
        assert _judged(state, other, later) == before


@given(_timings, _calendars)
def test_the_same_rules_and_days_leave_nothing_in_doubt(timing: Timing, calendar: Calendar) -> None:
    grounds = grounds_of(timing, calendar)
    assert doubted(grounds, grounds).is_empty


def test_names_and_references_decide_nothing() -> None:
    day = date(2026, 4, 30)
    one, other = (
        grounds_of(
            Timing(supplements=(SupplementRule(valid_from=day, most=1, legal_reference=text),)),
            Calendar([Day(day, False, text, text)]),
        )
        for text in ("a", "b")
    )
    assert one == other


def test_a_day_that_says_what_its_weekday_says_changes_nothing() -> None:
    sunday = date(2026, 5, 3)
    assert doubted(Grounds((), ()), Grounds((), ((sunday, False),))) == NO_DOUBT
    assert doubted(Grounds((), ()), Grounds((), ((sunday, True),))) == Doubt(days=(sunday,))


def test_a_rule_that_begins_another_day_leaves_the_days_between_in_doubt() -> None:
    early, late = date(2026, 1, 1), date(2026, 3, 1)
    found = doubted(Grounds(((early, 1),), ()), Grounds(((late, 1),), ()))
    assert found == Doubt(filed_from=early, filed_before=late)
    assert doubted(Grounds((), ()), Grounds(((late, 1),), ())) == Doubt(
        filed_from=late, filed_before=FOR_EVER
    )


@given(st.lists(st.tuples(_timings, _calendars), min_size=3, max_size=3))
def test_two_changes_leave_in_doubt_what_either_does(steps: list[tuple[Timing, Calendar]]) -> None:
    one, two, three = (grounds_of(*step) for step in steps)
    first, second = doubted(one, two), doubted(two, three)
    both = first.with_more(second)
    assert both == second.with_more(first)
    assert {*first.days, *second.days} == set(both.days)
    for part in (first, second):
        if part.filed_from is not None:
            assert both.filed_from is not None
            assert both.filed_from <= part.filed_from
