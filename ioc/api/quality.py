"""How good the data is: the four words by day, agency and feed, and the agencies ranked."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from ioc.api.deps import Known, Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.report_hand import BY_HAND
from ioc.auth.policy import Permission, Subject
from ioc.catalogue import say
from ioc.errors import NotFound
from ioc.live.wire import UnitRef
from ioc.model import Feed, Text
from ioc.quality.score import VERSION, WORDS, Candidate, Counts, Word, overall, ranking, total
from ioc.store import quality
from ioc.store.quality import StoredDay

router = APIRouter(tags=["quality"])

Reader = Annotated[Subject, Depends(requires(Permission.FEED_READ))]
OnDay = Annotated[date | None, Query(description="a day of the province; today unless told")]


class Definition(msgspec.Struct, frozen=True):
    """What a word means, by which version, and what to do where it is low."""

    word: Word
    version: int
    name: Text
    meaning: Text
    cure: Text


class Share(msgspec.Struct, frozen=True):
    """A share with what it is made of; null where it cannot be said. `value` is in percent."""

    value: float | None
    numerator: int | None
    denominator: int | None


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """The four words; `overall` is the plain mean of those `words` of them that have a share."""

    right: Share
    complete: Share
    clean: Share
    live: Share
    overall: float | None
    words: int


class FeedQuality(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of a feed on a day."""

    feed: str
    name: str
    simulated: bool
    scores: Scores


class FeedName(msgspec.Struct, frozen=True):
    """A feed by id and name."""

    feed: str
    name: str


class AgencyQuality(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of an agency on a day: those of its feeds' counts together.

    `undeclared` names its feeds of which nobody knows whether they are complete, because they
    declare no interval.
    """

    day: date
    agency: UnitRef
    simulated: bool
    version: int
    computed_at: datetime
    scores: Scores
    feeds: list[FeedQuality]
    undeclared: list[FeedName]


class QualityList(msgspec.Struct):
    """Days of agencies, newest first, with the definitions of the words."""

    definitions: list[Definition]
    items: list[AgencyQuality]
    next: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An agency in the ranking; equals share a rank, null is not ranked.

    `reason` is why it is not ranked, or stands below those that are judged by completeness;
    `undeclared` as in the scores.
    """

    rank: int | None
    agency: UnitRef
    feeds: int
    simulated: bool
    computed_at: datetime | None
    scores: Scores
    reason: Text | None
    undeclared: list[FeedName]


class QualityRanking(msgspec.Struct):
    """The agencies that have feeds by the mean of their words on a day, best first.

    Below them those of which it cannot be said whether they are complete, last those of which too
    little came in or was due.
    """

    day: date
    definitions: list[Definition]
    items: list[Place]
    next: str | None = None


def _text(key: str) -> Text:
    return Text(vi=say(key, "vi"), en=say(key, "en"))


def definitions() -> list[Definition]:
    """The words in their order."""
    return [
        Definition(
            word,
            VERSION,
            _text(f"quality.{word}"),
            _text(f"quality.{word}_meaning"),
            _text(f"quality.{word}_cure"),
        )
        for word in WORDS
    ]


def _scores(found: Counts) -> Scores:
    mean, words = overall(found)
    shares = {word: Share(found.value(word), *found.of(word)) for word in WORDS}
    return Scores(**shares, overall=mean, words=words)


class _Agencies:
    """The feeds by their agency, with the names of today."""

    def __init__(self, registry: Known, facts: ServerFacts, now: datetime) -> None:
        self._series = registry.keys
        units = facts.city.organisation.as_of(now.date())
        self._names = {unit: version.short_name for unit, version in units.items()}
        self.feeds: dict[str, list[Feed]] = defaultdict(list)
        for _, feed in sorted(registry.feed_by_id.items()):
            self.feeds[feed.agency].append(feed)

    def ref(self, agency: str) -> UnitRef:
        """An agency by id and name."""
        return UnitRef(agency, self._names.get(agency, agency))

    def undeclared(self, agency: str, found: dict[int, StoredDay]) -> list[FeedName]:
        """The feeds of an agency that report, and leave open what is to be expected of them.

        What people hand in is expected by the deadlines of reports, not by an interval.
        """
        return [
            FeedName(feed.id, feed.name)
            for feed in self.feeds[agency]
            if feed.interval is None
            and not feed.id.startswith(BY_HAND)
            and feed.key in found
            and found[feed.key].counts.complete_of is None
            and (found[feed.key].counts.clean_of or feed.key in self._series)
        ]

    def item(self, agency: str, day: date, found: dict[int, StoredDay]) -> AgencyQuality:
        """A day of an agency from the days of its feeds."""
        feeds = [feed for feed in self.feeds[agency] if feed.key in found]
        counted = [found[feed.key] for feed in feeds]
        return AgencyQuality(
            day=day,
            agency=self.ref(agency),
            simulated=all(feed.simulated for feed in feeds),
            version=max(each.version for each in counted),
            computed_at=min(each.computed_at for each in counted),
            scores=_scores(total(each.counts for each in counted)),
            feeds=[
                FeedQuality(
                    feed=feed.id,
                    name=feed.name,
                    simulated=feed.simulated,
                    scores=_scores(each.counts),
                )
                for feed, each in zip(feeds, counted, strict=True)
            ],
            undeclared=self.undeclared(agency, found),
        )


@router.get("/quality", responses=shape(QualityList))
async def get_quality(
    subject: Reader,
    registry: Known,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    day: OnDay = None,
    days: Annotated[int, Query(ge=1, le=366, description="how many days up to `day`")] = 1,
    agency: str | None = None,
) -> Response:
    """The scores of agencies and their feeds; an agency sees its own."""
    agencies = _Agencies(registry, facts, now)
    shown = [unit for unit in agencies.feeds if subject.may_see_unit(unit)]
    if agency is not None:
        if agency not in shown:
            raise NotFound(f"there is no agency `{agency[:64]}` with feeds that you may see")
        shown = [agency]
    until = day or now.astimezone(ZoneInfo(facts.zone)).date()
    keys = {feed.key: unit for unit in shown for feed in agencies.feeds[unit]}
    stored = await quality.days(
        reads, list(keys), since=until - timedelta(days=days - 1), until=until
    )
    found: dict[tuple[date, str], dict[int, StoredDay]] = defaultdict(dict)
    for each in stored:
        found[each.day, keys[each.feed]][each.feed] = each
    items = [agencies.item(unit, at, feeds) for (at, unit), feeds in found.items()]
    items.sort(key=lambda item: (-item.day.toordinal(), item.agency.id))
    return answer(QualityList(definitions(), items))


@router.get("/quality/ranking", responses=shape(QualityRanking))
async def get_quality_ranking(
    _: Reader,
    registry: Known,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    day: OnDay = None,
) -> Response:
    """All agencies that have feeds, best first, those without enough data last."""
    agencies = _Agencies(registry, facts, now)
    on = day or now.astimezone(ZoneInfo(facts.zone)).date()
    stored = await quality.days(reads, list(registry.feeds), since=on, until=on)
    days: dict[str, dict[int, StoredDay]] = defaultdict(dict)
    for each in stored:
        days[registry.feeds[each.feed].agency][each.feed] = each
    units = sorted(agencies.feeds)
    counted = [total(each.counts for each in days[unit].values()) for unit in units]
    undeclared = [agencies.undeclared(unit, days[unit]) for unit in units]
    candidates = [
        Candidate(counts, bool(open)) for counts, open in zip(counted, undeclared, strict=True)
    ]
    items: list[Place] = []
    for ranked in ranking(candidates):
        unit = units[ranked.place]
        items.append(
            Place(
                rank=ranked.rank,
                agency=agencies.ref(unit),
                feeds=len(agencies.feeds[unit]),
                simulated=all(feed.simulated for feed in agencies.feeds[unit]),
                computed_at=min((each.computed_at for each in days[unit].values()), default=None),
                scores=_scores(counted[ranked.place]),
                reason=None if ranked.why is None else _text(f"quality.rank_{ranked.why}"),
                undeclared=undeclared[ranked.place],
            )
        )
    return answer(QualityRanking(on, definitions(), items))
