"""The product's own counters, named in one place (Prometheus)."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Snapshot:
    """Gives figures that were read elsewhere to Prometheus' text writer."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(
    gauges: Mapping[str, tuple[str, float]],
    counters: Mapping[str, tuple[str, float]],
    feeds: Mapping[str, Mapping[str, float]],
) -> bytes:
    """The figures as Prometheus reads them: name to (help, value); feeds by id to name to value."""
    metrics: list[Metric] = []
    for name, (text, value) in gauges.items():
        family = GaugeMetricFamily(f"ioc_{name}", text)
        family.add_metric([], value)
        metrics.append(family)
    for name, (text, value) in counters.items():
        family = CounterMetricFamily(f"ioc_{name}", text)
        family.add_metric([], value)
        metrics.append(family)
    names = sorted({name for values in feeds.values() for name in values})
    for name in names:
        family = GaugeMetricFamily(f"ioc_feed_{name}", f"{name} of a feed", labels=["feed"])
        for feed, values in feeds.items():
            if name in values:
                family.add_metric([feed], values[name])
        metrics.append(family)
    registry = CollectorRegistry()
    registry.register(_Snapshot(metrics))  # pyright: ignore[reportArgumentType]
    return generate_latest(registry)
