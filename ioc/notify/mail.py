"""Sending a letter as e-mail, by SMTP."""

import asyncio
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

from alerts.channel import Mail
from ioc.notify.failure import NotSent
from ioc.notify.words import Words

TIMEOUT: Final = 15.0
"""Seconds that the server may take for each answer."""

LONGEST: Final = 60.0
"""Seconds for a whole letter; a server that trickles is given up."""


class MailSender:
    """Hands letters to a mail server, in threads of its own: each may hang."""

    def __init__(self, context: ssl.SSLContext, *, timeout: float = TIMEOUT) -> None:
        """Trust the servers that `context` trusts."""
        self._context = context
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(4, "mail")

    def close(self) -> None:
        """Take no more letters."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(
        self, channel: Mail, login: tuple[str, str] | None, to: str, name: str, words: Words
    ) -> None:
        """Send one letter; `NotSent` says why it was not taken."""
        letter = letter_of(channel, to, name, words)
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._threads, self._hand_over, channel, login, letter)
        try:
            await asyncio.wait_for(sending, LONGEST)
        except TimeoutError:
            raise NotSent(f"{channel.host} took longer than {LONGEST:.0f} s") from None

    def _hand_over(
        self, channel: Mail, login: tuple[str, str] | None, letter: EmailMessage
    ) -> None:
        try:
            with self._connected(channel) as server:
                if login is not None:
                    server.login(*login)
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            final = all(code >= 500 for code in codes)
            raise NotSent(
                f"{channel.host} refuses the recipient ({codes[0]})", final=final
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            # The server's words may repeat what it was sent.
            raise NotSent(f"{channel.host} refuses the login ({error.smtp_code})") from None
        except smtplib.SMTPDataError as error:
            final = error.smtp_code >= 500
            raise NotSent(
                f"{channel.host} refuses the letter ({error.smtp_code})", final=final
            ) from None
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"{channel.host} answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(f"{channel.host} cannot be used: {type(error).__name__}") from None

    def _connected(self, channel: Mail) -> smtplib.SMTP:
        host, port = channel.host, channel.port
        if channel.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=self._context)
        server = smtplib.SMTP(host, port, timeout=self._timeout)
        if channel.security == "starttls":
            try:
                server.starttls(context=self._context)
            except BaseException:
                server.close()
                raise
        return server


def letter_of(channel: Mail, to: str, name: str, words: Words) -> EmailMessage:
    """The e-mail with its text and its HTML; sent again it has the same id."""
    letter = EmailMessage()
    letter["Subject"] = words.subject
    letter["From"] = channel.sender
    letter["To"] = Address(name, addr_spec=to)
    letter["Message-ID"] = f"<{words.said['id']}@{channel.sender.rsplit('@', 1)[-1]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(words.text)
    letter.add_alternative(words.html, subtype="html")
    return letter
