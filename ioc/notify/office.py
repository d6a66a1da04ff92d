"""Opens what letters are sent by, and drains the outbox for as long as the process lasts."""

import os
import ssl
from collections.abc import Mapping

import httpx2

from ioc.clock import Clock
from ioc.config import Config
from ioc.errors import ConfigError
from ioc.notify.drain import Drain
from ioc.notify.mail import MailSender
from ioc.notify.webhook import TIMEOUT, WebhookSender
from ioc.sources.secrets import Secrets
from ioc.store.pool import ReadPool


async def deliver(
    *,
    url: str,
    reads: ReadPool,
    clock: Clock,
    config: Config,
    zone: str,
    centre: str,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Send what comes into the outbox, for ever; `centre` tells keys of letters from others'."""
    context = _trusting(config)
    mail = MailSender(context)
    try:
        async with httpx2.AsyncClient(
            verify=context, timeout=TIMEOUT, follow_redirects=False, trust_env=False
        ) as client:
            await Drain(
                url=url,
                reads=reads,
                clock=clock,
                secrets=Secrets(environment, config.secrets_dir),
                mail=mail,
                webhook=WebhookSender(client),
                zone=zone,
                centre=centre,
            ).run()
    finally:
        mail.close()


def _trusting(config: Config) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if config.sources_ca is not None:
        try:
            context.load_verify_locations(config.sources_ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"IOC_SOURCES_CA: {config.sources_ca} holds no authorities in PEM ({error})"
            ) from error
    return context
