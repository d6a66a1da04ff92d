"""The end of a certificate, read as openssl reads it."""

import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.sources.certificate import certificate_end
from tests.fixtures.outside import a_certificate


@pytest.mark.parametrize("days", [1, 400, 20_000])
def test_the_end_of_a_certificate_is_read_as_openssl_reads_it(tmp_path: Path, days: int) -> None:
    pem = a_certificate(tmp_path, days=days)
    der = subprocess.run(
        ["openssl", "x509", "-in", pem, "-outform", "DER"], check=True, capture_output=True
    ).stdout
    said = subprocess.run(
        ["openssl", "x509", "-in", pem, "-noout", "-enddate", "-dateopt", "iso_8601"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    end = datetime.fromisoformat(said.strip().removeprefix("notAfter="))
    assert certificate_end(der) == end
    for cut in range(0, 200, 7):
        with pytest.raises(ValueError, match="certificate"):
            certificate_end(der[:cut])


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_an_error_and_nothing_else(der: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is said of it
        certificate_end(der)
