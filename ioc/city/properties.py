"""What a city says is plausible of its observed properties, checked against its feeds."""

import math

from ioc.city.feeds import Feeds
from ioc.city.folder import Folder
from ioc.city.spec import PropertySpec
from ioc.quality.plausible import PropertyLimits


def read_properties(folder: Folder, feeds: Feeds) -> list[PropertyLimits]:
    """Limits of `properties.toml`; those that could never hold are reported."""
    found = folder.tables(["properties.toml"], "property", PropertySpec)
    good: list[PropertyLimits] = []
    for placed in found:
        spec, at = placed.spec, placed.at
        low, high, rate, flat = spec.low, spec.high, spec.rate, spec.flat
        if low is None and high is None and rate is None and flat is None:
            at.report("sets no limit", "write some of low, high, rate, flat, or leave it out")
        for key, limit in (("low", low), ("high", high), ("rate", rate)):
            if limit is not None and not math.isfinite(limit):
                (at / key).report(f"{limit} is no limit", "write a number, or leave it out")
        if low is not None and high is not None and low >= high:
            (at / "low").report(f"low {low:g} is not below high {high:g}")
        if rate is not None and rate <= 0:
            (at / "rate").report("a rate must be above 0", "it is the change within a minute")
        series = [s for feed in feeds.good for s in feed.series if s.property == spec.id]
        uoms = {s.uom for s in series if s.uom is not None}
        if uoms and spec.uom not in uoms:
            (at / "uom").unknown(f"measuring unit of {spec.id}", spec.uom or "none", uoms)
        longest = max((s.interval or 0.0 for s in series), default=0.0)
        if flat is not None and flat.total_seconds() <= longest:
            (at / "flat").report(
                f"is not longer than the interval of {longest:g} s", "two values are no standstill"
            )
        good.append(
            PropertyLimits(
                property=spec.id,
                uom=spec.uom,
                low=low,
                high=high,
                rate=rate,
                flat=None if flat is None else flat.total_seconds(),
            )
        )
    return good
