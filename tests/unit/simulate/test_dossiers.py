"""Dossiers: working days, channels that drift, nearly all on time, some in hand."""

from collections import Counter as Tally
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ingest.dossier_decode import decode_dossiers
from ioc.city.read import packaged_city, read_city
from ioc.city.spec import City
from ioc.simulate import encode
from ioc.simulate.calendar import DAY, Calendar
from ioc.simulate.dossiers import Counter, Dossier, Office
from ioc.simulate.rhythm import Rhythm
from tests.fixtures.dossiers import rules

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
    assert told.office is not None
    later = encode.told(dossier, dossier.resolved_at, Rhythm(dossier.resolved_at), "25")
    assert later.changed_at == later.resolved_at is not None
    assert later.code == told.code


def test_every_change_is_told_once_and_in_order(office: Office, calendar: Calendar):
    start = NOW - 3 * DAY
    counter = Counter(office, calendar, start)
    first = calendar.day(start) - timedelta(days=60)
    past = [d for n in range(60) for d in office.day(first + timedelta(days=n))]
    counter.remember(past)
    told = Tally[tuple[str, int]]()
    done: set[str] = set()
    for now in range(start + 3_600, NOW + 1, 3_600):
        for dossier in counter.changed(now):
            told[dossier.code, max(at for at in dossier.changes() if at <= now)] += 1
            done |= {dossier.code} if dossier.resolved_at <= now else set()
    assert set(told.values()) == {1}
    known = [*past, *(d for n in range(4) for d in office.day(calendar.day(start + n * DAY)))]
    resolved = {d.code for d in known if start < d.resolved_at <= NOW}
    assert done == resolved


def test_what_is_told_is_taken_as_it_stands(city: City, office: Office, year: list[Dossier]):
    days = [date(2025, 3, 12), date(2025, 6, 30), date(2025, 7, 1)]
    sent = [*year[::7], *(dossier for day in days for dossier in office.day(day))]
    sent = [dossier for dossier in sent if dossier.received_at <= NOW]
    rhythm = Rhythm(NOW)
    told = [encode.told(dossier, NOW, rhythm, "25") for dossier in sent]
    given = rules(
        find_unit=city.organisation.resolve, now=datetime.fromtimestamp(NOW, UTC),
        province=ZoneInfo(city.province.time_zone),
    )  # fmt: skip
    for body in encode.dossier_bodies(told):
        found = decode_dossiers(body, given)
        assert [refused.problem for refused in found.refused] == []


def test_the_provincial_portal_closed_with_june_2025(office: Office):
    def sources(day: date) -> set[str | None]:
        return {d.details.source for d in office.day(day)}

    assert "provincial_portal" in sources(date(2025, 6, 30))
    assert sources(date(2025, 7, 1)) == {"national_portal", "vneid", None}


def test_only_filings_online_have_a_portal_and_a_device(year: list[Dossier]):
    for dossier in year:
        online = dossier.channel == "online"
        assert (dossier.details.source is not None) is online
        assert online or dossier.details.screen is None


def test_a_pause_lies_within_the_life_of_its_dossier_and_few_are_asked_twice(
    year: list[Dossier],
):
    paused = [d for d in year if d.details.pause is not None]
    assert 0.005 < len(paused) / len(year) < 0.06
    for dossier in paused:
        begins, ends = dossier.details.pause or (0, 0)
        assert dossier.received_at < begins < ends < dossier.resolved_at
    assert 0 < sum(d.details.supplements == 2 for d in paused) < len(paused) / 4


def test_a_dossier_in_a_pause_says_since_when_and_then_for_how_long(year: list[Dossier]):
    dossier = next(d for d in year if d.details.pause and d.resolved_at < NOW)
    begins, ends = dossier.details.pause or (0, 0)
    during = encode.told(dossier, begins, Rhythm(NOW), "25")
    assert (during.supplements, during.paused_seconds) == (1, 0)
    assert during.paused_since == during.changed_at
    after = encode.told(dossier, ends, Rhythm(NOW), "25")
    assert (after.paused_since, after.paused_seconds) == (None, ends - begins)
