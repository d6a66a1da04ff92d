"""The command line of the operations centre."""

import typer

from ioc.commands import bench, city, feed, serve, store, user

cli = typer.Typer(
    name="ioc",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Operations centre of a province: feeds in, layers, alerts and indicators out. "
    "Settings come from the environment: IOC_DATA_DIR, IOC_HTTP_PORT, IOC_MQTT_PORT, "
    "IOC_DATABASE_URL, IOC_MQTT_URL, IOC_DEMO.",
)
cli.command("up")(serve.up)
cli.command("migrate")(store.migrate)
cli.add_typer(city.app, name="city")
cli.add_typer(feed.app, name="feed")
cli.add_typer(user.app, name="user")
cli.add_typer(user.wall_app, name="wall")
cli.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
