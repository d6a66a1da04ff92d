"""Feedback of citizens: what they report where, how long it takes, and how content they are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from ioc.city.spec import City
from ioc.org import Level, UnitVersion
from ioc.procedures.calendar import vietnam
from ioc.simulate.calendar import DAY, HOUR, Calendar, iso
from ioc.simulate.noise import once, seed_of
from ioc.tickets.clock import Deadlines, OfficeClock
from ioc.tickets.plan import Category

FEEDS: Final = frozenset({"phan-anh"})
"""Feeds of the demo that carry tickets; a feed itself does not say what it carries."""

PER_BODY: Final = 500
DAYS_BACK: Final = 60
"""So long ago the first ticket of the demo came, and so long may one live."""

A_DAY: Final = 44.0
PETITIONS: Final = 0.1
"""Tickets of a day, and how many of them are petitions."""

REJECTED: Final = (("out_of_scope", 0.03), ("duplicate", 0.02), ("false_report", 0.02))
FALSE: Final = 0.015
LATE: Final = 0.07
UNFINISHED: Final = 0.01
RATED: Final = 0.45
ASKED: Final = 0.12
"""Shares of all tickets: rejected how, found false on the spot, late, never done, rated; and of
petitions those whose reporter is asked for more."""

STRAY: Final = 0.012
"""Degrees around a commune's inner point in which its tickets lie."""

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "quy-dinh-hanh-chinh": ("Hồ sơ phải nộp thêm giấy tờ ngoài danh mục", "Mẫu đơn khó điền"),
    "thai-do-can-bo": ("Phải chờ lâu, không được giải thích", "Hướng dẫn không rõ ràng"),
    "o-ga-mat-duong": ("Ổ gà sâu giữa làn xe", "Mặt đường sụt lún sau mưa"),
    "den-tin-hieu": ("Đèn đỏ không sáng", "Đèn tín hiệu nhấp nháy liên tục"),
    "cay-do-chan-duong": ("Cây đổ chắn ngang đường", "Cành cây gãy vướng dây điện"),
    "den-chieu-sang": ("Đèn đường hỏng cả dãy", "Cột đèn nghiêng"),
    "rac-thai": ("Rác không được thu gom", "Đổ trộm phế thải xây dựng"),
    "o-nhiem": ("Khói bụi từ xưởng sản xuất", "Nước thải đen, có mùi"),
    "su-co-dien": ("Mất điện từ sáng", "Dây điện võng sát mái nhà"),
    "trat-tu-xay-dung": ("Xây dựng lấn chiếm vỉa hè", "Để vật liệu trên lòng đường"),
    "an-toan-thuc-pham": ("Thực phẩm hết hạn vẫn bày bán", "Quán ăn mất vệ sinh"),
}
OTHER_WORDS: Final = ("Đề nghị kiểm tra, xử lý",)


class Told(msgspec.Struct, omit_defaults=True):
    """A ticket as its system tells of it at one moment."""

    code: str
    category: str
    state: str
    received_at: str
    changed_at: str
    description: str
    address: str
    longitude: float
    latitude: float
    contact: dict[str, str]
    outcome: str | None = None
    unit: str | None = None
    supplements: list[dict[str, str]] = msgspec.field(default_factory=list[dict[str, str]])
    ended_at: str | None = None
    published_at: str | None = None
    rated_at: str | None = None
    rating: int | None = None
    result: str = ""


@dataclass(frozen=True, slots=True)
class SimulatedTicket:
    """A ticket with its whole life: from which second on it is in which state."""

    code: str
    category: str
    commune: UnitVersion
    place: tuple[float, float]
    words: str
    unit: str
    outcome: str
    rating: int | None
    states: tuple[tuple[int, str], ...]

    @property
    def received_at(self) -> int:
        """When it comes, in seconds since 1970."""
        return self.states[0][0]

    def changes(self, since: int, until: int) -> bool:
        """Whether anything happens after one instant, up to and with another."""
        return any(since < at <= until for at, _ in self.states)

    def told(self, now: int, shown: Callable[[int], int], prefix: str) -> Told:
        """What is known of it at an instant; `shown` is the clock of whoever is told."""
        happened = [(at, state) for at, state in self.states if at <= now]
        first = {state: at for at, state in reversed(happened)}
        ended = first.get("rejected", first.get("resolved"))
        outcome = self.outcome if ended is not None else None

        def at(state: str) -> str | None:
            return iso(shown(first[state])) if state in first else None

        rated = "rated" in first
        return Told(
            code=f"{prefix}-{self.code}",
            category=self.category,
            state=happened[-1][1],
            received_at=iso(shown(self.received_at)),
            changed_at=iso(shown(happened[-1][0])),
            description=f"[Mô phỏng] {self.words}",
            address=self.commune.name,
            longitude=self.place[0],
            latitude=self.place[1],
            contact={"name": f"Người phản ánh mô phỏng {self.code}", "phone": "0000000000"},
            outcome=outcome,
            unit=self.unit if "assigned" in first else None,
            supplements=self._supplements(happened, shown),
            ended_at=None if ended is None else iso(shown(ended)),
            published_at=at("published"),
            rated_at=at("rated"),
            rating=self.rating if rated else None,
            result="[Mô phỏng] Đã xử lý xong" if outcome == "solved" else "",
        )

    def _supplements(
        self, happened: Sequence[tuple[int, str]], shown: Callable[[int], int]
    ) -> list[dict[str, str]]:
        waits: list[dict[str, str]] = []
        for place, (at, state) in enumerate(happened):
            if state == "waiting":
                waits.append({"asked_at": iso(shown(at))})
                if place + 1 < len(happened):
                    waits[-1]["answered_at"] = iso(shown(happened[place + 1][0]))
        return waits


class TicketDesk:
    """Takes tickets day by day; those of a day depend on the seed, the city and the day."""

    def __init__(self, city: City, calendar: Calendar, *, seed: int) -> None:
        """Take tickets of the categories and communes of a city."""
        self._city = city
        self._calendar = calendar
        self._seed = seed_of(seed, "tickets")
        zone = ZoneInfo(city.province.time_zone)
        self._clock = OfficeClock(vietnam(), city.tickets.office_hours, zone)
        kinds = ("field_report", "petition")
        self._categories = {
            kind: [c for c in city.tickets.categories if c.kind == kind] for kind in kinds
        }
        self.day = lru_cache(maxsize=2 * DAYS_BACK)(self._day)

    def changed(self, since: int, until: int) -> Iterator[SimulatedTicket]:
        """Tickets to which something happened after an instant, up to and with another."""
        last = self._calendar.day(until)
        for back in range(DAYS_BACK + 1):
            for ticket in self.day(last - timedelta(days=back)):
                if ticket.changes(since, until):
                    yield ticket

    def _day(self, day: date) -> list[SimulatedTicket]:
        """All tickets received on a local day, in the order of their receipt."""
        units = self._city.organisation.as_of(day).values()
        communes = [v for v in units if v.level is Level.COMMUNE and v.point is not None]
        if not communes or not self._categories["field_report"]:
            return []
        generator = np.random.default_rng([self._seed, day.toordinal()])
        midnight = self._calendar.midnight(day)
        hours = np.clip(generator.normal(13.5, 4.0, int(generator.poisson(A_DAY))), 0.1, 23.8)
        weights = np.array([self._weight(v.unit) for v in communes])
        chosen = generator.choice(len(communes), len(hours), p=weights / weights.sum())
        return [
            self._one(generator, communes[int(where)], midnight + int(hour * HOUR),
                      f"{day:%y%m%d}-{place:03d}")
            for place, (hour, where) in enumerate(zip(np.sort(hours), chosen, strict=True), 1)
        ]  # fmt: skip

    def _weight(self, unit: str) -> float:
        return (3.0 if unit.startswith("phuong-") else 1.0) * (0.5 + once(self._seed, unit))

    def _one(
        self, generator: np.random.Generator, commune: UnitVersion, received: int, code: str
    ) -> SimulatedTicket:
        petitions = self._categories["petition"]
        petition = bool(petitions) and generator.random() < PETITIONS
        categories = petitions if petition else self._categories["field_report"]
        category = categories[int(generator.integers(len(categories)))]
        words = WORDS.get(category.id, OTHER_WORDS)
        assert commune.point is not None
        east, north = generator.uniform(-STRAY, STRAY, 2)
        west_edge, south_edge, east_edge, north_edge = self._city.province.bounds
        outcome, states = self._states(generator, category, received)
        done_late = self._late(category, received, states)
        satisfied = generator.random() < (0.35 if done_late else 0.92)
        return SimulatedTicket(
            code=code,
            category=category.id,
            commune=commune,
            place=(
                round(min(max(commune.point[0] + float(east), west_edge), east_edge), 6),
                round(min(max(commune.point[1] + float(north), south_edge), north_edge), 6),
            ),
            words=words[int(generator.integers(len(words)))],
            unit=category.unit or commune.unit,
            outcome=outcome,
            rating=int(generator.integers(4, 6) if satisfied else generator.integers(1, 4)),
            states=tuple(states),
        )

    def _states(
        self, generator: np.random.Generator, category: Category, received: int
    ) -> tuple[str, list[tuple[int, str]]]:
        """How it ends, and from when on it is in which state."""
        draw = float(generator.random())
        looked = received + int(generator.integers(5, 90)) * 60
        for outcome, share in REJECTED:
            if draw < share:
                return outcome, [(received, "received"), (looked, "rejected")]
            draw -= share
        states = [(received, "received"), (looked, "verified")]
        assigned = looked + int(generator.integers(2, 40)) * 60
        asked = category.kind == "petition" and generator.random() < ASKED
        if asked:
            answered = looked + int(generator.uniform(1.0, 4.0) * DAY)
            states = [(received, "received"), (looked, "waiting"), (answered, "received"),
                      (answered + 1, "verified")]  # fmt: skip
            assigned = answered + int(generator.integers(2, 40)) * 60
        states += [(assigned, "assigned"), (assigned + 600, "in_progress")]
        if generator.random() < UNFINISHED:
            return "solved", states
        term = self._due(category, received) - received
        part = float(generator.beta(2.2, 1.8)) if draw > LATE else 1.05 + generator.random()
        resolved = max(received + int(part * term), assigned + 1_800)
        published = resolved + int(generator.uniform(0.5, 20.0) * HOUR)
        states += [(resolved, "resolved"), (published, "published")]
        if generator.random() < RATED:
            states.append((published + int(generator.uniform(0.5, 40.0) * HOUR), "rated"))
        return "false_report" if generator.random() < FALSE else "solved", states

    def _due(self, category: Category, received: int) -> int:
        at = datetime.fromtimestamp(received, UTC)
        terms = self._city.tickets.terms_on(self._clock.day(at))
        return int(Deadlines(category, terms, self._clock).solve(at).timestamp())

    def _late(self, category: Category, received: int, states: Sequence[tuple[int, str]]) -> bool:
        ended = [at for at, state in states if state in ("resolved", "rejected")]
        return not ended or ended[0] > self._due(category, received)


_encoder: Final = msgspec.json.Encoder()


def ticket_bodies(tickets: Sequence[Told], most: int = PER_BODY) -> Iterator[bytes]:
    """Bodies of at most so many tickets."""
    for first in range(0, len(tickets), most):
        yield _encoder.encode(tickets[first : first + most])
