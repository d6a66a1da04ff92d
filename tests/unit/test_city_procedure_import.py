"""A table of procedures against the catalogue: what is added, changed, ended, left, refused."""

from datetime import date

from ioc.city.procedure_import import Planned, plan_import
from ioc.city.procedures import COLUMNS
from ioc.errors import Invalid
from ioc.org import Level
from ioc.procedures.catalogue import Catalogue, ProcedureVersion

HELD = Catalogue(
    [
        ProcedureVersion(
            code=code, valid_from=date(2023, 1, 1), name="Đăng ký", field="Hộ tịch",
            tier=Level.COMMUNE, level="full",
        )
        for code in ("1.001", "1.002")
    ]
)  # fmt: skip


def row(code: str, **more: str) -> dict[str, str]:
    given = {
        "code": code, "name": "Đăng ký", "field": "Hộ tịch", "tier": "commune",
        "from": "2023-01-01", "level": "toàn trình", **more,
    }  # fmt: skip
    return {column: given.get(column, "") for column in COLUMNS}


def unit_of(version: ProcedureVersion) -> str | None:
    if version.unit == "nowhere":
        raise Invalid("no unit has the id or code nowhere")
    return version.unit


def plan(*rows: dict[str, str]) -> Planned:
    return plan_import(list(enumerate(rows, start=2)), HELD, unit_of)


def test_the_same_rows_again_change_nothing() -> None:
    found = plan(row("1.001"), row("1.002"))
    assert (found.unchanged, found.versions, found.refused) == (["1.001", "1.002"], [], [])


def test_new_codes_are_added_and_other_rows_of_a_known_code_change_it() -> None:
    found = plan(row("1.003"), row("1.001", name="Tên mới"))
    assert (found.added, found.changed, found.ended) == (["1.003"], ["1.001"], [])
    assert [v.name for v in found.versions] == ["Đăng ký", "Tên mới"]


def test_a_procedure_that_gets_an_end_is_told_as_ended() -> None:
    found = plan(row("1.001", until="2026-07-01", end_document="QĐ 12/QĐ-UBND"))
    assert (found.changed, found.ended) == (["1.001"], ["1.001"])


def test_a_row_that_cannot_be_taken_keeps_its_whole_procedure_as_it_is_and_no_other() -> None:
    found = plan(
        row("1.003", until="2025-01-01"), row("1.003", **{"from": "2025-01-01", "level": "4"}),
        row("1.004"),
    )  # fmt: skip
    assert found.added == ["1.004"]
    assert [(r.row, r.code) for r in found.refused] == [(2, "1.003"), (3, "1.003")]
    assert "another row" in found.refused[0].detail
    assert "levels full, partial, info then" in found.refused[1].detail


def test_units_days_and_answers_that_cannot_be_read_are_refused_with_the_cure() -> None:
    found = plan(
        row("1.005", unit="nowhere", tier=""), row("1.006", days="ba"), row("1.007", fee="maybe"),
        row("1.008", **{"from": "1/7/2026"}), row("1.009"), row("1.009"),
    )  # fmt: skip
    details = " | ".join(r.detail for r in found.refused)
    for cure in ("no unit", "working days as a number", "write yes", "2026-07-01", "end the"):
        assert cure in details
    assert not found.versions
