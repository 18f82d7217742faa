import base64
import hashlib
import io
import subprocess
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from core.crypto import keys as points
from core.crypto.age import encrypt_stream
from core.crypto.recipients import Recipient, fingerprint_words, parse_recipient, refusing, to_age
from core.errors import CaError, RecipientError, RecipientPrivateError, RecipientWeakError

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


@pytest.fixture(scope="module")
def rsa_key() -> Any:
    return rsa.generate_private_key(65537, 3072)


def age_key() -> Any:
    return str(pyrage.x25519.Identity.generate().to_public())


def ssh_line(key: Any) -> Any:
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def pem(key: Any, form: Any = PublicFormat.SubjectPublicKeyInfo) -> Any:
    return key.public_bytes(Encoding.PEM, form)


def field(data: bytes) -> Any:
    return len(data).to_bytes(4, "big") + data


def number(value: int) -> Any:
    return field(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def ed25519_line(raw: bytes) -> Any:
    return "ssh-ed25519 " + base64.b64encode(field(b"ssh-ed25519") + field(raw)).decode()


def rsa_line(modulus: int, exponent: int = 65537) -> Any:
    blob = field(b"ssh-rsa") + number(exponent) + number(modulus)
    return "ssh-rsa " + base64.b64encode(blob).decode()


def bech32(prefix: str, raw: bytes, spare: str = "0000") -> str:
    """BIP-173, written from its text: an age recipient of any 32 bytes."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = f"{int.from_bytes(raw, 'big'):0{len(raw) * 8}b}"
    bits += spare[: -len(bits) % 5]
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    check = 1
    for value in [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *values, *[0] * 6]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    check ^= 1
    return (
        prefix + "1" + "".join(alphabet[v] for v in [*values, *(check >> 5 * (5 - n) & 31 for n in range(6))])
    )


def add(first: Any, second: Any) -> Any:
    """Add two points of edwards25519 (RFC 8032 5.1.4, affine)."""
    (a, b), (c, d) = first, second
    product = D * a * b * c * d
    return (a * d + b * c) * pow(1 + product, -1, P) % P, (b * d + a * c) * pow(1 - product, -1, P) % P


def small_order_points() -> Any:
    """All eight points of small order, found by taking any point L times."""
    order = 2**252 + 27742317777372353535851937790883648493
    for y in range(2, 100):
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        x = x if x * x % P == square else x * ROOT_OF_MINUS_ONE % P
        if x * x % P != square:
            continue
        point, total = (x, y), (0, 1)
        for bit in range(253):
            if order >> bit & 1:
                total = add(total, point)
            point = add(point, point)
        found = [(0, 1)]
        while (following := add(found[-1], total)) != (0, 1):
            found.append(following)
        if len(found) == 8:
            return found
    raise AssertionError


SMALL = small_order_points()


def encodings(y: int) -> Any:
    """Every 32 bytes that mean y: with and without the top bit, reduced and not."""
    values = [y, y + P] if y + P < 2**255 else [y]
    return [(value + top * 2**255).to_bytes(32, "little") for value in values for top in (0, 1)]


SMALL_ED25519 = [raw for y in sorted({y for _, y in SMALL}) for raw in encodings(y)]
# RFC 7748 section 6.1 and the table of "May the Fourth" (2017): curve and twist.
SMALL_U = sorted({(1 + y) * pow(1 - y, -1, P) % P for _, y in SMALL if y != 1} | {0, 1, P - 1})
SMALL_X25519 = [raw for u in SMALL_U for raw in encodings(u)]


def code_of(text: Any) -> Any:
    with pytest.raises(CaError) as caught:
        parse_recipient(text, "keys/a.pub")
    assert "keys/a.pub" in str(caught.value)
    return caught.value.code


def test_takes_an_age_key_with_comments_around_it() -> None:
    key = age_key()
    recipient = parse_recipient(f"# the server\n\n  {key}  \n# end\n", "keys/a.pub")
    assert (recipient.kind, recipient.key) == ("age", key)
    assert recipient == parse_recipient(recipient.key, "policy")
    assert recipient.fingerprint == "SHA256:" + base64.b64encode(
        hashlib.sha256(key.encode()).digest()
    ).decode().rstrip("=")


def test_takes_ssh_and_pem_forms_of_one_key_as_the_same_recipient(rsa_key: Any) -> None:
    for key, kind in ((ed25519.Ed25519PrivateKey.generate(), "ssh-ed25519"), (rsa_key, "ssh-rsa")):
        public = key.public_key()
        line = ssh_line(public)
        from_ssh = parse_recipient(f"{line} jos\u00e9@host with a comment\r\n".encode("utf-8-sig"), "a")
        assert (from_ssh.kind, from_ssh.key) == (kind, line)
        assert parse_recipient(pem(public), "b") == from_ssh
    assert parse_recipient(pem(public, PublicFormat.PKCS1), "c") == from_ssh


def test_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    recipient = parse_recipient((tmp_path / "k.pub").read_bytes(), "k.pub")
    shown = subprocess.run(
        ["ssh-keygen", "-lf", tmp_path / "k.pub"], check=True, capture_output=True, text=True
    )
    assert recipient.fingerprint in shown.stdout.split()


def test_words_are_the_first_132_bits_as_bip39_words() -> None:
    words = Mnemonic("english").wordlist
    assert fingerprint_words(bytes(32)) == ("abandon",) * 12
    assert fingerprint_words(b"\xff" * 32) == ("zoo",) * 12
    assert fingerprint_words(bytes([0, 0b00100000]) + bytes(30), 1) == (words[1],)
    assert fingerprint_words(b"\x12\x34", 1) == (words[0x1234 >> 5],)
    with pytest.raises(ValueError, match="too short"):
        fingerprint_words(bytes(10))


@pytest.mark.parametrize("kind", ["age", "ssh-ed25519", "ssh-rsa"])
def test_every_kind_can_be_encrypted_to(kind: str, rsa_key: Any) -> None:
    texts = {
        "age": age_key(),
        "ssh-ed25519": ssh_line(ed25519.Ed25519PrivateKey.generate().public_key()),
        "ssh-rsa": ssh_line(rsa_key.public_key()),
    }
    out = io.BytesIO()
    encrypt_stream([b"hello"], out, [parse_recipient(texts[kind], "k")])
    assert out.getvalue().startswith(b"age-encryption.org/v1\n")


def private_files(rsa_key: Any) -> Any:
    ed = ed25519.Ed25519PrivateKey.generate()
    secret = BestAvailableEncryption(b"x")
    forms = (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH)
    age = str(pyrage.x25519.Identity.generate())
    files = {
        "age": f"# public key: {age_key()}\n{age}\n",
        "age lower case": age.lower(),
        "age passphrase": b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n",
        "age armor": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n",
        "utf-16": age.encode("utf-16"),
        "pkcs8 encrypted": ed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret),
        "rsa encrypted": rsa_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, secret),
        "ec": ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, forms[1], NoEncryption()),
        "ml-dsa": mldsa.MLDSA44PrivateKey.generate().private_bytes(Encoding.PEM, forms[0], NoEncryption()),
        "openssh": ed.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        "der": ed.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "der encrypted": ed.private_bytes(Encoding.DER, PrivateFormat.PKCS8, secret),
        "after a public key": pem(ed.public_key())
        + ed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "putty": "PuTTY-User-Key-File-3: ssh-ed25519\n",
        "ssh2": "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
        "gpg": "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
    }
    for form in forms:
        files[f"rsa {form}"] = rsa_key.private_bytes(Encoding.PEM, form, NoEncryption())
    return files


def test_refuses_private_keys_of_every_kind(rsa_key: Any) -> None:
    for what, text in private_files(rsa_key).items():
        assert (what, code_of(text)) == (what, "E-RECIPIENT-PRIVATE")


def test_a_comment_may_speak_of_private_keys() -> None:
    assert parse_recipient(f"# keep the private key at home\n{age_key()}", "a").kind == "age"


@pytest.mark.parametrize("bits", [1024, 2048, 3071, 4097, 8192])
def test_refuses_rsa_keys_of_other_sizes(bits: int) -> None:
    assert code_of(rsa_line(1 << bits - 1 | 1)) == "E-RECIPIENT-WEAK"


def test_refuses_rsa_exponents_and_moduli_that_give_the_key_away(rsa_key: Any) -> None:
    modulus = rsa_key.public_key().public_numbers().n
    assert parse_recipient(rsa_line(modulus), "k").kind == "ssh-rsa"
    for exponent in (3, 35, 65535, 2**32 + 1, 2**64 + 1):
        assert code_of(rsa_line(modulus, exponent)) == "E-RECIPIENT-WEAK"
    for exponent in (1, 2, 65536):
        assert code_of(rsa_line(modulus, exponent)) == "E-RECIPIENT"
    factor = modulus // 3 | 1
    assert code_of(rsa_line(factor * 7 | 1 << 3071 if factor * 7 % 2 else factor)) == "E-RECIPIENT-WEAK"


def test_the_points_of_small_order_are_eight_and_ours_are_all_of_them() -> None:
    assert len(SMALL) == 8
    assert {y for _, y in SMALL} == points._LOW_Y
    assert set(SMALL_U) == points._LOW_U


@pytest.mark.parametrize("raw", SMALL_ED25519, ids=lambda raw: raw.hex()[:6] + raw.hex()[-2:])
def test_refuses_ed25519_points_of_low_order_in_every_encoding(raw: bytes) -> None:
    assert code_of(ed25519_line(raw)) == "E-RECIPIENT-WEAK"
    spki = bytes.fromhex("302a300506032b6570032100") + raw
    body = base64.encodebytes(spki).decode()
    assert code_of(f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n") == "E-RECIPIENT-WEAK"


@pytest.mark.parametrize("raw", SMALL_X25519, ids=lambda raw: raw.hex()[:6] + raw.hex()[-2:])
def test_refuses_x25519_points_of_low_order_in_every_encoding(raw: bytes) -> None:
    assert code_of(bech32("age", raw)) == "E-RECIPIENT-WEAK"


def test_refuses_encodings_that_are_not_canonical_or_no_point() -> None:
    assert code_of(ed25519_line((P + 3).to_bytes(32, "little"))) == "E-RECIPIENT"
    assert code_of(ed25519_line((2).to_bytes(32, "little"))) == "E-RECIPIENT"
    assert code_of(bech32("age", (P + 9).to_bytes(32, "little"))) == "E-RECIPIENT"
    assert code_of(bech32("age", (9 + 2**255).to_bytes(32, "little"))) == "E-RECIPIENT"
    assert parse_recipient(bech32("age", (9).to_bytes(32, "little")), "base point").kind == "age"


@given(st.binary(min_size=32, max_size=32))
def test_real_points_are_valid_and_others_never_get_past_the_library(raw: bytes) -> None:
    public = ed25519.Ed25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()
    assert points.is_valid_ed25519(public)
    assert not points.is_low_order_ed25519(public)
    assert parse_recipient(ed25519_line(public), "k").kind == "ssh-ed25519"
    try:  # any 32 bytes: refused by us, or usable
        to_age(parse_recipient(ed25519_line(raw), "k"))
        to_age(parse_recipient(bech32("age", raw), "k"))
    except RecipientError:
        pass


def spoilt() -> Any:
    key = age_key()
    ed = ed25519.Ed25519PrivateKey.generate().public_key()
    line = ssh_line(ed)
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    bad_pad = bech32("age", bytes(range(1, 33)) + b"")
    return {
        "empty": "",
        "comments only": "# nothing\n\n",
        "too long": "#" * (16 * 1024 + 1),
        "garbage": "hello",
        "bytes": bytes(range(128, 256)),
        "nul": b"\0" * 100,
        "der sequence": b"0\x82 nonsense",
        "two keys": f"{key}\n{age_key()}\n",
        "two pem": pem(ed) + pem(ed),
        "ssh after pem": pem(ed) + line.encode(),
        "pem after ssh": line.encode() + b"\n" + pem(ed),
        "typing error": key[:-1] + ("q" if key[-1] != "q" else "p"),
        "short age": key[:-3],
        "upper case": key.upper(),
        "bech32 other length": bech32("age", bytes(range(31)))[:62],
        "ssh cut": line[:-9],
        "ssh nothing": "ssh-ed25519",
        "ssh kind inside differs": line.replace("ssh-ed25519", "ssh-rsa"),
        "ssh long point": ed25519_line(bytes(range(33))),
        "ecdsa": ssh_line(point),
        "pem ec": pem(point),
        "pem ml-dsa": pem(mldsa.MLDSA44PrivateKey.generate().public_key()),
        "pem cut": pem(ed)[:60],
        "pem body": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "certificate": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "ssh options": f'command="ls" {line}',
        "ssh certificate": "ssh-ed25519-cert-v01@openssh.com AAAA",
        "rfc 4716": "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n",
        "gibberish point": bad_pad[:20] + "b" + bad_pad[21:],
    }


def test_refuses_anything_else_and_names_its_source() -> None:
    for what, text in spoilt().items():
        assert (what, code_of(text)) == (what, "E-RECIPIENT")


def test_a_public_key_as_putty_saves_it_is_named_with_a_command_that_makes_a_line_of_it(
    tmp_path: Path,
) -> None:
    for command in ("ssh-keygen -q -t ed25519 -N  -f KEY", "ssh-keygen -e -m RFC4716 -f KEY.pub"):
        made = subprocess.run(command.split(" "), cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "FILE").write_bytes(made.stdout)
    with pytest.raises(RecipientError, match="as PuTTY saves it") as refused:
        parse_recipient(made.stdout, "a.pub")
    command = str(refused.value).partition("a line of it: ")[2].removesuffix(" > COPY")
    copy = subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True).stdout
    assert parse_recipient(copy, "a.pub") == parse_recipient((tmp_path / "KEY.pub").read_bytes(), "a.pub")


def test_refuses_text_that_utf8_cannot_hold() -> None:
    assert code_of("age1\udcff") == "E-RECIPIENT"


@given(st.binary(max_size=300))
def test_no_input_raises_anything_but_our_errors(data: bytes) -> None:
    with pytest.raises(RecipientError):
        parse_recipient(b"ssh-ed25519 " + base64.b64encode(data), "k")
    with pytest.raises(RecipientError):
        parse_recipient(data, "k")


@pytest.mark.parametrize(
    ("behind", "comment"),
    [
        ("", ""),
        (" root@kudo ", "root@kudo"),
        ("  of   the\track", "of the rack"),
        (" \u202eoduk", "\\u202eoduk"),
        (" " + "x" * 65, "x" * 64),
    ],
)
def test_the_comment_of_an_ssh_line_is_printable_and_bounded(behind: str, comment: str) -> None:
    line = ssh_line(ed25519.Ed25519PrivateKey.generate().public_key())
    assert parse_recipient(line + behind, "k").comment == comment


def test_bits_that_are_left_over_in_an_age_key_must_be_zero() -> None:
    raw = bytes(31) + b"\x09"
    assert parse_recipient(bech32("age", raw), "k").kind == "age"
    for spare in ("0001", "1000"):
        assert code_of(bech32("age", raw, spare)) == "E-RECIPIENT"


def test_a_panic_of_the_library_becomes_a_refusal_and_an_interrupt_does_not() -> None:
    class PanicException(BaseException):
        pass

    PanicException.__module__ = "pyo3_runtime"
    for thrown in (PanicException("boom"), ValueError("x")):
        with pytest.raises(RecipientWeakError), refusing(RecipientWeakError("no")):
            raise thrown
    with pytest.raises(KeyboardInterrupt), refusing(RecipientWeakError("no")):
        raise KeyboardInterrupt
    with pytest.raises(RecipientPrivateError), refusing(RecipientWeakError("no")):
        raise RecipientPrivateError("ours")


def test_a_key_that_the_library_refuses_is_a_recipient_error() -> None:
    broken = Recipient(kind="age", key="age1nonsense", fingerprint="SHA256:x", words=())
    with pytest.raises(RecipientError, match="SHA256:x"):
        to_age(broken)
