"""Measuring units: codes of SenML and UN/CEFACT told apart and compared by their UCUM code."""

import re
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
    "KMK": "km2", "MTQ": "m3", "LTR": "L", "MQS": "m3/s", "MQH": "m3/h", "GQ": "ug/m3",
    "GP": "mg/m3", "KGM": "kg", "GRM": "g", "SEC": "s", "MIN": "min", "HUR": "h", "DAY": "d",
    "WTT": "W", "KWT": "kW", "MAW": "MW", "KWH": "kW.h", "MWH": "MW.h", "VLT": "V", "KVT": "kV",
    "AMP": "A", "HTZ": "Hz", "OHM": "Ohm", "KVA": "kV.A", "MVA": "MV.A", "PAL": "Pa", "A97": "hPa",
    "KPA": "kPa", "BAR": "bar", "2N": "dB", "DD": "deg", "LUX": "lx", "D54": "W/m2", "E34": "GBy",
    "H67": "mm/h",
    # As people write them
    "°C": "Cel", "degC": "Cel", "°F": "[degF]", "°": "deg", "kWh": "kW.h", "MWh": "MW.h",
    "kVA": "kV.A", "l": "L", "Ω": "Ohm", "ohm": "Ohm", "kph": "km/h", "kmh": "km/h",
}  # fmt: skip

_PLAIN: Final = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "·": "."})
_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")


def ucum(code: str) -> str:
    """The UCUM code of a unit; an unknown one is taken for UCUM itself."""
    written = code.strip().translate(_PLAIN)
    return _UCUM.get(written, written)


def same_uom(one: str, other: str) -> bool:
    """Whether two codes name the same unit."""
    return one == other or _measure(one) == _measure(other)


def _measure(code: str) -> str:
    """The code without annotations, which say nothing of the measure: `{veh}/h` is `/h`."""
    found = ucum(_ANNOTATION.sub("", ucum(code)) or "1")
    return found.removeprefix("1") if found.startswith("1/") else found
