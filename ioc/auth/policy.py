"""Who may do what: one table, default deny, pure."""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What somebody is to the product; `wall` is a screen, `feed` a key of one feed."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    LEADER = "leader"
    AGENCY = "agency"
    WALL = "wall"
    FEED = "feed"


class Permission(StrEnum):
    """What can be done; the word before the dot names the thing."""

    CITY_READ = "city.read"
    CITY_MANAGE = "city.manage"
    ALERT_READ = "alert.read"
    ALERT_ACKNOWLEDGE = "alert.acknowledge"
    ALERT_COMMENT = "alert.comment"
    ALERT_ASSIGN = "alert.assign"
    ALERT_HANDLE = "alert.handle"
    RULE_MANAGE = "rule.manage"
    FEED_READ = "feed.read"
    FEED_LEDGER = "feed.ledger"
    FEED_WRITE = "feed.write"
    FEED_DESCRIBE = "feed.describe"
    FEED_REPAIR = "feed.repair"
    FEED_MANAGE = "feed.manage"
    SOURCE_READ = "source.read"
    SOURCE_MANAGE = "source.manage"
    INDICATOR_MANAGE = "indicator.manage"
    TARGET_ASSIGN = "target.assign"
    ACTION_NOTE = "action.note"
    USER_MANAGE = "user.manage"
    REPORT_WRITE = "report.write"
    REPORT_APPROVE = "report.approve"
    REPORT_CLOSE = "report.close"
    TICKET_READ = "ticket.read"
    TICKET_HANDLE = "ticket.handle"
    TICKET_ROUTE = "ticket.route"
    TICKET_CONTACT = "ticket.contact"
    INCIDENT_READ = "incident.read"
    INCIDENT_HANDLE = "incident.handle"
    INCIDENT_ASSIGN = "incident.assign"
    INCIDENT_RUN = "incident.run"
    SHIFT_READ = "shift.read"
    DOSSIER_READ = "dossier.read"
    CONSOLE = "console.open"


_READERS = frozenset({Permission.CITY_READ, Permission.ALERT_READ, Permission.FEED_READ})

_TABLE: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission)
    - {Permission.FEED_WRITE, Permission.REPORT_WRITE, Permission.REPORT_APPROVE},
    Role.OPERATOR: _READERS
    | {
        Permission.ALERT_ACKNOWLEDGE,
        Permission.ALERT_COMMENT,
        Permission.ALERT_ASSIGN,
        Permission.ALERT_HANDLE,
        Permission.FEED_LEDGER,
        Permission.SOURCE_READ,
        Permission.REPORT_CLOSE,
        Permission.TICKET_READ,
        Permission.TICKET_HANDLE,
        Permission.TICKET_ROUTE,
        Permission.TICKET_CONTACT,
        Permission.INCIDENT_READ,
        Permission.INCIDENT_HANDLE,
        Permission.INCIDENT_ASSIGN,
        Permission.INCIDENT_RUN,
        Permission.SHIFT_READ,
        Permission.DOSSIER_READ,
        Permission.CONSOLE,
    },
    Role.LEADER: _READERS
    | {
        Permission.ALERT_ACKNOWLEDGE,
        Permission.ALERT_COMMENT,
        Permission.ALERT_ASSIGN,
        Permission.TICKET_READ,
        Permission.INCIDENT_READ,
        Permission.INCIDENT_ASSIGN,
        Permission.SHIFT_READ,
        Permission.DOSSIER_READ,
    },
    Role.AGENCY: _READERS
    | {
        Permission.FEED_LEDGER,
        Permission.FEED_REPAIR,
        Permission.SOURCE_READ,
        Permission.SOURCE_MANAGE,
        Permission.REPORT_WRITE,
        Permission.REPORT_APPROVE,
        Permission.TARGET_ASSIGN,
        Permission.ACTION_NOTE,
        Permission.TICKET_READ,
        Permission.TICKET_HANDLE,
        Permission.INCIDENT_READ,
        Permission.INCIDENT_HANDLE,
        Permission.DOSSIER_READ,
    },
    Role.WALL: _READERS,
    Role.FEED: frozenset(
        {
            Permission.FEED_WRITE,
            Permission.FEED_DESCRIBE,
            Permission.FEED_LEDGER,
            Permission.FEED_REPAIR,
        }
    ),
}

WHOLE_PROVINCE = frozenset({Role.ADMINISTRATOR, Role.OPERATOR, Role.LEADER, Role.WALL})
"""Roles that see every unit; an agency sees what is its own."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a role, a name for the audit, and what it is bound to."""

    role: Role
    name: str
    units: tuple[str, ...] = ()
    feed: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role has that permission at all."""
        return permission in _TABLE[self.role]

    def may_see_unit(self, unit: str | None) -> bool:
        """Whether things of that unit are shown to this subject."""
        return self.role in WHOLE_PROVINCE or (unit is not None and unit in self.units)

    def may_use_feed(self, permission: Permission, feed: str, agency: str) -> bool:
        """Whether this subject may do that with that feed of that agency."""
        if not self.may(permission):
            return False
        if self.role is Role.FEED:
            return self.feed == feed
        return self.role in WHOLE_PROVINCE or agency in self.units

    @property
    def permissions(self) -> list[Permission]:
        """All that the role may do, in the order of the table."""
        return [permission for permission in Permission if permission in _TABLE[self.role]]
