"""A set of printed figures of the past: its units, its measures, and the reports of them."""

from pathlib import Path

import msgspec

from ioc.city.finding import CityError, Finding
from ioc.city.folder import Folder
from ioc.city.measures import read_measures
from ioc.city.units import read_units
from ioc.kpi.reported import ReportedMeasure
from ioc.org import UnitVersion

REPORTS = "reports.json"


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Units and measures that the city's own files lack, and a body of reports as it is sent."""

    units: list[UnitVersion]
    measures: list[ReportedMeasure]
    reports: bytes


def read_history(path: Path) -> History:
    """What a folder says; `CityError` carries every error of every file."""
    folder = Folder(path)
    if not path.is_dir():
        missing = Finding(file=str(path), line=None, path="", message="there is no such folder")
        raise CityError([missing])
    units = read_units(folder, None)
    measures = read_measures(folder, [], units.ids)
    body = folder.text(REPORTS) or ""
    if folder.findings:
        raise CityError(folder.findings)
    return History(units=units.versions, measures=measures, reports=body.encode())
