"""Tickets: what is taken, what is refused, and that nothing of a refused one is repeated."""

import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.bbox import Bbox
from ingest.ticket import TicketRules, life_of
from ingest.ticket_decode import FIELDS, DecodedTickets, decode_tickets
from ioc.errors import Invalid
from ioc.tickets.life import State
from tests.fixtures.tickets import PETITION, PLAN, POTHOLE, ZONE, deadlines

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
BOUNDS = Bbox(104.75, 20.25, 105.95, 21.8)
SECRETS = ("Nguyễn Thị Bí Mật", "0912345678", "bi.mat@example.org")


def _unit(given: str, on: date) -> str:
    if given not in ("so-a", "H44.1"):
        raise Invalid(f"no unit has the id or code {given!r} on {on}")
    return "so-a"


RULES = TicketRules(zone=ZONE, now=NOW, bounds=BOUNDS, find_category=PLAN.find, find_unit=_unit)


def _decode(body: Any) -> DecodedTickets:
    return decode_tickets(body if isinstance(body, bytes) else json.dumps(body).encode(), RULES)


def _ticket(**more: Any) -> dict[str, Any]:
    return {
        "code": "PA-1", "category": "o-ga", "received_at": "2026-11-02T08:00:00",
        "contact": dict(zip(("name", "phone", "email"), SECRETS, strict=True)), **more,
    }  # fmt: skip


SOLVED = {
    "state": "resolved", "outcome": "solved", "unit": "so-a", "ended_at": "2026-11-03T08:00:00Z",
}  # fmt: skip


def test_a_ticket_is_taken_with_category_and_unit_by_id_and_times_aware():
    given = _ticket(category="O-GA", unit="H44.1", longitude=105.2, latitude=21.1)
    [(place, ticket)] = _decode([given]).tickets
    assert (place, ticket.category, ticket.unit) == (0, "o-ga", "so-a")
    assert ticket.received_at.isoformat() == "2026-11-02T08:00:00+07:00"
    assert ticket.changed_at == ticket.received_at


def test_one_ticket_may_come_without_the_array():
    assert len(_decode(_ticket()).tickets) == 1


@pytest.mark.parametrize(
    ("more", "reason", "said"),
    [
        ({"category": "không có"}, "value_invalid", "`category`"),
        ({"unit": "so-b"}, "value_invalid", "'so-b'"),
        ({"state": "resolved", "unit": "so-a"}, "value_invalid", "needs `outcome`"),
        ({"outcome": "solved"}, "value_invalid", "has no `outcome`"),
        ({**SOLVED, "outcome": "withdrawn"}, "value_invalid", "false_report, solved"),
        ({"state": "in_progress"}, "value_invalid", "needs the `unit`"),
        ({"state": "waiting"}, "value_invalid", "waiting ticket"),
        ({**SOLVED, "state": "published"}, "value_invalid", "`published_at`"),
        ({**SOLVED, "rating": 5}, "value_invalid", "come together"),
        ({**SOLVED, "ended_at": "2026-11-01T00:00:00Z"}, "time_invalid", "before `received_at`"),
        ({"received_at": "2026-11-23T00:00:00Z"}, "time_future", "future"),
        ({"due_at": "2026-11-01T00:00:00Z"}, "time_invalid", "`due_at`"),
        ({"received_at": "1889-01-01T00:00:00Z"}, "time_invalid", "year"),
        ({"longitude": 21.1, "latitude": 105.2}, "place_invalid", "swapped"),
        ({"longitude": 100.0, "latitude": 10.0}, "place_invalid", "outside of the province"),
        ({"longitude": 105.2}, "place_invalid", "come together"),
        ({"description": "a\x00b"}, "value_invalid", "`description` holds a control character"),
        ({"description": "x" * 4001}, "shape_invalid", "$.description"),
        ({"media_url": "javascript:alert(1)"}, "value_invalid", "`media_url`"),
        ({"code": " "}, "value_invalid", "`code`"),
        ({"code": "a\tb"}, "value_invalid", "`code`"),
        ({"rating": 6}, "shape_invalid", "$.rating"),
        ({"state": "0912345678"}, "shape_invalid", "$.state"),
        ({"category": "0912345678"}, "value_invalid", "what was given"),
        ({"unit": "0912345678"}, "value_invalid", "no such unit"),
        ({"citizen_id": "1"}, "personal_data", "citizen_id"),
        ({"contact": {"name": "A", "address": "B"}}, "personal_data", "contact.address"),
        ({"supplements": [{"asked": "x"}]}, "personal_data", "supplements.asked"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_its_reason_without_what_the_ticket_says(
    more: dict[str, Any], reason: str, said: str
):
    given = _ticket(**more)
    found = _decode([given, _ticket(code="PA-2")])
    [refused] = found.refused
    assert (refused.problem.index, refused.problem.reason.value) == (0, reason)
    assert said in refused.problem.detail
    assert not any(secret in refused.problem.detail for secret in SECRETS)
    assert refused.size == len(json.dumps(given))
    assert [ticket.code for _, ticket in found.tickets] == ["PA-2"]


def test_a_refused_ticket_is_kept_without_who_reported():
    given = _ticket(category="moi", description="ổ gà to")
    [refused] = _decode([given]).refused
    assert refused.digest is None
    del given["contact"]
    assert json.loads(refused.content) == given
    assert "who reported is not kept" in refused.problem.detail


@pytest.mark.parametrize(
    "more",
    [
        {"citizen_id": "1"},
        {"contact": {"name": "A", "address": "B"}},
        {"supplements": [{"asked": "x"}]},
        {"supplements": ["Nguyễn Văn A"]},
        {"rating": {"name": "Nguyễn Văn A"}},
        {"result": ["Nguyễn Văn A"]},
        {"supplements": [{"asked_at": {"name": "Nguyễn Văn A"}}]},
        {"category": "0912345678"},
        {"unit": "0912345678"},
        {"state": "0912345678"},
    ],
)
def test_what_may_tell_of_a_person_in_another_way_leaves_a_hash_alone(more: dict[str, Any]):
    given = _ticket(**more)
    [refused] = _decode([given]).refused
    assert refused.content == b""
    assert refused.digest == sha256(json.dumps(given).encode()).digest()
    assert "not kept" in refused.problem.detail


def test_a_body_counts_who_names_a_reporter():
    plain = _ticket(contact=None)
    assert _decode([_ticket(), _ticket(category="moi"), plain]).reporters == 2


def test_what_is_no_json_is_refused_as_a_whole_and_repeats_nothing():
    body = f'[{{"code": "{SECRETS[0]}" "'.encode()
    [refused] = _decode(body).refused
    assert (refused.problem.index, refused.problem.reason.value) == (-1, "json_invalid")
    assert SECRETS[0] not in refused.problem.detail


_names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: name not in FIELDS)


@given(st.sets(_names, min_size=1, max_size=50))
def test_every_unknown_field_is_named(names: set[str]):
    [refused] = _decode([_ticket(**dict.fromkeys(names, "x"))]).refused
    assert ", ".join(sorted(names)) in refused.problem.detail


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda part: st.lists(part),
        max_leaves=5,
    ),
    st.sampled_from(FIELDS),
)
def test_any_value_in_any_field_is_taken_or_refused(value: Any, field: str):
    found = _decode([_ticket(**{field: value})])
    assert found.received == 1
    if field != "contact":
        kept = b"".join(refused.content for refused in found.refused).decode()
        assert not any(secret in kept for secret in SECRETS)


def test_a_wait_that_was_answered_moves_the_deadline_and_one_that_lasts_is_waited_in():
    asked = {"asked_at": "2026-11-03T08:00:00Z", "answered_at": "2026-11-05T08:00:00Z"}
    [(_, plain)] = _decode(_ticket(category="quy-dinh")).tickets
    [(_, once)] = _decode(_ticket(category="quy-dinh", supplements=[asked])).tickets
    own = deadlines(PETITION)
    assert life_of(once, own).due_at == life_of(plain, own).due_at + timedelta(days=2)
    waits = [asked, {"asked_at": "2026-11-10T08:00:00Z"}]
    [(_, waiting)] = _decode(_ticket(state="waiting", supplements=waits)).tickets
    life = life_of(waiting, deadlines(POTHOLE))
    assert (life.supplements, life.resumes) == (2, State.RECEIVED)
    assert life.asked_at == datetime(2026, 11, 10, 8, tzinfo=UTC)


def test_the_deadline_that_a_system_names_goes_before_ours():
    due = "2026-12-24T10:00:00Z"
    [(_, ticket)] = _decode(_ticket(due_at=due)).tickets
    assert life_of(ticket, deadlines(POTHOLE)).due_at == datetime(2026, 12, 24, 10, tzinfo=UTC)
