"""Dossiers: who files what, where, by which way, and how long the office takes."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Final

import numpy as np

from ioc.org import Level, Organisation, UnitVersion
from ioc.simulate.calendar import HOUR, Calendar
from ioc.simulate.dossier_details import DRAWS, Details, details
from ioc.simulate.noise import once, seed_of


@dataclass(frozen=True, slots=True)
class Procedure:
    """An administrative procedure (thủ tục hành chính)."""

    code: str
    field: str
    days: int
    weight: float
    online: float
    """How much likelier than usual it is filed online, as a difference of log odds."""


COMMUNE: Final = (
    Procedure("dang-ky-khai-sinh", "Hộ tịch", 1, 9.0, 0.5),
    Procedure("dang-ky-ket-hon", "Hộ tịch", 1, 5.0, -0.3),
    Procedure("dang-ky-khai-tu", "Hộ tịch", 1, 4.0, 0.1),
    Procedure("xac-nhan-tinh-trang-hon-nhan", "Hộ tịch", 3, 6.0, 0.4),
    Procedure("chung-thuc-ban-sao", "Chứng thực", 1, 12.0, -0.9),
    Procedure("chung-thuc-chu-ky", "Chứng thực", 1, 6.0, -1.1),
    Procedure("tro-cap-xa-hoi-hang-thang", "Bảo trợ xã hội", 15, 3.0, 0.0),
    Procedure("ho-tro-mai-tang", "Bảo trợ xã hội", 7, 2.0, 0.1),
    Procedure("dang-ky-ho-kinh-doanh", "Đăng ký kinh doanh", 3, 4.0, 0.9),
    Procedure("cap-giay-phep-xay-dung-nha-o", "Xây dựng", 15, 2.5, -0.1),
    Procedure("dang-ky-bien-dong-dat-dai", "Đất đai", 10, 6.0, -0.4),
    Procedure("xac-nhan-nguon-goc-dat", "Đất đai", 15, 3.0, -0.5),
)
DEPARTMENTS: Final[dict[str, tuple[Procedure, ...]]] = {
    "so-xay-dung": (
        Procedure("doi-giay-phep-lai-xe", "Giao thông vận tải", 5, 9.0, 1.1),
        Procedure("cap-phu-hieu-xe", "Giao thông vận tải", 2, 4.0, 1.3),
        Procedure("tham-dinh-thiet-ke", "Xây dựng", 20, 1.0, 0.3),
    ),
    "so-tai-chinh": (
        Procedure("dang-ky-thanh-lap-doanh-nghiep", "Đăng ký kinh doanh", 3, 7.0, 2.2),
        Procedure("thay-doi-dang-ky-doanh-nghiep", "Đăng ký kinh doanh", 3, 5.0, 2.2),
    ),
    "so-tu-phap": (Procedure("cap-phieu-ly-lich-tu-phap", "Tư pháp", 10, 8.0, 0.9),),
    "so-nong-nghiep-moi-truong": (
        Procedure("cap-giay-chung-nhan-dat", "Đất đai", 20, 6.0, -0.5),
        Procedure("giay-phep-moi-truong", "Môi trường", 30, 0.7, 0.4),
    ),
    "so-y-te": (Procedure("chung-chi-hanh-nghe-y", "Y tế", 20, 2.5, 0.6),),
    "so-giao-duc-dao-tao": (Procedure("cong-nhan-van-bang", "Giáo dục", 5, 2.0, 0.3),),
    "so-cong-thuong": (Procedure("thong-bao-khuyen-mai", "Công Thương", 3, 6.0, 2.6),),
    "so-noi-vu": (Procedure("cap-giay-phep-lao-dong", "Lao động", 5, 3.0, 1.2),),
}
OTHER: Final = (
    Procedure("cap-ban-sao-giay-to", "Văn thư, lưu trữ", 5, 1.0, 0.2),
    Procedure("giai-quyet-kien-nghi", "Hành chính", 10, 1.0, 0.0),
)
DISTRICT: Final = (
    Procedure("dang-ky-ho-kinh-doanh", "Đăng ký kinh doanh", 3, 5.0, 0.8),
    Procedure("cap-giay-phep-xay-dung-nha-o", "Xây dựng", 15, 3.0, -0.1),
    Procedure("dang-ky-bien-dong-dat-dai", "Đất đai", 10, 8.0, -0.4),
    Procedure("chung-thuc-ban-sao", "Chứng thực", 1, 6.0, -0.9),
    Procedure("cap-ban-sao-trich-luc", "Hộ tịch", 1, 5.0, 0.6),
)
"""What offices below the province did before districts ended, and former provinces in the demo."""

WORKING_DAYS: Final = 261.0
"""Working days of a year, and what comes on the other days."""

CENTRES: Final = Level.SERVICE_CENTER
SHARE_OF_DEPARTMENTS: Final = 0.24

ONLINE_AT_FIRST: Final = -0.85
ONLINE_IN_THE_END: Final = -0.12
"""Log odds of filing online when the history begins and when it ends, before unit and procedure."""

DRIFT_DAYS: Final = 730.0
STUCK: Final = 0.0012
LATE: Final = 0.028
UNDATED: Final = 0.004
AFTERWARDS: Final = 0.08
"""Share of the working day's dossiers that comes on each day of rest, all of them online."""

CLOSING: Final = 17
LONGEST_DAYS: Final = 420
"""No dossier is in hand for longer."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier with its whole life; instants in seconds since 1970."""

    code: str
    procedure: Procedure
    received_unit: str
    handling_unit: str
    applicant_unit: str | None
    channel: str
    received_at: int
    due_at: int | None
    resolved_at: int
    outcome: str
    details: Details

    def changes(self) -> tuple[int, ...]:
        """When it is received, when it moves or waits, and when it is resolved."""
        return self.received_at, *self.details.changes(), self.resolved_at


@dataclass(frozen=True, slots=True)
class _Office:
    handling: str
    received: str
    weight: float
    online: float
    late: float
    procedures: tuple[Procedure, ...]
    chances: tuple[float, ...]
    """Where each procedure's part of [0, 1) ends, without the last."""


class Office:
    """Files dossiers day by day; those of a day depend on the seed, the units and the day."""

    def __init__(
        self,
        organisation: Organisation,
        province: str,
        calendar: Calendar,
        *,
        seed: int,
        a_month: float,
        ends: date,
    ) -> None:
        """File about `a_month` dossiers a month; the drift to online filing ends on `ends`."""
        self._organisation = organisation
        self._province = province
        self._calendar = calendar
        self._seed = seed_of(seed, "dossiers")
        self._a_day = a_month * 12.0 / WORKING_DAYS
        self._ends = ends
        self._offices: dict[frozenset[str], list[_Office]] = {}

    def day(self, day: date) -> list[Dossier]:
        """All dossiers received on a local day, in order of their receipt."""
        offices = self._at(day)
        if not offices:
            return []
        generator = np.random.default_rng([self._seed, day.toordinal()])
        works = self._calendar.works(day.toordinal())
        mean = self._a_day * (self._push(day) if works else AFTERWARDS)
        many = int(generator.poisson(mean))
        ends = list(accumulate(office.weight for office in offices))
        drawn = (float(draw) * ends[-1] for draw in generator.random(many))
        chosen = [bisect_right(ends, draw) for draw in drawn]
        midnight = self._calendar.midnight(day)
        filed = [
            self._one(generator, offices[place], day, midnight, works=works) for place in chosen
        ]
        filed.sort(key=lambda item: item[0])
        # Of a sequence of their own, so that further details leave the lives as they are.
        draws = np.random.default_rng([self._seed, day.toordinal(), 1]).random((many, DRAWS))
        return [
            self._named(generator, draws[place].tolist(), day, place + 1, *item)
            for place, item in enumerate(filed)
        ]

    def _push(self, day: date) -> float:
        """Mondays are full, and so are the weeks after Tết and before the school year."""
        factor = (1.16, 1.05, 0.99, 0.94, 0.86, 0.5, 0.5)[day.weekday()]
        season = (1.0, 0.7, 1.15, 1.05, 1.0, 1.0, 1.05, 1.12, 1.05, 1.0, 0.98, 0.95)
        return factor * season[day.month - 1]

    def _one(
        self,
        generator: np.random.Generator,
        office: _Office,
        day: date,
        midnight: int,
        *,
        works: bool,
    ) -> tuple[int, _Office, Procedure, str]:
        procedure = office.procedures[bisect_right(office.chances, float(generator.random()))]
        gone = min(max(1.0 - (self._ends - day).days / DRIFT_DAYS, 0.0), 1.1)
        odds = ONLINE_AT_FIRST + (ONLINE_IN_THE_END - ONLINE_AT_FIRST) * gone
        share = 1.0 / (1.0 + math.exp(-(odds + office.online + procedure.online)))
        draw = float(generator.random())
        channel = "online" if draw < share else "post" if draw > 0.962 else "direct"
        if not works:
            channel = "online"
        return midnight + self._moment(generator, channel), office, procedure, channel

    def _moment(self, generator: np.random.Generator, channel: str) -> int:
        """Seconds after midnight: counters have hours, the portal has evenings."""
        if channel == "online" and generator.random() < 0.35:
            hour = min(max(float(generator.normal(20.0, 1.8)), 5.0), 23.9)
        elif generator.random() < 0.62:
            hour = 7.5 + 4.0 * float(generator.beta(1.6, 1.9))
        else:
            hour = 13.5 + 3.4 * float(generator.beta(1.4, 2.0))
        return int(hour * HOUR)

    def _named(
        self,
        generator: np.random.Generator,
        draws: Sequence[float],
        day: date,
        place: int,
        received: int,
        office: _Office,
        procedure: Procedure,
        channel: str,
    ) -> Dossier:
        # What the portal takes after hours counts from the next working day.
        begins = day if self._calendar.works(day.toordinal()) else self._later(day, 1)
        due_day = self._later(begins, procedure.days)
        due = self._calendar.midnight(due_day) + CLOSING * HOUR
        resolved = self._resolved(generator, office, procedure, received, begins, due_day)
        draw = float(generator.random())
        outcome = "granted" if draw < 0.955 else "refused" if draw < 0.982 else "withdrawn"
        undated = generator.random() < UNDATED
        at_home = generator.random() < 0.75
        commune = office.handling == office.received
        return Dossier(
            code=f"{day:%y%m%d}-{place:04d}",
            procedure=procedure,
            received_unit=office.received,
            handling_unit=office.handling,
            applicant_unit=office.handling if commune and at_home else None,
            channel=channel,
            received_at=received,
            due_at=None if undated else due,
            resolved_at=resolved,
            outcome=outcome,
            details=details(
                draws, self._seed, procedure.code, channel, day, received, resolved,
                late=not undated and resolved > due,
            ),
        )  # fmt: skip

    def _resolved(
        self,
        generator: np.random.Generator,
        office: _Office,
        procedure: Procedure,
        received: int,
        begins: date,
        due_day: date,
    ) -> int:
        draw = float(generator.random())
        hours = 8.0 + 8.7 * float(generator.beta(2.2, 1.6))
        if draw < STUCK:
            day = self._later(due_day, int(generator.integers(20, 260)))
        elif draw < STUCK + office.late:
            day = self._later(due_day, 1 + int(generator.exponential(3.5)))
        else:
            part = float(generator.beta(2.6, 1.5))
            day = self._later(begins, round(part * procedure.days))
        at = self._calendar.midnight(min(day, begins + timedelta(days=LONGEST_DAYS)))
        return max(at + int(hours * HOUR), received + 20 * 60)

    def _later(self, day: date, days: int) -> date:
        return self._calendar.working_days_after(day, days)

    def _at(self, day: date) -> list[_Office]:
        units = self._organisation.as_of(day)
        key = frozenset(units)
        if key not in self._offices:
            self._offices[key] = self._made(units)
        return self._offices[key]

    def _made(self, units: Mapping[str, UnitVersion]) -> list[_Office]:
        """The offices of a time: communes and departments, or what stood before them."""
        by_level: dict[Level, list[str]] = {}
        for unit, version in units.items():
            by_level.setdefault(version.level, []).append(unit)
        communes = by_level.get(Level.COMMUNE, [])
        departments = by_level.get(Level.DEPARTMENT, [])
        if not communes:
            former = by_level.get(Level.DISTRICT, []) + by_level.get(Level.PROVINCE, [])
            return [self._office(unit, unit, DISTRICT, 1.0) for unit in former]
        below = {version.parent for version in units.values() if version.level == CENTRES}
        centres = [unit for unit in by_level.get(CENTRES, []) if unit not in below]
        offices = [self._office(unit, unit, COMMUNE, 1.0) for unit in communes]
        whole = sum(office.weight for office in offices)
        for department in departments:
            procedures = DEPARTMENTS.get(department, OTHER)
            offices += [
                self._office(department, centre, procedures, sum(p.weight for p in procedures))
                for centre in centres or [department]
            ]
        theirs = sum(office.weight for office in offices[len(communes) :])
        scale = SHARE_OF_DEPARTMENTS / (1.0 - SHARE_OF_DEPARTMENTS) * whole / max(theirs, 1e-9)
        return offices[: len(communes)] + [
            _Office(
                o.handling, o.received, o.weight * scale, o.online, o.late, o.procedures, o.chances
            )
            for o in offices[len(communes) :]
        ]

    def _office(
        self, handling: str, received: str, procedures: Sequence[Procedure], weight: float
    ) -> _Office:
        name = (self._seed, handling)
        size = 0.4 + 1.2 * once(*name, "size") + 0.3 * once(*name, received, "size")
        town = 1.7 if handling.startswith("phuong-") else 1.0
        spread = once(*name, "online") + once(*name, "online too") - 1.0
        weights = [procedure.weight for procedure in procedures]
        return _Office(
            handling=handling,
            received=received,
            weight=weight * size * town,
            online=1.25 * spread + (0.25 if town > 1.0 else 0.0),
            late=LATE * (0.2 + 2.2 * once(*name, "late") ** 2),
            procedures=tuple(procedures),
            chances=tuple(part / sum(weights) for part in accumulate(weights))[:-1],
        )


class Counter:
    """What is known of dossiers as time goes on: what changed, and what is still in hand."""

    def __init__(self, office: Office, calendar: Calendar, now: int) -> None:
        """Begin at an instant; dossiers received before it are made known with `remember`."""
        self._office = office
        self._calendar = calendar
        self._next_day = calendar.day(now)
        self._waiting: list[Dossier] = []
        self._now = now
        self._refill(now)

    def remember(self, dossiers: Sequence[Dossier]) -> None:
        """Keep those of former days that are in hand, since they will be resolved."""
        self._waiting += [d for d in dossiers if d.resolved_at > self._now]

    def _refill(self, now: int) -> None:
        while self._next_day <= self._calendar.day(now):
            self._waiting += [
                d for d in self._office.day(self._next_day) if d.resolved_at > self._now
            ]
            self._next_day += timedelta(days=1)

    def changed(self, now: int) -> list[Dossier]:
        """The dossiers that were received or resolved since the last call."""
        self._refill(now)
        before, self._now = self._now, now
        found = [d for d in self._waiting if any(before < at <= now for at in d.changes())]
        self._waiting = [d for d in self._waiting if d.resolved_at > now]
        return sorted(found, key=lambda dossier: max(a for a in dossier.changes() if a <= now))


def days_back(first: date, last: date) -> Iterator[date]:
    """Each day of a closed span, the last one first."""
    day = last
    while day >= first:
        yield day
        day -= timedelta(days=1)
