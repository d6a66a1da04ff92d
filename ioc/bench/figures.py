"""What a bench run found: parts with figure, limit and ratio, and the worst of them on top."""

from collections.abc import Sequence
from statistics import median

import msgspec

from ioc.errors import IocError


class BenchFailed(IocError):
    """The bench could not be carried out, or what it counted does not add up."""

    code = "bench_failed"


class Part(msgspec.Struct, kw_only=True):
    """One figure; `limit` and `ratio` are null where there is nothing to compare with.

    `cpu` is cores in use per program while the product worked, `cpu_per_million` its CPU seconds
    per million rows, `peak_mib` the most memory a process of the program ever held. `delay_ms` is
    from sending to the acknowledgement: p50 and p99. `counts` are what was sent, stored and the
    like.
    """

    name: str
    figure: float
    limit: float | None = None
    ratio: float | None = None
    uom: str
    cpu: dict[str, float] = {}
    cpu_per_million: dict[str, float] = {}
    peak_mib: dict[str, float] = {}
    delay_ms: dict[str, float] = {}
    counts: dict[str, float] = {}


class Cost(msgspec.Struct, kw_only=True):
    """What the product spent in its last measurement, by program, and how long senders waited."""

    cpu: dict[str, float] = {}
    cpu_per_million: dict[str, float] = {}
    peak_mib: dict[str, float] = {}
    delay_ms: dict[str, float] = {}


class Report(msgspec.Struct, kw_only=True):
    """The worst part, and all parts."""

    bench: str
    name: str
    figure: float
    limit: float | None
    ratio: float | None
    uom: str
    parts: list[Part]


class Pair(msgspec.Struct, frozen=True):
    """The product and the limit, one right after the other."""

    figure: float
    limit: float


def compared(
    name: str,
    pairs: Sequence[Pair],
    uom: str,
    *,
    lower_is_better: bool = False,
    cost: Cost | None = None,
    counts: dict[str, float] | None = None,
) -> Part:
    """Medians of an alternation; the ratio is the median of the pairs' own ratios.

    Neighbours in time share what else the machine does, so their ratio is steadier than a ratio
    of medians. Above 1 the product is better than its limit, whichever way the figure counts.
    """
    ratios = [p.limit / p.figure if lower_is_better else p.figure / p.limit for p in pairs]
    return Part(
        name=name,
        figure=rounded(median(pair.figure for pair in pairs)),
        limit=rounded(median(pair.limit for pair in pairs)),
        ratio=round(median(ratios), 3),
        uom=uom,
        counts=counts or {},
        **({} if cost is None else msgspec.structs.asdict(cost)),
    )


def report(bench: str, parts: Sequence[Part]) -> Report:
    """Put the worst part on top: the lowest ratio, or the last figure where there is no ratio."""
    judged = [part for part in parts if part.ratio is not None]
    worst = min(judged, key=lambda part: part.ratio or 0.0) if judged else parts[-1]
    return Report(
        bench=bench,
        name=worst.name,
        figure=worst.figure,
        limit=worst.limit,
        ratio=worst.ratio,
        uom=worst.uom,
        parts=list(parts),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the ordered values lie."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rounded(value: float) -> float:
    """Four digits are more than a shared machine repeats."""
    return float(f"{value:.4g}")
