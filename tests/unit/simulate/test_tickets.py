"""Simulated tickets: the same at every start, a plausible share of each end, and taken as told."""

from collections import Counter as Tally
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from geo.bbox import Bbox
from ingest.ticket import TicketRules
from ingest.ticket_decode import decode_tickets
from ioc.city.read import packaged_city, read_city
from ioc.city.spec import City
from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.tickets import DAYS_BACK, SimulatedTicket, TicketDesk, ticket_bodies

TODAY = date(2026, 11, 20)
NOW = int(datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(packaged_city())


@pytest.fixture(scope="module")
def desk(city: City) -> TicketDesk:
    return TicketDesk(city, Calendar(city.province.time_zone), seed=7)


@pytest.fixture(scope="module")
def tickets(desk: TicketDesk) -> list[SimulatedTicket]:
    return [ticket for back in range(60) for ticket in desk.day(TODAY - timedelta(days=back))]


def test_a_day_is_the_same_at_every_start_and_another_by_another_seed(city: City, desk: TicketDesk):
    def of(seed: int) -> list[SimulatedTicket]:
        return TicketDesk(city, Calendar(city.province.time_zone), seed=seed).day(TODAY)

    assert of(7) == desk.day(TODAY)
    assert of(8) != desk.day(TODAY)


def test_a_few_come_an_hour_and_codes_are_unique(tickets: list[SimulatedTicket]):
    assert len(tickets) / 60 == pytest.approx(44, rel=0.1)
    assert len({ticket.code for ticket in tickets}) == len(tickets)


def test_most_are_solved_and_some_are_petitions(city: City, tickets: list[SimulatedTicket]):
    ends = Tally(ticket.outcome for ticket in tickets)
    assert 0.88 < ends["solved"] / len(tickets) < 0.96
    assert ends["false_report"] > 0
    kinds = {category.id: category.kind for category in city.tickets.categories}
    petitions = sum(kinds[ticket.category] == "petition" for ticket in tickets)
    assert petitions / len(tickets) == pytest.approx(0.1, abs=0.03)


def test_lives_go_on_in_time_and_end_within_what_is_remembered(tickets: list[SimulatedTicket]):
    for ticket in tickets:
        instants = [at for at, _ in ticket.states]
        assert instants == sorted(set(instants))
        assert instants[-1] - instants[0] < DAYS_BACK * DAY


def test_what_is_told_at_any_moment_is_taken(city: City, desk: TicketDesk):
    rules = TicketRules(
        zone=ZoneInfo(city.province.time_zone), now=datetime.fromtimestamp(NOW, UTC),
        bounds=Bbox(*city.province.bounds), find_category=city.tickets.find,
        find_unit=city.organisation.resolve,
    )  # fmt: skip
    told = [
        ticket.told(at, lambda lived: lived, "25")
        for at in range(NOW - 30 * DAY, NOW, 31 * HOUR)
        for ticket in desk.changed(at - DAY, at)
    ]
    found = [decode_tickets(body, rules) for body in ticket_bodies(told)]
    assert [refused.problem for part in found for refused in part.refused] == []
    states = {ticket.state.value for part in found for _, ticket in part.tickets}
    assert {"received", "waiting", "in_progress", "rejected", "published", "rated"} <= states


def test_each_change_is_told_once(desk: TicketDesk):
    edges = range(NOW - DAY, NOW + 1, 6 * HOUR)
    parts = [desk.changed(edges[n], edges[n + 1]) for n in range(len(edges) - 1)]
    told = {ticket.code for part in parts for ticket in part}
    assert told == {ticket.code for ticket in desk.changed(NOW - DAY, NOW)}
