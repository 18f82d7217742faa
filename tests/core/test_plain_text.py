"""The one reader of small text files: every form that people save text in, for each kind of file."""

import io
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as some

from core.certificate import encode_pem
from core.crypto.identities import load_identities
from core.crypto.recipients import parse_recipient
from core.der import SEQUENCE, encode_element
from core.errors import ArchiveIdentityError, CaError, RecipientError
from core.issue.csr import parse_csr
from core.plain_text import is_der, read_plain_text
from core.policy.yaml import read_yaml
from core.receive.trust import load_roots
from tests.archives import make_box
from tests.signing_requests import make_request

KEY = Ed25519PrivateKey.generate()
AGE = pyrage.x25519.Identity.generate()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

FILES: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "age identity": (f"# created\n{AGE}\n", lambda data: load_identities(data, None, "a.key")),
    "PEM identity": (PEM, lambda data: load_identities(data, None, "a.key")),
    "age recipient": (f"# server\n{AGE.to_public()}\n", lambda data: parse_recipient(data, "a.pub")),
    "PEM recipient": (PUBLIC, lambda data: parse_recipient(data, "a.pub")),
    "config": ("a: 1\nb:\n  c: 2\n", lambda data: read_yaml(data, "config.yaml")),
    "request": (encode_pem(make_request(), "CERTIFICATE REQUEST").decode(), parse_csr),
    "roots": (make_box().of("root")[0].pem.decode(), lambda data: load_roots(data, "roots.pem")),
}
LINE_ENDS = ("\n", "\r\n", "\r", "\r\r\n")
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")


@pytest.mark.parametrize("kind", FILES)
def test_a_mark_and_any_line_end_are_taken(kind: str) -> None:
    text, read = FILES[kind]
    for end in LINE_ENDS:
        for encoding in ("utf-8", "utf-8-sig"):
            read(text.replace("\n", end).encode(encoding))
    read(text.encode() + b"\x1a")  # as `copy a+b c` leaves it on Windows


@pytest.mark.parametrize("kind", FILES)
def test_a_word_processors_document_is_named(kind: str) -> None:
    text, read = FILES[kind]
    rich = "{\\rtf1\\ansi " + text.replace("\n", "\\par\n") + "}"
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as parts:
        parts.writestr("word/document.xml", text)
    for data, form in ((rich.encode(), "a document in RTF"), (package.getvalue(), "a ZIP file")):
        with pytest.raises(CaError, match=f"is {form}.*: save it as plain text"):
            read(data)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("encoding", WIDE)
def test_another_encoding_is_named(kind: str, encoding: str) -> None:
    text, read = FILES[kind]
    with pytest.raises(CaError, match=r"is UTF-(16|32) text: save it as UTF-8|holds a private key"):
        read(text.encode(encoding))


def test_der_is_named_with_a_command_that_makes_pem_of_it(tmp_path: Path) -> None:
    private = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ArchiveIdentityError, match="is DER") as identity:
        load_identities(private, None, "a.key")
    with pytest.raises(RecipientError, match="is DER") as recipient:
        parse_recipient(public, "a.pub")
    for data, refused in ((private, identity), (public, recipient)):
        (tmp_path / "FILE").write_bytes(data)
        command = str(refused.value).partition("PEM of a key: ")[2].removesuffix(".").split()
        subprocess.run(command, cwd=tmp_path, check=True)
    copy = (tmp_path / "COPY").read_bytes()
    assert parse_recipient(copy, "a.pub") == parse_recipient(PUBLIC, "a.pub")
    parse_csr(make_request())  # a request may be DER


@given(some.text(min_size=1), some.sampled_from(LINE_ENDS))
def test_text_comes_back_with_one_kind_of_line_end(text: str, end: str) -> None:
    plain = text.replace("\r", "\n").replace("\x00", "").removeprefix("\ufeff").rstrip("\x1a")
    data = plain.replace("\n", end).encode("utf-8-sig")
    assert read_plain_text(data, AssertionError) == plain.encode()  # type: ignore[arg-type]  # never called


@given(some.binary(max_size=300))
def test_der_is_one_whole_sequence(body: bytes) -> None:
    assert is_der(encode_element(SEQUENCE, body))
    assert not is_der(encode_element(SEQUENCE, body) + b"\n")
    assert not is_der(encode_element(SEQUENCE, body)[:-1])
    assert not is_der(encode_element(0x04, body))
