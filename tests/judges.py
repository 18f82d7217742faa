"""Other people's programs as judges: OpenSSL and GnuTLS, with any date as the present."""

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

SECOND: Final = timedelta(seconds=1)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it said."""
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"TZ": "UTC"}
    )


def openssl_accepts(root: Path, leaf: Path, at: datetime, *more: str | Path) -> bool:
    """Return whether OpenSSL verifies a certificate under one root alone."""
    result = verify_with_openssl(root, at, *more, leaf)
    assert ("OK" in result.stdout) == (result.returncode == 0)
    return result.returncode == 0


def verify_with_openssl(root: Path, at: datetime, *leaves: str | Path) -> subprocess.CompletedProcess[str]:
    """Let OpenSSL verify certificates, each under one root alone, and return all that it said."""
    seconds = str(int(at.timestamp()))
    only = ("-no-CApath", "-no-CAstore", "-CAfile", root)
    return run("openssl", "verify", "-x509_strict", "-attime", seconds, *only, *leaves)


def gnutls_accepts(root: Path, chain: Path, at: datetime) -> bool:
    """Return whether GnuTLS verifies a chain under one root."""
    result = run(
        "faketime", "-f", f"{at:%Y-%m-%d %H:%M:%S}",
        "certtool", "--verify", "--load-ca-certificate", root, "--infile", chain,
    )  # fmt: skip
    assert "Chain verification output" in result.stdout, result.stderr
    return result.returncode == 0


def instants(start: datetime, end: datetime) -> Iterator[tuple[datetime, bool]]:
    """Yield instants in and around a validity, and whether a validator must accept."""
    yield start - SECOND, False
    yield start, True
    yield start + (end - start) // 2, True
    yield end - SECOND, True  # OpenSSL 3.0 calls the exact last second expired
    yield end + SECOND, False
