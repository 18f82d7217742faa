"""Keys of the eight algorithms: made, written, used, and the weak ones among public keys.

1. An algorithm is named as in config.yaml; a key whose kind, size or curve is none of them is refused.
2. Each algorithm has one way to sign, for certificates, CRLs and seals alike: EC with the hash of its
   size, RSA as PKCS#1 v1.5 with SHA-256, Ed25519 and ML-DSA over the bytes (RFC 8410, RFC 9881).
3. A private key leaves this module as PKCS#8 DER only; ML-DSA as its seed (RFC 9881 section 6).
4. Keys are made in this process, never on a disk. RSA primes take long to find, and the library lets
   go of the interpreter's lock meanwhile, so threads find them on all cores (core.cores). It keeps the lock
   while it makes any other key, which takes a third of a millisecond at most.
5. Weak is a public key whose private half is within reach, although size and kind are right. RSA: a small
   factor, two primes that lie close together (Fermat), the form that a faulty smart-card library made
   (CVE-2017-15361, whose moduli are powers of 65537 modulo every small prime). Ed25519: a point of low order.
6. An encoding of a point of Curve25519 is sound if it is canonical: below p = 2^255 - 19, no spare bit set
   (RFC 8032 5.1.3; RFC 7748 section 5 would reduce it, we refuse it). Points of order 1, 2, 4 or 8 are
   refused in each of their encodings: the shared secret with one is known to everybody (RFC 7748 6.1). An
   Ed25519 encoding must decompress. The library refuses points off other curves by itself.

It stores nothing and knows nothing of certificates. What looks at public keys does not run in constant time.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache, partial
from itertools import repeat
from typing import Final, cast, get_args

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509 import ObjectIdentifier, SignatureAlgorithmOID

from core.cores import map_on_cores
from core.errors import CheckError, IssueError

MlDsaPrivateKey = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
MlDsaPublicKey = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | MlDsaPrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey | MlDsaPublicKey
RSA_EXPONENT = 65537


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One of the eight.

    Args:
        make: Makes a private key.
        digest: The hash it signs with; None where the algorithm hashes by itself.
        signature_oid: How its signatures are named in certificates and CRLs.
        slow: Making a key takes so long that threads pay.
        make_us: What making a key takes, measured on one core of an x86 PC; this and the next three say how
            works of one kind relate to those of another, for bars (core.progress).
        load_us: What reading one takes.
        sign_us: What a signature takes.
        verify_us: What verifying one takes.
        size_bytes: Of a public key and a signature together, about.
    """

    make: Callable[[], PrivateKey]
    digest: SHA256 | SHA384 | None = None
    signature_oid: ObjectIdentifier
    slow: bool = False
    make_us: int
    load_us: int
    sign_us: int
    verify_us: int
    size_bytes: int


def _rsa(bits: int, *, make_us: int, load_us: int, sign_us: int, verify_us: int) -> Algorithm:
    return Algorithm(
        make=partial(rsa.generate_private_key, public_exponent=RSA_EXPONENT, key_size=bits),
        digest=SHA256(),
        signature_oid=SignatureAlgorithmOID.RSA_WITH_SHA256,
        slow=True,
        make_us=make_us,
        load_us=load_us,
        sign_us=sign_us,
        verify_us=verify_us,
        size_bytes=bits // 4,
    )


ALGORITHMS = {
    "ed25519": Algorithm(
        make=ed25519.Ed25519PrivateKey.generate,
        signature_oid=SignatureAlgorithmOID.ED25519,
        make_us=42,
        load_us=40,
        sign_us=42,
        verify_us=124,
        size_bytes=96,
    ),
    "p256": Algorithm(
        make=partial(ec.generate_private_key, ec.SECP256R1()),
        digest=SHA256(),
        signature_oid=SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        make_us=20,
        load_us=27,
        sign_us=35,
        verify_us=98,
        size_bytes=136,
    ),
    "p384": Algorithm(
        make=partial(ec.generate_private_key, ec.SECP384R1()),
        digest=SHA384(),
        signature_oid=SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        make_us=170,
        load_us=190,
        sign_us=220,
        verify_us=410,
        size_bytes=200,
    ),
    "rsa3072": _rsa(3072, make_us=190_000, load_us=55, sign_us=1000, verify_us=55),
    "rsa4096": _rsa(4096, make_us=510_000, load_us=80, sign_us=2000, verify_us=90),
    "mldsa44": Algorithm(
        make=mldsa.MLDSA44PrivateKey.generate,
        signature_oid=SignatureAlgorithmOID.ML_DSA_44,
        make_us=150,
        load_us=140,
        sign_us=650,
        verify_us=140,
        size_bytes=3732,
    ),
    "mldsa65": Algorithm(
        make=mldsa.MLDSA65PrivateKey.generate,
        signature_oid=SignatureAlgorithmOID.ML_DSA_65,
        make_us=300,
        load_us=300,
        sign_us=1100,
        verify_us=220,
        size_bytes=5261,
    ),
    "mldsa87": Algorithm(
        make=mldsa.MLDSA87PrivateKey.generate,
        signature_oid=SignatureAlgorithmOID.ML_DSA_87,
        make_us=320,
        load_us=300,
        sign_us=1000,
        verify_us=300,
        size_bytes=7219,
    ),
}

KEY_ALGORITHMS = tuple(ALGORITHMS)
_EC_NAMES = {"secp256r1": "p256", "secp384r1": "p384"}
_RSA_NAMES = {3072: "rsa3072", 4096: "rsa4096"}
_MLDSA_NAMES: dict[type, str] = {
    mldsa.MLDSA44PublicKey: "mldsa44",
    mldsa.MLDSA65PublicKey: "mldsa65",
    mldsa.MLDSA87PublicKey: "mldsa87",
}

_SMALL_FACTORS: Final = math.factorial(1000)
_FERMAT_ROUNDS: Final = 200
_GENERATOR: Final = 65537
_MARKED_PRIMES: Final = (
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
)  # fmt: skip
"""Primes modulo which 65537 makes a true subgroup; a sound modulus lies in all of them once in 2**27."""


def algorithm_name(public_key: object) -> str:
    """Return config.yaml's name for a public key's algorithm.

    Raises:
        IssueError: The key is of none of the eight algorithms (E-ISSUE).
    """
    name: str | None = None
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        name = "ed25519"
    elif isinstance(public_key, ec.EllipticCurvePublicKey):
        name = _EC_NAMES.get(public_key.curve.name)
    elif isinstance(public_key, rsa.RSAPublicKey):
        usual = public_key.public_numbers().e == RSA_EXPONENT
        name = _RSA_NAMES.get(public_key.key_size) if usual else None
    else:
        name = next((name for kind, name in _MLDSA_NAMES.items() if isinstance(public_key, kind)), None)
    if name is None:
        raise IssueError("a key is of none of the algorithms that PiSM knows")
    return name


def make_key(algorithm: str) -> PrivateKey:
    """Make one private key.

    Args:
        algorithm: One of `KEY_ALGORITHMS`.

    Raises:
        IssueError: There is no such algorithm (E-ISSUE).
    """
    if algorithm not in ALGORITHMS:
        raise IssueError(f"there is no key algorithm {algorithm}")
    return ALGORITHMS[algorithm].make()


def make_keys(algorithm: str, count: int, threads: int | None = None) -> Generator[PrivateKey]:
    """Make `count` private keys, RSA ones on all cores and a few ahead of the caller (core.cores).

    Closing the generator early drops what is queued; keys that are being made are finished and forgotten.

    Args:
        algorithm: One of `KEY_ALGORITHMS`.
        count: How many keys.
        threads: How many make RSA keys; as many as there are cores for this process, if None.

    Raises:
        IssueError: There is no such algorithm (E-ISSUE).
    """
    slow = algorithm in ALGORITHMS and ALGORITHMS[algorithm].slow
    return map_on_cores(make_key, repeat(algorithm, count), threads if slow else 1)


def encode_key(private_key: PrivateKey) -> bytes:
    """Return the private key as unencrypted PKCS#8 DER, for memory only."""
    return private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def decode_key(pkcs8: bytes) -> PrivateKey:
    """Return the private key of unencrypted PKCS#8 DER.

    The numbers of an RSA key have to fit together; that its primes are prime is not proven anew, which takes
    the library 0.15 s, and 0.35 s of 4096 bits. Whoever loads a key holds its public half against the
    certificate's, whose modulus has no other factors than those.

    Raises:
        IssueError: The bytes are no private key of one of the eight algorithms (E-ISSUE).
    """
    try:
        key = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IssueError("a private key cannot be read") from error
    if not isinstance(key, get_args(PrivateKey)):
        raise IssueError("a private key is of none of the algorithms that PiSM knows")
    known = cast("PrivateKey", key)
    algorithm_name(known.public_key())
    if isinstance(known, rsa.RSAPrivateKey) and not fits_together(known):
        raise IssueError("a private key cannot be read: its numbers do not fit together")
    return known


def fits_together(private_key: rsa.RSAPrivateKey) -> bool:
    """Return whether the numbers of an RSA key are as RFC 8017 3.2 has them, whatever its primes are.

    A signature does not tell: with some of them wrong OpenSSL makes a good one from the others, and another
    program one that gives the key away.
    """
    key, public = private_key.private_numbers(), private_key.public_key().public_numbers()
    p, q = key.p, key.q
    return (
        min(p, q) > 1
        and p * q == public.n
        and key.d * public.e % math.lcm(p - 1, q - 1) == 1
        and (key.dmp1, key.dmq1) == (key.d % (p - 1), key.d % (q - 1))
        and key.iqmp * q % p == 1
    )


def sign_bytes(private_key: PrivateKey, data: bytes) -> bytes:
    """Sign bytes as the key's algorithm signs certificates: Ed25519 and ML-DSA raw, EC and RSA hashed.

    Raises:
        IssueError: The key is of none of the eight algorithms (E-ISSUE).
    """
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        return private_key.sign(data)
    digest = ALGORITHMS[algorithm_name(private_key.public_key())].digest
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        return private_key.sign(data, ec.ECDSA(cast("SHA256 | SHA384", digest)))
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(bytes(data), padding.PKCS1v15(), cast("SHA256", digest))
    return private_key.sign(data)


def verify_bytes(public_key: PublicKey, signature: bytes, data: bytes) -> None:
    """Refuse a signature that `sign_bytes` with the matching private key did not make.

    Raises:
        CheckError: The signature does not fit key and data (E-CHECK).
        IssueError: The key is of none of the eight algorithms (E-ISSUE).
    """
    digest = ALGORITHMS[algorithm_name(public_key)].digest
    try:
        if isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, data, ec.ECDSA(cast("SHA256 | SHA384", digest)))
        elif isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, bytes(data), padding.PKCS1v15(), cast("SHA256", digest))
        else:
            public_key.verify(signature, data)
    except InvalidSignature as error:
        raise CheckError("rule signature: it does not fit the key and the bytes") from error


def fault_in_key(key: PublicKey) -> str:
    """Return why a key is weak, "" when nothing is known against it."""
    if isinstance(key, RSAPublicKey):
        return _fault_in_modulus(key.public_numbers().n)
    if isinstance(key, Ed25519PublicKey):
        raw = key.public_bytes_raw()
        if is_low_order_ed25519(raw):
            return "it is a point of low order"
        return "" if is_valid_ed25519(raw) else "it is no canonical point"
    return ""


def _fault_in_modulus(modulus: int) -> str:
    if math.gcd(modulus, _SMALL_FACTORS) != 1:
        return "its modulus has a small factor"
    if _primes_are_close(modulus):
        return "its two primes lie close together"
    if all(modulus % prime in _powers(prime) for prime in _MARKED_PRIMES):
        return "its primes were made by a faulty library (CVE-2017-15361)"
    return ""


def _primes_are_close(modulus: int) -> bool:
    """Tell whether Fermat's method finds the primes at once."""
    middle = math.isqrt(modulus)
    if middle * middle == modulus:
        return True
    for candidate in range(middle + 1, middle + 1 + _FERMAT_ROUNDS):
        rest = candidate * candidate - modulus
        if math.isqrt(rest) ** 2 == rest:
            return True
    return False


@cache
def _powers(prime: int) -> frozenset[int]:
    """Return all powers of 65537 modulo a small prime."""
    return frozenset(pow(_GENERATOR, exponent, prime) for exponent in range(prime))


_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P

# y of the points of order 8 on edwards25519; their negatives are the other two such y.
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_LOW_Y = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})

# (1 + y) / (1 - y) carries a point to curve25519; 1 and -1 lie on the curve and on its twist.
_LOW_U = frozenset({0, 1, _P - 1} | {(1 + y) * pow(1 - y, -1, _P) % _P for y in (_Y8, _P - _Y8)})


def is_low_order_ed25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes name one of the eight points of small order, canonically or not."""
    return int.from_bytes(encoded, "little") % 2**255 % _P in _LOW_Y


def is_low_order_x25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes name a u-coordinate of small order, canonically or not."""
    return int.from_bytes(encoded, "little") % 2**255 % _P in _LOW_U


def is_valid_ed25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes are the canonical encoding of a point on edwards25519."""
    y = int.from_bytes(encoded, "little") % 2**255
    if y >= _P:
        return False
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P  # RFC 8032 5.1.3: x^2
    return square == 0 or pow(square, (_P - 1) // 2, _P) == 1  # Euler's criterion: a root exists


def is_valid_x25519(encoded: bytes) -> bool:
    """Return whether the 32 bytes are a canonical u-coordinate."""
    return int.from_bytes(encoded, "little") < _P
