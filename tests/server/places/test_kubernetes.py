"""Manifests: what Kubernetes and cert-manager read, and files of others left alone."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import FileError, PlaceError
from server.material import read_material
from server.opened import read_opened
from server.places.kubernetes import KubernetesPlace
from server.signers import choose
from tests.archives import NOW
from tests.server.makers import TARGET, make_quarters, open_into


def make_place(work: Path, **fields: Any) -> KubernetesPlace:
    given = {"target": TARGET, "folder": str(work / "place"), "namespace": "cert-manager", "secret": "pism"}
    return KubernetesPlace(**(given | fields))


def test_the_secret_is_one_that_a_ca_issuer_reads(tmp_path: Path) -> None:
    box = make_quarters()
    opened = read_opened(open_into(tmp_path / "out", box))
    material = read_material(opened, choose(opened.signers, TARGET, 1, NOW), [box.identity], NOW)
    make_place(tmp_path).put("name", material, material.roots)
    secret = yaml.safe_load((tmp_path / "place" / "pism.yaml").read_text())
    assert (secret["apiVersion"], secret["kind"], secret["type"]) == ("v1", "Secret", "kubernetes.io/tls")
    assert secret["metadata"] == {"name": "pism", "namespace": "cert-manager"}
    assert {key: b64decode(text) for key, text in secret["data"].items()} == {
        "tls.crt": material.certificate_pem(),
        "tls.key": material.key_bytes(None),
        "ca.crt": material.root_pem(),
    }
    trust = yaml.safe_load((tmp_path / "place" / "pism-trust.yaml").read_text())
    assert trust["metadata"]["name"] == "pism-trust"
    assert trust["data"]["ca.crt"].encode() == material.root_pem()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "place").iterdir()} == {0o600}


def test_a_manifest_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "pism.yaml").write_text("kind: Secret\n")
    with pytest.raises(FileError, match="move it away"):
        make_place(tmp_path).put("name", None, ())
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["pism.yaml"]


def test_a_key_that_the_server_made_is_refused(tmp_path: Path) -> None:
    opened = read_opened(open_into(tmp_path / "out", make_quarters(), keys_of=()))
    material = read_material(opened, choose(opened.signers, TARGET, 1, NOW), (), NOW)
    with pytest.raises(PlaceError):
        make_place(tmp_path).put("name", material, material.roots)


@pytest.mark.parametrize(
    ("fields", "key"),
    [({"folder": "x"}, "folder"), ({"namespace": "A"}, "namespace"), ({"secret": "s" * 58}, "secret")],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, fields: dict[str, Any], key: str) -> None:
    assert list(make_place(tmp_path, **fields).faults()) == [key]
    assert make_place(tmp_path).faults() == {}
