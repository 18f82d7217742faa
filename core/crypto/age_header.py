"""The header of an age v1 file (C2SP age.md, "Header"): stanzas, and the MAC that binds them to the file key.

pyrage writes and reads whole files, for the kinds of recipients that it knows. For other kinds the header is
written anew: the file key is taken out through a throwaway X25519 key, or put in for one. The payload stays
as it is, since it depends on the file key alone.

1. A header has one form: lines of 64 characters of canonical base64, the last one shorter, no other spaces.
2. It is bounded: `MAX_HEADER_BYTES` together, `MAX_STANZAS`.
3. A file key has 16 bytes. It is wrapped with ChaCha20-Poly1305 under a key that is used once, so that the
   nonce may be zero (C2SP age.md, "X25519 recipient stanza").

Which stanza is whose is core.crypto.hybrid's matter, and pyrage's.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.crypto import bech32

MAGIC: Final = b"age-encryption.org/v1\n"
MAX_HEADER_BYTES: Final = 64 * 1024
MAX_STANZAS: Final = 256
FILE_KEY_BYTES: Final = 16
WRAPPED_BYTES: Final = FILE_KEY_BYTES + 16  # with the tag of ChaCha20-Poly1305
_COLUMNS: Final = 64
_X25519: Final = b"X25519"
_SCRYPT: Final = b"scrypt"
NONCE: Final = bytes(12)
_STANZA: Final = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)")
_END: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """The file key, wrapped for one recipient.

    Args:
        kind: The first argument, such as X25519.
        arguments: The others.
        body: What stands below, decoded.
    """

    kind: bytes
    arguments: tuple[bytes, ...]
    body: bytes

    def encode(self) -> bytes:
        """Return the stanza as it stands in a header."""
        text = encode_base64(self.body)
        lines = [text[at : at + _COLUMNS] for at in range(0, len(text) + 1, _COLUMNS)]
        return b"-> " + b" ".join((self.kind, *self.arguments)) + b"\n" + b"\n".join(lines) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header that was read.

    Args:
        stanzas: In order.
        size: Its length in bytes; the payload begins there.
        signed: The bytes that the MAC is over.
        mac: 32 bytes; believed after `is_under` only.
    """

    stanzas: tuple[Stanza, ...]
    size: int
    signed: bytes
    mac: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the header at the beginning of a file.

        Args:
            data: The file, or as much of it as has the whole header.

        Raises:
            ValueError: It breaks a rule of this module, or has no end.
        """
        if not data.startswith(MAGIC):
            raise ValueError("no age v1 file")
        at = len(MAGIC)
        stanzas: list[Stanza] = []
        while match := _STANZA.match(data, at, MAX_HEADER_BYTES):
            if len(stanzas) == MAX_STANZAS:
                raise ValueError("too many stanzas")
            kind, *arguments = match[1].split(b" ")
            body = decode_base64(match[2].replace(b"\n", b""))
            stanzas.append(Stanza(kind=kind, arguments=tuple(arguments), body=body))
            at = match.end()
        end = _END.match(data, at, MAX_HEADER_BYTES)
        if end is None or not stanzas:
            raise ValueError("a line that fits no stanza")
        # C2SP age.md, "scrypt recipient stanza": whoever has the passphrase could have added it.
        if len(stanzas) > 1 and any(stanza.kind == _SCRYPT for stanza in stanzas):
            raise ValueError("a passphrase beside another recipient")
        signed = data[: end.start() + len(b"---")]
        return cls(stanzas=tuple(stanzas), size=end.end(), signed=signed, mac=decode_base64(end[1]))

    def is_under(self, file_key: bytes) -> bool:
        """Return whether whoever wrote the header had the file key, and nobody altered it since."""
        return hmac.compare_digest(_mac(self.signed, file_key), self.mac)


def write_header(stanzas: Iterable[Stanza], file_key: bytes) -> bytes:
    """Return a header of these stanzas, with its MAC."""
    signed = MAGIC + b"".join(stanza.encode() for stanza in stanzas) + b"---"
    return signed + b" " + encode_base64(_mac(signed, file_key)) + b"\n"


class Throwaway:
    """An X25519 key by which pyrage and this module hand each other a file key; made for one file.

    Args:
        identity: pyrage's, with the public half as its `to_public`.
    """

    def __init__(self) -> None:
        self.identity = pyrage.x25519.Identity.generate()
        _, raw = bech32.decode(str(self.identity))
        self._private = X25519PrivateKey.from_private_bytes(raw)
        self._public = self._private.public_key().public_bytes_raw()

    def take_out(self, stanzas: Iterable[Stanza]) -> tuple[bytes, tuple[Stanza, ...]]:
        """Return the file key that pyrage wrapped, and the stanzas that are not the throwaway's.

        Raises:
            ValueError: No stanza is its own.
        """
        own, others = b"", []
        for stanza in stanzas:
            try:
                own = self._unwrap(stanza)
            except ValueError:
                others.append(stanza)
        if not own:
            raise ValueError("no stanza for the throwaway key")
        return own, tuple(others)

    def put_in(self, file_key: bytes) -> Stanza:
        """Return the stanza by which pyrage finds the file key."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self._public))
        body = ChaCha20Poly1305(self._derive(shared, share)).encrypt(NONCE, file_key, None)
        return Stanza(kind=_X25519, arguments=(encode_base64(share),), body=body)

    def _unwrap(self, stanza: Stanza) -> bytes:
        if stanza.kind != _X25519 or len(stanza.arguments) != 1 or len(stanza.body) != WRAPPED_BYTES:
            raise ValueError("another kind of stanza")
        share = decode_base64(stanza.arguments[0])
        shared = self._private.exchange(X25519PublicKey.from_public_bytes(share))
        try:
            return ChaCha20Poly1305(self._derive(shared, share)).decrypt(NONCE, stanza.body, None)
        except InvalidTag:
            raise ValueError("another one's stanza") from None

    def _derive(self, shared: bytes, share: bytes) -> bytes:
        return derive_key(shared, share + self._public, b"age-encryption.org/v1/X25519")


def derive_key(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA-256 (RFC 5869)."""
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def encode_base64(data: bytes) -> bytes:
    """Return base64 without padding, as age writes it."""
    return base64.b64encode(data).rstrip(b"=")


def decode_base64(text: bytes) -> bytes:
    """Return what canonical base64 without padding holds (RFC 4648 3.2, 3.5).

    Raises:
        ValueError: It is not canonical.
    """
    data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if encode_base64(data) != text:
        raise ValueError("base64 that is not canonical")
    return data


def _mac(signed: bytes, file_key: bytes) -> bytes:
    return hmac.digest(derive_key(file_key, b"", b"header"), signed, "sha256")
