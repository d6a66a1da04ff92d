"""Dossiers: what is taken, what is refused and by which name."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.dossier import EVENT_FIELDS, FIELDS, DecodedDossiers, Oddity
from tests.fixtures.dossiers import a_dossier, a_receipt, an_event, decode


def _reasons(found: DecodedDossiers) -> dict[int, str]:
    return {kept.problem.index: kept.problem.reason.value for kept in found.refused}


def test_a_whole_dossier_is_taken_with_its_units_by_id_and_its_times_aware() -> None:
    given = a_dossier(handling_unit="25", due_at="2026-11-09T17:00:00", field="y tế")
    [dossier] = decode([given]).dossiers
    assert dossier.handling_unit == "phu-tho"
    assert dossier.due_at is not None
    assert dossier.due_at.isoformat() == "2026-11-09T17:00:00+07:00"


def test_every_field_that_a_dossier_has_is_kept() -> None:
    told = {
        "source": "vneid", "device": "mobile", "level": "full", "office": "Phòng A",
        "office_since": "2026-11-03T08:00:00+07:00", "supplements": 1, "paused_seconds": 60,
        "paused_since": "2026-11-03T08:00:00+07:00", "result_required": True,
        "result_file": False, "digitised": True, "reused": False, "personal_store": None,
        "population_data": True, "authenticated": True, "fee": True, "paid_online": False,
        "synced": True, "asked": True, "complained": False, "satisfaction": "neutral",
    }  # fmt: skip
    [dossier] = decode(a_dossier(**told)).dossiers
    for name, value in told.items():
        kept = getattr(dossier, "screen" if name == "device" else name)
        assert (kept.isoformat() if isinstance(kept, datetime) else kept) == value


def test_one_dossier_may_come_without_the_array() -> None:
    assert len(decode(a_dossier()).dossiers) == 1


def test_a_day_as_return_date_stands_for_its_last_moment_in_the_province() -> None:
    [dossier] = decode(a_dossier(due_at="2026-11-09")).dossiers
    assert dossier.due_at is not None
    assert dossier.due_at.isoformat() == "2026-11-09T23:59:59.999999+07:00"


def test_the_office_is_the_step_that_was_entered_last_and_not_left() -> None:
    steps = [
        {"office": "Phòng B", "in": "2026-11-04T08:00:00+07:00"},
        {"office": "Một cửa", "in": "2026-11-02T08:00:00+07:00", "out": "2026-11-03T08:00:00Z"},
        {"office": "Phòng A", "in": "2026-11-03T08:00:00+07:00", "out": None},
    ]
    [dossier] = decode(a_dossier(steps=steps)).dossiers
    assert dossier.office == "Phòng B"
    assert dossier.office_since is not None
    assert dossier.office_since.isoformat() == "2026-11-04T08:00:00+07:00"


def test_a_dossier_that_left_every_office_is_held_by_none() -> None:
    left = {"office": "A", "in": "2026-11-03T08:00:00+07:00", "out": "2026-11-03T09:00:00+07:00"}
    [dossier] = decode(a_dossier(steps=[left], office="B")).dossiers
    assert (dossier.office, dossier.office_since) == (None, None)


def test_who_was_asked_is_known_from_the_answer() -> None:
    [dossier] = decode(a_dossier(satisfaction="satisfied")).dossiers
    assert dossier.asked is True


def test_a_dossier_changed_when_it_was_resolved_unless_it_says_otherwise() -> None:
    [dossier] = decode(a_dossier(resolved_at="2026-11-05T08:00:00+07:00")).dossiers
    assert dossier.changed_at == dossier.resolved_at


_names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(
    lambda name: name not in FIELDS + EVENT_FIELDS
)


@given(st.sets(_names, min_size=1, max_size=50), st.booleans())
@example({"applicant_name", "id_number", "phone"}, False)
def test_every_unknown_field_is_named_when_it_is_refused(names: set[str], in_event: bool) -> None:
    named = dict.fromkeys(names, "x")
    bad = a_receipt(**named) if in_event else a_dossier(**named)
    found = decode([bad, a_dossier(code="HS-2")])
    assert _reasons(found) == {0: "personal_data"}
    assert ", ".join(sorted(names)) in found.refused[0].problem.detail
    assert [dossier.code for dossier in found.dossiers] == ["HS-2"]


SECRET = "Nguyễn Văn A"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([a_dossier(applicant={"name": SECRET, "home": {"phone": SECRET}})],
         "applicant.home.phone, applicant.name"),
        ([a_dossier(code={"of": [{"name": SECRET}]})], "code.of.name"),
        ([a_dossier(field=[SECRET])], "field"),
        ([a_dossier(applicant=[])], "applicant"),
        ([a_dossier(steps=[SECRET])], "steps"),
        ([a_dossier(steps=[{"office": "A", "officer": SECRET}])], "steps.officer"),
        ([an_event("paid", "2026-11-02", payer={"name": SECRET})], "payer.name"),
        ([a_dossier(**{SECRET: 1})], "(not shown)"),
        ([a_dossier(**{"cccd_025099123456": SECRET})], "(not shown)"),
        ([SECRET], "a dossier is an object"),
        ([[SECRET]], "a dossier is an object"),
        (json.dumps([a_dossier(applicant_name=SECRET)]).encode()[:-1], "not a JSON array"),
    ],
)  # fmt: skip
def test_what_may_be_about_a_person_leaves_only_its_hash_size_place_and_field_names(
    body: Any, named: str
) -> None:
    [kept] = decode(body).refused
    assert named in kept.problem.detail
    assert SECRET not in repr(kept)
    assert "025099123456" not in repr(kept)
    sent = body if isinstance(body, bytes) else json.dumps(body[0]).encode()
    assert (kept.raw, kept.size, kept.digest) == (b"", len(sent), sha256(sent).digest())


@pytest.mark.parametrize(
    ("change", "reason", "cure"),
    [
        ({"code": ""}, "value_invalid", "correct that field"),
        ({"code": "  "}, "value_invalid", "send it as it is written"),
        ({"code": "x" * 201}, "value_invalid", "<= 200"),
        ({"procedure": "a\x00b"}, "value_invalid", "take it out"),
        ({"office": "a\x00b"}, "value_invalid", "take it out"),
        ({"channel": "fax"}, "shape_invalid", "$.channel"),
        ({"outcome": "lost"}, "shape_invalid", "$.outcome"),
        ({"received_at": "02/11/2026"}, "shape_invalid", "$.received_at"),
        ({"received_at": "1889-11-02T08:00:00Z"}, "time_invalid", "1990 to 2200"),
        ({"due_at": "2916-11-02T08:00:00Z"}, "time_invalid", "1990 to 2200"),
        ({"due_at": "2026-13-02"}, "shape_invalid", "write a time such as"),
        ({"due_at": "9/11/2026"}, "shape_invalid", "write a time such as"),
        ({"resolved_at": "2026-11-01T08:00:00+07:00"}, "time_invalid", "check which"),
        ({"paused_since": "2026-11-01T08:00:00+07:00"}, "time_invalid", "check both"),
        ({"received_at": "2026-12-24T08:00:00Z"}, "time_future", "clock"),
        ({"resolved_at": "2026-12-24T08:00:00Z"}, "time_future", "clock"),
        ({"changed_at": "2026-12-24T08:00:00Z"}, "time_future", "clock"),
        ({"outcome": "granted"}, "time_missing", "`resolved_at`"),
        ({"handling_unit": "nowhere"}, "unit_unknown", "see GET /api/v1/units"),
        ({"received_unit": "xa-mo", "received_at": "2025-08-01T08:00:00Z"},
         "unit_unknown", "did you mean xa-moi?"),
        ({"received_unit": None}, "shape_invalid", "$.received_unit"),
        ({"code": 5}, "shape_invalid", "$.code"),
        ({"supplements": -1}, "value_invalid", ">= 0"),
        ({"paused_seconds": -1}, "value_invalid", ">= 0"),
        ({"supplements": 1.5}, "shape_invalid", "$.supplements"),
        ({"fee": 50_000}, "shape_invalid", "$.fee"),
        ({"steps": [{"office": "A", "in": "2026-11-02T08:00:00Z"}] * 51}, "value_invalid", "50"),
        ({"steps": [{"office": "A", "in": "2026-11-01T08:00:00Z"}]}, "time_invalid", "`in`"),
        ({"steps": [{"office": " ", "in": "2026-11-03T08:00:00Z"}]}, "value_invalid", "name the"),
        ({"steps": [{"office": "A", "in": "2026-11-03T08:00:00Z", "out": "2026-11-02T09:00:00Z"}]},
         "time_invalid", "`out`"),
        ({"source": "vneid", "channel": "direct"}, "value_invalid", "leave them out"),
        ({"device": "mobile", "channel": "post"}, "value_invalid", "leave them out"),
        ({"source": "provincial_portal"}, "value_invalid", "send national_portal or vneid"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_with_its_cure_and_the_neighbour_is_taken(
    change: dict[str, Any], reason: str, cure: str
) -> None:
    found = decode([a_dossier(**change), a_dossier(code="HS-2")])
    assert _reasons(found) == {0: reason}
    assert cure in found.refused[0].problem.detail
    assert [dossier.code for dossier in found.dossiers] == ["HS-2"]


def test_the_bytes_of_what_is_refused_are_its_own() -> None:
    bad = a_dossier(supplements=-1)
    [kept] = decode([a_dossier(), bad]).refused
    assert json.loads(kept.raw) == bad


def test_a_missing_field_is_named() -> None:
    given = a_dossier()
    del given["channel"]
    assert "channel" in decode([given]).refused[0].problem.detail


@pytest.mark.parametrize(
    ("received", "taken"),
    [("2025-06-30T23:59:59+07:00", True), ("2025-07-01T00:00:00+07:00", False)],
)
def test_the_provincial_portal_takes_filings_until_the_last_day_of_june_2025(
    received: str, taken: bool
) -> None:
    found = decode(a_dossier(source="provincial_portal", received_at=received))
    assert bool(found.dossiers) is taken


def test_a_dissolved_unit_takes_no_filings_and_the_refusal_says_when_it_ended() -> None:
    last = "2025-06-30T23:00:00+07:00"
    old = a_dossier(received_unit="huyen-cu", handling_unit="huyen-cu", received_at=last)
    assert len(decode(old).dossiers) == 1
    [kept] = decode({**old, "received_at": "2025-07-01T08:00:00+07:00"}).refused
    assert kept.problem.reason == "unit_unknown"
    assert "ended on 2025-07-01" in kept.problem.detail


def test_a_dossier_may_go_over_to_a_unit_that_came_after_its_filing_and_is_marked() -> None:
    given = a_dossier(
        received_unit="huyen-cu", handling_unit="xa-moi",
        received_at="2025-06-20T08:00:00+07:00", changed_at="2025-07-02T08:00:00+07:00",
    )  # fmt: skip
    [dossier] = decode(given).dossiers
    assert (dossier.handling_unit, dossier.flags) == ("xa-moi", Oddity.UNIT_OF_LATER)
    [kept] = decode({**given, "changed_at": "2025-06-25T08:00:00+07:00"}).refused
    assert "not yet on 2025-06-20" in kept.problem.detail


def test_states_and_events_may_stand_in_one_body() -> None:
    found = decode([a_dossier(), a_receipt(code="HS-2"), {"code": "HS-3", "event": "lost"}])
    assert [dossier.code for dossier in found.dossiers] == ["HS-1"]
    assert [event.code for event in found.events] == ["HS-2"]
    assert (_reasons(found), found.received) == ({2: "shape_invalid"}, 3)


@given(st.binary(max_size=100))
@example(b"[" * 100_000)
@example(b'[{"code":' + b"[" * 50_000 + b"]" * 50_000 + b"}]")
@example(b'{"code":"\\ud800"}')
@example(b"5")
def test_any_bytes_are_answered_without_an_error(body: bytes) -> None:
    found = decode(body)
    assert (found.dossiers, found.events) == ([], [])
