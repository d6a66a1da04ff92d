"""`ioc push-key`: the key by which push services know this centre again."""

import typer

from ioc.notify.vapid import Vapid, new_key


def push_key() -> None:
    """Print a new private key; with another one each phone is to be switched on anew."""
    made = new_key()
    typer.echo(made)
    typer.echo(
        "Keep this as the secret that the push channel of notify.toml names: as "
        "IOC_SECRET_PUSH_KEY or in the file `push-key` of IOC_SECRETS_DIR. Its public half is "
        f"{Vapid(made).public}",
        err=True,
    )
