"""The command line of the operations centre."""

import importlib
import sys
from collections.abc import Mapping
from typing import Final

import typer

COMMANDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "up": ("serve", "up", "Start everything and print the addresses."),
    "serve": ("serve", "serve", "Serve REST, websocket and pages beside other processes."),
    "ingest": ("ingest", "ingest", "Store what comes from the broker, beside other processes."),
    "engine": ("engine", "engine", "Judge what is stored; a second one stands by."),
    "migrate": ("store", "migrate", "Bring the database up to this release."),
    "city": ("city", "app", "The city as data: check, load."),
    "feed": ("feed", "app", "Make feeds, list them and hand out their keys."),
    "source": ("source", "app", "Fetch for feeds: URLs, sharing platforms, probes of systems."),
    "user": ("user", "app", "Make people's accounts and change passwords."),
    "wall": ("wall", "app", "Make links that open a wall without a sign-in."),
    "push-key": ("push_key", "push_key", "Make a key to push to phones with."),
    "simulate": ("simulate", "simulate", "Drive the demo province through the front door."),
    "replay": ("replay", "replay", "Play recorded series through the front door."),
    "export": ("export", "export", "Write observations to a CSV or Parquet file."),
    "backup": ("backup", "backup", "Write the whole database to one file, while all runs."),
    "restore": ("backup", "restore", "Bring a backup into an empty database."),
    "doctor": ("doctor", "doctor", "Say what runs, and what is wrong with its cure."),
    "targets": ("targets", "app", "Assign the targets of a table."),
    "procedures": ("procedures", "app", "Take a table of procedures into the catalogue."),
    "forecast": ("forecast", "app", "Say how good forecasts of targets would have been."),
    "bench": ("bench", "app", "Measure speed against a limit of the same run."),
}
"""Module, what to take from it (`app` is a group) and one line of help, by name."""

HELP: Final = (
    "Operations centre of a province: feeds in, layers, alerts and indicators out. Settings come "
    "from the environment: IOC_DATA_DIR, IOC_HTTP_PORT, IOC_MQTT_PORT, IOC_DATABASE_URL, "
    "IOC_MQTT_URL, IOC_DEMO; `ioc doctor` shows them."
)


def _listed() -> None:
    """Stand for a command in the list of commands."""


def command_line(arguments: list[str]) -> typer.Typer:
    """The command line with the one command that is called; all of them by name without one.

    Reading the modules of all commands takes two seconds, of which `ioc feed key` needs a third.
    """
    cli = typer.Typer(
        name="ioc",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help=HELP,
    )
    cli.callback()(_listed)
    named = arguments[0] if arguments else ""
    for name, (module, attribute, text) in COMMANDS.items():
        if name != named:
            cli.command(name, help=text)(_listed)
            continue
        found = getattr(importlib.import_module(f"ioc.commands.{module}"), attribute)
        if attribute == "app":
            cli.add_typer(found, name=name)
        else:
            cli.command(name)(found)
    return cli


def main() -> None:
    """Run the command line."""
    command_line(sys.argv[1:])()


if __name__ == "__main__":
    main()
