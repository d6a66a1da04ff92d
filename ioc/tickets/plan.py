"""What a province says of tickets: categories, working-day terms of petitions, how long to keep."""

from datetime import date, time
from typing import Literal

import msgspec

from ioc.model import Text
from ioc.org import Level

Kind = Literal["petition", "field_report"]
"""A petition (kiến nghị) is about rules or staff, a field report (phản ánh hiện trường) a place."""

Subject = Literal["rules", "staff"]
"""What a petition is about."""

Hours = Literal["office", "always"]
"""Whether a clock runs in office hours only, or around the clock."""


Span = tuple[time, time]
"""From one time of a day until another one."""


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """What tickets are about; `unit` or the unit of `level` around the place leads.

    An immediate one goes to its unit without being verified first. A field report has hours, a
    petition says what it is about.
    """

    id: str
    service_code: str
    name: Text
    description: Text
    group: Text
    kind: Kind
    hours: float | None = None
    clock: Hours = "office"
    immediate: bool = False
    about: Subject | None = None
    unit: str | None = None
    level: Level | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Working days that a petition may take which is received from a day on, until other terms.

    All count from the receipt, but `publish` counts from the result. More than `most_supplements`
    requests for a supplement make a petition late however soon it is solved.
    """

    valid_from: date
    refuse: int
    supplement: int
    solve: int
    publish: int
    most_supplements: int
    legal_reference: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; offices are open in `office_hours` on working days.

    `keep_contact` is in days since a ticket last changed.
    """

    categories: tuple[Category, ...] = ()
    terms: tuple[Terms, ...] = ()
    office_hours: tuple[Span, ...] = ((time(7, 30), time(11, 30)), (time(13, 30), time(17)))
    satisfied_from: int = 4
    keep_contact: int = 365

    def find(self, code: str) -> Category | None:
        """The category of that id or service code."""
        return next((c for c in self.categories if code in (c.id, c.service_code)), None)

    def terms_on(self, day: date) -> Terms | None:
        """The terms of petitions that are received on a day; the first hold before them too."""
        ordered = sorted(self.terms, key=lambda terms: terms.valid_from)
        begun = [terms for terms in ordered if terms.valid_from <= day]
        return begun[-1] if begun else next(iter(ordered), None)
