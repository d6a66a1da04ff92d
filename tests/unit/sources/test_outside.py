"""Where a request may go: addresses of the internet, and what an administrator opened."""

from ipaddress import ip_address

import pytest

from ioc.errors import ConfigError
from ioc.sources.outside import Outside, public, url_fault


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
        "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:0a00:0001::", "ff02::1",
        "2001:0:7f00:1::80ff:fffe", "fec0::1", "64:ff9b:1::a00:1", "64:ff9b:1::808:808",
        "::127.0.0.1", "::8.8.8.8", "::ffff:0:7f00:1", "::ffff:0:808:808", "2001:db8::1",
        "4000::1",
    ],
)  # fmt: skip
def test_an_inner_address_is_told_however_it_is_wrapped(address: str) -> None:
    assert not public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "203.162.0.181", "2001:4860:4860::8888",
                                     "::ffff:8.8.8.8", "64:ff9b::808:808"])  # fmt: skip
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert public(ip_address(address))


def test_an_administrator_opens_hosts_and_networks() -> None:
    outside = Outside("10.20.0.0/16, LGSP.example.gov.vn, ::1")
    assert outside.permits("x", ip_address("10.20.3.4"))
    assert not outside.permits("x", ip_address("10.21.3.4"))
    assert outside.permits("lgsp.EXAMPLE.gov.vn", ip_address("192.168.1.1"))
    assert outside.permits("x", ip_address("::1"))
    for wrong in ("10.0.0.1/8", "http://x", "10.0.0.0/99"):
        with pytest.raises(ConfigError, match="IOC_SOURCES_ALLOW"):
            Outside(wrong)


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "x", "", "http://", "http://u:p@x/", "http://x:99999/", "http://[::1/",
     "http://x/ y", "http://x/\n", "https://x/đ", "http://x:0/"],
)  # fmt: skip
def test_what_is_no_web_address_is_told(url: str) -> None:
    assert url_fault(url) is not None


def test_a_web_address_has_no_fault() -> None:
    assert url_fault("https://[2001:db8::1]:8443/a?b=c") is None
