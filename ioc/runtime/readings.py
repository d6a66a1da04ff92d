"""What `/readyz` and `/metrics` tell of the running process."""

from typing import Final

from ioc.api.deps import ServerHealth
from ioc.clock import monotonic
from ioc.runtime.center import Center

PATIENCE: Final = 5.0
"""Seconds without an answer after which the database counts as away."""


def server_health(center: Center) -> ServerHealth:
    """Whether what the process needs is there now."""
    committed = center.writer.committed_at
    database, broker, failed = _database(center), _broker(center), center.vitals.failed
    task = None if failed is None else "task_failed"
    return ServerHealth(
        database=database is None,
        broker=broker is None,
        failed=failed,
        commit_age=committed and (center.clock.now() - committed).total_seconds(),
        reasons=[reason for reason in (database, broker, task) if reason is not None],
    )


def _database(center: Center) -> str | None:
    """Why nothing can be stored, None when it can."""
    if center.writer.disk_full or (center.database is not None and center.database.disk_full):
        return "database_disk_full"
    if not center.writer.healthy:
        return "database_away"
    asked = [at for at in (center.pulse.asked_at, center.pipeline.asked_at) if at is not None]
    if asked and monotonic() - min(asked) > PATIENCE:
        return "database_silent"
    return None


def _broker(center: Center) -> str | None:
    """Why nothing comes in over MQTT, None when it can."""
    if center.broker is not None and center.broker.disk_full:
        return "broker_disk_full"
    if center.source is not None and not center.source.connected.is_set():
        return "broker_away"
    return None


def gauges(center: Center) -> dict[str, tuple[str, float]]:
    """What `/metrics` tells of the present."""
    return {
        "series": ("series that are known", float(len(center.registry.series))),
        "alerts_open": ("alerts that are shown", float(len(center.alerts))),
    }


def counters(center: Center) -> dict[str, tuple[str, float]]:
    """What `/metrics` tells of all that happened since the start."""
    return {
        "commits": ("committed flushes", float(center.writer.commits)),
        "mqtt_received": (
            "payloads received over MQTT",
            float(center.source.received if center.source else 0),
        ),
        "places_lost": ("places that were not taken or written", float(center.placing.lost)),
        "unknown_topics": ("payloads for unknown feeds", float(center.unknown_topics)),
    }
