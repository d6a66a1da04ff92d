"""`ioc engine`: the alert engine and what else one process does for all."""

from ioc.commands.process import run_process, without_pages
from ioc.runtime.role import ENGINE


def engine() -> None:
    """Judge what is stored: alerts, scores, polled sources, housekeeping, the broker's users.

    One such process works at a time; a second one stands by and takes over within a second when
    the first dies. IOC_DATABASE_URL names the database.
    """
    run_process(lambda config: without_pages(config, ENGINE))
