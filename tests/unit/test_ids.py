"""Identifiers: of their time and version, and many at once like one by one."""

from datetime import UTC, datetime
from uuid import RFC_4122, UUID

from ioc.ids import uuid7, uuid7s

NOW = datetime(2026, 11, 9, 8, 0, 0, 123_000, tzinfo=UTC)


def _told(id: UUID) -> tuple[int | None, str, int]:
    return id.version, id.variant, id.int >> 80


def test_ids_made_at_once_tell_the_same_time_and_version_as_one() -> None:
    assert {_told(UUID(bytes=id)) for id in uuid7s(NOW, 50)} == {_told(uuid7(NOW))}
    assert _told(uuid7(NOW)) == (7, RFC_4122, 1_794_211_200_123)


def test_ids_made_at_once_differ_and_come_in_order() -> None:
    made = uuid7s(NOW, 1_000)
    assert made == sorted(set(made))
    assert uuid7s(NOW, 0) == []
