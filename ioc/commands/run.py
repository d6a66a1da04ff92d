"""Run an asynchronous command and turn its errors into one line and an exit status."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from ioc.embedded.process import EmbeddedError
from ioc.errors import IocError

T = TypeVar("T")


def run(body: Coroutine[Any, Any, T]) -> T:
    """The result of the command; an expected error ends it with 1 and its message."""
    try:
        return asyncio.run(body)
    except (IocError, EmbeddedError) as error:
        typer.echo(f"ioc: {error}", err=True)
        raise typer.Exit(1) from error
