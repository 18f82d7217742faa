"""OpenBao as a place: what its own server does then, what it may not do, and answers that are none."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from core.errors import FileError, PlaceError
from server.material import Material, read_material, trust_pem
from server.opened import read_opened
from server.places.openbao import OpenbaoPlace
from server.signers import choose
from tests.archives import NOW, Box
from tests.kiosk.command import ROOT
from tests.server.makers import NEXT, TARGET, make_quarters, open_into
from tests.server.places.bao import OpenBao
from tests.server.places.kit import OpenbaoKind
from tests.server.test_agent import LAST, Server

TOKEN = "s.a-token-that-nobody-else-may-see"
PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8").partition("\n## OpenBao's PKI, whole")[2]
HOUR = timedelta(hours=1)


def materials(folder: Path, box: Box) -> list[Material]:
    opened = read_opened(open_into(folder / "out", box))
    return [
        read_material(opened, choose(opened.signers, TARGET, 1, when), [box.identity], when)
        for when in (NOW, NEXT)
    ]


@pytest.fixture
def two(tmp_path: Path) -> list[Material]:
    return materials(tmp_path, make_quarters())


@pytest.fixture
def kind(tmp_path: Path, openbao: OpenBao) -> OpenbaoKind:
    return OpenbaoKind(tmp_path, openbao)


@pytest.mark.judge
@pytest.mark.parametrize("algorithm", ["ed25519", "p256", "rsa3072", "mldsa65"])
def test_a_leaf_is_the_signers_verifies_and_never_outlives_it(
    tmp_path: Path, openbao: OpenBao, algorithm: str
) -> None:
    kind = OpenbaoKind(tmp_path, openbao)
    (material, _) = materials(tmp_path, make_quarters(algorithm=algorithm))
    kind.place.put("bao", material, material.roots)
    leaf = openbao.issue(kind.mount, ttl="9000h")
    assert leaf is not None
    leaf.verify_directly_issued_by(material.certificate)
    assert leaf.not_valid_after_utc <= material.certificate.not_valid_after_utc
    if algorithm == "mldsa65":
        return  # OpenSSL of Debian 12 cannot verify it
    (tmp_path / "trust.pem").write_bytes(trust_pem(material.roots))
    (tmp_path / "signer.pem").write_bytes(material.certificate_pem())
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    at = str(int((NOW + HOUR).timestamp()))
    command = [
        "openssl",
        "verify",
        "-attime",
        at,
        "-CAfile",
        "trust.pem",
        "-untrusted",
        "signer.pem",
        "leaf.pem",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "leaf.pem: OK\n", done.stderr


@pytest.mark.judge
def test_a_signer_that_stood_before_issues_no_more_and_is_deleted_when_it_has_expired(
    kind: OpenbaoKind, two: list[Material], tmp_path: Path
) -> None:
    first, second = two
    kind.place.put("bao", first, first.roots)
    kind.place.put("bao", second, first.roots)
    named = {name: id_ for id_, name in kind.issuers().items()}
    old = named[f"pism-bao-{first.signer.id[:8]}"]
    with pytest.raises(AssertionError, match="issu"):
        kind.bao.ask("POST", f"{kind.mount}/issuer/{old}/issue/web", common_name="a.worlds.example")
    late = make_quarters()
    late.add("signer", start=LAST, until=LAST + timedelta(days=90), tail=30)
    third = read_material(
        opened := read_opened(open_into(tmp_path / "late", late)),
        choose(opened.signers, TARGET, 1, LAST),
        [late.identity],
        LAST,
    )
    kind.place.put("bao", third, third.roots)
    left = set(kind.issuers().values())
    assert f"pism-bao-{first.signer.id[:8]}" not in left  # its tail ended before the third one's first day
    assert {f"pism-bao-{each.signer.id[:8]}" for each in (second, third)} <= left
    assert len(kind.bao.ask("LIST", f"{kind.mount}/keys")["keys"]) == 2


@pytest.mark.judge
def test_what_was_cut_short_is_finished_and_what_others_have_there_is_left_alone(
    kind: OpenbaoKind, two: list[Material]
) -> None:
    material = two[0]
    others = kind.bao.ask(
        "POST", f"{kind.mount}/root/generate/internal", common_name="theirs", issuer_name="theirs"
    )
    bundle = (material.key_bytes(None) + material.chain_pem(with_root=True)).decode()
    kind.bao.ask("POST", f"{kind.mount}/issuers/import/bundle", pem_bundle=bundle)  # and then the plug
    kind.place.put("bao", material, material.roots)
    assert kind.read().certificate == material.certificate
    kind.place.put("bao", None, material.roots)
    assert kind.issuers()[others["issuer_id"]] == "theirs"
    assert kind.bao.ask("LIST", f"{kind.mount}/keys")["keys"] == [others["key_id"]]


@pytest.mark.judge
def test_a_root_that_is_to_be_trusted_no_more_goes(kind: OpenbaoKind, two: list[Material]) -> None:
    kind.place.put("bao", two[0], two[0].roots)
    assert kind.read().roots
    kind.place.put("bao", two[0], ())
    assert kind.read().roots == frozenset()


@pytest.mark.judge
def test_another_token_is_refused_and_not_shown(kind: OpenbaoKind, two: list[Material]) -> None:
    (kind.folder / "token").write_text(TOKEN)
    with pytest.raises(PlaceError, match="403") as refused:
        kind.place.put("bao", two[0], two[0].roots)
    assert TOKEN not in str(refused.value)


@pytest.mark.judge
def test_the_page_works_as_it_stands_with_a_token_of_its_policy(tmp_path: Path, openbao: OpenBao) -> None:
    mount = openbao.mount()
    (policy,) = re.findall(r"^```hcl\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    openbao.ask("PUT", "sys/policies/acl/pism", policy=policy.replace("pki/", f"{mount}/"))
    token = openbao.login("pism")
    (tmp_path / "token").write_text(token)
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    written = yaml.safe_load(text)
    place = written["places"]["openbao"]["bao"]
    del place["ca_file"]
    place |= {"address": openbao.address, "token_file": str(tmp_path / "token"), "mount": mount}
    server = Server(tmp_path, make_quarters())
    (tmp_path / "server.yaml").write_text(yaml.safe_dump({"identity": f"{tmp_path}/identity"} | written))
    server.take()
    seen = []
    for now in (NOW, NEXT - HOUR, NEXT, LAST - HOUR, LAST):
        server.turn(now)
        leaf = openbao.issue(mount)
        signers = [item.x509.subject for item in server.box.of("signer")]
        seen.append(signers.index(leaf.issuer) if leaf else None)
    assert seen == [0, 0, 1, 1, None]
    assert "no signer may stand" in server.said[-1]


# Settings and answers, without a server of theirs.


def place(folder: Path, address: str, **more: Any) -> OpenbaoPlace:
    (folder / "token").write_text(TOKEN)
    return OpenbaoPlace(target=TARGET, address=address, token_file=str(folder / "token"), **more)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"address": "http://bao.example:8200"}, "address"),
        ({"address": "ftp://127.0.0.1"}, "address"),
        ({"address": "https://"}, "address"),
        ({"address": "https://bao.example:99999999"}, "address"),
        ({"address": "https://user@bao.example"}, "address"),
        ({"address": "https://bao.example/v1"}, "address"),
        ({"mount": "../sys"}, "mount"),
        ({"mount": "pki?x"}, "mount"),
        ({"mount": ""}, "mount"),
        ({"token_file": "token"}, "token_file"),
        ({"ca_file": "ca.pem"}, "ca_file"),
        ({"lane": 0}, "lane"),
    ],
)
def test_settings_that_cannot_work_are_named(fields: dict[str, Any], key: str) -> None:
    good = {"target": TARGET, "address": "https://bao.example:8200", "token_file": "/t"}
    assert OpenbaoPlace(**good).faults() == {}  # type: ignore[arg-type]
    assert list(OpenbaoPlace(**(good | fields)).faults()) == [key]


class Answers(BaseHTTPRequestHandler):
    """Answers everything with one answer."""

    status: ClassVar[int] = 200
    body: ClassVar[bytes] = b""
    asked: ClassVar[list[str]] = []

    def handle_one_request(self) -> None:  # of any method
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append(self.path)
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Answers,), {"status": status, "body": body, "asked": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[" * 100_000),
        (200, b'{"data": {"mapping": 7}}'),
        (200, b'{"data": {"mapping": {}}}'),
        (200, b"x" * (5 << 20)),
        (301, b""),
        (404, b'{"errors": []}'),
        (503, b'{"errors": ["Vault is sealed"]}'),
        (500, json.dumps({"errors": ["\x1b[2J" * 5000]}).encode()),
    ],
)
def test_an_answer_that_is_none_is_refused_bounded_and_without_the_token(
    tmp_path: Path, two: list[Material], status: int, body: bytes
) -> None:
    with answering(status, body) as (address, asked), pytest.raises(PlaceError) as refused:
        place(tmp_path, address).put("bao", two[0], two[0].roots)
    assert len(asked) == 1
    assert TOKEN not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_no_server_no_token_and_no_roots_are_told(tmp_path: Path, two: list[Material]) -> None:
    with pytest.raises(PlaceError, match="does not answer"):
        place(tmp_path, "http://127.0.0.1:1").put("bao", two[0], two[0].roots)
    there = place(tmp_path, "https://127.0.0.1:1", ca_file=str(tmp_path / "token"))
    with pytest.raises(PlaceError, match="no roots"):
        there.put("bao", two[0], two[0].roots)
    (tmp_path / "token").unlink()
    with pytest.raises(FileError):
        OpenbaoPlace(target=TARGET, address="http://127.0.0.1:1", token_file=str(tmp_path / "token")).put(
            "bao", None, ()
        )
