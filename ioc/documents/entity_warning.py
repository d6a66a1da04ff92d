"""Warnings of other systems as messages of CAP: one message for each state of a warning."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, cast

import msgspec

from alerts.cap import Category, Certainty, Grade, Info, Kind, Message, Status, Urgency
from alerts.cap_telling import LANGUAGES, area_of
from ingest.payload import GivenWarning
from ioc.catalogue import Language, has, say

GRADES: Final[Mapping[str, Grade]] = {
    "critical": Grade.EXTREME,
    "high": Grade.SEVERE,
    "medium": Grade.MODERATE,
    "low": Grade.MINOR,
    "informational": Grade.MINOR,
}
"""By the words of the Smart Data Models; others are unknown."""

CATEGORIES: Final[Mapping[str, Category]] = {
    "traffic": "Transport",
    "weather": "Met",
    "naturalDisaster": "Geo",
    "environment": "Env",
    "health": "Health",
    "security": "Security",
    "buildingFire": "Fire",
    "forestFire": "Fire",
    "carAccident": "Transport",
}
"""By category or subcategory of the Smart Data Models; others are `Other`."""

_NO_TITLE: Final = "other"


def lineage_of(given: GivenWarning, sender: str) -> str:
    """What all states of a warning have in common."""
    return f"{sender},{given.identity}"


def message_of(given: GivenWarning, sender: str) -> Message:
    """The message that a state of a warning is; the same state is the same message."""
    said = msgspec.json.encode(msgspec.structs.replace(given, raw=b""))
    known: list[Category] = [CATEGORIES[word] for word in given.categories if word in CATEGORIES]
    categories: tuple[Category, ...] = (known[0],) if known else ("Other",)
    area = area_of(given.place, given.geometry)
    ahead = given.starts is not None and given.starts > given.issued
    return Message(
        identifier=f"{given.identity}@{blake2b(said, digest_size=8).hexdigest()}",
        sender=sender,
        sent=given.issued,
        status=Status.ACTUAL,
        kind=Kind.CANCEL if given.over else Kind.ALERT,
        infos=tuple(
            Info(
                language=tag,
                categories=categories,
                event=_event(given, cast("Language", language)),
                urgency=Urgency.FUTURE if ahead else Urgency.IMMEDIATE,
                severity=GRADES.get(given.severity, Grade.UNKNOWN),
                certainty=Certainty.UNKNOWN,
                onset=given.starts,
                expires=given.ends,
                sender_name=given.source or sender,
                headline=given.title,
                description=given.text,
                areas=(area,),
            )
            for language, tag in LANGUAGES
        ),
    )


def _event(given: GivenWarning, language: Language) -> str:
    """What it is about, by its nearest word; one that we do not know as its sender writes it."""
    word = given.categories[0] if given.categories else _NO_TITLE
    key = f"hazard.{word}"
    return say(key, language) if has(key) else word
