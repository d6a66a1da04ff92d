"""What a letter says, in Vietnamese first: subject, text and a small HTML."""

import html
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.channel import Message
from alerts.roster import Person
from ioc.catalogue import say


@dataclass(frozen=True, slots=True)
class Words:
    """A letter in words; `said` has them by the blanks of templates."""

    subject: str
    text: str
    html: str
    said: dict[str, str]


def words_of(key: str, reason: str, message: Message, person: Person, zone: ZoneInfo) -> Words:
    """What a letter of that key says to somebody."""
    said = {
        "id": key,
        "title": message.title.vi if message.title else "",
        "reason": message.reason.vi if message.reason else "",
        "place": message.place,
        "unit": message.unit,
        "severity": say(f"notify.{message.severity}", "vi") if message.severity else "",
        "since": _moment(message.since, zone),
        "cleared": _moment(message.cleared_at, zone),
        "name": person.name,
        "email": person.email or "",
        "phone": person.phone or "",
        "zalo": person.zalo or "",
    }
    said["subject"] = _one_line(say(f"notify.subject_{reason}", "vi", **said))
    lines = [
        say(f"notify.text_{reason}", "vi", **said),
        *([said["reason"]] if said["reason"] else []),
    ]
    said["text"] = "\n".join(lines)
    marked = "".join(f"<p>{html.escape(line)}</p>" for line in said["text"].split("\n"))
    head = f"<h3>{html.escape(said['subject'])}</h3>"
    return Words(said["subject"], said["text"], f"<html><body>{head}{marked}</body></html>", said)


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%H:%M %d/%m/%Y}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
