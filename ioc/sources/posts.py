"""The newest post of a site: read from RSS, Atom, or a page in which a text leads to a date."""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Final

MOST_POSTS: Final = 1_000

AHEAD: Final = timedelta(days=1)
"""A date further ahead than this is an announcement, not a post."""

_IN_FEED: Final = re.compile(
    r"<(?:pubDate|published|updated|dc:date)\b[^<>]{0,200}>\s{0,100}(?:<!\[CDATA\[)?([^<>\]]{4,64})"
)

_PARTS: Final = {
    **dict.fromkeys("dmHMSyI", r"\d{1,2}"),
    "Y": r"\d{4}",
    "j": r"\d{1,3}",
    "z": r"(?:Z|[+-]\d\d:?\d\d)",
    **dict.fromkeys("aAbBp", r"[^\W\d_]{1,15}\.?"),
}
"""What stands on a page for the parts of a date that strptime names."""


class FieldFault(ValueError):
    """A rule for the date of a post that cannot be used."""


def posted_pattern(rule: str, written: str) -> re.Pattern[str]:
    """The pattern of a rule such as `Ngày đăng: {date}` with dates written as `%d/%m/%Y`.

    A rule is a text with one blank, not a regular expression, because one of those can keep the
    whole server busy for hours on a page made for that.
    """
    before, blank, behind = rule.partition("{date}")
    if not blank or "{date}" in behind:
        raise FieldFault("`post` must hold {date} once")
    if not before.strip() and not behind.strip():
        raise FieldFault("`post` must hold some text beside {date}, by which it is found")
    return re.compile(f"{_spaced(before)}({_dated(written)}){_spaced(behind)}")


def _spaced(text: str) -> str:
    """The text, any of whose blanks may be several."""
    return r"\s{1,20}".join(re.escape(part) for part in re.split(r"\s+", text))


def _dated(written: str) -> str:
    head, *parts = written.split("%")
    if not parts:
        raise FieldFault("`post_format` must be such as %d/%m/%Y %H:%M")
    pattern = _spaced(head)
    for part in parts:
        if part[:1] not in _PARTS:
            raise FieldFault(
                f"`post_format` takes no %{part[:1] or '%'}, only %{' %'.join(_PARTS)}"
            )
        pattern += _PARTS[part[0]] + _spaced(part[1:])
    return pattern


def newest_post(
    text: str, *, rule: str | None, written: str, zone: tzinfo, now: datetime
) -> datetime | None:
    """The instant of the newest post that the text tells of; None where it tells of none.

    Without a rule the text is RSS 2.0 or Atom. Dates without an offset are of `zone`.
    """
    if rule is None:
        found = (_of_feed(match, zone) for match in _matches(_IN_FEED, text))
    else:
        found = (_written(m, written, zone) for m in _matches(posted_pattern(rule, written), text))
    return max((at for at in found if at is not None and at <= now + AHEAD), default=None)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    return (html.unescape(m[1]).strip() for m in islice(pattern.finditer(text), MOST_POSTS))


def _of_feed(text: str, zone: tzinfo) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(text)
        except (ValueError, TypeError, IndexError):
            continue
        return at if at.tzinfo is not None else at.replace(tzinfo=zone)
    return None


def _written(text: str, written: str, zone: tzinfo) -> datetime | None:
    try:
        at = datetime.strptime(text, written)  # noqa: DTZ007 - the zone follows
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
