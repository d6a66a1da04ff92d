"""Who is told of alerts: routes, channels, people and shifts, checked against each other."""

import re
from collections.abc import Collection, Iterable
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from alerts.channel import SECRET, Channel, Mail, Push, Template, Webhook, texts, wrong_blanks
from alerts.roster import Days, Person, Roster, Shift
from alerts.route import ANSWERING, Limit, Plan, QuietHours, Route, Step
from ioc.city.decode import decode_table
from ioc.city.finding import Spot
from ioc.city.folder import Folder, Placed
from ioc.city.spec import Named, Slug, Spec
from ioc.model import Domain, Severity

FILE = "notify.toml"
ROSTER = "roster.toml"

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_MAIL = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_PHONE = re.compile(r"\+?[0-9]{8,15}")


class PersonSpec(Spec, frozen=True):
    """Somebody who can be told, as `[[person]]` has it."""

    id: Slug
    name: Named
    unit: Slug
    email: str | None = None
    phone: str | None = None
    zalo: str | None = None
    account: Named | None = None
    valid_from: date | None = None
    valid_until: date | None = None


class ShiftSpec(Spec, frozen=True):
    """When who answers for a unit, as `[[shift]]` has it."""

    id: Slug
    unit: Slug
    persons: Annotated[list[Slug], msgspec.Meta(min_length=1)]
    begins: time
    ends: time
    weekdays: list[Weekday] = msgspec.field(default_factory=lambda: list(WEEKDAYS))
    days: Days = "all"
    valid_from: date | None = None
    valid_until: date | None = None


class ChannelSpec(Spec, frozen=True):
    """A channel, as `[[channel]]` has it; `kind` says which of the keys it has."""

    id: Slug
    kind: Literal["mail", "webhook", "template", "push"]
    enabled: bool = False
    host: Named | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    sender: Named | None = None
    security: Literal["starttls", "tls", "none"] | None = None
    user: Slug | None = None
    password: Slug | None = None
    url: Named | None = None
    secret: Slug | None = None
    address: Literal["email", "phone", "zalo"] | None = None
    body: dict[str, Any] | None = None
    headers: dict[str, str] | None = None
    contact: Named | None = None
    services: Annotated[tuple[Named, ...], msgspec.Meta(min_length=1)] | None = None


class StepSpec(Spec, frozen=True):
    """Who is told after so long without an acknowledgement."""

    channels: Annotated[list[Slug], msgspec.Meta(min_length=1)]
    after: timedelta = timedelta(0)
    on_call: Slug | None = None
    persons: list[Slug] = msgspec.field(default_factory=list[Slug])


class RouteSpec(Spec, frozen=True):
    """Which alerts go to whom, as `[[route]]` has it."""

    id: Slug
    severities: Annotated[list[Severity], msgspec.Meta(min_length=1)]
    steps: Annotated[list[StepSpec], msgspec.Meta(min_length=1)]
    domains: list[Domain] | None = None
    units: list[Slug] | None = None
    repeat: timedelta | None = None
    cleared: bool = True


class QuietSpec(Spec, frozen=True):
    """The quiet hours of low severities."""

    begins: time
    ends: time
    severities: Annotated[list[Severity], msgspec.Meta(min_length=1)]


class SettingsSpec(Spec, frozen=True):
    """Quiet hours, and how much one person is told within a time."""

    most: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = Plan().limit.most
    within: timedelta = Plan().limit.within
    quiet: QuietSpec | None = None
    incidents: tuple[Slug, ...] = ()


_NEEDED = {
    "mail": ("host", "port", "sender"),
    "webhook": ("url", "secret"),
    "template": ("url", "address", "body"),
    "push": ("contact", "secret"),
}
_ALLOWED = {
    "mail": ("security", "user", "password"),
    "webhook": (),
    "template": ("secret", "headers"),
    "push": ("services",),
}
_KINDS: dict[str, type[Channel]] = {
    "mail": Mail,
    "webhook": Webhook,
    "template": Template,
    "push": Push,
}


def read_roster(folder: Folder, units: Collection[str]) -> Roster:
    """What `roster.toml` says; a city without it has nobody on call."""
    persons = folder.tables([ROSTER], "person", PersonSpec, others=["shift"])
    shifts = folder.tables([ROSTER], "shift", ShiftSpec, others=["person"])
    accounts: set[str | None] = {None}
    for placed in persons:
        _check_person(placed.spec, placed.at, units)
        account = placed.spec.account
        if account is not None and account in accounts:
            (placed.at / "account").report(f"the account {account!r} is somebody else's")
        accounts.add(account)
    for placed in shifts:
        _check_shift(placed.spec, placed.at, units, persons.ids)
    return Roster(
        persons=tuple(Person(**_given(spec)) for spec in persons.specs()),
        shifts=tuple(_shift(spec) for spec in shifts.specs()),
    )


def read_notify(folder: Folder, units: Collection[str], persons: Collection[str]) -> Plan:
    """What `notify.toml` says; a city without it tells nobody."""
    channels = folder.tables([FILE], "channel", ChannelSpec, others=["notify", "route"])
    routes = folder.tables([FILE], "route", RouteSpec, others=["notify", "channel"])
    content, file = folder.toml(FILE)
    at = file / "notify"
    settings = decode_table(SettingsSpec, content.get("notify", {}), at) or SettingsSpec()
    if settings.within <= timedelta(0):
        (at / "within").report("is not positive")
    if settings.quiet is not None and settings.quiet.begins == settings.quiet.ends:
        (at / "quiet" / "ends").report("is when they begin")
    pushing = [p for p in channels if p.spec.kind == "push" and p.spec.enabled]
    for placed in pushing[1:]:
        placed.at.report("is a second channel of kind push: browsers know one key only")
    for channel in settings.incidents:
        if channel not in channels.ids:
            (at / "incidents").unknown("channel", channel, channels.ids)
    for placed in routes:
        _check_route(placed.spec, placed.at, units, persons, channels.ids)
    quiet = settings.quiet
    return Plan(
        routes=tuple(_route(spec) for spec in routes.specs()),
        channels=tuple(c for c in map(_channel, channels) if c is not None),
        quiet=None
        if quiet is None
        else QuietHours(begins=quiet.begins, ends=quiet.ends, severities=tuple(quiet.severities)),
        limit=Limit(most=settings.most, within=settings.within),
        incidents=settings.incidents,
    )


def _check_person(spec: PersonSpec, at: Spot, units: Collection[str]) -> None:
    if spec.unit not in units:
        (at / "unit").unknown("unit", spec.unit, units)
    if spec.email is not None and not _MAIL.fullmatch(spec.email):
        (at / "email").report("is no address", 'write such as "truc@example.gov.vn"')
    if spec.phone is not None and not _PHONE.fullmatch(spec.phone):
        (at / "phone").report("is no number", 'write such as "+84900000000"')
    _check_validity(spec.valid_from, spec.valid_until, at)


def _check_shift(
    spec: ShiftSpec, at: Spot, units: Collection[str], persons: Collection[str]
) -> None:
    if spec.unit not in units:
        (at / "unit").unknown("unit", spec.unit, units)
    _check_known("person", spec.persons, at / "persons", persons)
    _check_validity(spec.valid_from, spec.valid_until, at)


def _check_validity(since: date | None, until: date | None, at: Spot) -> None:
    if since is not None and until is not None and until <= since:
        (at / "valid_until").report("does not lie after valid_from")


def _check_route(
    spec: RouteSpec,
    at: Spot,
    units: Collection[str],
    persons: Collection[str],
    channels: Collection[str],
) -> None:
    _check_known("unit", spec.units or [], at / "units", units)
    if spec.repeat is not None and spec.repeat < timedelta(minutes=1):
        (at / "repeat").report("is less than a minute", 'write such as "PT30M"')
    before = timedelta(0)
    for place, step in enumerate(spec.steps):
        here = at / "steps" / place
        _check_known("channel", step.channels, here / "channels", channels)
        _check_known("person", step.persons, here / "persons", persons)
        if step.on_call is None and not step.persons:
            here.report("tells nobody", "name persons or on_call")
        if step.on_call not in (None, ANSWERING, *units):
            (here / "on_call").unknown("unit", str(step.on_call), [*units, ANSWERING])
        if step.after < before:
            (here / "after").report("is earlier than that of the step before")
        before = step.after


def _check_known(what: str, named: Iterable[str], at: Spot, known: Collection[str]) -> None:
    for place, name in enumerate(named):
        if name not in known:
            (at / place).unknown(what, name, known)


def _channel(placed: Placed[ChannelSpec]) -> Channel | None:
    spec, at = placed.spec, placed.at
    given = {k: v for k, v in _given(spec).items() if v is not None and k != "kind"}
    needed = _NEEDED[spec.kind]
    missing = [key for key in needed if key not in given]
    for key in missing:
        at.report(f"a channel of kind {spec.kind} needs the key {key!r}")
    for key in given.keys() - {"id", "enabled", *needed, *_ALLOWED[spec.kind]}:
        (at / key).report(f"a channel of kind {spec.kind} has no {key!r}")
        del given[key]
    if missing:
        return None
    made = _KINDS[spec.kind](**given)
    _check_channel(made, at)
    return made


def _check_channel(channel: Channel, at: Spot) -> None:
    if isinstance(channel, Mail):
        if (channel.user is None) != (channel.password is None):
            at.report("a login needs both user and password, as names of secrets")
        if channel.user is not None and channel.security == "none":
            (at / "security").report("would send the password in the open")
        return
    if isinstance(channel, Push):
        if not channel.contact.startswith(("mailto:", "https://")):
            (at / "contact").report("is no address", 'write such as "mailto:ioc@example.gov.vn"')
        for place, host in enumerate(channel.services):
            if not _HOST.fullmatch(host):
                (at / "services" / place).report("is no name of a host")
        return
    address = urlsplit(channel.url)
    if address.scheme not in ("https", "http") or not address.hostname or address.username:
        (at / "url").report("is no address", 'write such as "https://sms.example.vn/send"')
    if isinstance(channel, Template):
        for text in texts(channel.body):
            for blank in wrong_blanks(text):
                (at / "body").report(f"nothing is set in for {blank!r}")
        uses = any(SECRET in text for text in channel.headers.values())
        if uses != (channel.secret is not None):
            (at / "secret").report("a secret is named, and set in by {secret} in a header")


def _given(spec: Spec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in spec.__struct_fields__}


def _shift(spec: ShiftSpec) -> Shift:
    given = _given(spec)
    del given["id"]
    given["persons"] = tuple(spec.persons)
    given["weekdays"] = tuple(WEEKDAYS.index(day) for day in spec.weekdays)
    return Shift(**given)


def _route(spec: RouteSpec) -> Route:
    return Route(
        id=spec.id,
        severities=tuple(spec.severities),
        domains=None if spec.domains is None else tuple(d.value for d in spec.domains),
        units=None if spec.units is None else tuple(spec.units),
        repeat=spec.repeat,
        cleared=spec.cleared,
        steps=tuple(
            Step(
                channels=tuple(step.channels),
                after=step.after,
                on_call=step.on_call,
                persons=tuple(step.persons),
            )
            for step in spec.steps
        ),
    )
