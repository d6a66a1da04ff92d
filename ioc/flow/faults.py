"""What is wrong with an observation, said with its cure."""

import math
import re
import unicodedata
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ingest.numbers import read_number
from ingest.payload import Scalar
from ioc.model import MICROSECOND, Feed, Reason, ValueKind, from_micros

FUTURE_US: Final = 300 * 1_000_000
"""A time further ahead than 5 minutes is taken for a fault of the sender's clock."""

LOCAL_SLACK_US: Final = 1800 * 1_000_000
"""How far from the zone's offset a time ahead may be to be taken for local time sent as UTC."""

Fault = tuple[Reason, str]

_DAY_US: Final = 86_400_000_000

# The mark of the decimals is another one than that of the thousands: 1.2.3 is no number.
_SEPARATED: Final = re.compile(
    r"[-+]?(\d{1,3}([.,' \u00a0\u202f\u2019])\d{3}(\2\d{3})*((?!\2)[.,]\d+)?|\d*[.,]\d+)", re.ASCII
)
"""Digits with thousands or decimals set apart in any of the ways that people write them."""

_ABSENT: Final = frozenset({
    "", "-", "--", "---", "–", "—", ".", "...", "…", "?", "n/a", "#n/a", "n.a.", "na", "nan",
    "null", "nil", "undefined", "no data", "nodata", "not available", "không có", "khong co",
    "không có dữ liệu", "không có số liệu", "chưa có", "chưa có dữ liệu", "chưa có số liệu",
    "không đo",
})  # fmt: skip
"""What programs and people write where nothing was measured; `none` and `unknown` are states."""


def doubtful(feed: Feed, value: Scalar) -> Fault | None:
    """Why no series is made of a text: it would refuse all numbers that follow."""
    if not isinstance(value, str):
        return None
    if _is_absent(value):
        return _absent(value)
    if _is_numeric(value) and read_number(value, feed.number_format) is None:
        return Reason.VALUE_KIND, (
            f"the text looks like a number, so no series of texts is made of it{_cure(feed, value)}"
        )
    return None


def unknown(feed: Feed) -> Fault:
    """Why an observation of a series that does not exist is not taken."""
    if feed.auto_series:
        return Reason.SERIES_UNKNOWN, (
            f"feed {feed.id} has {feed.most_series} series, all that it may make by "
            "itself; look for numbers or times in the keys, or raise its limit"
        )
    return Reason.SERIES_UNKNOWN, (
        f"feed {feed.id} has no such series; describe it (PUT /api/v1/feeds/{feed.id}"
        "/series), or make the feed with --auto-series"
    )


def wrong_kind(feed: Feed, key: str, value: Scalar, wanted: ValueKind) -> Fault:
    """Why a value is not what its series takes."""
    if isinstance(value, str) and wanted is not ValueKind.TEXT and _is_absent(value):
        return _absent(value)
    detail = f"this series takes values of kind {wanted.value}"
    if wanted is ValueKind.NUMBER and isinstance(value, str) and _is_numeric(value):
        return Reason.VALUE_KIND, detail + _cure(feed, value)
    given = kind_of(value).value
    change = msgspec.json.encode([{"key": key, "value_kind": given}]).decode()
    return Reason.VALUE_KIND, (
        f"{detail}; send a {wanted.value} instead of a {given}, or, where a {given} is what it "
        f"takes from now on: PUT /api/v1/feeds/{feed.id}/series {change}, then replay"
    )


def ahead(feed: Feed, time: int, now_us: int, province: ZoneInfo) -> str:
    """What is wrong with a time that has not come yet; feeds send local time as UTC often."""
    local, assumed = _offset(province, now_us), _offset(ZoneInfo(feed.time_zone), now_us)
    taken = {local: "UTC", local - assumed: feed.time_zone}
    guess = next(
        (
            name
            for apart, name in taken.items()
            if apart > 0 and abs(time - now_us - apart) <= LOCAL_SLACK_US
        ),
        None,
    )
    detail = f"the time is {(time - now_us) / 1e6:.0f} s ahead"
    if guess is None:
        return f"{detail} of the server; check clock and time zone"
    offset = from_micros(now_us).astimezone(province).isoformat()[-6:]
    cure = (
        "leave out the Z and local time is assumed"
        if local == assumed
        else f"for times without one: ioc feed set {feed.id} --time-zone {province.key}"
    )
    return (
        f"{detail}, which looks like local time sent as {guess}; send the offset ({offset}), or "
        f"{cure}"
    )


def too_late(feed: Feed, time: int, now_us: int) -> str:
    """What became of a time that is older than the late limit of the feed."""
    days = math.ceil((now_us - time) / _DAY_US)
    return (
        f"older than the {feed.late_limit or 0:.0f} s that feed {feed.id} takes; send sooner, or, "
        f"where data that old is meant: ioc feed set {feed.id} --late-limit P{days}D"
    )


def _offset(zone: ZoneInfo, now_us: int) -> int:
    """How far the clocks of a zone are ahead of UTC, in µs."""
    offset = from_micros(now_us).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // MICROSECOND


def kind_of(value: Scalar) -> ValueKind:
    """The kind of series that a value makes."""
    if isinstance(value, bool):
        return ValueKind.BOOLEAN
    return ValueKind.TEXT if isinstance(value, str) else ValueKind.NUMBER


def _is_absent(text: str) -> bool:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split()) in _ABSENT


def _absent(text: str) -> Fault:
    return Reason.VALUE_MISSING, (
        f"{text.strip()[:40]!r} says that there is no value; leave out what was not measured"
    )


def _is_numeric(text: str) -> bool:
    """Whether a text is a number in some format."""
    return read_number(text, "plain") is not None or bool(_SEPARATED.fullmatch(text.strip()))


def _cure(feed: Feed, text: str) -> str:
    """How to have a text taken for a number."""
    if feed.number_format == "vietnamese":
        return "; it is no number such as 1.803,5"
    if read_number(text, "plain") is not None or read_number(text, "vietnamese") is None:
        return "; send a number such as 1803.5 instead of a text"
    return (
        f"; if 1.803,5 means 1803.5 here: ioc feed set {feed.id} --number-format vietnamese; "
        "otherwise send a number instead of a text"
    )
