"""Dossiers: working days, channels that drift, nearly all on time, some in hand."""

from collections import Counter as Tally
from datetime import UTC, date, datetime, timedelta

import pytest

from ioc.city.read import packaged_city, read_city
from ioc.city.spec import City
from ioc.simulate import encode
from ioc.simulate.calendar import DAY, Calendar
from ioc.simulate.dossiers import Counter, Dossier, Office
from ioc.simulate.rhythm import Rhythm

TODAY = date(2026, 11, 20)
NOW = int(datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(packaged_city())


@pytest.fixture(scope="module")
def calendar(city: City) -> Calendar:
    return Calendar(city.province.time_zone)


@pytest.fixture(scope="module")
def office(city: City, calendar: Calendar) -> Office:
    unit = city.province.unit
    return Office(city.organisation, unit, calendar, seed=7, a_month=2_500, ends=TODAY)


@pytest.fixture(scope="module")
def year(office: Office) -> list[Dossier]:
    days = (TODAY - timedelta(days=back) for back in range(364))
    return [dossier for day in days for dossier in office.day(day)]


def test_two_years_hold_about_as_many_as_asked_for(year: list[Dossier]):
    assert len(year) == pytest.approx(30_000, rel=0.08)


def test_codes_are_unique_and_a_day_is_the_same_at_every_start(
    city: City, calendar: Calendar, office: Office, year: list[Dossier]
):
    assert len({dossier.code for dossier in year}) == len(year)
    again = Office(
        city.organisation, city.province.unit, calendar, seed=7, a_month=2_500, ends=TODAY
    )
    assert again.day(TODAY) == office.day(TODAY)


def test_counters_are_open_on_working_days_only(calendar: Calendar, year: list[Dossier]):
    for dossier in year:
        day = calendar.day(dossier.received_at)
        if dossier.channel != "online":
            assert calendar.works(day.toordinal())
            assert 7 <= (dossier.received_at - calendar.midnight(day)) / 3_600 < 18


def test_the_online_share_ends_near_its_target(office: Office):
    def share(until: date) -> float:
        days = [until - timedelta(days=back) for back in range(60)]
        tally = Tally(d.channel for day in days for d in office.day(day))
        return tally["online"] / tally.total()

    assert 0.47 < share(TODAY) < 0.55
    assert share(TODAY - timedelta(days=600)) < 0.42


def test_nearly_all_are_resolved_in_time(year: list[Dossier]):
    dated = [d for d in year if d.due_at is not None and d.resolved_at <= NOW]
    late = sum(d.resolved_at > (d.due_at or 0) for d in dated) / len(dated)
    assert 0.015 < late < 0.045


def test_each_dossier_stands_at_units_that_exist_on_its_day(city: City, office: Office):
    for day in (TODAY, date(2025, 3, 12)):
        units = city.organisation.as_of(day)
        found = office.day(day)
        assert found
        for dossier in found:
            assert {dossier.received_unit, dossier.handling_unit} <= set(units)


def test_a_dossier_in_hand_has_no_end_yet(year: list[Dossier]):
    dossier = next(d for d in year if d.received_at < NOW < d.resolved_at)
    told = encode.told(dossier, NOW, Rhythm(NOW), "25")
    assert (told.resolved_at, told.outcome) == (None, None)
    assert told.changed_at == told.received_at
    later = encode.told(dossier, dossier.resolved_at, Rhythm(dossier.resolved_at), "25")
    assert later.changed_at == later.resolved_at is not None
    assert later.code == told.code


def test_every_change_is_told_once_and_in_order(office: Office, calendar: Calendar):
    start = NOW - 3 * DAY
    counter = Counter(office, calendar, start)
    first = calendar.day(start) - timedelta(days=60)
    past = [d for n in range(60) for d in office.day(first + timedelta(days=n))]
    counter.remember(past)
    told = Tally[tuple[str, bool]]()
    for now in range(start + 3_600, NOW + 1, 3_600):
        for dossier in counter.changed(now):
            told[dossier.code, dossier.resolved_at <= now] += 1
    assert set(told.values()) == {1}
    known = [*past, *(d for n in range(4) for d in office.day(calendar.day(start + n * DAY)))]
    resolved = {d.code for d in known if start < d.resolved_at <= NOW}
    assert {code for code, done in told if done} == resolved
