"""A sound archive of few members, its identity, and ways to open and to spoil one."""

import io
import os
from collections.abc import Callable
from typing import Any

import pyrage
import pytest

from core.archive.container import Archive, make_member, read_archive, write_archive
from core.crypto.recipients import Recipient, parse_recipient
from core.errors import CaError
from tests.archives import NOW

ID = "0b9a1c6e-2f0e-4d0c-9a43-6f5d1f3b7c11"
OTHER_ID = "1b9a1c6e-2f0e-4d0c-9a43-6f5d1f3b7c11"
IDENTITY = pyrage.x25519.Identity.generate()
CONTENT = (
    ("manifest.json", b"{}"),
    (f"seals/{ID}/seal.pem", b"seal" * 100),
    (f"seals/{ID}/manifest.sig", bytes(64)),
    (f"roots/{ID}.pem", b"r" * 512),
    (f"signers/services/mongo/{ID}.pem", b""),
    (f"keys/{ID}.pem", b"k"),
    ("passphrases.age", b"p" * 513),
    (f"crls/{ID}.crl", b"c"),
    ("journal.jsonl", os.urandom(70_000)),
    ("state.json", b"{}"),
)


def recipient() -> Recipient:
    return parse_recipient(str(IDENTITY.to_public()), "a.pub")


def written(content: Any = CONTENT) -> bytes:
    out = io.BytesIO()
    write_archive(out, (make_member(*item) for item in content), [recipient()], NOW)
    return out.getvalue()


SOUND = written()


def opened(data: bytes, **options: Any) -> Archive:
    return read_archive(io.BytesIO(data), [IDENTITY], **options)


def sealed(tar: bytes) -> bytes:
    return bytes(pyrage.encrypt(tar, [IDENTITY.to_public()]))


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(CaError) as caught:
        action()
    return caught.value.code
