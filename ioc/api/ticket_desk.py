"""What all doors of tickets go by: the plan, the clocks, who leads, and a ticket as a row."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from geo.bbox import Bbox
from ingest.ticket import Ticket, TicketRules, life_of
from ioc.api.deps import Facts
from ioc.ids import uuid7
from ioc.model import Feed, Text
from ioc.store import ticket_rows
from ioc.store.pool import ReadPool
from ioc.store.ticket_contacts import ContactRow
from ioc.store.ticket_intake import Offered
from ioc.store.ticket_rows import TicketRow
from ioc.tickets.clock import Deadlines, OfficeClock
from ioc.tickets.plan import Category, Plan


@dataclass(frozen=True, slots=True)
class Desk:
    """The plan of the province, its office clock, and its units on a day."""

    plan: Plan
    clock: OfficeClock
    facts: Facts
    today: date

    def category(self, row: TicketRow) -> Category:
        """The category of a stored ticket, even if the plan has dropped it since."""
        words = Text(row.category, row.category)
        return self.plan.find(row.category) or Category(
            id=row.category, service_code=row.category, name=words, description=words,
            group=words, kind=row.life.kind,
        )  # fmt: skip

    def deadlines(self, category: Category, received_at: datetime) -> Deadlines:
        """The deadlines of a ticket, by the terms of the day of its receipt."""
        terms = self.plan.terms_on(self.clock.day(received_at))
        return Deadlines(category, terms, self.clock)

    def rules(self, feed: Feed, now: datetime) -> TicketRules:
        """What tickets of a feed are checked against."""
        return TicketRules(
            zone=ZoneInfo(feed.time_zone),
            now=now,
            bounds=Bbox(*self.facts.bounds),
            find_category=self.plan.find,
            find_unit=self.facts.city.organisation.resolve,
        )

    def lead(self, category: Category, longitude: float | None, latitude: float | None) -> str:
        """Who answers for a ticket that nobody has: the category's unit, else by its place."""
        organisation, found = self.facts.city.organisation, category.unit
        if category.level is not None and longitude is not None and latitude is not None:
            found = self.facts.places.find(
                self.facts.city, category.level, longitude, latitude, self.today
            )
        if found is not None and found in organisation:
            return found
        assert self.facts.identity.province is not None
        return self.facts.identity.province

    def offered(self, ticket: Ticket, feed: Feed, now: datetime) -> Offered:
        """A checked ticket as it is stored."""
        assert ticket.changed_at is not None
        category = self.plan.find(ticket.category)
        assert category is not None
        deadlines = self.deadlines(category, ticket.received_at)
        life = life_of(ticket, deadlines)
        blank = TicketRow(
            ticket_id=uuid7(now),
            feed=feed.id,
            code=ticket.code,
            about=None,
            lead=self.lead(category, ticket.longitude, ticket.latitude),
            satisfied=None,
            judged_due_at=life.due_at,
            always_late=False,
            description=ticket.description,
            address=ticket.address,
            longitude=ticket.longitude,
            latitude=ticket.latitude,
            media_url=ticket.media_url,
            run_here=False,
            told_at=ticket.changed_at,
            changed_at=ticket.changed_at,
            stored_at=now,
            **msgspec.structs.asdict(life),
        )
        contact = ticket.contact
        named = ContactRow(contact.name, contact.phone, contact.email) if contact else None
        return Offered(blank.living(life, deadlines, self.plan), named)

    def newest(self, tickets: Iterable[Ticket], feed: Feed, now: datetime) -> list[Offered]:
        """The newest state of each ticket, as it is stored."""
        kept: dict[str, Ticket] = {}
        for ticket in tickets:
            before = kept.get(ticket.code)
            if before is None or _changed(ticket) >= _changed(before):
                kept[ticket.code] = ticket
        return [self.offered(ticket, feed, now) for ticket in kept.values()]


async def open_desk(reads: ReadPool, facts: Facts, now: datetime) -> Desk:
    """The desk as it stands now."""
    plan = await ticket_rows.read_plan(reads)
    clock = OfficeClock(facts.city.calendar, plan.office_hours, ZoneInfo(facts.zone))
    return Desk(plan, clock, facts, clock.day(now))


def _changed(ticket: Ticket) -> datetime:
    assert ticket.changed_at is not None
    return ticket.changed_at
