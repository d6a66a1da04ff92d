"""Which of two decisions on a target prevails."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Conflict, Invalid, IocError, NotPermitted
from ioc.flow.precedence import check_gives_way
from ioc.org import Level, Organisation, UnitVersion
from ioc.store.targets import Target


def _version(unit: str, level: Level, parent: str | None) -> UnitVersion:
    return UnitVersion(
        unit=unit, valid_from=date(2020, 1, 1), name=unit, short_name=unit, level=level,
        parent=parent,
    )  # fmt: skip


UNITS = Organisation(
    [
        _version("tinh", Level.PROVINCE, None),
        _version("so", Level.DEPARTMENT, "tinh"),
        _version("trung-tam", Level.SERVICE_CENTER, "so"),
    ]
)
HELD = Target(
    "online-share", "trung-tam", date(2026, 1, 1), None, 51, "up", "QĐ 1",
    decided_on=date(2026, 5, 1), decided_by="so",
)  # fmt: skip

DECISIONS = st.builds(
    lambda by, on: replace(HELD, decided_by=by, decided_on=on),
    st.sampled_from(["tinh", "so"]), st.dates(date(2026, 1, 1), date(2026, 1, 9)),
)  # fmt: skip


def _gives_way(held: Target, wanted: Target) -> bool:
    try:
        check_gives_way(held, wanted, UNITS)
    except IocError:
        return False
    return True


@pytest.mark.parametrize("by", ["tinh", None])
def test_the_decision_of_a_unit_above_never_gives_way(by: str | None) -> None:
    with pytest.raises(NotPermitted, match="a unit above so; ask"):
        check_gives_way(replace(HELD, decided_by=by), HELD, UNITS)


def test_a_unit_above_replaces_what_one_below_decided_later() -> None:
    earlier = replace(HELD, decided_by="tinh", decided_on=date(2026, 1, 1))
    check_gives_way(HELD, earlier, UNITS)


def test_an_earlier_decision_of_the_same_unit_is_refused_with_both_days() -> None:
    with pytest.raises(Conflict, match=r"of 2026-05-01, and QĐ 1 of 2026-04-30 is the earlier"):
        check_gives_way(HELD, replace(HELD, decided_on=date(2026, 4, 30)), UNITS)


def test_a_decision_without_its_day_does_not_end_one_that_has_it() -> None:
    with pytest.raises(Invalid, match="say `decided_on`"):
        check_gives_way(HELD, replace(HELD, decided_on=None), UNITS)


@given(DECISIONS, DECISIONS)
def test_the_order_of_writing_down_decides_only_between_equals(one: Target, other: Target) -> None:
    equal = (one.decided_by, one.decided_on) == (other.decided_by, other.decided_on)
    assert (_gives_way(one, other) and _gives_way(other, one)) == equal
    assert _gives_way(one, other) or _gives_way(other, one)
