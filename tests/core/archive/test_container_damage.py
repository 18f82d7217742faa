"""What a reader refuses: damage to the file, and damage inside by somebody who can encrypt to us."""

import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.archive.container import read_archive
from core.crypto import age
from core.errors import CaError
from tests.archives import make_tar, plain_header
from tests.core.archive_kit import (
    CONTENT,
    IDENTITY,
    SOUND,
    opened,
    refusal,
    sealed,
)

# Damage to the file.


@given(st.integers(0, len(SOUND) * 8 - 1))
def test_a_flipped_bit_anywhere_is_refused(position: int) -> None:
    spoilt = bytearray(SOUND)
    spoilt[position // 8] ^= 1 << position % 8
    code = refusal(lambda: opened(bytes(spoilt)))
    # A changed stanza may be one for somebody else: nobody can tell.
    assert code == "E-ARCHIVE-DAMAGED" or (code == "E-ARCHIVE-IDENTITY" and position // 8 < 200)


def test_every_flipped_bit_of_the_header_is_refused() -> None:
    end = SOUND.index(b"\n--- ") + 60
    for position in range(end * 8):
        spoilt = bytearray(SOUND)
        spoilt[position // 8] ^= 1 << position % 8
        assert refusal(lambda: opened(bytes(spoilt))) in ("E-ARCHIVE-DAMAGED", "E-ARCHIVE-IDENTITY")  # noqa: B023


@given(st.integers(0, len(SOUND) - 1))
def test_a_cut_anywhere_is_refused(length: int) -> None:
    assert refusal(lambda: opened(SOUND[:length])) == "E-ARCHIVE-DAMAGED"


@given(st.binary(min_size=1, max_size=100))
def test_anything_after_the_end_is_refused(tail: bytes) -> None:
    assert refusal(lambda: opened(SOUND + tail)) == "E-ARCHIVE-DAMAGED"


def test_another_archive_after_the_end_is_refused() -> None:
    assert refusal(lambda: opened(SOUND + SOUND)) == "E-ARCHIVE-DAMAGED"


@given(st.binary(max_size=300))
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    assert refusal(lambda: opened(data)) == "E-ARCHIVE-DAMAGED"
    assert refusal(lambda: opened(age.MAGIC + data)) == "E-ARCHIVE-DAMAGED"


def test_an_endless_header_is_refused_before_it_is_read() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            self.asked += size
            return age.MAGIC if self.asked == size else b"-> x\n" * (size // 5 or 1)

    source = Endless()
    assert refusal(lambda: read_archive(source, [IDENTITY])) == "E-ARCHIVE-DAMAGED"  # type: ignore[arg-type]
    assert source.asked < 4 * age.MAX_HEADER_BYTES


def test_another_identity_does_not_open_it() -> None:
    stranger = pyrage.x25519.Identity.generate()
    assert refusal(lambda: read_archive(io.BytesIO(SOUND), [stranger])) == "E-ARCHIVE-IDENTITY"
    assert refusal(lambda: read_archive(io.BytesIO(SOUND), [])) == "E-ARCHIVE-IDENTITY"


def test_the_decrypted_size_is_bounded_while_it_is_written() -> None:
    assert refusal(lambda: opened(SOUND, max_bytes=50_000)) == "E-ARCHIVE-MEMBER"


# Damage inside, by somebody who can encrypt to us.


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, target
    return header


KINDS = {
    "symbolic link": special("manifest.json", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": special("manifest.json", tarfile.LNKTYPE, "roots"),
    "folder": special("manifest.json", tarfile.DIRTYPE),
    "pipe": special("manifest.json", tarfile.FIFOTYPE),
    "character device": special("manifest.json", tarfile.CHRTYPE),
    "block device": special("manifest.json", tarfile.BLKTYPE),
    "contiguous file": special("manifest.json", tarfile.CONTTYPE),
    "sparse file": special("manifest.json", tarfile.GNUTYPE_SPARSE),
    "pax header": special("manifest.json", tarfile.XHDTYPE),
    "global pax header": special("manifest.json", tarfile.XGLTYPE),
    "long name": special("manifest.json", tarfile.GNUTYPE_LONGNAME),
    "old folder": special("manifest.json/", tarfile.AREGTYPE),
    "file with a target": special("manifest.json", tarfile.REGTYPE, "elsewhere"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_what_is_no_plain_file(kind: str) -> None:
    header = KINDS[kind]
    tar = header.tobuf(tarfile.USTAR_FORMAT) + bytes(1024)
    assert refusal(lambda: opened(sealed(tar))) == "E-ARCHIVE-MEMBER"


def test_refuses_pax_headers_that_rename() -> None:
    header = tarfile.TarInfo("manifest.json")
    header.pax_headers = {"path": "../../etc/passwd"}
    tar = make_tar([(header, b"{}")], tarfile.PAX_FORMAT)
    assert refusal(lambda: opened(sealed(tar))) == "E-ARCHIVE-MEMBER"


FIELDS = {
    "mode": {"mode": 0o644},
    "owner": {"uid": 1000},
    "group": {"gid": 1},
    "user name": {"uname": "root"},
    "group name": {"gname": "\x1b[8m"},
    "time before 1970": {"mtime": -1},
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_header_with_other_fields_than_ours_is_refused(field: str) -> None:
    header = plain_header("manifest.json")
    for name, value in FIELDS[field].items():
        setattr(header, name, value)
    block = header.tobuf(tarfile.GNU_FORMAT if field == "time before 1970" else tarfile.USTAR_FORMAT)
    assert refusal(lambda: opened(sealed(block + bytes(1024)))) == "E-ARCHIVE-MEMBER"


@pytest.mark.parametrize("at", [90, 345, 500, 511])
def test_nothing_hides_in_the_unused_bytes_of_a_header(at: int) -> None:
    header = plain_header("manifest.json")
    block = bytearray(header.tobuf(tarfile.USTAR_FORMAT))
    block[at] = 0x41
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert refusal(lambda: opened(sealed(bytes(block) + bytes(1024)))) == "E-ARCHIVE-MEMBER"


def plain_tar() -> bytes:
    return make_tar(CONTENT[:1])


TARS = {
    "nothing": (b"", "E-ARCHIVE-DAMAGED"),
    "no end": (plain_tar()[:1024], "E-ARCHIVE-DAMAGED"),
    "one zero block": (plain_tar()[: 1024 + 512], "E-ARCHIVE-DAMAGED"),
    "cut in a header": (plain_tar()[:300], "E-ARCHIVE-DAMAGED"),
    "cut in a member": (plain_tar()[:600], "E-ARCHIVE-DAMAGED"),
    "bytes in the end": (plain_tar()[:-1] + b"x", "E-ARCHIVE-DAMAGED"),
    "bytes after the end": (plain_tar() + b"x", "E-ARCHIVE-DAMAGED"),
    "a record too many": (plain_tar() + bytes(10240), "E-ARCHIVE-DAMAGED"),
    "a tar after the end": (plain_tar() + plain_tar(), "E-ARCHIVE-DAMAGED"),
    "checksum": (b"M" + plain_tar()[1:], "E-ARCHIVE-MEMBER"),
    "padding": (plain_tar()[:600] + b"x" + plain_tar()[601:], "E-ARCHIVE-MEMBER"),
    "not ascii": (make_tar([("m\u00e4nifest.json", b"")]), "E-ARCHIVE-MEMBER"),
    "empty": (bytes(10240), None),
}


@pytest.mark.parametrize("what", TARS)
def test_the_tar_ends_as_it_should(what: str) -> None:
    tar, code = TARS[what]
    if code is None:
        with opened(sealed(tar)) as found:
            assert found.paths == ()  # no manifest: core.receive.opening refuses it
    else:
        assert refusal(lambda: opened(sealed(tar))) == code


def huge() -> bytes:
    header = tarfile.TarInfo("journal.jsonl")
    header.size = 1 << 60
    return make_tar(CONTENT[:1])[:1024] + header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def negative() -> bytes:
    header = tarfile.TarInfo("manifest.json")
    header.size = -512
    return header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def test_sizes_that_nobody_can_have_are_refused() -> None:
    assert refusal(lambda: opened(sealed(huge()))) == "E-ARCHIVE-MEMBER"
    assert refusal(lambda: opened(sealed(negative()))) == "E-ARCHIVE-MEMBER"


@given(st.integers(0, 5 * 512 - 1), st.integers(0, 255))
def test_a_changed_tar_is_read_by_the_rules_or_refused(position: int, value: int) -> None:
    tar = bytearray(make_tar(CONTENT[:3]))
    tar[position] = value
    with suppress(CaError), opened(sealed(bytes(tar))) as found:
        assert set(found.paths) <= {path for path, _ in CONTENT[:3]} | {"manifest.json"}


def test_nothing_is_left_behind_by_a_refusal(tmp_path: Path) -> None:
    for data in (SOUND[:-1], sealed(huge()), SOUND):
        with suppress(CaError), opened(data, folder=tmp_path):
            assert list(tmp_path.iterdir()) == []  # unlinked from the start
    assert list(tmp_path.iterdir()) == []


def test_an_unpacked_file_that_shrinks_is_seen() -> None:
    with opened(SOUND) as found:
        found._spool.truncate(1024)
        assert refusal(lambda: found.read("journal.jsonl")) == "E-ARCHIVE"
