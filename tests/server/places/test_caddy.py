"""Caddy itself, as docs/server.md sets it up: who signs what it issues before and after a switch."""

import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
from cryptography import x509

from tests.archives import Box
from tests.kiosk.command import ENVIRONMENT, ROOT
from tests.server.test_agent import Server

CADDY = Path(sys.executable).with_name("caddy")
PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8").partition("\n## Caddy as an ACME server")[2]
DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
"""Caddy lives by the machine's clock; the agent's is ours."""

PATIENCE_S = 20
PROBE = """
https://{{$PISM_SIGNER}}.localhost:{port} {{
	tls {{
		issuer internal {{
			ca pism
			lifetime {{$PISM_LEAF_SECONDS}}s
		}}
	}}
}}
"""
"""A site with another name after each switch, so that a new leaf is issued for it."""


def make_today(algorithm: str) -> Box:
    """Return a box whose signers change at the midnight before now, a month's tail each."""
    box = Box(algorithm=algorithm)
    box.add("root", start=TODAY - 30 * DAY, until=TODAY + 300 * DAY, tail=60)
    box.add("seal")
    for start in (TODAY - 10 * DAY, TODAY):
        box.add("signer", start=start, until=start + 10 * DAY, tail=30)
    return box


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Caddy:
    """A Caddy of a server, configured as the page says, with a site to look at."""

    def __init__(self, server: Server) -> None:
        self.server, self.folder = server, server.folder
        self.admin, self.port = f"127.0.0.1:{free_port()}", free_port()
        (text,) = re.findall(r"^```caddyfile\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
        text = text.replace("/var/lib/pism-server/caddy", str(server.place))
        text = text.replace("https://ca.worlds.example", f"https://ca.localhost:{free_port()}")
        own = f"{{\n\tadmin {self.admin}\n\tstorage file_system {self.folder}/data\n\tskip_install_trust\n"
        text = text.replace("{\n", f"{own}\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n", 1)
        (self.folder / "Caddyfile").write_text(text + PROBE.format(port=self.port))
        (command,) = re.findall(r"hook: \[sh, -c, '(.*)'\]", PAGE)
        command = command.replace("caddy stop", f"{CADDY} stop --address {self.admin}")
        command = command.replace("caddy reload", f"{CADDY} reload --address {self.admin}")
        (self.folder / "hook").write_text(command.replace("/etc/caddy/", f"{self.folder}/"))
        server.write_settings(f", hook: [sh, {self.folder}/hook]")

    @contextmanager
    def running(self) -> Iterator[IO[bytes]]:
        """Run it with the signer that stands; yield its log."""
        signer = self.server.box.of("signer")[0].record.id
        told = {"HOME": str(self.folder), "PISM_SIGNER": signer, "PISM_LEAF_SECONDS": "2592000"}
        command = [CADDY, "run", "--config", "Caddyfile"]
        with subprocess.Popen(
            command, cwd=self.folder, stderr=subprocess.PIPE, env=ENVIRONMENT | told
        ) as process:
            assert process.stderr is not None
            try:
                yield process.stderr
            finally:
                process.terminate()

    def leaf(self, log: IO[bytes], number: int) -> x509.Certificate:
        """Return what it issues for the site that one of the box's signers names, its chain verified."""
        name = f"{self.server.box.of('signer')[number].record.id}.localhost"
        for line in log:
            entry = json.loads(line)
            if entry["msg"] == "certificate obtained successfully" and entry["identifier"] == name:
                break
        context = ssl.create_default_context(cafile=self.server.folder / "roots.pem")
        deadline = time.monotonic() + PATIENCE_S
        while True:  # its log is a moment ahead of what it serves
            try:
                with (
                    socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as plain,
                    context.wrap_socket(plain, server_hostname=name) as channel,
                ):
                    der = channel.getpeercert(binary_form=True)
            except OSError:
                if time.monotonic() > deadline:
                    raise
            else:
                assert der is not None
                return x509.load_der_x509_certificate(der)


@pytest.mark.judge
@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_caddy_issues_from_the_signer_that_stands_and_nothing_outlives_it(
    tmp_path: Path, algorithm: str
) -> None:
    server = Server(tmp_path, make_today(algorithm))
    (tmp_path / "roots.pem").write_bytes(server.box.of("root")[0].pem)
    yesterday = TODAY - DAY / 2
    server.take(yesterday)
    server.turn(yesterday)
    assert server.stands() == 0
    caddy = Caddy(server)
    with caddy.running() as log:
        for number, when in enumerate((yesterday, TODAY)):
            if number:
                server.turn(when)
                assert server.said[-1].endswith("stands"), server.said
            leaf = caddy.leaf(log, number)
            signer = server.box.of("signer")[number].x509
            leaf.verify_directly_issued_by(signer)
            assert leaf.not_valid_after_utc <= signer.not_valid_after_utc


@pytest.mark.judge
def test_caddy_is_stopped_where_no_signer_may_stand(tmp_path: Path) -> None:
    server = Server(tmp_path, make_today("ed25519"))
    (tmp_path / "roots.pem").write_bytes(server.box.of("root")[0].pem)
    server.take(TODAY - DAY / 2)
    server.turn(TODAY - DAY / 2)
    caddy = Caddy(server)
    with caddy.running() as log:
        caddy.leaf(log, 0)
        server.turn(TODAY + 11 * DAY)
        assert server.stands() is None
        assert "no signer may stand" in server.said[-1]
        assert list(log)  # it ends: so does its log
