"""What a key, a certificate, a name or a date could look like in a file, and a search for all of it."""

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import load_der_private_key

LEAST_BYTES: Final = 7  # shorter ones turn up in encrypted bytes by chance


def encoded(secret: bytes) -> Iterator[bytes]:
    """Yield bytes raw, reversed, in hex and in base64, at each place of its four-character grid."""
    yield secret
    yield secret[::-1]
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield secret.hex(":").encode()
    for shift in range(3):
        padded = bytes(shift) + secret
        # What is before and after it would change the first and the last characters.
        inner = slice(4 if shift else 0, -4 if len(padded) % 3 else None)
        yield base64.b64encode(padded)[inner]
        yield base64.urlsafe_b64encode(padded)[inner]


def key_forms(pkcs8: bytes) -> Iterator[bytes]:
    """Yield everything that an Ed25519 key could look like: PKCS#8, seed, halves of the seed; encoded."""
    key = load_der_private_key(pkcs8, None)
    seed = key.private_bytes_raw()  # type: ignore[union-attr] # Ed25519
    for secret in (pkcs8, seed, seed[:16], seed[16:]):
        yield from encoded(secret)


def text_forms(text: str) -> Iterator[bytes]:
    """Yield a name as bytes, in two-byte letters, in other cases, and encoded."""
    for each in {text, text.lower(), text.upper()}:
        yield each.encode("utf-16-le")
        yield from encoded(each.encode())


def time_forms(at: datetime) -> Iterator[bytes]:
    """Yield an instant as text and as a number."""
    seconds = int(at.timestamp())
    formats = (
        "%Y-%m-%d",
        "%Y%m%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%Y-%m-%dT%H:%M:%SZ",
        "%y%m%d%H%M%SZ",
    )
    for layout in formats:
        yield from encoded(f"{at:{layout}}".encode())
    yield f"{at:%b %d %H:%M:%S %Y}".encode()
    yield str(seconds).encode()
    yield str(seconds * 1000).encode()


def find_in(folder: Path, needles: Iterable[bytes]) -> list[str]:
    """Return which of the needles stand where: in a file's bytes, or in the name of a file or folder."""
    wanted = [needle for needle in dict.fromkeys(needles) if len(needle) >= LEAST_BYTES]
    assert wanted
    found = []
    for path in (folder, *folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        name = path.name.encode() if path != folder else b""
        found += [f"{path}: {needle!r}" for needle in wanted if needle in data or needle in name]
    return found
