"""By what lists find an alert: where it is, what it is of, and the words that name it."""

from alerts.mute import Facets
from ioc.incidents.words import words_of
from ioc.live.state import point_of
from ioc.live.wire import AlertItem
from ioc.model import Feature
from ioc.store.alerts import Sought


def sought(item: AlertItem, facets: Facets, feature: Feature | None) -> Sought:
    """What lists ask of an alert as it is shown."""
    point = point_of(feature) if feature else None
    named = (
        item.title.vi, item.title.en, item.place.name, item.unit.name if item.unit else "",
        facets.feed or "",
    )  # fmt: skip
    of = {
        "rule": facets.rule, "domain": facets.domain, "feed": facets.feed, "unit": facets.unit,
        "feature": item.place.feature,
    }  # fmt: skip
    return Sought(
        longitude=point[0] if point else None,
        latitude=point[1] if point else None,
        words=[
            *words_of(*named),
            *(f"{kind}={name}" for kind, name in of.items() if name is not None),
            *(f"zone={zone}" for zone in sorted(facets.zones)),
        ],
    )
