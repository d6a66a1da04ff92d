"""Lengths of time as people write them: ISO 8601, such as PT5M or P7D."""

from datetime import timedelta

import msgspec

from ioc.errors import Invalid


def parse_duration(text: str) -> float:
    """Seconds of a positive duration; `Invalid` names the way of writing one."""
    try:
        length = msgspec.convert(text, timedelta)
    except msgspec.ValidationError as error:
        raise Invalid(f"{text[:40]!r} is not a duration such as PT5M, PT1H or P7D") from error
    if length <= timedelta(0):
        raise Invalid(f"the duration {text} is not positive")
    return length.total_seconds()
