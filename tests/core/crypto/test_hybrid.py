"""Post-quantum recipients and identities of age, from file to file."""

import base64
import io
import os

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from core.crypto import bech32
from core.crypto.age import decrypt_stream, encrypt_stream
from core.crypto.age_header import MAX_STANZAS, Header, Stanza, Throwaway, write_header
from core.crypto.hybrid import HybridIdentity
from core.crypto.identities import is_locked, load_identities
from core.crypto.recipients import Recipient, parse_recipient, require_one_strength
from core.errors import (
    ArchiveDamagedError,
    ArchiveIdentityError,
    CaError,
    FileError,
    RecipientMixedError,
    RecipientPrivateError,
    RecipientWeakError,
)
from tests.core.crypto.test_identities import ask, encrypt_age
from tests.core.crypto.test_recipients import SMALL_X25519
from tests.keys import HybridKey


def recipient(line: str) -> Recipient:
    return parse_recipient(line, "a.pub")


def encrypt(data: bytes, *lines: str) -> bytes:
    out = io.BytesIO()
    digest = encrypt_stream([data], out, [recipient(line) for line in lines])
    assert digest.size_bytes == len(out.getvalue())
    return out.getvalue()


def decrypt(file: bytes, *identities: object, max_bytes: int = 1 << 24) -> bytes:
    out = io.BytesIO()
    decrypt_stream(io.BytesIO(file), identities, out, max_bytes)
    return out.getvalue()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_000_000])
def test_what_is_encrypted_to_post_quantum_keys_opens_with_each_of_them(size: int) -> None:
    data, keys = os.urandom(size), [HybridKey() for _ in range(3)]
    file = encrypt(data, *(key.to_public() for key in keys))
    for key in keys:
        assert decrypt(file, HybridIdentity(key.text)) == data


def test_no_throwaway_key_is_left_in_the_header() -> None:
    header = Header.parse(encrypt(b"x", HybridKey().to_public(), HybridKey().to_public()))
    kinds = [stanza.kind for stanza in header.stanzas if not stanza.kind.endswith(b"-grease")]
    assert kinds == [b"mlkem768x25519"] * 2


def test_beside_other_keys_each_key_opens_the_file() -> None:
    age, key = pyrage.x25519.Identity.generate(), HybridKey()
    ssh = ed25519.Ed25519PrivateKey.generate()
    line = ssh.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    file = encrypt(b"hello", str(age.to_public()), key.to_public(), line)
    private = ssh.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    for data in (str(age).encode(), key.text.encode(), private, f"{age}\n{HybridKey().text}\n".encode()):
        assert decrypt(file, *load_identities(data)) == b"hello"
    assert bytes(pyrage.decrypt(file, [age])) == b"hello"


def test_a_file_for_other_keys_opens_although_a_post_quantum_one_is_tried() -> None:
    age = pyrage.x25519.Identity.generate()
    assert decrypt(encrypt(b"hello", str(age.to_public())), HybridIdentity(HybridKey().text), age) == b"hello"


def test_a_key_that_does_not_fit_is_an_identity_error() -> None:
    file = encrypt(b"x", HybridKey().to_public())
    for identities in ([HybridIdentity(HybridKey().text)], [pyrage.x25519.Identity.generate()]):
        with pytest.raises(ArchiveIdentityError):
            decrypt(file, *identities)


def test_any_altered_byte_of_header_or_payload_is_noticed() -> None:
    key = HybridKey()
    file = encrypt(b"hello", key.to_public())
    identity = HybridIdentity(key.text)
    for place in (0, 25, 40, 900, 1500, 1550, len(file) - 30, len(file) - 1):
        spoilt = bytearray(file)
        spoilt[place] ^= 1
        with pytest.raises((ArchiveDamagedError, ArchiveIdentityError)):
            decrypt(bytes(spoilt), identity)
    for cut in (10, 100, 1600, len(file) - 1):
        with pytest.raises(ArchiveDamagedError):
            decrypt(file[:cut], identity)
    with pytest.raises(ArchiveDamagedError):
        decrypt(file + b"\0", identity)


def test_a_stanza_that_was_taken_out_or_put_in_is_noticed_by_the_mac() -> None:
    key, other = HybridKey(), HybridKey()
    file = encrypt(b"hello", key.to_public(), other.to_public())
    header = Header.parse(file)
    for stanzas in (header.stanzas[:1], (*header.stanzas, Stanza(kind=b"x", arguments=(), body=b""))):
        text = b"".join(stanza.encode() for stanza in stanzas)
        end = header.signed.index(b"\n---")
        altered = b"age-encryption.org/v1\n" + text + file[end + 1 :]
        with pytest.raises(ArchiveDamagedError):
            decrypt(altered, HybridIdentity(key.text), HybridIdentity(other.text))


def test_a_passphrase_beside_a_key_and_too_many_stanzas_are_refused() -> None:
    stanza = Stanza(kind=b"x", arguments=(b"y",), body=bytes(47))
    scrypt = Stanza(kind=b"scrypt", arguments=(b"A" * 22, b"18"), body=bytes(32))
    assert len(Header.parse(write_header([stanza] * MAX_STANZAS, bytes(16))).stanzas) == MAX_STANZAS
    assert Header.parse(write_header([scrypt], bytes(16))).stanzas == (scrypt,)
    for stanzas in ([stanza] * (MAX_STANZAS + 1), [scrypt, stanza], []):
        with pytest.raises(ValueError, match=r"stanza|passphrase"):
            Header.parse(write_header(stanzas, bytes(16)))
    long = Stanza(kind=b"x", arguments=(), body=bytes(48 * 1024))
    with pytest.raises(ValueError, match="stanza"):
        Header.parse(write_header([long], bytes(16)))


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96])
def test_a_stanza_of_any_length_is_read_as_it_was_written(size: int) -> None:
    stanza = Stanza(kind=b"x", arguments=(b"!", b"~"), body=os.urandom(size))
    header = Header.parse(write_header([stanza], bytes(16)) + b"payload")
    assert header.stanzas == (stanza,)
    assert header.is_under(bytes(16))
    assert not header.is_under(bytes(15) + b"\1")


def test_the_throwaway_key_finds_its_own_stanza_only() -> None:
    mine, other = Throwaway(), Throwaway()
    file_key = os.urandom(16)
    stanzas = (other.put_in(file_key), mine.put_in(file_key), Stanza(kind=b"x", arguments=(), body=b""))
    assert mine.take_out(stanzas) == (file_key, (stanzas[0], stanzas[2]))
    with pytest.raises(ValueError, match="throwaway"):
        mine.take_out(stanzas[:1])


def test_an_error_of_the_output_comes_as_it_is() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    for line in (HybridKey().to_public(), str(pyrage.x25519.Identity.generate().to_public())):
        for size in (1, 1_000_000):
            with pytest.raises(FileError, match="No space"):
                encrypt_stream([bytes(size)], Full(), [recipient(line)])
    key = HybridKey()
    file = encrypt(b"x", key.to_public())
    with pytest.raises(FileError, match="No space"):
        decrypt_stream(io.BytesIO(file), [HybridIdentity(key.text)], Full(), 10)


def test_an_identity_file_may_hold_keys_of_both_kinds_plain_or_under_a_passphrase() -> None:
    key, age = HybridKey(), pyrage.x25519.Identity.generate()
    file = encrypt(b"hello", key.to_public())
    text = f"# created\n# public key: {key.to_public()}\n{age}\n{key.text}\n".encode()
    assert decrypt(file, *load_identities(text)) == b"hello"
    locked = encrypt_age(text)
    assert is_locked(locked)
    assert decrypt(file, *load_identities(locked, ask)) == b"hello"


def test_the_public_half_of_an_identity_is_its_recipient() -> None:
    key = HybridKey()
    assert HybridIdentity(key.text).to_public() == key.to_public()
    found = recipient(f"# backup a\n{key.to_public()}\n")
    assert (found.kind, found.key, found.is_post_quantum) == ("age-pq", key.to_public(), True)
    assert len(found.words) == 12


def spoilt_recipients() -> dict[str, str]:
    key = HybridKey().to_public()
    _, raw = bech32.decode(key)
    # The first coefficient of ML-KEM's key, 12 bits, is 4095: FIPS 203 7.2 wants less than 3329.
    large = bytes([0xFF, raw[1] | 0x0F]) + raw[2:]
    return {
        "typing error": key[:-1] + ("q" if key[-1] != "q" else "p"),
        "upper case": key.upper(),
        "short": bech32.encode("age1pq", raw[:-1]),
        "long": bech32.encode("age1pq", raw + b"\0"),
        "other prefix": bech32.encode("age1pqx", raw),
        "an X25519 key in its place": bech32.encode("age1pq", raw[-32:]),
        "as an X25519 key": bech32.encode("age", raw),
        "modulus": bech32.encode("age1pq", large),
        "point": bech32.encode("age1pq", raw[:-32] + b"\xff" * 32),
    }


def test_refuses_keys_that_are_not_to_their_format_and_names_the_source() -> None:
    for what, text in spoilt_recipients().items():
        with pytest.raises(CaError, match=r"a\.pub") as caught:
            recipient(text)
        assert (what, caught.value.code) == (what, "E-RECIPIENT")


@pytest.mark.parametrize("raw", SMALL_X25519[:4], ids=lambda raw: raw.hex()[:6])
def test_refuses_a_key_whose_x25519_half_is_a_point_of_low_order(raw: bytes) -> None:
    prefix, good = bech32.decode(HybridKey().to_public())
    with pytest.raises(RecipientWeakError):
        recipient(bech32.encode(prefix, good[:-32] + raw))


def test_an_identity_is_no_recipient_and_a_recipient_no_identity() -> None:
    key = HybridKey()
    for text in (key.text, key.text.lower()):
        with pytest.raises(RecipientPrivateError):
            recipient(text)
    wrong = {
        "public": key.to_public(),
        "lower case": key.text.lower(),
        "typing error": key.text[:-1] + ("Q" if key.text[-1] != "Q" else "P"),
        "short": bech32.encode("age-secret-key-pq-", bytes(31)).upper(),
        "long": bech32.encode("age-secret-key-pq-", bytes(33)).upper(),
    }
    for what, text in wrong.items():
        with pytest.raises(ArchiveIdentityError) as caught:
            load_identities(text.encode(), None, "a.key")
        assert (what, "a.key" in str(caught.value)) == (what, True)
        assert text[-20:] not in str(caught.value)


def test_keys_of_two_strengths_are_refused_side_by_side() -> None:
    strong, weak = (
        recipient(HybridKey().to_public()),
        recipient(str(pyrage.x25519.Identity.generate().to_public())),
    )
    require_one_strength([strong, strong], "here")
    require_one_strength([weak, weak], "here")
    require_one_strength([], "here")
    with pytest.raises(RecipientMixedError, match=r"here\[1\] \(age\)"):
        require_one_strength([strong, weak], "here")


def test_a_share_of_another_form_is_refused_before_it_is_used() -> None:
    key = HybridKey()
    identity = HybridIdentity(key.text)
    share = base64.b64encode(bytes(1120)).rstrip(b"=")
    for stanza in (
        Stanza(kind=b"mlkem768x25519", arguments=(), body=bytes(32)),
        Stanza(kind=b"mlkem768x25519", arguments=(share, b"x"), body=bytes(32)),
        Stanza(kind=b"mlkem768x25519", arguments=(share[:-1],), body=bytes(32)),
        Stanza(kind=b"mlkem768x25519", arguments=(share,), body=bytes(33)),
        Stanza(kind=b"mlkem768x25519", arguments=(share,), body=bytes(32)),  # all zeros are of low order
        Stanza(kind=b"mlkem768x25519", arguments=(b"*" * 1494,), body=bytes(32)),
    ):
        with pytest.raises(ValueError, match=r"."):
            identity.unwrap(stanza)
    assert identity.unwrap(Stanza(kind=b"X25519", arguments=(share,), body=bytes(32))) is None
