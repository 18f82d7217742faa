"""The eight algorithms: making, naming, signing, verifying."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from core.crypto.keys import (
    ALGORITHMS,
    KEY_ALGORITHMS,
    PrivateKey,
    algorithm_name,
    decode_key,
    encode_key,
    make_key,
    make_keys,
    sign_bytes,
    verify_bytes,
)
from core.der import INTEGER, SEQUENCE, encode_element
from core.errors import CheckError, IssueError


@pytest.fixture(scope="module", params=KEY_ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def key(algorithm: str) -> PrivateKey:
    return make_key(algorithm)


def test_a_key_is_recognised_as_what_it_was_made_as(algorithm: str, key: PrivateKey) -> None:
    assert algorithm_name(key.public_key()) == algorithm


def test_pkcs8_leads_back_to_the_same_key(key: PrivateKey) -> None:
    back = decode_key(encode_key(key))
    assert back.public_key() == key.public_key()


def test_mldsa_keys_are_kept_as_their_seed() -> None:
    assert len(encode_key(make_key("mldsa87"))) == 54


def test_signs_and_verifies_bytes(key: PrivateKey) -> None:
    signature = sign_bytes(key, bytearray(b"manifest"))
    verify_bytes(key.public_key(), signature, b"manifest")
    with pytest.raises(CheckError, match="rule signature"):
        verify_bytes(key.public_key(), signature, b"manifesT")


@pytest.mark.parametrize("damage", [b"", b"\0", b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_refuses_signatures_that_are_none(key: PrivateKey, damage: bytes) -> None:
    with pytest.raises(CheckError, match="rule signature"):
        verify_bytes(key.public_key(), damage, b"manifest")


def test_p256_hashes_with_sha256_and_p384_with_sha384() -> None:
    for name, digest in (("p256", "sha256"), ("p384", "sha384"), ("rsa4096", "sha256")):
        chosen = ALGORITHMS[name].digest
        assert chosen is not None
        assert chosen.name == digest


@pytest.mark.parametrize(
    "stranger",
    [
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        rsa.generate_private_key(public_exponent=3, key_size=3072),
        ed448.Ed448PrivateKey.generate(),
    ],
    ids=["p521", "rsa2048", "rsa exponent 3", "ed448"],
)
def test_refuses_keys_of_other_algorithms(
    stranger: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed448.Ed448PrivateKey,
) -> None:
    with pytest.raises(IssueError, match="none of the algorithms"):
        algorithm_name(stranger.public_key())
    pkcs8 = stranger.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(IssueError, match="none of the algorithms"):
        decode_key(pkcs8)


def test_refuses_bytes_that_are_no_key() -> None:
    with pytest.raises(IssueError, match="cannot be read"):
        decode_key(b"no key")


ALTERED: dict[str, Callable[[rsa.RSAPrivateNumbers], dict[str, int]]] = {
    "p": lambda key: {"p": key.p + 2},
    "q": lambda key: {"q": key.q - 2},
    "p and q swapped": lambda key: {"p": key.q, "q": key.p},
    "no primes": lambda key: {"p": 1, "q": key.p * key.q},
    "d": lambda key: {"d": key.d + 2},
    "dmp1": lambda key: {"dmp1": key.dmp1 + 2},
    "dmq1": lambda key: {"dmq1": key.dmq1 ^ 1 << 700},
    "iqmp": lambda key: {"iqmp": key.iqmp + 1},
}


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)


def pkcs8_of(key: rsa.RSAPrivateNumbers, **altered: int) -> bytes:
    """Return PKCS#8 of an RSA key (RFC 8017 A.1.2), some of its numbers altered."""
    names = ("d", "p", "q", "dmp1", "dmq1", "iqmp")
    parts = (altered.get(name, getattr(key, name)) for name in names)
    numbers = (0, key.public_numbers.n, key.public_numbers.e, *parts)
    encoded = [encode_element(INTEGER, each.to_bytes(each.bit_length() // 8 + 1)) for each in numbers]
    algorithm = encode_element(SEQUENCE, bytes.fromhex("06092a864886f70d0101010500"))
    inner = encode_element(0x04, encode_element(SEQUENCE, b"".join(encoded)))
    return encode_element(SEQUENCE, encoded[0] + algorithm + inner)


@pytest.mark.parametrize("part", ALTERED)
def test_refuses_an_rsa_key_whose_numbers_do_not_fit_together(part: str, rsa_key: rsa.RSAPrivateKey) -> None:
    whole = pkcs8_of(rsa_key.private_numbers())
    assert decode_key(whole).public_key() == rsa_key.public_key()
    with pytest.raises(IssueError, match="cannot be read"):
        decode_key(pkcs8_of(rsa_key.private_numbers(), **ALTERED[part](rsa_key.private_numbers())))


def test_refuses_an_unknown_algorithm() -> None:
    with pytest.raises(IssueError, match="no key algorithm rsa1024"):
        make_key("rsa1024")
    with pytest.raises(IssueError, match="no key algorithm rsa1024"):
        next(make_keys("rsa1024", 1))


@pytest.mark.parametrize(("name", "workers"), [("ed25519", None), ("rsa3072", None), ("rsa3072", 1)])
def test_makes_as_many_keys_as_asked_for_all_different(name: str, workers: int | None) -> None:
    keys = list(make_keys(name, 4, workers))
    assert len({encode_key(key) for key in keys}) == 4
    assert {algorithm_name(key.public_key()) for key in keys} == {name}


def test_makes_no_key_when_none_is_asked_for() -> None:
    assert list(make_keys("rsa3072", 0)) == []
