"""What stands beside a figure: other periods, official and own points, what was published."""

from datetime import date
from typing import Any

from ioc.catalogue import say
from ioc.flow.tables import Table
from ioc.kpi.computed import Computed, as_printed
from ioc.kpi.indicator import Indicator
from ioc.kpi.origin import PartsSource
from ioc.live.wire import (
    Answering,
    OfficialScore,
    OwnScore,
    PeriodFigure,
    PrintedFigure,
    UnitRef,
)
from ioc.model import Text
from ioc.org import Organisation, answers_for
from ioc.store.report_rows import ReportRow


def described(
    indicator: Indicator, unit: str, organisation: Organisation, on: date, province: str
) -> dict[str, Any]:
    """The keys of a figure that its definition and its unit say."""
    version = organisation.find(unit, on)
    return {
        "id": indicator.id if unit == province else f"{indicator.id}@{unit}",
        "indicator": indicator.id,
        "version": indicator.version,
        "name": indicator.name,
        "domain": indicator.domain.value,
        "unit": UnitRef(unit, version.short_name if version else unit),
        "kind": indicator.kind,
        "uom": indicator.uom,
        "decimals": indicator.decimals,
        "note": indicator.note,
        "use": indicator.use,
        "maximum": indicator.maximum,
        "rounding": indicator.rounding,
    }


def short(id: str, unit: str, table: Table) -> PeriodFigure:
    """The figure of a unit in another period, by the definition of that time."""
    found = table.find(id)
    if found is None:
        return PeriodFigure(period=table.period.text, value=None)
    numerator, denominator = table.parts(id, unit)
    return PeriodFigure(
        period=table.period.text,
        value=table.value(id, unit),
        numerator=numerator,
        denominator=denominator,
        version=found.indicator.version,
        estimated=table.estimated(unit),
    )


def official(row: ReportRow) -> OfficialScore:
    """The points of a report that has some."""
    assert row.value is not None
    return OfficialScore(
        score=row.value,
        at=row.period_text,
        document=row.document,
        rank=row.rank,
        of=row.of,
        movement=row.movement,
    )


def own_score(found: Computed, unit: str, table: Table) -> OwnScore | None:
    """Our own points, with how much of the maximum they cover; None of what has no points."""
    indicator = found.indicator
    if indicator.maximum is None:
        return None
    value, _, _, points = table.computed_of(found, unit)
    sums = isinstance(indicator.source, PartsSource)
    formulas = indicator.formulas
    known = 0.0 if value is None else indicator.maximum
    return OwnScore(
        value=value,
        covered=(points or 0.0) if sums else known,
        maximum=indicator.maximum,
        formula=sums or (formulas is not None and formulas.score is not None),
    )


def printed(
    indicator: Indicator, unit: str, table: Table, value: float | None
) -> PrintedFigure | None:
    """What was published of a unit's figure, compared by the indicator's rule of rounding."""
    row = None if indicator.printed is None else table.official.get((indicator.printed, unit))
    if row is None:
        return None
    figure = row.value if row.printed_value is None else row.printed_value
    if figure is None:
        return None
    decimals = indicator.decimals if row.printed_decimals is None else row.printed_decimals
    return PrintedFigure(
        value=figure,
        bound=row.bound,
        decimals=decimals,
        document=row.document,
        period=row.period_text,
        agrees=None if value is None else _agrees(indicator, row, figure, decimals, value),
    )


def _agrees(
    indicator: Indicator, row: ReportRow, figure: float, decimals: int, value: float
) -> bool | None:
    match row.bound:
        case "=":
            published = as_printed(figure, decimals, "half_up")
            return as_printed(value, decimals, indicator.rounding) == published
        case ">=":
            return value >= figure
        case "<=":
            return value <= figure
        case "~":
            return None


def answering(organisation: Organisation, unit: str, on: date) -> Answering | None:
    """Who answers for a unit on a day."""
    found = answers_for(organisation, unit, on)
    if found is None:
        return None
    return Answering(
        unit=UnitRef(found.unit, found.short_name),
        post=found.contact.post,
        name=found.contact.name,
        phone=found.contact.phone,
        sample=found.contact.sample,
    )


def in_words(key: str, **values: object) -> Text:
    """A sentence of the catalogue in both languages."""
    return Text(say(key, "vi", **values), say(key, "en", **values))


def is_above(numerator: float | None, denominator: float | None) -> bool:
    """Whether a part is larger than its whole, which no counting gives."""
    return numerator is not None and denominator is not None and numerator > denominator
