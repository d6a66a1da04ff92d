"""Whether an inner server has room on its disk."""

import os
from pathlib import Path
from typing import Final

ROOM: Final = 8 * 2**20
"""Bytes without which a server cannot work: the largest payload and the files around it."""

_NO_SPACE: Final = "no space left on device"


def tells_of_no_space(text: str) -> bool:
    """Whether a server's own words say that its disk is full."""
    return _NO_SPACE in text.lower()


def has_room(directory: Path) -> bool:
    """Whether the disk of the directory has room.

    To be asked besides reading the log, which may lie on the full disk itself.
    """
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize >= ROOM
