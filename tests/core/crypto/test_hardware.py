"""Keys in hardware: what is encrypted to them opens with a plugin on a PC, and is refused where none is."""

import io
import os
from dataclasses import dataclass, field
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.serialization import PublicFormat

from core.crypto import bech32
from core.crypto.age import decrypt_stream, encrypt_stream
from core.crypto.age_header import Header
from core.crypto.identities import is_private_key, load_identities
from core.crypto.recipients import Recipient, parse_recipient, require_one_strength
from core.errors import ArchiveIdentityError, CaError, RecipientMixedError
from tests.keys import HybridKey, SoftKey, lay_soft_plugin


@dataclass
class Someone:
    """Who types a PIN."""

    pin: str | None = "1234"
    told: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask(self, text: str, *, secret: bool) -> str | None:
        assert secret
        self.told.append(text)
        return self.pin

    def choose(self, text: str, yes: str, no: str | None) -> bool | None:
        return None


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put age-plugin-soft on the PATH."""
    monkeypatch.setenv("PATH", f"{lay_soft_plugin(tmp_path)}:{os.environ['PATH']}")


def tag_pq() -> str:
    ml_kem = MLKEM768PrivateKey.generate().public_key().public_bytes_raw()
    return bech32.encode("age1tagpq", ml_kem + SoftKey().point(PublicFormat.UncompressedPoint))


def recipient(line: str) -> Recipient:
    return parse_recipient(line, "a.pub")


def encrypt(*lines: str) -> bytes:
    out = io.BytesIO()
    encrypt_stream([b"hello"], out, [recipient(line) for line in lines])
    return out.getvalue()


def opened(file: bytes, key: object, person: Someone) -> bytes:
    out = io.BytesIO()
    decrypt_stream(
        io.BytesIO(file), load_identities(f"{key}\n".encode(), None, "a.txt", person=person), out, 100
    )
    return out.getvalue()


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("prefix", ["age1tag", "age1yubikey"])
def test_a_plugin_on_a_pc_opens_what_is_encrypted_to_a_key_in_hardware(prefix: str) -> None:
    keys, someone = [SoftKey(), SoftKey()], Someone()
    age = pyrage.x25519.Identity.generate()
    file = encrypt(*(key.public(prefix) for key in keys), str(age.to_public()))
    for key in (*keys, age):
        assert opened(file, key, someone) == b"hello"
    shown = ["age-plugin-soft: touch the key\\x1b[31m", "age-plugin-soft: PIN"]
    assert someone.told == shown * 2


@pytest.mark.usefixtures("plugin")
def test_beside_a_post_quantum_key_each_of_them_opens() -> None:
    key, hybrid = SoftKey(), HybridKey()
    file = encrypt(key.public("age1yubikey"), hybrid.to_public(), key.public("age1tag"))
    assert opened(file, key, Someone()) == opened(file, hybrid, Someone()) == b"hello"


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("pin", ["4321", None])
def test_a_wrong_pin_or_none_is_told_in_the_words_of_the_plugin(pin: str | None) -> None:
    key = SoftKey()
    file = encrypt(key.public("age1tag"))
    with pytest.raises(ArchiveIdentityError, match=r"age-plugin-soft.*: the PIN is another one") as caught:
        opened(file, key, Someone(pin))
    assert str(caught.value).isprintable()


@pytest.mark.usefixtures("plugin")
def test_another_key_in_hardware_opens_nothing() -> None:
    with pytest.raises(ArchiveIdentityError):
        opened(encrypt(SoftKey().public("age1tag")), SoftKey(), Someone())


def test_a_plugin_that_is_missing_is_named() -> None:
    with pytest.raises(
        ArchiveIdentityError, match=r"a\.txt needs age-plugin-soft, which is not installed here"
    ):
        load_identities(f"{SoftKey()}\n".encode(), None, "a.txt", person=Someone())


@pytest.mark.usefixtures("plugin")
def test_a_box_runs_no_plugin_and_says_where_the_key_opens() -> None:
    text = f"#    Serial: 1, Slot: 1\n{SoftKey()}\n".encode()
    assert is_private_key(text)
    with pytest.raises(ArchiveIdentityError, match="only a PC with age-plugin-soft opens"):
        load_identities(text, None, "a.txt")


def test_identities_of_plugins_are_strict() -> None:
    good = str(SoftKey())
    wrong = {
        "typing error": good[:-1] + ("Q" if good[-1] != "Q" else "P"),
        "lower case": good.lower(),
        "no name": bech32.encode("age-plugin--", bytes(4)).upper(),
        "a way out of the folder": bech32.encode("age-plugin-../x-", bytes(4)).upper(),
        "long name": bech32.encode(f"age-plugin-{'x' * 33}-", bytes(4)).upper(),
    }
    for what, text in wrong.items():
        with pytest.raises(ArchiveIdentityError) as caught:
            load_identities(text.encode(), None, "a.txt", person=Someone())
        assert (what, "not installed" in str(caught.value)) == (what, False)


def test_each_kind_is_read_with_its_name_and_strength() -> None:
    key = SoftKey()
    kinds = {
        "age-tag": key.public("age1tag"),
        "age-yubikey": key.public("age1yubikey"),
        "age-tagpq": tag_pq(),
    }
    for kind, line in kinds.items():
        found = recipient(f"#  touch policy: always\n{line}\n")
        assert (found.kind, found.key, found.is_post_quantum) == (kind, line, kind == "age-tagpq")
    # age-plugin-yubikey's own example
    recipient("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t")


def test_post_quantum_keys_in_hardware_stand_by_their_own_kind_only() -> None:
    first, second = tag_pq(), tag_pq()
    header = Header.parse(encrypt(first, second))
    assert [stanza.kind for stanza in header.stanzas][:2] == [b"mlkem768p256tag"] * 2
    require_one_strength([recipient(first), recipient(second)], "here")
    for other in (HybridKey().to_public(), SoftKey().public("age1tag")):
        with pytest.raises(RecipientMixedError, match="age1tagpq1"):
            require_one_strength([recipient(first), recipient(other)], "here", mixed=True)
    with pytest.raises(RecipientMixedError):
        require_one_strength(
            [recipient(HybridKey().to_public()), recipient(SoftKey().public("age1tag"))], "here"
        )


def test_keys_that_are_no_points_are_refused() -> None:
    point, whole = SoftKey().point(), SoftKey().point(PublicFormat.UncompressedPoint)
    _, raw = bech32.decode(tag_pq())
    wrong = [
        bech32.encode(prefix, data)
        for prefix in ("age1tag", "age1yubikey")
        for data in (point[:-1], whole, b"\x04" + point[1:], b"\x02" + b"\xff" * 32, b"")
    ]
    wrong += [
        bech32.encode("age1tagpq", data) for data in (raw[:-1], raw[:-32], b"\xff" * 1184 + whole, point)
    ]
    wrong.append(SoftKey().public("age1other"))
    for text in wrong:
        with pytest.raises(CaError) as caught:
            recipient(text)
        assert (text, caught.value.code) == (text, "E-RECIPIENT")
