"""Measuring units: codes of SenML and UN/CEFACT told apart and compared by their UCUM code."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_UCUM: Final = {
    # SenML (RFC 8428 and RFC 8798), where it differs from UCUM
    "/": "1", "%RH": "%", "%EL": "%", "EL": "%", "count": "1", "lat": "deg", "lon": "deg",
    "beat/min": "/min", "beats": "1", "1/s": "/s", "1/min": "/min", "event/s": "/s",
    "event/min": "/min", "m/h": "m/h", "dBm": "dB[mW]", "VA": "V.A", "W/m2": "W/m2",
    "degF": "[degF]", "ppm": "[ppm]", "ppb": "[ppb]", "mm/h": "mm/h", "dB": "dB",
    # UN/CEFACT recommendation 20, as NGSI's unitCode
    "C62": "1", "P1": "%", "59": "[ppm]", "61": "[ppb]", "CEL": "Cel", "KEL": "K", "FAH": "[degF]",
    "MTR": "m", "KMT": "km", "CMT": "cm", "MMT": "mm", "MTS": "m/s", "KMH": "km/h", "MTK": "m2",
    "KMK": "km2", "MTQ": "m3", "LTR": "L", "MLT": "mL", "MQS": "m3/s", "MQH": "m3/h", "G52": "m3/d",
    "G53": "m3/min", "G51": "L/s", "L2": "L/min", "E32": "L/h", "GQ": "ug/m3", "GP": "mg/m3",
    "M1": "mg/L", "KGM": "kg", "GRM": "g", "TNE": "t", "SEC": "s", "MIN": "min", "HUR": "h",
    "DAY": "d", "WTT": "W", "KWT": "kW", "MAW": "MW", "C31": "mW", "A90": "GW", "WHR": "W.h",
    "KWH": "kW.h", "MWH": "MW.h", "GWH": "GW.h", "VLT": "V", "KVT": "kV", "AMP": "A", "4K": "mA",
    "HTZ": "Hz", "KHZ": "kHz", "MHZ": "MHz", "OHM": "Ohm", "D46": "V.A", "KVA": "kV.A",
    "MVA": "MV.A", "D44": "var", "KVR": "kvar", "MAR": "Mvar", "K3": "kvar.h", "MAH": "Mvar.h",
    "PAL": "Pa", "A97": "hPa", "KPA": "kPa", "MPA": "MPa", "MBR": "mbar", "BAR": "bar", "2N": "dB",
    "DD": "deg", "LUX": "lx", "D54": "W/m2", "E34": "GBy", "H67": "mm/h", "JOU": "J", "KJO": "kJ",
    "3B": "MJ",
    # A hectolitre of pure alcohol in the recommendation, which nobody in a city measures.
    "HPA": "hPa",
    # As people write them
    "°C": "Cel", "degC": "Cel", "°F": "[degF]", "°": "deg", "Wh": "W.h", "kWh": "kW.h",
    "MWh": "MW.h", "GWh": "GW.h", "kVA": "kV.A", "l": "L", "Ω": "Ohm", "ohm": "Ohm",
    "kph": "km/h", "kmh": "km/h",
}  # fmt: skip

_WITHIN: Final = {
    "°C": "Cel", "degC": "Cel", "°F": "[degF]", "degF": "[degF]", "°": "deg", "Ω": "Ohm",
    "ohm": "Ohm", "ppm": "[ppm]", "ppb": "[ppb]",
}  # fmt: skip
"""Spellings that also occur as a part of a code, such as °C/h."""

_PLAIN: Final = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "·": "."})
_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_PART: Final = re.compile(r"[./()]|(?:\[[^\[\]]*\]|[^./()\[\]])+|.", re.DOTALL)
_POWER: Final = re.compile(r"(.*?)[\^*]?([-+]?\d+)?", re.DOTALL | re.ASCII)
_LITRE: Final = re.compile(r"((?:da|[YZEPTGMkhdcmunpfazy])?)l")
_PRODUCT: Final = re.compile(r"([YZEPTGMkhdcmunpfazy]?)(W|A|V|var)(A?)(h?)")
"""Products that people write without their dot: Wh, kVA, kvarh."""

_MOST: Final = 64
"""Characters of a code that is taken apart."""


def ucum(code: str) -> str:
    """The UCUM code of a unit; an unknown one is taken for UCUM itself."""
    written = code.strip().translate(_PLAIN)
    return _UCUM.get(written, written)


def same_uom(one: str, other: str) -> bool:
    """Whether two codes name the same unit; nothing is converted, and `mW` is never `MW`."""
    if one == other:
        return True
    return max(len(one), len(other)) <= _MOST and _measure(one) == _measure(other)


@lru_cache(maxsize=4096)
def _measure(code: str) -> tuple[tuple[str, int], ...]:
    """The units that a code multiplies, with their powers: `W.h`, `h.W` and `Wh` are the same.

    Annotations say nothing of the measure: `{veh}/h` is `/h`.
    """
    powers: dict[str, int] = {}
    groups, sign = [1], 1
    for part in _PART.findall(ucum(_ANNOTATION.sub("", ucum(code)))):
        if part in "./":
            sign = 1 if part == "." else -1
        elif part == "(":
            groups.append(groups[-1] * sign)
            sign = 1
        elif part == ")":
            groups = groups[:-1] or [1]
            sign = 1
        else:
            for unit, power in _units(part):
                powers[unit] = powers.get(unit, 0) + groups[-1] * sign * power
            sign = 1
    return tuple(sorted((unit, power) for unit, power in powers.items() if power))


def _units(part: str) -> Iterator[tuple[str, int]]:
    """The units of one part of a code, such as `m2` or `kWh`; a factor of 1 is none."""
    parts = _POWER.fullmatch(part)
    unit, power = (parts.group(1), int(parts.group(2) or 1)) if parts else (part, 1)
    if not unit:
        unit, power = part, 1
    unit = _LITRE.sub(r"\1L", unit) if _LITRE.fullmatch(unit) else _WITHIN.get(unit, unit)
    product = _PRODUCT.fullmatch(unit)
    if product is None:
        if unit != "1":
            yield unit, power
        return
    prefix, *factors = product.groups()
    for factor in filter(None, (prefix + factors[0], *factors[1:])):
        yield factor, power
