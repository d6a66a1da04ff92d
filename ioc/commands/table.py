"""A table in a file that is named on the command line."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ioc.documents.tables import CSV, Table, open_table
from ioc.errors import Invalid


def table_of(
    file: Path, columns: Sequence[str], needed: Iterable[str], aliases: Mapping[str, str]
) -> Table:
    """The table of a CSV or XLSX file; raises `Invalid` that says why it cannot be read."""
    try:
        body = file.read_bytes()
    except OSError as fault:
        raise Invalid(f"{file} cannot be read: {fault.strerror}") from fault
    return open_table(body, CSV, columns, needed=needed, aliases=aliases)
