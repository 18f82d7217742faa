"""server.yaml: read strictly, faults named by line."""

from pathlib import Path

import pytest

from core.errors import CaError
from server.settings import read_settings

GOOD = """\
identity: /etc/pism-server/identity.txt
trust: [/etc/pism-server/roots.pem]
places:
  files:
    etcd: {target: services/etcd, folder: /etc/etcd/pki, plain_key: true, hook: [systemctl, reload, etcd]}
    mongo:
      target: services/mongo
      lane_of: node-7
      folder: /srv/mongo
      key_passphrase_file: /etc/pism-server/mongo
      form: pkcs12
"""


def read(folder: Path, text: str) -> object:
    (folder / "server.yaml").write_text(text)
    return read_settings(folder / "server.yaml")


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "server.yaml").write_text(GOOD)
    settings = read_settings(tmp_path / "server.yaml")
    assert [(kind, name) for kind, name, _ in settings.named()] == [("files", "etcd"), ("files", "mongo")]
    assert settings.find("etcd").hook == ("systemctl", "reload", "etcd")
    assert settings.warn_days == 30


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("form: pkcs12", "form: jks", "E-CONFIG-VALUE", "line 11, places.files.mongo.form"),
        ("form: pkcs12", "forn: pkcs12", "E-CONFIG-KEY", "did you mean form?"),
        ("folder: /srv/mongo", "folder: mongo", "E-CONFIG-VALUE", "line 9, places.files.mongo.folder"),
        ("target: services/mongo", "target: mongo", "E-CONFIG-VALUE", "line 7, places.files.mongo.target"),
        ("    mongo:", "    Mongo:", "E-CONFIG-VALUE", "line 6, places.files.Mongo: a name has a-z"),
        ("  files:", "  file:", "E-CONFIG-KEY", "did you mean files?"),
        ("identity: ", "identty: ", "E-CONFIG-KEY", "identity"),
        ("lane_of: node-7", "lane: x", "E-CONFIG-VALUE", "line 8"),
        ("folder: /srv/mongo", "folder: /etc//etcd/pki", "E-CONFIG-VALUE", "etcd stands there already"),
        ("trust: [", "trust: [*x, ", "E-CONFIG-SYNTAX", "line 2"),
    ],
)
def test_a_fault_is_named_with_line_and_key(tmp_path: Path, old: str, new: str, code: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(CaError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert caught.value.code == code
    assert says in str(caught.value)


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaError) as caught:
        read_settings(tmp_path / "server.yaml")
    assert caught.value.code == "E-FILE"
