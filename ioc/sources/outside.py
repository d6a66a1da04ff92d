"""Where a request may go: the addresses of a host, without those of inner networks."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from ioc.errors import ConfigError
from ioc.sources.failure import Failure

Address = IPv4Address | IPv6Address

LOOKUPS: Final = 32
"""Names that are looked up at once, in threads that serve nothing else: each may hang."""

_NAT64: Final = ip_network("64:ff9b::/96")
_UNICAST: Final = ip_network("2000::/3")
"""Where all of the internet's own addresses of IPv6 are; what wraps an inner one lies beside it."""

_NO_NAME: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})
"""What a resolver answers of a name that does not exist, or has no address."""


class Outside:
    """The internet, and what else an administrator opened to sources.

    Without a bound, whoever may write a source's document could make the server fetch from inner
    systems, or from itself, what nobody outside may read.
    """

    def __init__(self, allowed: str = "") -> None:
        """Read names, addresses and networks such as `10.0.0.0/8, lgsp.example.gov.vn`."""
        self._names: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        self._lookups = ThreadPoolExecutor(LOOKUPS, "lookup")
        for part in (part.strip().lower() for part in allowed.split(",")):
            if part:
                self._allow(part)

    def _allow(self, part: str) -> None:
        try:
            self._networks.append(ip_network(part))
        except ValueError as error:
            if "/" in part or ":" in part:
                raise ConfigError(
                    f"IOC_SOURCES_ALLOW: {part!r} is neither a host's name nor a network such as "
                    f"10.0.0.0/8 ({error})"
                ) from error
            self._names.add(part)

    def close(self) -> None:
        """Look up no more names."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    def permits(self, host: str, address: Address) -> bool:
        """Whether a request for `host` may go to `address`."""
        if host.lower() in self._names or public(address):
            return True
        return any(address in network for network in self._networks)

    async def found(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[str]:
        """The addresses of a host as looked up, permitted or not; `Failure` where it has none."""
        try:
            answers = await asyncio.get_running_loop().run_in_executor(
                self._lookups,
                lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM),
            )
        except UnicodeError as error:
            raise Failure(f"{host[:80]!r} is no name of a host: {error}", ours=True) from error
        except socket.gaierror as error:
            gone = error.errno in _NO_NAME
            cure = "" if gone else "; look whether this machine reaches its resolver"
            detail = f"the name {host} cannot be looked up: {error.strerror or error}{cure}"
            raise Failure(detail, ours=not gone) from error
        return list(dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers))

    def permitted(self, host: str, named: list[str]) -> list[str]:
        """Those of the addresses to which a request may go; `Failure` where it is none."""
        permitted = [name for name in named if self.permits(host, ip_address(name))]
        if not permitted:
            raise Failure(
                f"{host} is {named[0]}, an address of an inner network, where no source may lead "
                f"the server; an administrator opens it with IOC_SOURCES_ALLOW={host}, or with a "
                "network",
                ours=True,
            )
        return permitted

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host to which a request may go, in the order to try them."""
        return self.permitted(host, await self.found(host, port))


def public(address: Address) -> bool:
    """Whether an address is of the open internet; one that wraps another counts as that one.

    Others that hold an address of IPv4 (::127.0.0.1, ::ffff:0:7f00:1, 64:ff9b:1::/48) are none.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is not None:
            return public(inner)
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast


def url_fault(url: str) -> tuple[str, str] | None:
    """What is wrong with an address, and a hint; None where it can be asked."""
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        return "holds a character that no URL has", "write it percent-encoded"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"is not a URL: {error}", ""
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return f"{url[:80]!r} is not an address to ask", "write http://… or https://…"
    if parts.username is not None or parts.password is not None:
        return "user and password would stay in the database", "name them with `secret`"
    return None
