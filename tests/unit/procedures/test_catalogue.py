"""Procedures in time: levels of their day, counts on any day, and what is refused."""

from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from ioc.errors import Conflict, Invalid, NotFound
from ioc.kpi.measure import BUILT_IN
from ioc.org import Level
from ioc.procedures.calendar import Calendar
from ioc.procedures.catalogue import Catalogue, ProcedureVersion, PublishingTerms, check
from ioc.procedures.tally import FLOWS, STATES, on_day, within

ENDED = date(2022, 8, 15)
PROVINCE = "tuyen-quang"


def version(code: str = "1.001", since: str = "2020-01-01", **more: Any) -> ProcedureVersion:
    given: dict[str, Any] = {"name": "Đăng ký", "field": "Hộ tịch", "tier": Level.COMMUNE}
    if "unit" in more:
        given["tier"] = None
    return ProcedureVersion(code=code, valid_from=date.fromisoformat(since), **{**given, **more})


def many(count: int, prefix: str, **more: Any) -> list[ProcedureVersion]:
    return [version(f"{prefix}{n}", valid_until=ENDED, **more) for n in range(count)]


def counted(versions: list[ProcedureVersion], on: date) -> dict[str, int]:
    [counts] = on_day(Catalogue(versions).on(on), on, PROVINCE).values()
    return dict(zip(STATES, counts, strict=True))


def test_the_services_of_tuyen_quang_in_2022_are_444_and_66_and_917() -> None:
    versions = many(444, "a", level="2") + many(66, "b", level="3") + many(917, "c", level="4")
    found = counted(versions, date(2022, 7, 31))
    levels = [found[f"procedures_level_{n}"] for n in (2, 3, 4)]
    assert (levels, found["procedures_published"]) == ([444, 66, 917], 1427)


def test_the_procedures_of_nam_dinh_and_ben_tre_are_counted_with_their_levels() -> None:
    nam_dinh = counted(many(1041, "a", level="4") + many(630, "b"), date(2020, 12, 24))
    assert (nam_dinh["procedures_published"], nam_dinh["procedures_level_4"]) == (1671, 1041)
    integrated = many(553, "a", level="3", integrated_on=date(2021, 5, 1))
    ben_tre = counted(
        integrated + many(595, "b", level="4") + many(610, "c", level="2"), date(2021, 7, 5)
    )
    assert ben_tre["procedures_published"] == 1758
    assert ben_tre["procedures_level_3"] + ben_tre["procedures_level_4"] == 1148
    assert ben_tre["procedures_integrated"] == 553


def test_a_procedure_is_integrated_from_its_day_on() -> None:
    one = [version(integrated_on=date(2021, 5, 1))]
    assert counted(one, date(2021, 4, 30))["procedures_integrated"] == 0
    assert counted(one, date(2021, 5, 1))["procedures_integrated"] == 1


def test_a_dossier_takes_the_level_of_the_day_on_which_it_was_filed() -> None:
    catalogue = Catalogue(
        [
            version(level="4", valid_until=ENDED),
            version(since="2022-08-15", level="partial", valid_until=date(2024, 1, 1)),
            version(since="2024-01-01", level="full", days=2.5),
        ]
    )
    codes = ["1.001", "1.001", "1.001", "1.001", "9.999"]
    days = np.array(
        ["2022-08-14", "2022-08-15", "2024-01-01", "2019-12-31", "2024-01-01"], "datetime64[D]"
    )
    assert catalogue.levels(codes, days) == ["4", "partial", "full", None, None]
    assert catalogue.limits(codes, days).tolist() == [0, 0, 3, -1, -1]


def test_what_ends_is_not_counted_on_its_last_day_and_counted_as_cut_in_its_period() -> None:
    catalogue = Catalogue([version(valid_until=date(2025, 7, 1)), version("1.002", "2025-07-01")])
    assert [v.code for v in catalogue.on(date(2025, 6, 30))] == ["1.001"]
    assert [v.code for v in catalogue.on(date(2025, 7, 1))] == ["1.002"]
    found = within(
        catalogue, date(2025, 1, 1), date(2026, 1, 1), PROVINCE, Calendar(), PublishingTerms()
    )
    counts = dict(zip(FLOWS, found[PROVINCE], strict=True))
    assert (counts["procedures_added"], counts["procedures_cut"]) == (1, 1)


@pytest.mark.parametrize(
    ("decided", "on_time"), [("2026-03-02", 1), ("2026-03-03", 0)]
)  # the basis takes effect on Monday 9 March: five working days before are Monday the 2nd
def test_publishing_is_in_time_five_working_days_before_its_basis_takes_effect(
    decided: str, on_time: int
) -> None:
    one = version(decided_on=date.fromisoformat(decided), legal_basis_from=date(2026, 3, 9))
    found = within(
        Catalogue([one]), date(2026, 1, 1), date(2027, 1, 1), PROVINCE, Calendar(),
        PublishingTerms(),
    )  # fmt: skip
    counts = dict(zip(FLOWS, found[PROVINCE], strict=True))
    assert counts["procedures_publish_on_time"] == on_time
    assert counts["procedures_publish_due"] == 1


def test_displaying_is_late_once_its_days_are_over_and_not_due_before() -> None:
    one = version(decided_on=date(2026, 3, 2))
    terms = PublishingTerms()

    def counts(until: date, displayed: date | None = None) -> tuple[int, int]:
        shown = msgspec.structs.replace(one, displayed_on=displayed)
        found = within(Catalogue([shown]), date(2026, 3, 1), until, PROVINCE, Calendar(), terms)
        named = dict(zip(FLOWS, found[PROVINCE], strict=True))
        return named["procedures_update_on_time"], named["procedures_update_due"]

    assert counts(date(2026, 3, 9)) == (0, 0)
    assert counts(date(2026, 3, 10)) == (0, 1)
    assert counts(date(2026, 3, 10), displayed=date(2026, 3, 9)) == (1, 1)
    assert counts(date(2026, 4, 1), displayed=date(2026, 3, 10)) == (0, 1)


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ({"valid_until": date(2020, 1, 1)}, "first day on which it does not hold"),
        ({"tier": None}, "exactly one of unit and tier"),
        ({"days": -3.0}, "time limit of -3 working days"),
        ({"parts": "abx"}, "parts x are none of"),
        ({"level": "4"}, "end this version on 2022-08-15"),
        ({"valid_from": date(2024, 1, 1), "level": "4"}, "levels full, partial, info then"),
        ({"level": "full", "valid_until": ENDED}, "levels 1, 2, 3, 4 then"),
        ({"level": "5"}, "no service level"),
        ({"decided_on": date(2021, 1, 2), "displayed_on": date(2021, 1, 1)}, "before the decision"),
    ],
)
def test_a_version_that_cannot_be_meant_is_refused_with_the_cure(
    wrong: dict[str, Any], cure: str
) -> None:
    with pytest.raises(Invalid, match=cure):
        check(msgspec.structs.replace(version(), **wrong))


def test_versions_of_one_code_may_not_overlap() -> None:
    with pytest.raises(Conflict, match="end the earlier one"):
        Catalogue([version(), version(since="2021-01-01")])


def test_an_unknown_code_names_the_nearest_one() -> None:
    with pytest.raises(NotFound, match=r"did you mean 1\.001"):
        Catalogue([version()]).versions("1.0001")


def test_all_that_is_counted_is_a_measure() -> None:
    assert set(STATES) | set(FLOWS) <= set(BUILT_IN)
