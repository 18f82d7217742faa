"""OpenBao itself, as its package brings it: a server in memory on the loopback."""

import json
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from cryptography import x509

BAO = Path(sys.executable).with_name("bao")
_PATIENCE_S = 60


class OpenBao:
    """A server that runs, asked by its API."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Return the data of an answer; nothing where there is none."""
        data: dict[str, Any] = self._ask(method, path, body).get("data") or {}
        return data

    def login(self, policy: str) -> str:
        """Return a token of a policy."""
        token: str = self._ask("POST", "auth/token/create", {"policies": [policy]})["auth"]["client_token"]
        return token

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-Vault-Token": self.token}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)) as connection:
            connection.request(method, f"/v1/{path}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            data: dict[str, Any] = json.loads(answer.read() or b"{}")
        if answer.status >= HTTPStatus.BAD_REQUEST and method != "LIST":
            raise AssertionError(f"{path}: {answer.status} {data}")
        return data

    def mount(self) -> str:
        """Return the path of a new PKI mount with a role `web`."""
        mount = f"pki-{secrets.token_hex(4)}"
        self.ask("POST", f"sys/mounts/{mount}", type="pki", config={"max_lease_ttl": "87600h"})
        self.ask("POST", f"{mount}/roles/web", allow_any_name=True, max_ttl="87600h", key_type="ec")
        return mount

    def issue(self, mount: str, ttl: str = "1h") -> x509.Certificate | None:
        """Return a leaf by the default issuer; None where it may not issue."""
        try:
            found = self.ask("POST", f"{mount}/issue/web", common_name="a.worlds.example", ttl=ttl)
        except AssertionError:
            return None
        return x509.load_pem_x509_certificate(found["certificate"].encode())


@contextmanager
def running(folder: Path) -> Iterator[OpenBao]:
    """Run a server with its home in `folder`; it listens when this returns."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    token = secrets.token_hex(8)
    (folder / "config.hcl").write_text("disable_mlock = true\n")
    command = [BAO, "server", "-dev", "-dev-no-store-token", "-config", folder / "config.hcl"]
    command += [f"-dev-root-token-id={token}", f"-dev-listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"HOME": str(folder)}, text=True
    ) as process:
        try:
            assert process.stdout is not None
            # it says so when it is unsealed, which is the last thing that it does
            assert any("Root Token:" in line for line in process.stdout)
            yield OpenBao(port, token)
        finally:
            process.kill()
