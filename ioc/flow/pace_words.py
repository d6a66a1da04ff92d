"""Why a course is what it is, in words: what is needed, what was lately, what is foreseen."""

from typing import Final

from ioc.catalogue import Language, has, number, say
from ioc.forecast.course import Foreseen
from ioc.kpi.indicator import Indicator
from ioc.kpi.pace import Pace
from ioc.model import Text

ALONE: Final = frozenset({"over", "no_figure", "no_recent", "no_pace"})
"""Reasons beside which no numbers need to stand."""

LED_IN: Final = frozenset({"holds", "out_of_reach", "secured"})
"""Reasons that are said before the numbers."""


def in_words(indicator: Indicator, pace: Pace, foreseen: Foreseen | None) -> Text:
    """Such as: 63 % of the dossiers to come must be filed online; the last 4 weeks had 58 %."""
    return Text(
        _in_language(indicator, pace, foreseen, "vi"), _in_language(indicator, pace, foreseen, "en")
    )


def _in_language(
    indicator: Indicator, pace: Pace, foreseen: Foreseen | None, language: Language
) -> str:
    if pace.why in ALONE:
        return say(f"pace.{pace.why}", language)
    decimals = indicator.decimals
    sign = " %" if indicator.kind == "share" else ""

    def written(value: float | None) -> str:
        return "–" if value is None else number(value, language, decimals)

    parts = [say(f"pace.{pace.why}", language)] if pace.why in LED_IN else []
    if pace.needed is not None and pace.why != "secured":
        kind = "share" if indicator.kind == "share" else "count"
        parts.append(
            say(
                f"pace.{kind}_{indicator.direction}", language,
                needed=written(pace.needed), recent=written(pace.recent),
                done=say(_done(indicator), language),
            )
        )  # fmt: skip
    if foreseen is not None:
        told = {"value": foreseen.value, "low": foreseen.low, "high": foreseen.high}
        numbers = {name: written(value) for name, value in told.items()}
        parts.append(say("pace.foreseen", language, sign=sign, **numbers))
        if foreseen.method == "so_far":
            parts.append(say("pace.so_far", language))
    elif pace.outcome is not None:
        parts.append(say("pace.outcome", language, value=written(pace.outcome), sign=sign))
    return "; ".join(parts)


def _done(indicator: Indicator) -> str:
    """What is done with the dossiers that count, by the measure that is counted."""
    formulas = indicator.formulas
    text = "" if formulas is None or formulas.numerator is None else formulas.numerator.text
    key = f"pace.done_{text}"
    return key if has(key) else "pace.done"
