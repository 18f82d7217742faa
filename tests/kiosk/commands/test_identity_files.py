"""Private keys that backup holders have, made by ssh-keygen, openssl and age, with the right passphrase."""

import io
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.crypto.age import decrypt_stream, encrypt_stream
from core.crypto.recipients import parse_recipient
from core.errors import IdentityLockedError
from kiosk.commands.cli import main
from kiosk.commands.receiver import read_identities

PASSPHRASES = {
    "two spaces": "two  spaces here",
    "blanks at the ends": " ends with spaces ",
    "tab": "a\ttab in it",
    "decomposed accent": "de\u0301compose\u0301 words",
    "ligature": "\ufb01nd the \ufb01sh",
    "fraction": "\u00bd a loaf of bread",
    "no-break space": "no\u00a0break space",
    "wide space": "wide\u3000space",
    "wide digits": "\uff11\uff12\uff13 wide",
}
ENDS = {"none": b"", "LF": b"\n", "CRLF": b"\r\n"}


def make_ssh_key(folder: Path, passphrase: str) -> Path:
    """Make a key, and let ssh-keygen judge that the passphrase opens it."""
    key = folder / "holder"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", key], check=True)
    subprocess.run(["ssh-keygen", "-y", "-P", passphrase, "-f", key], check=True, capture_output=True)
    return key


def opens(key: Path, passphrase_file: Path | None) -> bool:
    """Encrypt to the public half as a box does, open with the private one as the commands do."""
    sealed, plain = io.BytesIO(), io.BytesIO()
    encrypt_stream([b"hello"], sealed, [parse_recipient(key.with_suffix(".pub").read_bytes(), "a.pub")])
    sealed.seek(0)
    decrypt_stream(sealed, read_identities(key, passphrase_file), plain, 100)
    return plain.getvalue() == b"hello"


@pytest.mark.parametrize("kind", PASSPHRASES)
def test_an_identitys_passphrase_is_tried_byte_for_byte(tmp_path: Path, kind: str) -> None:
    passphrase = PASSPHRASES[kind]
    key = make_ssh_key(tmp_path, passphrase)
    for end in ENDS.values():
        (tmp_path / "pw").write_bytes(passphrase.encode() + end)
        assert opens(key, tmp_path / "pw")


def test_an_identitys_passphrase_may_be_no_utf_8(tmp_path: Path) -> None:
    key = make_ssh_key(tmp_path, b"gr\xf6\xdfer".decode(errors="surrogateescape"))
    (tmp_path / "pw").write_bytes(b"gr\xf6\xdfer\n")
    assert opens(key, tmp_path / "pw")


def test_an_identitys_passphrase_is_the_whole_file_but_one_line_end(tmp_path: Path) -> None:
    key = make_ssh_key(tmp_path, "one line\nand another\n")
    (tmp_path / "pw").write_bytes(b"one line\nand another\n\n")
    assert opens(key, tmp_path / "pw")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (b"\xef\xbb\xbfplain words here\n", "byte order mark"),
        ("plain words here\n".encode("utf-16"), "byte order mark"),
        (b"plain words here\n\n", "more than one line"),
        (b"plain words her\n", "does not open it"),
    ],
)
def test_what_an_editor_added_to_a_passphrase_file_is_named(
    tmp_path: Path, written: bytes, says: str
) -> None:
    key = make_ssh_key(tmp_path, "plain words here")
    (tmp_path / "pw").write_bytes(written)
    with pytest.raises(IdentityLockedError, match=says) as caught:
        opens(key, tmp_path / "pw")
    assert "plain words" not in str(caught.value)


class Terminal(io.BytesIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def test_an_identitys_passphrase_is_taken_as_it_is_typed_at_a_terminal(tmp_path: Path) -> None:
    key = make_ssh_key(tmp_path, " two  blanks e\u0301 ")
    typed = Terminal(" two  blanks e\u0301 \n".encode())
    archive = tmp_path / "archive"
    archive.write_bytes(b"no archive")
    done = CliRunner().invoke(
        main, ["verify", str(archive), "--identity", str(key), "--trust", str(key)], input=typed
    )
    assert "E-ARCHIVE-TRUST" in done.stderr  # the identity was opened before: the key is no root
