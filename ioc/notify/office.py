"""Opens what letters are sent by, and drains the outbox for as long as the process lasts."""

import logging
import os
import ssl
from collections.abc import Mapping

import httpx2

from alerts.channel import Push
from alerts.route import Plan
from ioc.clock import Clock
from ioc.config import Config
from ioc.errors import ConfigError
from ioc.notify.drain import Drain
from ioc.notify.mail import MailSender
from ioc.notify.push import PushSender
from ioc.notify.vapid import Vapid
from ioc.notify.webhook import TIMEOUT, WebhookSender
from ioc.sources.failure import Failure
from ioc.sources.fetch import Fetcher
from ioc.sources.outside import Outside
from ioc.sources.secrets import Secrets
from ioc.store.pool import ReadPool

log = logging.getLogger(__name__)


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
    outside = Outside(config.sources_allow)
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
                push=PushSender(Fetcher(outside, authorities=config.sources_ca)),
                zone=zone,
                centre=centre,
            ).run()
    finally:
        outside.close()
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


def public_key(
    plan: Plan, config: Config, environment: Mapping[str, str] = os.environ
) -> tuple[Push, str] | None:
    """The channel that pushes and the key that browsers subscribe to; None while it is off."""
    for channel in plan.channels:
        if isinstance(channel, Push) and channel.enabled:
            try:
                secret = Secrets(environment, config.secrets_dir).read(channel.secret)
                return channel, Vapid(secret).public
            except (Failure, ValueError) as error:
                log.warning("channel %s cannot push: %s", channel.id, error)
    return None
