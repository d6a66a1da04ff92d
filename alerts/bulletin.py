"""Bulletins that are typed in: a warning with its national level, as a message of CAP."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts.cap import (
    NATIONAL_GRADES,
    NATIONAL_LEVEL,
    Area,
    Certainty,
    Info,
    Kind,
    Message,
    Status,
    Urgency,
)


class Bulletin(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody typed in, checked."""

    level: int
    hazard: str
    text: str
    starts: datetime
    ends: datetime
    areas: Sequence[Area]
    source: str
    exercise: bool


def message_of(bulletin: Bulletin, *, identifier: str, sender: str, now: datetime) -> Message:
    """The message that a bulletin is; one that has begun is to be acted upon at once."""
    info = Info(
        language="vi-VN",
        categories=("Met",),
        event=bulletin.hazard,
        urgency=Urgency.IMMEDIATE if bulletin.starts <= now else Urgency.FUTURE,
        severity=NATIONAL_GRADES[bulletin.level],
        certainty=Certainty.LIKELY,
        onset=bulletin.starts,
        expires=bulletin.ends,
        sender_name=bulletin.source,
        headline=bulletin.hazard,
        description=bulletin.text,
        parameters=((NATIONAL_LEVEL, str(bulletin.level)),),
        areas=tuple(bulletin.areas),
    )
    return Message(
        identifier=identifier,
        sender=sender,
        sent=now.replace(microsecond=0),
        status=Status.EXERCISE if bulletin.exercise else Status.ACTUAL,
        kind=Kind.ALERT,
        infos=(info,),
    )


def cancelled(message: Message, *, identifier: str, why: str, now: datetime) -> Message:
    """The message that ends another one."""
    return msgspec.structs.replace(
        message,
        identifier=identifier,
        sent=now.replace(microsecond=0),
        kind=Kind.CANCEL,
        note=why,
        references=(message.reference,),
    )
