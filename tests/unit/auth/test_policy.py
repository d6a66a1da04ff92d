"""Who may do what: default deny, and each role within what is its own."""

import pytest

from ioc.auth.policy import Permission, Role, Subject


def _subject(role: Role, *units: str, feed: str | None = None) -> Subject:
    return Subject(role=role, name="x", units=units, feed=feed)


@pytest.mark.parametrize("role", Role)
def test_only_a_feed_key_writes_observations(role: Role) -> None:
    assert _subject(role).may(Permission.FEED_WRITE) == (role is Role.FEED)


@pytest.mark.parametrize("role", Role)
def test_people_are_managed_by_the_administrator_alone(role: Role) -> None:
    allowed = role is Role.ADMINISTRATOR
    assert _subject(role).may(Permission.USER_MANAGE) == allowed
    assert _subject(role).may(Permission.FEED_MANAGE) == allowed


def test_a_wall_reads_and_does_nothing_else() -> None:
    assert set(_subject(Role.WALL).permissions) == {
        Permission.CITY_READ, Permission.ALERT_READ, Permission.FEED_READ,
    }  # fmt: skip


def test_a_feed_key_neither_reads_the_city_nor_its_alerts() -> None:
    key = _subject(Role.FEED, feed="a")
    assert not key.may(Permission.CITY_READ)
    assert not key.may(Permission.ALERT_READ)


def test_a_feed_key_opens_its_own_feed_only() -> None:
    key = _subject(Role.FEED, feed="a")
    assert key.may_use_feed(Permission.FEED_WRITE, "a", "so-y-te")
    assert not key.may_use_feed(Permission.FEED_WRITE, "b", "so-y-te")
    assert not _subject(Role.FEED).may_use_feed(Permission.FEED_WRITE, "a", "so-y-te")


def test_an_agency_looks_into_the_ledger_of_its_own_feeds_only() -> None:
    agency = _subject(Role.AGENCY, "so-y-te")
    assert agency.may_use_feed(Permission.FEED_LEDGER, "a", "so-y-te")
    assert not agency.may_use_feed(Permission.FEED_LEDGER, "a", "so-noi-vu")
    assert not agency.may_use_feed(Permission.FEED_WRITE, "a", "so-y-te")


def test_an_agency_sees_its_own_units_and_the_others_see_all() -> None:
    agency = _subject(Role.AGENCY, "so-y-te")
    assert agency.may_see_unit("so-y-te")
    assert not agency.may_see_unit("so-noi-vu")
    assert not agency.may_see_unit(None)
    assert _subject(Role.OPERATOR).may_see_unit("so-noi-vu")


@pytest.mark.parametrize("role", Role)
def test_who_reported_a_ticket_is_known_to_the_centre_alone(role: Role) -> None:
    centre = role in (Role.ADMINISTRATOR, Role.OPERATOR)
    assert _subject(role).may(Permission.TICKET_CONTACT) == centre
    assert _subject(role).may(Permission.TICKET_ROUTE) == centre
    assert _subject(role).may(Permission.TICKET_HANDLE) == (centre or role is Role.AGENCY)


@pytest.mark.parametrize("role", [Role.WALL, Role.FEED])
def test_screens_and_keys_see_no_tickets(role: Role) -> None:
    assert not _subject(role).may(Permission.TICKET_READ)


@pytest.mark.parametrize("role", Role)
def test_what_a_role_lists_is_what_it_may(role: Role) -> None:
    subject = _subject(role)
    assert subject.permissions == [p for p in Permission if subject.may(p)]
