"""Dossiers: what is taken, what is refused and by which name."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.dossier import FIELDS, decode_dossiers
from tests.fixtures.decoding import VIETNAM

UNITS = {"so-y-te": "so-y-te", "25": "phu-tho", "phu-tho": "phu-tho"}


def _decode(body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_dossiers(content, zone=VIETNAM, find_unit=UNITS.get)


def _dossier(**more: Any) -> dict[str, Any]:
    return {
        "code": "HS-1", "procedure": "1.001", "received_unit": "so-y-te",
        "handling_unit": "so-y-te", "channel": "online",
        "received_at": "2026-11-02T08:00:00+07:00", **more,
    }  # fmt: skip


def _reasons(found: Any) -> dict[int, str]:
    return {kept.problem.index: kept.problem.reason.value for kept in found.refused}


def test_a_whole_dossier_is_taken_with_its_units_by_id_and_its_times_aware() -> None:
    given = _dossier(handling_unit="25", due_at="2026-11-09T17:00:00", field="y tế")
    [(place, dossier)] = _decode([given]).dossiers
    assert (place, dossier.handling_unit) == (0, "phu-tho")
    assert dossier.due_at.isoformat() == "2026-11-09T17:00:00+07:00"


def test_one_dossier_may_come_without_the_array() -> None:
    assert len(_decode(_dossier()).dossiers) == 1


_names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: name not in FIELDS)


@given(st.sets(_names, min_size=1, max_size=50))
@example({"applicant_name", "id_number", "phone"})
def test_every_unknown_field_is_named_when_it_is_refused(names: set[str]) -> None:
    found = _decode([_dossier(**dict.fromkeys(names, "x")), _dossier(code="HS-2")])
    assert _reasons(found) == {0: "personal_data"}
    assert ", ".join(sorted(names)) in found.refused[0].problem.detail
    assert [dossier.code for _, dossier in found.dossiers] == ["HS-2"]


SECRET = "Nguyễn Văn A"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([_dossier(applicant={"name": SECRET, "home": {"phone": SECRET}})],
         "applicant.home.phone, applicant.name"),
        ([_dossier(code={"of": [{"name": SECRET}]})], "code.of.name"),
        ([_dossier(field=[SECRET])], "field"),
        ([_dossier(applicant=[])], "applicant"),
        ([_dossier(**{SECRET: 1})], "(not shown)"),
        ([_dossier(**{"cccd_025099123456": SECRET})], "(not shown)"),
        ([SECRET], "a dossier is an object"),
        ([[SECRET]], "a dossier is an object"),
        (json.dumps([_dossier(applicant_name=SECRET)]).encode()[:-1], "not a JSON array"),
    ],
)  # fmt: skip
def test_what_may_be_about_a_person_leaves_only_its_hash_size_place_and_field_names(
    body: Any, named: str
) -> None:
    [kept] = _decode(body).refused
    assert named in kept.problem.detail
    assert SECRET not in repr(kept)
    assert "025099123456" not in repr(kept)
    sent = body if isinstance(body, bytes) else json.dumps(body[0]).encode()
    assert (kept.raw, kept.size, kept.digest) == (b"", len(sent), sha256(sent).digest())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code": ""}, "value_invalid"),
        ({"code": "x" * 201}, "value_invalid"),
        ({"procedure": "a\x00b"}, "value_invalid"),
        ({"channel": "fax"}, "shape_invalid"),
        ({"received_at": "02/11/2026"}, "shape_invalid"),
        ({"received_at": "1889-11-02T08:00:00Z"}, "time_invalid"),
        ({"resolved_at": "2026-11-01T08:00:00+07:00"}, "time_invalid"),
        ({"outcome": "granted"}, "time_missing"),
        ({"handling_unit": "nowhere"}, "value_invalid"),
        ({"received_unit": None}, "shape_invalid"),
        ({"code": 5}, "shape_invalid"),
    ],
)
def test_a_fault_is_refused_by_its_reason_and_the_neighbour_is_taken(
    change: dict[str, Any], reason: str
) -> None:
    found = _decode([_dossier(**change), _dossier(code="HS-2")])
    assert _reasons(found) == {0: reason}
    assert [place for place, _ in found.dossiers] == [1]


def test_a_missing_field_is_named() -> None:
    given = _dossier()
    del given["channel"]
    assert "channel" in _decode([given]).refused[0].problem.detail


def test_a_dossier_changed_when_it_was_resolved_unless_it_says_otherwise() -> None:
    [(_, dossier)] = _decode(_dossier(resolved_at="2026-11-05T08:00:00+07:00")).dossiers
    assert dossier.changed_at == dossier.resolved_at


@given(st.binary(max_size=100))
@example(b"[" * 100_000)
@example(b'[{"code":' + b"[" * 50_000 + b"]" * 50_000 + b"}]")
@example(b'{"code":"\\ud800"}')
@example(b"5")
def test_any_bytes_are_answered_without_an_error(body: bytes) -> None:
    found = _decode(body)
    assert found.dossiers == []
