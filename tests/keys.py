"""Key pairs for tests that take any kind of recipient."""

import os
import shlex
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.crypto import bech32
from core.crypto.hybrid import IDENTITY_PREFIX, HybridIdentity

ROOT = Path(__file__).parents[1]


class HybridKey(HybridIdentity):
    """A post-quantum identity of age that says its own line, as pyrage's identities do."""

    def __init__(self) -> None:
        self.text = bech32.encode(IDENTITY_PREFIX, os.urandom(32)).upper()
        super().__init__(self.text)

    def __str__(self) -> str:
        return self.text


class SoftKey:
    """A P-256 key as hardware has it; tests/core/crypto/age_plugin_soft.py opens with it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def point(self, form: PublicFormat = PublicFormat.CompressedPoint) -> bytes:
        return self._key.public_key().public_bytes(Encoding.X962, form)

    def public(self, prefix: str) -> str:
        return bech32.encode(prefix, self.point())

    def to_public(self) -> str:
        return self.public("age1yubikey")

    def __str__(self) -> str:
        raw = self._key.private_numbers().private_value.to_bytes(32, "big")
        return bech32.encode("age-plugin-soft-", raw).upper()


def lay_soft_plugin(folder: Path) -> Path:
    """Return a folder, to be put into PATH, that has age-plugin-soft."""
    program = ROOT / "tests/core/crypto/age_plugin_soft.py"
    command = shlex.join(["env", f"PYTHONPATH={ROOT}", sys.executable, str(program)])
    file = folder / "bin" / "age-plugin-soft"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    file.chmod(0o755)
    return file.parent
