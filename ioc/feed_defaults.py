"""What holds for a feed where nothing is said of it."""

from datetime import timedelta
from typing import Final

import msgspec

TIME_ZONE: Final = "Asia/Ho_Chi_Minh"

LATE_LIMIT: Final = timedelta(days=7)
"""Older observations are refused as late."""
LATE_LIMIT_TEXT: Final[str] = msgspec.to_builtins(LATE_LIMIT)
"""As people write it in files and commands, where `none` may stand as well."""

MOST_SERIES: Final = 50_000
"""Series that a feed may make by itself."""

QUARANTINE_BYTES: Final = 64 * 1024 * 1024
QUARANTINE_AGE: Final = timedelta(days=30)
