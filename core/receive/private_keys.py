"""Private keys of an archive: each opens with its passphrase and belongs to its certificate (check 10).

Rules:
1. passphrases.age names exactly the keys that are inside, and opens with the receiver's identities.
2. A key whose public half is only carried along, not derived, is proven by signing and verifying; the numbers
   of an RSA key fit together besides.
3. No key of an egress is a root's or a seal's, whatever the manifest calls it.
4. Decrypted keys are looked at one by one, and kept nowhere.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from core.archive.manifest import Manifest
from core.crypto.age import decrypt_stream
from core.crypto.keys import PrivateKey, PublicKey, fits_together, sign_bytes, verify_bytes
from core.crypto.recipients import refusing
from core.decoding import json_decoder
from core.errors import ArchiveCertificateError, CaError
from core.progress import Progress, Report, report_nothing
from core.receive.certificates import Members

MAX_PASSPHRASES_BYTES: Final = 64 * 1024 * 1024
_decode_passphrases = json_decoder(dict[str, str], MAX_PASSPHRASES_BYTES)
_PROOF: Final = b"PiSM: this key belongs to its certificate"


def check_keys(
    archive: Members,
    manifest: Manifest,
    keys: Mapping[str, PublicKey],
    identities: Sequence[Any],
    report: Report = report_nothing,
) -> int:
    """Open every private key and hold it against its certificate.

    Args:
        archive: The archive.
        manifest: Its sealed manifest; every key file is listed there.
        keys: Certificate id -> public key, from core.receive.certificates.
        identities: From core.crypto.identities.
        report: Told (keys done, keys in all, "key"); may raise StoppedError.

    Returns:
        How many keys there are.

    Raises:
        ArchiveCertificateError: A key or a passphrase is missing, too many, or does not fit; or an egress
            holds the key of a root (E-ARCHIVE-CERT).
        ArchiveError: passphrases.age cannot be decrypted (E-ARCHIVE-IDENTITY, E-ARCHIVE-DAMAGED).
    """
    passphrases = read_passphrases(archive, identities)
    wanted = [entry for entry in manifest.certificates if isinstance(entry.key_file, str)]
    if list(passphrases) != [entry.id for entry in wanted]:
        raise ArchiveCertificateError("passphrases.age does not name exactly the keys that are inside.")
    forbidden = frozenset(
        _encode(keys[entry.id])
        for entry in manifest.certificates
        if entry.kind != "signer" and manifest.kind == "egress"
    )
    for done, entry in enumerate(wanted):
        report(Progress(done=done, total=len(wanted), what="key"))
        path = f"keys/{entry.id}.pem"
        if _encode(keys[entry.id]) in forbidden:
            raise ArchiveCertificateError(f"{path} is the key of a root or a seal, which no egress may hold.")
        _check_key(archive.read(path), passphrases[entry.id].encode(), keys[entry.id], path)
    report(Progress(done=len(wanted), total=len(wanted), what="key"))
    return len(wanted)


def prove_key(archive: Members, id_: str, passphrase: str, public: PublicKey) -> PrivateKey:
    """Return one private key, once a signature of it was verified with its certificate's public key.

    Args:
        archive: An archive that passed check 10.
        id_: Of the certificate.
        passphrase: The key's own, from `read_passphrases`.
        public: Of the certificate, from core.receive.certificates.

    Raises:
        ArchiveCertificateError: The key does not open, or is another one's (E-ARCHIVE-CERT).
    """
    path = f"keys/{id_}.pem"
    key = _check_key(archive.read(path), passphrase.encode(), public, path)
    _prove(key, public, path)
    return key


def read_passphrases(archive: Members, identities: Sequence[Any]) -> dict[str, str]:
    """Return the passphrase of each key that is inside, by id of its certificate; all are secret.

    Raises:
        ArchiveCertificateError: passphrases.age is not to its format (E-ARCHIVE-CERT).
        ArchiveError: It cannot be decrypted (E-ARCHIVE-IDENTITY, E-ARCHIVE-DAMAGED).
    """
    plain = io.BytesIO()
    encrypted = io.BytesIO(archive.read("passphrases.age"))
    decrypt_stream(encrypted, identities, plain, MAX_PASSPHRASES_BYTES)
    refusal = ArchiveCertificateError("passphrases.age does not hold one passphrase for each key.")
    with refusing(refusal):
        passphrases = _decode_passphrases(plain.getvalue())
        if msgspec.json.encode(passphrases) != plain.getvalue():  # a key twice, or spaces
            raise refusal
    return passphrases


def _check_key(pem: bytes, passphrase: bytes, public: PublicKey, path: str) -> PrivateKey:
    refusal = ArchiveCertificateError(f"{path} does not open with its passphrase.")
    if not pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"):
        raise ArchiveCertificateError(f"{path} is not an encrypted PKCS#8 key.")
    with refusing(refusal):
        # The library's own check of RSA takes 0.1 s; what is proven below is as good for our question.
        key = cast("PrivateKey", load_pem_private_key(pem, passphrase, unsafe_skip_rsa_key_validation=True))
        own = _encode(key.public_key())
    if own != _encode(public):
        raise _strange(path)
    if isinstance(key, RSAPrivateKey) and not fits_together(key):
        raise _strange(path)
    if isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        _prove(key, public, path)
    return key


def _prove(key: PrivateKey, public: PublicKey, path: str) -> None:
    """Sign with the private key and verify with the public one."""
    try:
        with refusing(_strange(path)):
            verify_bytes(public, sign_bytes(key, _PROOF), _PROOF)
    except CaError:
        raise _strange(path) from None


def _strange(path: str) -> ArchiveCertificateError:
    return ArchiveCertificateError(f"{path} is not the key of its certificate.")


def _encode(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
