"""Public keys whose private half is known to be within reach, although size and kind are right.

Rules:
1. RSA: no small factor, no two primes that lie close together (Fermat), not of the form that a faulty
   smart-card library made (CVE-2017-15361, whose moduli are powers of 65537 modulo every small prime).
2. Ed25519: a canonical point, not one of small order, under which anything verifies.

Kind, size and exponent are core.crypto.keys' matter. The library refuses points off a curve by itself.
"""

import math
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from core.crypto.keys import PublicKey
from core.crypto.zz_points import is_low_order_ed25519, is_valid_ed25519

_SMALL_FACTORS: Final = math.factorial(1000)
_FERMAT_ROUNDS: Final = 200
_GENERATOR: Final = 65537
_MARKED_PRIMES: Final = (
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
)  # fmt: skip
"""Primes modulo which 65537 makes a true subgroup; a sound modulus lies in all of them once in 2**27."""


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
