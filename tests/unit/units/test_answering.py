"""Who answers for a unit: itself, or the nearest unit above that names somebody."""

from datetime import date, timedelta

from ioc.org import Contact, Level, Organisation, UnitVersion, answers_for

START, CHANGE = date(2025, 7, 1), date(2026, 7, 1)
OLD = Contact(post="Chánh Văn phòng", phone="1")
NEW = Contact(post="Chánh Văn phòng", phone="2")


def version(
    unit: str,
    parent: str | None,
    contact: Contact | None = None,
    start: date = START,
    end: date | None = None,
) -> UnitVersion:
    return UnitVersion(
        unit=unit, valid_from=start, valid_until=end, name=unit, short_name=unit,
        level=Level.DEPARTMENT, parent=parent, contact=contact,
    )  # fmt: skip


ORGANISATION = Organisation(
    [
        version("province", None),
        version("office", "province", OLD, end=CHANGE),
        version("office", "province", NEW, start=CHANGE),
        version("centre", "office"),
        version("desk", "centre"),
    ]
)


def test_a_unit_with_a_contact_answers_for_itself() -> None:
    found = answers_for(ORGANISATION, "office", START)
    assert found is not None
    assert (found.unit, found.contact) == ("office", OLD)


def test_the_nearest_unit_above_answers_as_of_the_day() -> None:
    before = answers_for(ORGANISATION, "desk", CHANGE - timedelta(days=1))
    after = answers_for(ORGANISATION, "desk", CHANGE)
    assert before is not None
    assert after is not None
    assert (before.unit, before.contact) == ("office", OLD)
    assert (after.unit, after.contact) == ("office", NEW)


def test_nobody_answers_where_nobody_is_named() -> None:
    assert answers_for(ORGANISATION, "province", START) is None


def test_nobody_answers_for_a_unit_that_there_is_not() -> None:
    assert answers_for(ORGANISATION, "desk", START - timedelta(days=1)) is None
    assert answers_for(ORGANISATION, "nowhere", START) is None
