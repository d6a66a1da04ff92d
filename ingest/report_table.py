"""Cells of a table of reports, which are texts, as JSON would hold them."""

import re
from collections.abc import Mapping
from typing import Any, Final

from ingest.numbers import read_number
from ingest.report_item import NUMBERS, WHOLE, decimals_of


def twofold(text: str, number_format: str) -> bool:
    """Whether a number means one thing in a format and another one in plain."""
    ways = {read_number(text, "plain"), read_number(text, number_format)} - {None}
    return len(ways) > 1


def typed(cells: Mapping[str, str], number_format: str, plain: bool) -> dict[str, Any]:
    """The cells as JSON would hold them; what is not of its kind stays a text, and is refused."""
    found: dict[str, Any] = dict(cells)
    for name in WHOLE:
        if re.fullmatch(r"[-+]?\d{1,9}", cells.get(name, "")):
            found[name] = int(cells[name])
    for name in NUMBERS:
        number = read_number(cells.get(name, ""), "plain")
        if number is not None and (plain or number_format == "plain"):
            found[name] = number
    if "printed_value" in cells:
        written = "plain" if isinstance(found["printed_value"], float) else number_format
        found.setdefault("decimals", decimals_of(cells["printed_value"], written))
    said = cells.get("nothing_occurred", "").casefold()
    if said in _YES_OR_NO:
        found["nothing_occurred"] = _YES_OR_NO[said]
    return found


_YES_OR_NO: Final = {
    "x": True, "true": True, "1": True, "có": True, "yes": True,
    "false": False, "0": False, "không": False, "no": False,
}  # fmt: skip
