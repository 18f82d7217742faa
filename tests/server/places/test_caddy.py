"""Caddy itself, as docs/server.md sets it up: who signs what it issues before and after a switch."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from core.errors import PlaceError
from server.material import Material, read_material
from server.opened import read_opened
from server.places.caddy import CaddyPlace
from server.signers import choose
from tests.archives import NOW, Box
from tests.kiosk.command import ROOT
from tests.server.makers import TARGET, make_quarters, open_into
from tests.server.places.caddy import Caddy, free_port
from tests.server.test_agent import Server

PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8").partition("\n## Caddy as an ACME server")[2]
DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
"""Caddy lives by the machine's clock; the agent's is ours."""

YESTERDAY = TODAY - DAY / 2
LONG_S = 365 * 24 * 3600


def make_today(algorithm: str = "ed25519", tail: int = 30) -> Box:
    """Return a box whose signers change at the midnight before now."""
    box = Box(algorithm=algorithm)
    box.add("root", start=TODAY - 30 * DAY, until=TODAY + 300 * DAY, tail=60)
    box.add("seal")
    for start in (TODAY - 10 * DAY, TODAY):
        box.add("signer", start=start, until=start + 10 * DAY, tail=tail)
    return box


class Shop:
    """A server with a Caddy, both set up as the page says; its agent has done its first turn."""

    def __init__(self, folder: Path, box: Box) -> None:
        self.server = Server(folder, box)
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(box.of("root")[0].pem)
        (text,) = re.findall(r"^```caddyfile\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
        text = text.replace("/var/lib/pism-server/caddy", str(self.server.place))
        self.caddy = Caddy(
            folder, text.replace("https://ca.worlds.example", f"https://ca.localhost:{free_port()}")
        )
        (page,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
        settings = yaml.safe_load(page)
        settings["identity"] = str(folder / "identity")
        settings["places"]["caddy"]["caddy"] |= {
            "target": TARGET,
            "folder": str(self.server.place),
            "admin": self.caddy.admin,
        }
        (folder / "server.yaml").write_text(yaml.safe_dump(settings))
        self.server.take(YESTERDAY)
        self.server.turn(YESTERDAY)

    def turn(self, now: datetime) -> str:
        """Do a turn, and return the last that the agent said."""
        self.server.turn(now)
        return self.server.said[-1]


@pytest.mark.judge
@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_caddy_issues_from_the_signer_that_stands_and_nothing_outlives_it(
    tmp_path: Path, algorithm: str
) -> None:
    shop = Shop(tmp_path, make_today(algorithm))
    assert "does not answer" in shop.server.said[-1]  # it does not run yet; its files stand
    first, second = (item.x509 for item in shop.server.box.of("signer"))
    with shop.caddy.running():
        shop.turn(YESTERDAY + DAY / 24)
        shop.caddy.issue("before", shop.roots).verify_directly_issued_by(first)
        assert shop.turn(TODAY).endswith("stands")
        leaf = shop.caddy.issue("after", shop.roots)
        leaf.verify_directly_issued_by(second)
        assert leaf.not_valid_after_utc <= second.not_valid_after_utc


@pytest.mark.judge
def test_what_lets_leaves_outlive_their_signer_is_lowered_and_nothing_else_is_changed(tmp_path: Path) -> None:
    shop = Shop(tmp_path, make_today())
    limit_ns = 30 * 24 * 3600 * 10**9
    with shop.caddy.running():
        before = shop.caddy.ask("GET", "/config/")
        acme, *internal = _lifetimes(before)
        acme["lifetime"] = LONG_S * 10**9
        internal[0]["lifetime"] = "10000h"
        before["apps"]["http"]["servers"]["srv0"]["routes"][0]["terminal"] = True
        shop.caddy.ask("POST", "/config/", before)
        shop.turn(TODAY)
        after = shop.caddy.ask("GET", "/config/")
        assert [part["lifetime"] for part in _lifetimes(after)] == [limit_ns, limit_ns] + [
            12 * 3600 * 10**9 for _ in internal[1:]
        ]
        for config in (before, after):
            for part in _lifetimes(config):
                part.pop("lifetime", None)
        assert after == before


@pytest.mark.judge
def test_caddy_is_stopped_where_no_signer_may_stand_and_issues_again_when_it_was_started(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path, make_today())
    with shop.caddy.running() as process:
        shop.turn(TODAY)
        assert "no signer may stand" in shop.turn(TODAY + 11 * DAY)
        assert shop.server.stands() is None
        process.wait(20)
    assert shop.server.said[-1] == shop.turn(TODAY + 12 * DAY)  # one that does not run is none to be stopped


def _lifetimes(config: Any) -> list[dict[str, Any]]:
    """Return what says how long leaves of the CA live: the ACME server first."""
    if isinstance(config, list):
        return [found for part in config for found in _lifetimes(part)]
    if not isinstance(config, dict):
        return []
    here = [config] if config.get("ca") == "pism" else []
    return here + [found for _, part in sorted(config.items()) for found in _lifetimes(part)]


@dataclass
class Answers:
    """What a server that is no Caddy answers, by method and path, and what it was told."""

    given: Mapping[tuple[str, str], tuple[int, bytes]]
    told: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def answering(answers: Answers) -> Iterator[str]:
    """Run a server of fixed answers; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answers.told.append((self.command, self.path, dict(self.headers), body))
            status, data = answers.given[(self.command, self.path)]
            self.send_response(status)
            self.send_header("Etag", '"/config/ 1234"')
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    box = make_quarters()
    opened = read_opened(open_into(tmp_path_factory.mktemp("opened") / "out", box))
    return read_material(opened, choose(opened.signers, TARGET, 1, NOW), [box.identity], NOW)


def ca_of(material: Material, **instead: str) -> bytes:
    pem = {
        "intermediate_certificate": material.certificate.public_bytes(Encoding.PEM).decode(),
        "root_certificate": material.root.public_bytes(Encoding.PEM).decode(),
    }
    return json.dumps(pem | instead).encode()


CONFIG = {
    "apps": {"http": {"handle": [{"handler": "acme_server", "ca": "pism", "lifetime": "1h30m"}]}},
    "x": 1.5,
}
GOOD = {("GET", "/config/"): (200, json.dumps(CONFIG).encode()), ("POST", "/config/"): (200, b"")}


def put(folder: Path, address: str, material: Material | None, roots: Any) -> None:
    place = CaddyPlace(target=TARGET, folder=str(folder / "place"), admin=address)
    place.put("caddy", material, roots)


def test_its_configuration_goes_back_whole_unless_somebody_else_changed_it(
    tmp_path: Path, material: Material
) -> None:
    answers = Answers(GOOD | {("GET", "/pki/ca/pism"): (200, ca_of(material))})
    with answering(answers) as address:
        put(tmp_path, address, material, material.roots)
    method, path, headers, body = answers.told[1]
    assert (method, path) == ("POST", "/config/")
    assert (headers["If-Match"], headers["Cache-Control"]) == ('"/config/ 1234"', "must-revalidate")
    sent = json.loads(body)
    assert sent["apps"]["http"]["handle"][0].pop("lifetime") == 5400 * 10**9
    assert sent["x"] == 1.5
    assert (tmp_path / "place" / "key.pem").exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({("GET", "/config/"): (403, b"")}, "refuses its configuration: 403"),
        ({("GET", "/config/"): (200, b"null")}, "has no configuration"),
        ({("GET", "/config/"): (200, b"[" * 100_000)}, "has no configuration"),
        ({("GET", "/config/"): (200, b" " * (5 << 20))}, "too long"),
        ({("POST", "/config/"): (412, b'{"error":"changed\\nmeanwhile"}')}, "it back: 412 changed meanwhile"),
        ({("GET", "/pki/ca/pism"): (404, b'{"error":"none"}')}, "its CA pism: 404 none"),
        ({("GET", "/pki/ca/pism"): (200, b"{}")}, "not what its API says"),
        ({("GET", "/pki/ca/pism"): (200, b"OTHER")}, "does not issue from"),
    ],
)
def test_what_caddy_refuses_or_does_not_do_is_told(
    tmp_path: Path, material: Material, given: dict[tuple[str, str], tuple[int, bytes]], why: str
) -> None:
    root = material.root.public_bytes(Encoding.PEM).decode()
    right = GOOD | {("GET", "/pki/ca/pism"): (200, ca_of(material))}
    other = {
        key: (status, ca_of(material, intermediate_certificate=root) if body == b"OTHER" else body)
        for key, (status, body) in given.items()
    }
    with answering(Answers(right | other)) as address, pytest.raises(PlaceError, match=why) as raised:
        put(tmp_path, address, material, material.roots)
    assert "PRIVATE" not in str(raised.value)


def test_none_stops_it_and_one_that_does_not_run_is_as_good(tmp_path: Path, material: Material) -> None:
    answers = Answers({("POST", "/stop"): (200, b"")})
    with answering(answers) as address:
        put(tmp_path, address, None, material.roots)
    assert [each[:2] for each in answers.told] == [("POST", "/stop")]
    put(tmp_path, address, None, material.roots)
    with (
        answering(Answers({("POST", "/stop"): (500, b"")})) as address,
        pytest.raises(PlaceError, match="to stop: 500"),
    ):
        put(tmp_path, address, None, material.roots)
    assert not (tmp_path / "place" / "key.pem").exists()


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"admin": "http://caddy.example:2019"}, "admin"),
        ({"admin": "unix//run/caddy"}, "admin"),
        ({"folder": "pki"}, "folder"),
        ({"ca": "a/b"}, "ca"),
        ({"mode": "600"}, "mode"),
        ({"lane": 0}, "lane"),
    ],
)
def test_a_wrong_setting_is_named(fields: dict[str, Any], key: str) -> None:
    good = {"target": TARGET, "folder": "/srv/caddy"}
    assert list(CaddyPlace(**(good | fields)).faults()) == [key]  # type: ignore[arg-type]
