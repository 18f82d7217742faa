"""`pism recipients`: what a public key file is, in the words that its owner compares."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.crypto.recipients import DESCRIPTIONS, parse_recipient
from tests.builders import AGE_KEY
from tests.keys import HybridKey
from tests.kiosk.command import run


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    ssh = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    lines = {"age": AGE_KEY, "age-pq": HybridKey().to_public(), "ssh-ed25519": f"{ssh.decode()} safe@north"}
    for kind, line in lines.items():
        (tmp_path / f"{kind}.pub").write_text(f"{line}\n")
    return {kind: tmp_path / f"{kind}.pub" for kind in lines}


def test_each_file_is_named_with_its_kind_fingerprint_and_words(keys: dict[str, Path]) -> None:
    shown = run("recipients", *keys.values()).out
    for kind, file in keys.items():
        recipient = parse_recipient(file.read_bytes(), "key")
        comment = ' "safe@north"' if kind == "ssh-ed25519" else ""
        assert (
            f"{file}: {kind}, {DESCRIPTIONS[recipient.kind]}{comment}\n    {recipient.fingerprint}\n" in shown
        )
        assert f"\n    {' '.join(recipient.words)}\n" in shown


def test_a_program_learns_which_are_post_quantum(keys: dict[str, Path]) -> None:
    found = json.loads(run("recipients", "--json", *keys.values()).out)
    assert [(item["kind"], item["post_quantum"]) for item in found] == [
        ("age", False),
        ("age-pq", True),
        ("ssh-ed25519", False),
    ]


def test_a_private_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    key = HybridKey()
    (tmp_path / "a.pub").write_text(f"{key}\n")
    refused = run("recipients", tmp_path / "a.pub")
    assert (refused.status, refused.code, refused.out) == (1, "E-RECIPIENT-PRIVATE", "")
    assert key.text[-20:] not in refused.err
