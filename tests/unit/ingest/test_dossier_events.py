"""Events of a dossier: folded to one state, whatever their order; corrected, cancelled, refused."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dossier import CheckedEvent, DossierState, Oddity
from ingest.dossier_events import History
from tests.fixtures.decoding import VIETNAM
from tests.fixtures.dossiers import a_dossier, a_receipt, an_event, decode

HOUR = 3_600


def _day(day: int, hour: int = 8) -> str:
    return f"2026-11-{day:02}T{hour:02}:00:00+07:00"


def _history(*items: dict[str, Any]) -> History:
    """What is known after items that came in that order."""
    history = History()
    for item in items:
        found = decode([item])
        assert not found.refused, found.refused
        for event in found.events:
            history.take_event(event)
        for state in found.dossiers:
            history.take_snapshot(state)
    return history


def _state(*items: dict[str, Any]) -> DossierState:
    state = _history(*items).state()
    assert state is not None
    return state


def test_a_dossier_begins_with_its_receipt_and_ends_with_its_result() -> None:
    state = _state(
        a_receipt(_day(2), due_at="2026-11-09", source="vneid"),
        an_event("resolved", _day(5), result_file=True),
        an_event("rated", _day(6), satisfaction="satisfied"),
    )
    assert (state.received_at.isoformat(), state.source) == (_day(2), "vneid")
    assert state.resolved_at is not None
    assert (state.resolved_at.isoformat(), state.outcome) == (_day(5), "granted")
    assert (state.result_file, state.asked, state.satisfaction) == (True, True, "satisfied")
    assert state.changed_at.isoformat() == _day(6)


def test_until_its_receipt_is_known_there_is_no_dossier() -> None:
    assert _history(an_event("paid", _day(3)), an_event("resolved", _day(5))).state() is None


@pytest.mark.parametrize("kind", ["refused", "withdrawn", "returned"])
def test_what_ends_a_dossier_is_its_outcome(kind: str) -> None:
    assert _state(a_receipt(), an_event(kind, _day(4))).outcome == kind


def test_a_dossier_that_was_done_stays_done() -> None:
    state = _state(a_receipt(), an_event("resolved", _day(4)), an_event("returned", _day(5)))
    assert (state.outcome, state.resolved_at) == ("granted", datetime.fromisoformat(_day(4)))
    assert _state(
        a_receipt(), an_event("returned", _day(4)), an_event("resolved", _day(5))
    ).outcome == "granted"  # fmt: skip


def test_a_supplement_request_stops_the_clock_until_it_is_answered() -> None:
    asked = an_event("supplement_requested", _day(3, 8))
    waiting = _state(a_receipt(), asked)
    assert (waiting.supplements, waiting.paused_seconds) == (1, 0)
    assert waiting.paused_since == datetime.fromisoformat(_day(3, 8))
    answered = _state(a_receipt(), asked, an_event("supplemented", _day(3, 10)))
    assert (answered.paused_seconds, answered.paused_since) == (2 * HOUR, None)


def test_pauses_that_overlap_are_deducted_once() -> None:
    state = _state(
        a_receipt(),
        an_event("supplement_requested", _day(3, 8)),
        an_event("paused", _day(3, 9)),
        an_event("supplemented", _day(3, 10)),
        an_event("resumed", _day(3, 12)),
    )
    assert (state.paused_seconds, state.paused_since) == (4 * HOUR, None)


def test_the_end_ends_a_pause() -> None:
    state = _state(a_receipt(), an_event("paused", _day(3, 8)), an_event("refused", _day(3, 11)))
    assert (state.paused_seconds, state.paused_since) == (3 * HOUR, None)


def test_a_dossier_is_held_by_the_office_that_it_entered_and_did_not_leave() -> None:
    steps = [
        an_event("step_in", _day(3), office="A"),
        an_event("step_in", _day(4), office="B"),
        an_event("step_out", _day(4), office="A"),
    ]
    state = _state(a_receipt(), *steps)
    assert (state.office, state.office_since) == ("B", datetime.fromisoformat(_day(4)))
    left = _state(a_receipt(), *steps, an_event("step_out", _day(5), office="B"))
    assert (left.office, left.office_since) == (None, None)


def test_a_dossier_that_moves_changes_its_unit_and_is_marked() -> None:
    state = _state(a_receipt(), an_event("moved", _day(4), handling_unit="25"))
    assert (state.handling_unit, state.flags) == ("phu-tho", Oddity.MOVED)


@pytest.mark.parametrize(
    "items",
    [
        [a_dossier(changed_at=_day(3)), a_dossier(changed_at=_day(5), handling_unit="25")],
        [a_receipt(), a_dossier(changed_at=_day(5), handling_unit="25")],
        [
            a_dossier(changed_at=_day(3)), a_dossier(changed_at=_day(4), handling_unit="25"),
            a_dossier(changed_at=_day(5)),
        ],
    ],
)  # fmt: skip
def test_a_whole_state_that_tells_another_unit_marks_it_as_an_event_does_in_any_order(
    items: list[dict[str, Any]],
) -> None:
    for order in permutations(items):
        assert _state(*order).flags == Oddity.MOVED


def test_another_unit_of_a_dossier_that_was_done_is_a_correction_and_no_move() -> None:
    done = a_dossier(changed_at=_day(4), resolved_at=_day(4))
    corrected = {**done, "changed_at": _day(5), "handling_unit": "25"}
    assert _state(done, corrected).flags == 0
    ended = an_event("resolved", _day(4))
    assert _state(a_receipt(), ended, an_event("moved", _day(5), handling_unit="25")).flags == 0


def test_a_move_that_was_cancelled_leaves_no_mark() -> None:
    moved = an_event("moved", _day(4), handling_unit="25", id="7")
    gone = {**moved, "cancelled": True, "changed_at": _day(6)}
    assert _state(a_dossier(changed_at=_day(3)), moved, gone).flags == 0


def test_a_new_return_date_holds_from_its_decision_on() -> None:
    state = _state(a_receipt(due_at=_day(9)), an_event("due_changed", _day(5), due_at=_day(20)))
    assert state.due_at == datetime.fromisoformat(_day(20))


def test_a_whole_state_says_all_up_to_its_change_and_later_events_come_on_top() -> None:
    state = _state(
        an_event("paid", _day(3)),
        an_event("paused", _day(6, 8)),
        a_dossier(changed_at=_day(5), paid_online=False, paused_seconds=60),
        an_event("resumed", _day(6, 10)),
    )
    assert (state.paid_online, state.paused_seconds) == (False, 60 + 2 * HOUR)
    assert state.changed_at.isoformat() == _day(6, 10)


def test_a_pause_that_a_whole_state_left_open_ends_with_either_event() -> None:
    for kind in ("supplemented", "resumed"):
        state = _state(a_dossier(paused_since=_day(3), changed_at=_day(4)), an_event(kind, _day(5)))
        assert (state.paused_seconds, state.paused_since) == (48 * HOUR, None)


def test_a_corrected_event_replaces_the_former_and_a_cancelled_one_never_was() -> None:
    wrong = an_event("resolved", _day(5), id="7")
    right = an_event("resolved", _day(8), id="7", changed_at=_day(9))
    for items in ((wrong, right), (right, wrong)):
        assert _state(a_receipt(), *items).resolved_at == datetime.fromisoformat(_day(8))
    gone = {**wrong, "cancelled": True, "changed_at": _day(10)}
    state = _state(a_receipt(), gone, right, wrong)
    assert (state.resolved_at, state.outcome) == (None, None)
    assert state.changed_at.isoformat() == _day(10)


def test_an_event_that_comes_again_is_a_duplicate_and_a_newer_version_corrects() -> None:
    history = _history(a_receipt())

    def take(**more: Any) -> str:
        [event] = decode(an_event("rated", _day(5), **more)).events
        return history.take_event(event)

    assert take(satisfaction="neutral") == "stored"
    assert take(satisfaction="neutral") == "duplicate"
    assert take(satisfaction="disliked", changed_at=_day(6)) == "corrected"
    assert take(satisfaction="neutral") == "duplicate"


def test_a_whole_state_that_comes_again_is_a_duplicate_in_any_zone() -> None:
    history = _history(a_dossier())
    [again] = decode(a_dossier(received_at="2026-11-02T01:00:00Z")).dossiers
    assert history.take_snapshot(again) == "duplicate"


def test_of_two_whole_states_of_one_time_the_one_sent_last_counts() -> None:
    assert _state(a_dossier(supplements=2), a_dossier(supplements=1)).supplements == 1


def test_an_end_before_the_receipt_does_not_count_and_is_marked() -> None:
    state = _state(a_receipt(_day(5)), an_event("resolved", _day(4)))
    assert (state.resolved_at, state.outcome) == (None, None)
    assert state.flags == Oddity.ENDED_BEFORE_RECEIPT


@pytest.mark.parametrize(
    ("event", "reason", "cure"),
    [
        (an_event("moved", _day(3)), "value_missing", "needs handling_unit"),
        (an_event("step_in", _day(3)), "value_missing", "needs office"),
        (an_event("rated", _day(3)), "value_missing", "needs satisfaction"),
        (an_event("due_changed", _day(3)), "value_missing", "needs due_at"),
        (an_event("received", _day(3)), "value_missing", "procedure, received_unit"),
        (an_event("paid", "2027-11-03T08:00:00Z"), "time_future", "clock"),
        (an_event("paid", "1270-11-03T08:00:00Z"), "time_invalid", "1990 to 2200"),
        (an_event("step_in", _day(3), office=" "), "value_invalid", "blank"),
        (an_event("moved", _day(3), handling_unit="huyen-cu"), "unit_unknown", "ended on"),
        (a_receipt(source="vneid", channel="post"), "value_invalid", "leave them out"),
        (a_receipt(source="provincial_portal"), "value_invalid", "send national_portal"),
        (an_event("due_changed", _day(3), due_at="soon, 2026"), "shape_invalid", "such as"),
    ],
)  # fmt: skip
def test_an_event_that_is_wrong_by_itself_is_refused_with_its_cure(
    event: dict[str, Any], reason: str, cure: str
) -> None:
    [kept] = decode([event, a_receipt(code="HS-2")]).refused
    assert kept.problem.reason == reason
    assert cure in kept.problem.detail


def _events() -> st.SearchStrategy[dict[str, Any]]:
    days = st.integers(1, 9).map(_day)
    told: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "received": {"due_at": days},
        "supplement_requested": {}, "supplemented": {}, "paused": {}, "resumed": {},
        "step_in": {"office": st.sampled_from("AB")},
        "step_out": {"office": st.sampled_from("AB")},
        "moved": {"handling_unit": st.sampled_from(["so-y-te", "phu-tho"])},
        "resolved": {}, "returned": {},
        "rated": {"satisfaction": st.sampled_from(["satisfied", "disliked"])},
    }  # fmt: skip

    def made(kind: str) -> st.SearchStrategy[dict[str, Any]]:
        parts = {
            "at": days, "changed_at": st.none() | days, "cancelled": st.booleans(),
            "id": st.none() | st.sampled_from(["1", "2"]), **told[kind],
        }  # fmt: skip
        make = a_receipt if kind == "received" else (lambda **more: an_event(kind, **more))
        return st.fixed_dictionaries(parts).map(lambda given: make(**given))

    return st.sampled_from(sorted(told)).flatmap(made)


_snapshots = st.integers(2, 9).map(
    lambda day: a_dossier(changed_at=_day(day), supplements=day % 3, office="AB"[day % 2])
)
"""Two of one time say the same."""


@given(st.lists(_events() | _snapshots, max_size=12), st.randoms(use_true_random=False))
def test_the_same_items_give_the_same_state_in_any_order_however_often_they_come(
    items: list[dict[str, Any]], random: Any
) -> None:
    again = items + random.choices(items, k=len(items)) if items else []
    random.shuffle(again)
    assert _history(*again).state() == _history(*items).state()


@given(st.lists(_events() | _snapshots, min_size=1, max_size=8))
def test_a_further_item_never_makes_a_state_older(items: list[dict[str, Any]]) -> None:
    newest = datetime.min.replace(tzinfo=VIETNAM) + timedelta(days=2)
    for count in range(1, len(items) + 1):
        state = _history(*items[:count]).state()
        if state is not None:
            assert state.changed_at >= newest
            newest = state.changed_at


def test_an_event_is_known_by_its_kind_time_and_office_or_by_its_id() -> None:
    def key(**more: Any) -> str:
        event: CheckedEvent
        [event] = decode(an_event("step_in", _day(3), **more)).events
        return event.key

    assert len({key(office="A"), key(office="B"), key(office="A", id="1")}) == 3
    assert key(office="A") == key(office="A", changed_at=_day(9))
