"""Dated actions of a city, checked against its units and indicators."""

from collections.abc import Collection
from datetime import date
from typing import Annotated

import msgspec

from ioc.city.folder import Folder
from ioc.city.spec import Named, Slug, Spec
from ioc.city.units import Units
from ioc.kpi.action import Action, ActionKind
from ioc.model import Text

FILE = "actions.toml"


class ActionSpec(Spec, frozen=True, rename={"valid_from": "from", "valid_until": "until"}):
    """An action as `[[action]]` has it."""

    id: Slug
    unit: Slug
    kind: ActionKind
    name: Text
    valid_from: date
    document: Named
    indicators: Annotated[list[Slug], msgspec.Meta(min_length=1)]
    valid_until: date | None = None
    sample: bool = False


def read_actions(folder: Folder, indicators: Collection[str], units: Units) -> list[Action]:
    """Actions of `actions.toml`; a city may have none."""
    found: list[Action] = []
    for placed in folder.tables([FILE], "action", ActionSpec):
        spec, at = placed.spec, placed.at
        if spec.unit not in units.ids:
            (at / "unit").unknown("unit", spec.unit, units.ids)
        elif units.organisation.find(spec.unit, spec.valid_from) is None:
            (at / "unit").report(
                f"unit {spec.unit} does not exist on {spec.valid_from}",
                "name the unit of that day",
            )
        if spec.valid_until is not None and spec.valid_until <= spec.valid_from:
            (at / "until").report(f"the action ends on {spec.valid_until}, before it begins")
        for index, indicator in enumerate(spec.indicators):
            if indicator not in indicators:
                (at / "indicators" / index).unknown("indicator", indicator, set(indicators))
        found.append(
            Action(
                id=spec.id, unit=spec.unit, kind=spec.kind, name=spec.name,
                valid_from=spec.valid_from, valid_until=spec.valid_until, document=spec.document,
                indicators=tuple(spec.indicators), sample=spec.sample,
            )
        )  # fmt: skip
    return found
