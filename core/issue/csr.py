"""A signing request (PKCS #10, RFC 2986) from who knows whom: read, bounded, its key proven.

1. A file holds exactly one request, DER or one PEM block; text around the block, as some programs write it,
   is passed over. A file with a private key is refused before anything else is looked at.
2. The key is of one of the eight algorithms, in its one canonical encoding, not known to be weak
   (core.crypto.keys), and has signed the request with a sound hash.
3. Only the key is taken, and only by it a request is judged. The subject is made printable and short, for a
   person to look at, whatever is in it; what is no text in the alphabet that it claims is escaped.
   Attributes, extensions among them, and the version are not even read. What a certificate says is the
   policy's (core.issue.profile).
4. Whatever a library throws at such bytes, a panic included, leaves here as a RequestError.

Which file it comes in is core.api.csr_files'; what it may be signed for, core.authority.signing_requests'.
"""

import base64
import hashlib
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.api.csr_files import MAX_REQUEST_BYTES
from core.crypto.keys import PublicKey, algorithm_name, fault_in_key
from core.crypto.recipients import holds_private_key, refusing
from core.der import INTEGER, SEQUENCE, Element, encode_element, read_elements, show_oid
from core.errors import (
    IssueError,
    RequestError,
    RequestKeyError,
    RequestPrivateError,
    RequestProofError,
)
from core.plain_text import read_plain_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

MAX_SUBJECT: Final = 128
_VERSION: Final = bytes.fromhex("020100")
_NO_ATTRIBUTES: Final = bytes.fromhex("a000")
_TAGS: Final = (SEQUENCE, SEQUENCE, INTEGER, SEQUENCE, SEQUENCE, _NO_ATTRIBUTES[0])
_ALPHABETS: Final = {0x0C: "utf-8", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}  # UTF8String, Universal, BMP
_SOUND_HASHES: Final = (
    hashes.SHA256, hashes.SHA384, hashes.SHA512, hashes.SHA3_256, hashes.SHA3_384, hashes.SHA3_512,
)  # fmt: skip

_BLOCK: Final = re.compile(
    rb"-----BEGIN (NEW |)CERTIFICATE REQUEST-----\s([A-Za-z0-9+/=\s]*)-----END \1CERTIFICATE REQUEST-----"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Csr:
    """A request that passed every rule here.

    Args:
        subject: Its subject as text (RFC 4514), printable ASCII, at most MAX_SUBJECT characters; a claim of
            whoever made it, good for nothing but to be looked at.
        algorithm: A name of config.yaml, such as ed25519.
        public_key: Its key.
        key_sha256: SHA-256 of the key as DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7), 64 hex digits.
    """

    subject: str
    algorithm: str
    public_key: PublicKey = field(repr=False)
    key_sha256: str


def parse_csr(data: bytes) -> Csr:
    """Read one request.

    Args:
        data: The file's bytes.

    Raises:
        RequestPrivateError: It holds a private key (E-REQUEST-PRIVATE).
        RequestKeyError: The key is of no algorithm that PiSM knows, oddly written, or weak (E-REQUEST-KEY).
        RequestProofError: The key did not sign it (E-REQUEST-PROOF).
        RequestError: Too large, more than one, or no request at all (E-REQUEST).
    """
    if len(data) > MAX_REQUEST_BYTES:
        raise RequestError(f"it is larger than {MAX_REQUEST_BYTES} bytes")
    if holds_private_key(data):
        raise RequestPrivateError("it holds a private key; only a request may come here")
    der = _find_der(data)
    with refusing(RequestError("it is no signing request that can be read")):
        signed, subject, info, bare = _take_apart(der)
        request = x509.load_der_x509_csr(bare)
    with refusing(RequestKeyError("its key is none that PiSM knows")):
        key = cast("PublicKey", request.public_key())
        usual = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    _check_key(key, written=info, usual=usual)
    with refusing(RequestProofError("its signature cannot be verified")):
        digest = request.signature_hash_algorithm
        if digest is not None and not isinstance(digest, _SOUND_HASHES):
            raise RequestProofError("it is signed with a hash that is not sound")
        _verify(key, request, signed)
    return Csr(
        subject=show_text(_read_subject(der, subject), MAX_SUBJECT) or "(empty)",
        algorithm=algorithm_name(key),
        public_key=key,
        key_sha256=hashlib.sha256(info).hexdigest(),
    )


def _take_apart(der: bytes) -> tuple[bytes, Element, bytes, bytes]:
    """Return what was signed, the subject, the key, and the request with an empty subject (RFC 2986 4.1).

    The library reads that one: key and signature algorithm are its matter, subject and attributes nobody's.
    """
    (outer,) = read_elements(der)
    signed, algorithm, signature = outer.children()
    version, subject, info, *attributes = signed.children()
    tags = (outer.tag, signed.tag, version.tag, subject.tag, info.tag, *(item.tag for item in attributes))
    if tags not in (_TAGS, _TAGS[:-1]):  # some programs leave empty attributes out
        raise ValueError("not the elements of a request")
    body = encode_element(SEQUENCE, _VERSION + encode_element(SEQUENCE, b"") + info.whole + _NO_ATTRIBUTES)
    bare = encode_element(SEQUENCE, body + algorithm.whole + signature.whole)
    return signed.whole, subject, info.whole, bare


def _verify(key: PublicKey, request: x509.CertificateSigningRequest, signed: bytes) -> None:
    """Refuse a signature that the key did not make over what was signed, by the request's algorithm."""
    signature, how = request.signature, request.signature_algorithm_parameters
    if isinstance(key, rsa.RSAPublicKey):
        digest = cast("hashes.HashAlgorithm", request.signature_hash_algorithm)
        key.verify(signature, signed, cast("AsymmetricPadding", how), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, cast("ec.ECDSA", how))
    else:
        key.verify(signature, signed)


def _read_subject(der: bytes, subject: Element) -> str:
    """Return the subject as text (RFC 4514); what is in no alphabet of its own, octet by octet."""
    odd = RequestError("its subject is odd")
    with suppress(RequestError), refusing(odd), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is shown as it is
        return x509.load_der_x509_csr(der).subject.rfc4514_string()
    with suppress(RequestError), refusing(odd):
        names = ["+".join(map(_show_attribute, group.children())) for group in subject.children()]
        return ",".join(reversed(names))  # RFC 4514 2.1
    return subject.content.decode("ascii", "backslashreplace")


def _show_attribute(attribute: Element) -> str:
    kind, value = attribute.children()
    oid = x509.ObjectIdentifier(show_oid(kind.content))
    name = x509.NameAttribute(oid, "xx").rfc4514_attribute_name  # any value that is not judged
    try:
        text = value.content.decode(_ALPHABETS.get(value.tag, "ascii"))
    except UnicodeDecodeError:
        text = value.content.decode("ascii", "backslashreplace")
    return f"{name}={text}"


def show_text(text: str, longest: int) -> str:
    """Return hostile text in printable ASCII, whatever else is in it escaped, its end cut with "..".

    Args:
        text: Any.
        longest: Characters that are left at most.
    """
    shown = "".join(
        char
        if " " <= char <= "~"
        else char.encode("ascii", "backslashreplace").decode()
        if char > "\x7f"
        else f"\\x{ord(char):02x}"
        for char in text[: longest + 1]
    )
    return shown if len(shown) <= longest else shown[: longest - 2] + ".."


def _find_der(data: bytes) -> bytes:
    """Return the request's DER, out of its PEM block where it has one."""
    if data[:1] == bytes([SEQUENCE]):
        return data
    plain = read_plain_text(data, lambda what: RequestError(f"it {what}"))
    found = _BLOCK.search(plain) if plain.count(b"-----BEGIN ") == 1 else None
    if found is None:
        raise RequestError("it holds no request, or more than one")
    with refusing(RequestError("its PEM block is no base64")):
        return base64.b64decode(b"".join(found[2].split()), validate=True)


def _check_key(key: PublicKey, *, written: bytes, usual: bytes) -> None:
    """Refuse a key that no certificate may hold (rule 2)."""
    try:
        algorithm_name(key)
    except IssueError:
        raise RequestKeyError("its key is of none of the algorithms, sizes and exponents of PiSM") from None
    # What stands in the certificate is then what the requester's own programs hash.
    if written != usual:
        raise RequestKeyError("its key is not written in the one usual way")
    if fault := fault_in_key(key):
        raise RequestKeyError(f"its key is weak: {fault}")
