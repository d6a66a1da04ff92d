"""`ioc ingest`: take payloads from the broker and store them, beside other processes."""

from typing import Annotated

import typer

from ioc.commands.process import run_process, without_pages
from ioc.runtime.role import INGEST


def ingest(
    feed: Annotated[
        list[str] | None, typer.Option(help="take this feed only; may be given several times")
    ] = None,
    agency: Annotated[
        list[str] | None, typer.Option(help="take the feeds of this agency only; several times")
    ] = None,
) -> None:
    """Store what comes from the broker; several such processes divide the work.

    Each has a session of its own at the broker, named by IOC_MQTT_CLIENT_ID, in which waits what
    comes while it is away; a second process of the same name stands by. They divide the work by
    IOC_MQTT_SHARE=NAME, the same for all, where the broker has shared subscriptions (mosquitto,
    EMQX); elsewhere (NATS) by --feed or --agency, of which NATS takes three in one process.

    IOC_DATABASE_URL and IOC_MQTT_URL name the servers. `ioc engine` and `ioc serve` do the rest.
    """
    run_process(
        lambda config: without_pages(config, INGEST, feeds=feed or (), agencies=agency or ())
    )
