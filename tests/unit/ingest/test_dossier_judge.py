"""States judged: in time or not, what is odd, and what the catalogue of procedures adds."""

from datetime import date, datetime
from typing import Any

import pytest

from ingest.dossier import DossierState, Oddity
from ioc.procedures.catalogue import Catalogue, ProcedureVersion
from ioc.procedures.timing import Terms
from tests.fixtures.dossiers import a_dossier, decode

CATALOGUE: Terms = Catalogue([
    ProcedureVersion(
        code="1.001", valid_from=date(2025, 7, 1), name="Thủ tục", field="Y tế", unit="so-y-te",
        days=5, level="full",
    )
])  # fmt: skip


def _state(*, terms: Terms | None = None, **more: Any) -> DossierState:
    given = {} if terms is None else {"terms": terms}
    [state] = decode(a_dossier(**more), **given).dossiers
    return state


def test_a_state_says_whether_it_was_in_time() -> None:
    due: dict[str, Any] = {"due_at": "2026-11-09T17:00:00+07:00"}
    assert _state(**due, resolved_at="2026-11-06T08:00:00+07:00").timeliness == "early"
    assert _state(**due, resolved_at="2026-11-09T17:00:00+07:00").timeliness == "on_time"
    assert _state(**due, resolved_at="2026-11-09T17:00:01+07:00").timeliness == "late"
    assert _state(**due).timeliness is None
    assert _state(resolved_at="2026-11-06T08:00:00+07:00").timeliness is None


@pytest.mark.parametrize(
    ("more", "oddity"),
    [
        ({"due_at": "2026-11-09"}, 0),
        ({"due_at": "2026-11-08"}, Oddity.DUE_ON_REST_DAY),
        ({"received_at": "2026-08-20T08:00:00+07:00", "due_at": "2026-09-02"},
         Oddity.DUE_ON_REST_DAY),
        ({"received_at": "2026-08-20T08:00:00+07:00", "due_at": "2026-08-22"}, 0),
        ({"due_at": "2026-10-30"}, Oddity.DUE_BEFORE_RECEIPT),
        ({"supplements": 1}, 0),
        ({"supplements": 2}, Oddity.SUPPLEMENTED_OFTEN),
        ({"paused_seconds": 86_400, "resolved_at": "2026-11-03T08:00:00+07:00"}, 0),
        ({"paused_seconds": 86_401, "resolved_at": "2026-11-03T08:00:00+07:00"},
         Oddity.PAUSED_TOO_LONG),
    ],
)  # fmt: skip
def test_what_is_odd_is_taken_and_marked(more: dict[str, Any], oddity: int) -> None:
    assert _state(**more).flags == oddity


def test_without_a_catalogue_no_procedure_is_unknown_and_the_level_is_the_one_told() -> None:
    state = _state(procedure="none", level="3")
    assert (state.flags, state.level, state.due_computed) == (0, "3", None)


def test_the_catalogue_gives_the_level_and_our_own_return_date() -> None:
    state = _state(terms=CATALOGUE, level="partial", due_at="2026-11-09T17:00:00+07:00")
    assert (state.level, state.flags) == ("full", 0)
    assert state.due_computed == datetime.fromisoformat("2026-11-09T23:59:59.999999+07:00")


def test_the_return_date_of_the_agency_stands_and_one_unlike_ours_is_marked() -> None:
    state = _state(terms=CATALOGUE, due_at="2026-11-10", resolved_at="2026-11-10T08:00:00+07:00")
    assert (state.timeliness, state.flags) == ("on_time", Oddity.DUE_DIFFERS)


def test_a_procedure_that_the_catalogue_lacks_is_marked() -> None:
    state = _state(terms=CATALOGUE, procedure="1.999", due_at="2026-11-09")
    assert (state.flags, state.due_computed) == (Oddity.PROCEDURE_UNKNOWN, None)
