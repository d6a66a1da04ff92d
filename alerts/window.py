"""Planned work with its times, such as a power cut or road works, and the silences it becomes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec

from alerts.mute import Matcher
from ioc.errors import Invalid

LONGEST: Final = timedelta(days=366)

COLUMNS: Final = (
    "id", "from", "until", "reason", "features", "units", "source", "withdrawn",
)  # fmt: skip
NEEDED: Final = ("id", "from", "until", "reason")
ALIASES: Final[Mapping[str, str]] = {
    "mã": "id",
    "mã lịch": "id",
    "từ": "from",
    "bắt đầu": "from",
    "đến": "until",
    "kết thúc": "until",
    "lý do": "reason",
    "nội dung": "reason",
    "trạm": "features",
    "đối tượng": "features",
    "đơn vị": "units",
    "khu vực": "units",
    "văn bản": "source",
    "đã huỷ": "withdrawn",
}
"""Columns of a table of windows as people write them."""

YES: Final = frozenset({"yes", "true", "1", "x", "có", "huỷ", "hủy"})

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Names = Annotated[tuple[Words, ...], msgspec.Meta(max_length=200)]


class Window(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"starts": "from"}
):
    """What its sender plans: where, by `features` and `units`, and when.

    The `id` is the sender's own: the same again is the same window, corrected or `withdrawn`.
    `source` names the document.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    starts: datetime
    until: datetime
    reason: Words
    features: Names = ()
    units: Names = ()
    source: Annotated[str, msgspec.Meta(max_length=500)] = ""
    withdrawn: bool = False


class PlannedWork(msgspec.Struct, frozen=True, kw_only=True):
    """A window with the alerts that are expected in it; none where it was withdrawn."""

    window: Window
    matchers: tuple[Matcher, ...]


Find = Callable[[str], str]
"""The id of what somebody names; raises `Invalid` where it is unknown."""


def planned(
    windows: Sequence[Window], *, domain: str, province: str | None, feature: Find, unit: Find
) -> list[PlannedWork]:
    """What windows of a feed keep quiet: alerts of its domain at what they name, nothing else.

    Raises `Invalid` for the first window that is wrong, with its id and the cure.
    """
    found: list[PlannedWork] = []
    seen: set[str] = set()
    for window in windows:
        if window.id in seen:
            raise _wrong(window, "stands twice in the list; send each window once")
        seen.add(window.id)
        _check(window)
        try:
            units = [unit(name) for name in window.units]
            features = [feature(name) for name in window.features]
        except Invalid as fault:
            raise _wrong(window, fault.message) from fault
        if province in units:
            raise _wrong(window, "would keep the whole province quiet; name the communes")
        matchers = (
            *(Matcher(domain=domain, feature=id) for id in dict.fromkeys(features)),
            *(Matcher(domain=domain, zone=id) for id in dict.fromkeys(units)),
        )
        found.append(PlannedWork(window=window, matchers=() if window.withdrawn else matchers))
    return found


def _check(window: Window) -> None:
    if window.starts.tzinfo is None or window.until.tzinfo is None:
        raise _wrong(window, "`from` and `until` need a time zone: 2026-11-28T07:30:00+07:00")
    if window.until <= window.starts:
        raise _wrong(window, "`until` must lie after `from`")
    if window.until - window.starts > LONGEST:
        raise _wrong(window, f"lasts longer than {LONGEST.days} days; correct `until`")
    if not window.withdrawn and not window.features and not window.units:
        raise _wrong(window, "names no place; give `features` or `units`")


def from_rows(rows: Sequence[tuple[int, Mapping[str, str]]]) -> list[Window]:
    """The windows of a table; several features or units of one cell are apart by `;`."""
    found: list[Window] = []
    for line, row in rows:
        document: dict[str, Any] = {
            key: row.get(key, "").strip() for key in ("id", "reason", "source")
        }
        for key in ("features", "units"):
            document[key] = [name.strip() for name in row.get(key, "").split(";") if name.strip()]
        document["withdrawn"] = row.get("withdrawn", "").strip().lower() in YES
        try:
            times = {key: datetime.fromisoformat(row[key].strip()) for key in ("from", "until")}
            found.append(msgspec.convert(document | times, Window))
        except ValueError as fault:
            raise Invalid(f"line {line}: {fault}; write times as 2026-11-28T07:30+07:00") from fault
    return found


def _wrong(window: Window, fault: str) -> Invalid:
    return Invalid(f"window {window.id}: {fault}", window=window.id)
