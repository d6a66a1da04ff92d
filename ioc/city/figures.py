"""Layers and boards of a city, checked against its feeds and indicators."""

from itertools import pairwise

from ioc.city.feeds import Feeds
from ioc.city.finding import Spot
from ioc.city.folder import Tables
from ioc.city.spec import BoardSpec, LayerSpec


def check_layers(layers: Tables[LayerSpec], feeds: Feeds, known: set[str]) -> None:
    """Report layers that show what no feed of theirs observes, or colour by no indicator."""
    for placed in layers:
        spec, at = placed.spec, placed.at
        if spec.kind == "units":
            if spec.indicator is None:
                at.report("a layer of units needs an indicator")
            elif spec.indicator not in known:
                (at / "indicator").unknown("indicator", spec.indicator, known)
        elif spec.kind == "areas":
            continue
        elif not spec.properties:
            at.report("a layer of points needs properties; the first one colours it")
        else:
            _check_shown(spec, at, feeds)
        for index, (lower, upper) in enumerate(pairwise(spec.levels), start=1):
            if upper.at <= lower.at:
                (at / "levels" / index).report(
                    f"{upper.at:g} does not lie above {lower.at:g}", "levels stand lowest first"
                )


def _check_shown(spec: LayerSpec, at: Spot, feeds: Feeds) -> None:
    sources = [feed for feed in feeds.good if feed.layer == spec.id]
    for feed in sources:
        if feed.domain != spec.domain:
            (at / "domain").report(f"is {spec.domain}, but its feed {feed.id} is of {feed.domain}")
    observed = {s.property for feed in sources for s in feed.series}
    for index, name in enumerate(spec.properties):
        if observed and name not in observed:
            (at / "properties" / index).unknown("property of this layer's feeds", name, observed)


def check_boards(boards: Tables[BoardSpec], indicators: set[str]) -> None:
    """Report figures of boards that are no indicators, and those that stand twice."""
    for placed in boards:
        figures = placed.spec.figures
        for index, figure in enumerate(figures):
            at = placed.at / "figures" / index
            if figure not in indicators:
                at.unknown("indicator", figure, indicators)
            elif figure in figures[:index]:
                at.report(f"{figure!r} stands on this board twice")
        for index, figure in enumerate(placed.spec.ranked or []):
            if figure not in figures:
                (placed.at / "ranked" / index).unknown("figure of this board", figure, figures)
