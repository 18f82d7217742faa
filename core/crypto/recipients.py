"""Public keys that archives are encrypted to, and the words by which people compare them.

Owns: reading one recipient, the strength rules, its canonical line, its fingerprint and words.

Rules:
1. A file holds one key: age1... (X25519), age1pq1... (post-quantum), age1tag1..., age1tagpq1... or
   age1yubikey1... (in hardware), ssh-ed25519, ssh-rsa, or a PEM public key (RSA, Ed25519), which becomes its
   ssh form. Comment lines (#) and blank lines may stand around it.
2. Anything private is refused before anything else is looked at.
3. RSA has 3072 to 4096 bits and an odd exponent of 65537 or more; a point of low order is refused.
4. What a library throws, a panic included, leaves here as a RecipientError that names the source.
5. The comment of an ssh line is a claim of whoever made the file: for eyes, bounded, and escaped.

Private halves are core.crypto.identities' matter.
"""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, Literal

import pyrage
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
    load_ssh_public_key,
)
from mnemonic import Mnemonic

from core.crypto import bech32, hardware, hybrid
from core.crypto.keys import is_low_order_ed25519, is_low_order_x25519, is_valid_ed25519, is_valid_x25519
from core.der import OID, SEQUENCE, read_elements
from core.errors import (
    CaError,
    RecipientError,
    RecipientMixedError,
    RecipientPrivateError,
    RecipientWeakError,
)
from core.plain_text import read_plain_text
from core.printable import escape

MAX_RECIPIENT_BYTES = 16 * 1024
MIN_RSA_BITS = 3072
MAX_RSA_BITS = 4096  # what pyrage and age take
MIN_RSA_EXPONENT = 65537
MAX_RSA_EXPONENT = 2**32 - 1
MAX_COMMENT_CHARACTERS = 64
FINGERPRINT_WORDS = 12
_WORD_BITS = 11
_PKCS12_VERSION = b"\x02\x01\x03"  # RFC 7292 4
_PKCS7 = bytes.fromhex("2a864886f70d0107")  # 1.2.840.113549.1.7
_PRIVATE = re.compile(
    rb"-----? ?BEGIN [A-Z0-9 ]*PRIVATE KEY|AGE-SECRET-KEY-|age-encryption\.org/v1|BEGIN AGE ENCRYPTED FILE"
    rb"|PuTTY-User-Key-File|SSH PRIVATE KEY FILE FORMAT",
    re.IGNORECASE,
)

RecipientKind = Literal["age", "age-pq", "age-tag", "age-tagpq", "age-yubikey", "ssh-ed25519", "ssh-rsa"]
POST_QUANTUM: Final[tuple[RecipientKind, ...]] = ("age-pq", "age-tagpq")
DESCRIPTIONS: Final[dict[RecipientKind, str]] = {
    "age": "X25519",
    "age-pq": "post-quantum, ML-KEM-768 with X25519",
    "age-tag": "in hardware, P-256",
    "age-tagpq": "in hardware, post-quantum, ML-KEM-768 with P-256",
    "age-yubikey": "in a YubiKey, P-256",
    "ssh-ed25519": "Ed25519",
    "ssh-rsa": "RSA",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A public key that passed every rule here.

    Args:
        kind: See DESCRIPTIONS.
        key: The key in one canonical line without a comment; `parse_recipient` reads it back.
        fingerprint: "SHA256:" and base64, as `ssh-keygen -l` shows it; for age, of the line itself.
        words: The first 132 bits of that SHA-256 as 12 BIP-39 words.
        comment: What an ssh line says behind its key, printable, at most 64 characters; "" for none.
    """

    kind: RecipientKind
    key: str
    fingerprint: str
    words: tuple[str, ...]
    comment: str = field(default="", compare=False)

    @property
    def is_post_quantum(self) -> bool:
        """Whether a quantum computer does not open what is encrypted to it, as far as anybody knows."""
        return self.kind in POST_QUANTUM


def parse_recipient(text: bytes | str, source: str) -> Recipient:
    """Read one public key.

    Args:
        text: Contents of a recipient file, or one line of config.yaml; at most 16 KiB.
        source: Where it comes from, for the error's text.

    Returns:
        The recipient with its canonical line.

    Raises:
        RecipientPrivateError: It holds a private key (E-RECIPIENT-PRIVATE).
        RecipientWeakError: RSA size or exponent, or a point of low order (E-RECIPIENT-WEAK).
        RecipientError: Empty, too long, several keys, another kind, or garbage (E-RECIPIENT).
    """
    data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    if len(data) > MAX_RECIPIENT_BYTES:
        raise RecipientError(f"{source} is longer than {MAX_RECIPIENT_BYTES} bytes, so it is no public key.")
    _refuse_private(data, source)
    plain = read_plain_text(
        data, lambda what: RecipientError(f"{source} {what}."), to_pem="openssl pkey -pubin"
    )
    texts = (line.decode(errors="replace").strip() for line in plain.splitlines())
    lines = [line for line in texts if line and not line.startswith("#")]
    if not lines:
        raise RecipientError(f"{source} holds no public key.")
    if lines[0].startswith("-----BEGIN "):
        return _from_pem(lines, source)
    if lines[0].startswith("---- BEGIN SSH2 PUBLIC KEY"):
        raise RecipientError(
            f"{source} is a key as PuTTY saves it; this makes a line of it: ssh-keygen -i -f FILE > COPY"
        )
    if len(lines) > 1:
        raise RecipientError(f"{source} holds more than one line; a recipient is one public key.")
    kind = lines[0].split()[0]
    if kind in ("ssh-ed25519", "ssh-rsa"):
        return _from_ssh(lines[0], source)
    if kind.startswith("age1"):
        return _from_age(lines[0], source)
    raise RecipientError(f"{source} is not an age1, ssh-ed25519, ssh-rsa or PEM public key.")


def to_age(recipient: Recipient) -> Any:  # pyrage has no types
    """Return what core.crypto.age encrypts to: pyrage's recipient, or one whose stanza is ours.

    Raises:
        RecipientError: The library refuses it (E-RECIPIENT).
    """
    with refusing(RecipientError(f"The recipient {recipient.fingerprint} cannot be encrypted to.")):
        if recipient.kind == "age-pq":
            return hybrid.HybridRecipient(recipient.key)
        if recipient.kind == "age-yubikey":
            return hardware.YubikeyRecipient(bech32.decode(recipient.key)[1])
        if recipient.kind == "age-tag":
            return pyrage.tag.Recipient.from_str(recipient.key)
        if recipient.kind == "age-tagpq":
            return pyrage.tagpq.Recipient.from_str(recipient.key)
        if recipient.kind == "age":
            return pyrage.x25519.Recipient.from_str(recipient.key)
        return pyrage.ssh.Recipient.from_str(recipient.key)


def require_one_strength(recipients: Sequence[Recipient], source: str, *, mixed: bool = False) -> None:
    """Refuse keys of which only some are post-quantum: what is encrypted to all is as weak as the weakest.

    Args:
        recipients: Of one destination.
        source: Where they stand, for the error's text.
        mixed: The policy says that this is meant. A key of age1tagpq1 stands beside its own kind even so:
            pyrage, which alone can encrypt to it, takes no other there.

    Raises:
        RecipientMixedError: They are of both kinds (E-RECIPIENT-MIXED).
    """
    kinds_here = {recipient.kind for recipient in recipients}
    if "age-tagpq" in kinds_here and len(kinds_here) > 1:
        raise RecipientMixedError(
            f"{source} holds an age1tagpq1 key, which only others of its kind may stand by"
        )
    if mixed:
        return
    classical = [n for n, recipient in enumerate(recipients) if not recipient.is_post_quantum]
    if 0 < len(classical) < len(recipients):
        kinds = ", ".join(f"{source}[{n}] ({recipients[n].kind})" for n in classical)
        raise RecipientMixedError(
            f"{source} holds post-quantum keys, and others that a quantum computer opens: {kinds}"
        )


@contextmanager
def refusing(refusal: CaError) -> Iterator[None]:
    """Turn whatever a library throws at bad input into `refusal`; stand around one such call only.

    A panic of a Rust library is a BaseException, which a plain handler would miss. An interrupt and
    our own errors pass.
    """
    try:
        yield
    except CaError:
        raise
    except BaseException as error:  # what is no panic goes on
        if isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime":
            raise refusal from None
        raise


def fingerprint_words(digest: bytes, count: int = FINGERPRINT_WORDS) -> tuple[str, ...]:
    """Return the first 11 x `count` bits of a digest as BIP-39 words, for two people to compare.

    Args:
        digest: At least 11 x count bits, such as a SHA-256.
        count: How many words.
    """
    spare = len(digest) * 8 - count * _WORD_BITS
    if spare < 0:
        raise ValueError("The digest is too short for so many words.")
    bits = int.from_bytes(digest, "big") >> spare
    words = _word_list()
    return tuple(words[bits >> _WORD_BITS * (count - 1 - n) & 2**_WORD_BITS - 1] for n in range(count))


@cache
def _word_list() -> tuple[str, ...]:
    return tuple(Mnemonic("english").wordlist)


def holds_private_key(data: bytes) -> bool:
    """Return whether a file that should be public holds a private key in a form that is known."""
    plain = data.replace(b"\0", b"")  # UTF-16 text, as some editors save it
    if _PRIVATE.search(plain) is not None or is_pkcs12(data):
        return True
    if data[:1] == bytes([SEQUENCE]):
        try:
            load_der_private_key(data, None)
        except TypeError:  # encrypted: it asks for a password
            return True
        except (ValueError, UnsupportedAlgorithm):
            return False
        return True
    return False


def is_pkcs12(data: bytes) -> bool:
    """Return whether a file is PKCS#12, which is made to hold a private key (RFC 7292 4)."""
    try:
        (outer,) = read_elements(data)
        version, safe, *_ = outer.children()
        kind = safe.children()[0]
    except (ValueError, IndexError):
        return False
    return version.whole == _PKCS12_VERSION and kind.tag == OID and kind.content.startswith(_PKCS7)


def _refuse_private(data: bytes, source: str) -> None:
    if holds_private_key(data):
        raise RecipientPrivateError(f"{source} holds a private key; only a public key may come here.")


def _from_age(line: str, source: str) -> Recipient:
    try:
        prefix, raw = bech32.decode(line)
    except ValueError:
        raise RecipientError(f"{source} has a typing error in its age recipient.") from None
    kind = _AGE_KINDS.get(prefix)
    if line != line.lower() or kind is None:
        known = ", ".join(f"{name}1" for name in _AGE_KINDS)
        raise RecipientError(f"{source} is an age recipient of another kind than {known}.")
    with refusing(RecipientError(f"{source} is not a whole recipient of {prefix}1.")):
        point = _CHECKS[kind](line, raw)
    if point is not None and is_low_order_x25519(point):
        raise RecipientWeakError(f"{source} is a point of low order: anybody could read what it protects.")
    if point is not None and not is_valid_x25519(point):
        raise RecipientError(f"{source} is not a canonical X25519 point.")
    return _recipient(kind, line, line.encode())


def _check_x25519(_line: str, raw: bytes) -> bytes:
    if len(raw) != hybrid.X25519_BYTES:
        raise ValueError("another length")
    return raw


_AGE_KINDS: Final[dict[str, RecipientKind]] = {
    "age": "age",
    hybrid.RECIPIENT_PREFIX: "age-pq",
    hardware.TAG_PREFIX: "age-tag",
    hardware.TAG_PQ_PREFIX: "age-tagpq",
    hardware.YUBIKEY_PREFIX: "age-yubikey",
}
_CHECKS: Final[dict[RecipientKind, Callable[[str, bytes], bytes | None]]] = {
    "age": _check_x25519,
    "age-pq": lambda line, _raw: hybrid.HybridRecipient(line).point,
    "age-tag": lambda _line, raw: hardware.require_tag(raw),
    "age-tagpq": lambda _line, raw: hardware.require_tag_pq(raw),
    "age-yubikey": lambda _line, raw: hardware.require_tag(raw),
}
"""What refuses the bytes of a key, and returns its point of Curve25519, if it has one."""


def _from_pem(lines: Iterable[str], source: str) -> Recipient:
    pem = "\n".join(lines) + "\n"
    if pem.count("-----BEGIN ") != 1 or not pem.endswith("-----\n"):
        raise RecipientError(f"{source} holds more than one PEM block.")
    if not pem.startswith(("-----BEGIN PUBLIC KEY-----\n", "-----BEGIN RSA PUBLIC KEY-----\n")):
        raise RecipientError(f"{source} is PEM, but not a public key (a certificate is not taken either).")
    with refusing(RecipientError(f"{source} is a PEM public key that cannot be read.")):
        key = load_pem_public_key(pem.encode())
    return _from_key(key, source)


def _from_ssh(line: str, source: str) -> Recipient:
    with refusing(RecipientError(f"{source} is an ssh public key that cannot be read.")):
        key = load_ssh_public_key(line.encode())
    comment = " ".join(line.split()[2:])
    return replace(_from_key(key, source), comment=escape(comment)[:MAX_COMMENT_CHARACTERS])


def _from_key(key: object, source: str) -> Recipient:
    kind: RecipientKind
    if isinstance(key, RSAPublicKey):
        kind = "ssh-rsa"
        _require_strong_rsa(key, source)
    elif isinstance(key, Ed25519PublicKey):
        kind = "ssh-ed25519"
        raw = key.public_bytes_raw()
        if is_low_order_ed25519(raw):
            raise RecipientWeakError(
                f"{source} is a point of low order: anybody could read what it protects."
            )
        if not is_valid_ed25519(raw):
            raise RecipientError(f"{source} is not a canonical Ed25519 point.")
    else:
        raise RecipientError(f"{source} is a public key of a kind that age cannot encrypt to.")
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return _recipient(kind, line, base64.b64decode(line.split()[1]))


def _require_strong_rsa(key: RSAPublicKey, source: str) -> None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise RecipientWeakError(
            f"{source} is an RSA key of {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are taken."
        )
    numbers = key.public_numbers()
    if not (MIN_RSA_EXPONENT <= numbers.e <= MAX_RSA_EXPONENT and numbers.e % 2):
        raise RecipientWeakError(f"{source} is an RSA key with a bad exponent.")
    if math.gcd(numbers.n, math.factorial(1000)) != 1:
        raise RecipientWeakError(f"{source} is an RSA key whose modulus has a small factor.")


def _recipient(kind: RecipientKind, key: str, hashed: bytes) -> Recipient:
    digest = hashlib.sha256(hashed).digest()
    fingerprint = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    return Recipient(kind=kind, key=key, fingerprint=fingerprint, words=fingerprint_words(digest))
