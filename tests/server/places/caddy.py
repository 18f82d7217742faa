"""Caddy itself, as its package brings it: a server on the loopback, and what it issues."""

import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.kiosk.command import ENVIRONMENT

CADDY = Path(sys.executable).with_name("caddy")
_PATIENCE_S = 20


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Caddy:
    """A Caddy in a folder, with the Caddyfile that is given and a site of the CA `pism` to look at.

    Args:
        folder: Its home.
        text: Of a Caddyfile, with global options first.
    """

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self._admin_port, self.port = free_port(), free_port()
        self.admin = f"http://127.0.0.1:{self._admin_port}"
        own = (
            f"{{\n\tadmin 127.0.0.1:{self._admin_port}\n\tstorage file_system {folder}/data\n"
            "\tskip_install_trust\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n"
        )
        tls = "\ttls {\n\t\tissuer internal {\n\t\t\tca pism\n\t\t}\n\t}\n"
        site = f"https://first.localhost:{self.port} {{\n{tls}}}\n"
        (folder / "Caddyfile").write_text(text.replace("{\n", own, 1) + site)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it until the block ends; its API answers when this returns."""
        command = [CADDY, "run", "--config", "Caddyfile"]
        environment = ENVIRONMENT | {"HOME": str(self.folder)}
        with subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, env=environment) as process:
            assert process.stderr is not None
            try:
                # this line comes last, when sites and API are up
                assert any(b"serving initial configuration" in line for line in process.stderr)
                yield process
            finally:
                process.kill()
                process.stderr.read()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what its API answers."""
        headers = {"Content-Type": "application/json"}
        with closing(HTTPConnection("127.0.0.1", self._admin_port, timeout=_PATIENCE_S)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            data = answer.read()
        assert answer.status == 200, (path, answer.status, data)
        return json.loads(data) if data else None

    def issue(self, name: str, roots: Path) -> x509.Certificate:
        """Return the leaf of a site `name`.localhost, which is new: its chain is verified by the roots."""
        route = {"match": [{"host": [f"{name}.localhost"]}], "handle": [{"handler": "static_response"}]}
        config = self.ask("GET", "/config/")
        policies = config["apps"]["tls"]["automation"]["policies"]
        (server,) = (
            each
            for each in config["apps"]["http"]["servers"].values()
            if each["listen"] == [f"127.0.0.1:{self.port}"]
        )
        (policy,) = (each for each in policies if any("first" in subject for subject in each["subjects"]))
        server["routes"].append(route)
        policy["subjects"].append(f"{name}.localhost")
        self.ask("POST", "/config/", config)
        context = ssl.create_default_context(cafile=roots)
        deadline = time.monotonic() + _PATIENCE_S
        while True:  # it obtains the certificate in the background
            try:
                with (
                    socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_S) as plain,
                    context.wrap_socket(plain, server_hostname=f"{name}.localhost") as channel,
                ):
                    der = channel.getpeercert(binary_form=True)
            except OSError:
                if time.monotonic() > deadline:
                    raise
            else:
                assert der is not None
                return x509.load_der_x509_certificate(der)
