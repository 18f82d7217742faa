"""Keys whose private half is known to be within reach are refused, sound ones are not."""

import math
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from core.crypto.keys import KEY_ALGORITHMS, fault_in_key, make_key


def key_of(modulus: int) -> RSAPublicKey:
    return RSAPublicNumbers(65537, modulus).public_key()


def prime_from(start: int) -> int:
    """Return a probable prime at or after `start` (Fermat's test, base 2, after small factors)."""
    small = math.factorial(500)
    return next(n for n in count(start | 1, 2) if math.gcd(n, small) == 1 and pow(2, n - 1, n) == 1)


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_a_new_key_is_sound(algorithm: str) -> None:
    assert fault_in_key(make_key(algorithm).public_key()) == ""


@pytest.mark.parametrize("factor", [3, 7, 997])
def test_refuses_a_modulus_with_a_small_factor(factor: int) -> None:
    rest = 2**3072 // factor + 12345 | 1
    assert fault_in_key(key_of(rest * factor)) == "its modulus has a small factor"


def test_refuses_primes_that_lie_close_together() -> None:
    prime = prime_from(2**1535 + 98765)
    assert fault_in_key(key_of(prime * prime)) == "its two primes lie close together"
    assert fault_in_key(key_of(prime * prime_from(prime + 2))) == "its two primes lie close together"


def test_refuses_the_form_of_cve_2017_15361() -> None:
    """P = k x M + 65537^a mod M, where M is the product of the first primes: made here for 512 bits."""
    primes = [n for n in range(2, 168) if all(n % m for m in range(2, n))]
    product = math.prod(primes)

    def factor(power: int, start: int) -> int:
        rest = pow(65537, power, product)
        return next(
            k * product + rest
            for k in count(start)
            if pow(2, k * product + rest - 1, k * product + rest) == 1
        )

    modulus = factor(123_456_789, 2**290) * factor(987_654_321, 3**180)
    assert fault_in_key(key_of(modulus)) == "its primes were made by a faulty library (CVE-2017-15361)"


def test_refuses_ed25519_points_of_low_order_and_odd_encodings() -> None:
    assert fault_in_key(Ed25519PublicKey.from_public_bytes(bytes(32))) == "it is a point of low order"
    odd = (2**255 - 19 + 3).to_bytes(32, "little")
    assert fault_in_key(Ed25519PublicKey.from_public_bytes(odd)) == "it is no canonical point"
