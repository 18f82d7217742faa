import io
import os
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import age, archive, members
from core.archive import Archive, Member, make_member, read_archive, write_archive
from core.errors import CaError, FileError, RecipientError, StoppedError
from core.recipients import Recipient, parse_recipient
from tests.archives import NOW, make_tar

ID = "0b9a1c6e-2f0e-4d0c-9a43-6f5d1f3b7c11"
OTHER_ID = "1b9a1c6e-2f0e-4d0c-9a43-6f5d1f3b7c11"
IDENTITY = pyrage.x25519.Identity.generate()
CONTENT = (
    ("manifest.json", b"{}"),
    (f"seals/{ID}/seal.pem", b"seal" * 100),
    (f"seals/{ID}/manifest.sig", bytes(64)),
    (f"roots/{ID}.pem", b"r" * 512),
    (f"signers/services/mongo/{ID}.pem", b""),
    (f"keys/{ID}.pem", b"k"),
    ("passphrases.age", b"p" * 513),
    (f"crls/{ID}.crl", b"c"),
    ("journal.jsonl", os.urandom(70_000)),
    ("state.json", b"{}"),
)


def recipient() -> Recipient:
    return parse_recipient(str(IDENTITY.to_public()), "a.pub")


def written(content: Any = CONTENT) -> bytes:
    out = io.BytesIO()
    write_archive(out, (make_member(*item) for item in content), [recipient()], NOW)
    return out.getvalue()


SOUND = written()


def opened(data: bytes, **options: Any) -> Archive:
    return read_archive(io.BytesIO(data), [IDENTITY], **options)


def sealed(tar: bytes) -> bytes:
    return bytes(pyrage.encrypt(tar, [IDENTITY.to_public()]))


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(CaError) as caught:
        action()
    return caught.value.code


def test_what_is_written_is_read_back_in_order() -> None:
    with opened(SOUND) as found:
        assert found.paths == tuple(path for path, _ in CONTENT)
        assert all(found.read(path) == data and found.size(path) == len(data) for path, data in CONTENT)
        assert refusal(lambda: found.read("roots/none.pem")) == "E-ARCHIVE-MEMBER"


def test_digest_is_of_the_file_that_was_written() -> None:
    out = io.BytesIO()
    digest = write_archive(out, [make_member("manifest.json", b"{}")], [recipient()], NOW)
    shown = subprocess.run(["sha256sum"], input=out.getvalue(), check=True, capture_output=True, text=False)
    assert digest.sha256 == shown.stdout.split()[0].decode()
    assert digest.size_bytes == len(out.getvalue())


def test_the_same_members_give_the_same_tar_with_plain_headers() -> None:
    first, second = (b"".join(archive._tar([make_member(*item) for item in CONTENT], 5)) for _ in range(2))
    assert first == second
    assert len(first) % archive.RECORD_BYTES == 0
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        for header in tar:
            assert header.isreg()
            assert (header.uid, header.gid, header.uname, header.gname) == (0, 0, "", "")
            assert (header.mode, header.mtime, header.pax_headers) == (0o600, 5, {})


def test_a_date_beyond_what_ustar_can_say_becomes_its_last() -> None:
    out = io.BytesIO()
    write_archive(out, (make_member(*item) for item in CONTENT), [recipient()], NOW.replace(year=2300))
    opened(out.getvalue()).close()
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(out.getvalue(), [IDENTITY]))) as tar:
        assert {header.mtime for header in tar} == {8**11 - 1}


@pytest.mark.parametrize("kind", ["age", "ed25519", "rsa"])
def test_the_age_and_tar_programs_open_it(tmp_path: Path, kind: str) -> None:
    key = tmp_path / "key"
    if kind == "age":
        subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
        public = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True).stdout
    else:
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key], check=True)
        public = (tmp_path / "key.pub").read_bytes()
        if kind == "rsa":  # born as PEM: the recipient is made from it, the identity opens as PEM
            command = ["ssh-keygen", "-e", "-m", "PKCS8", "-f", str(key)]
            public = subprocess.run(command, check=True, capture_output=True).stdout
            assert public.startswith(b"-----BEGIN PUBLIC KEY-----")
    others = [recipient(), parse_recipient(public, "a.pub")]
    with (tmp_path / "a.tar.age").open("wb") as out:
        write_archive(out, [make_member(*item) for item in CONTENT], others, NOW)
    command = ["age", "-d", "-i", key, "-o", tmp_path / "a.tar", tmp_path / "a.tar.age"]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["tar", "xf", tmp_path / "a.tar", "-C", tmp_path], check=True)
    assert all((tmp_path / path).read_bytes() == data for path, data in CONTENT)


def test_memory_stays_flat_whatever_the_size() -> None:
    class Void(io.RawIOBase):
        def write(self, data: Any) -> int:
            return len(data)

    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield bytes(1 << 20)

    def peak(mebibytes: int) -> int:
        journal = Member(path="journal.jsonl", size=mebibytes << 20, open=lambda: chunks(mebibytes))
        tracemalloc.start()
        write_archive(Void(), [make_member("manifest.json", b"{}"), journal], [recipient()], NOW)  # type: ignore[arg-type]
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return high

    assert peak(20) < 1.2 * peak(5)


# What a writer refuses.


def bad_contents() -> dict[str, list[tuple[str, bytes]]]:
    manifest = CONTENT[0]
    return {
        "no manifest first": [CONTENT[3]],
        "order": [manifest, CONTENT[8], CONTENT[3]],
        "twice": [manifest, CONTENT[3], CONTENT[3]],
        "manifest twice": [manifest, manifest],
        "unknown": [manifest, ("notes.txt", b"")],
        "absolute": [manifest, (f"/roots/{ID}.pem", b"")],
        "dots": [manifest, (f"roots/../roots/{ID}.pem", b"")],
        "leading dot": [("./manifest.json", b"")],
        "upper case": [manifest, (f"roots/{ID.upper()}.pem", b"")],
        "line feed": [manifest, (f"roots/{ID}.pem\n", b"")],
        "class name": [manifest, (f"signers/9services/mongo/{ID}.pem", b"")],
        "too large": [manifest, (f"roots/{ID}.pem", bytes(64 * 1024 + 1))],
        "signature alone": [manifest, CONTENT[2]],
        "seal alone": [manifest, CONTENT[1], CONTENT[3]],
        "another's signature": [manifest, CONTENT[1], (f"seals/{OTHER_ID}/manifest.sig", b"")],
        "two seals": [manifest, CONTENT[1], (f"seals/{OTHER_ID}/seal.pem", b"")],
    }


@pytest.mark.parametrize("what", bad_contents())
def test_neither_writer_nor_reader_takes_a_member_out_of_the_rules(what: str) -> None:
    content = bad_contents()[what]
    assert refusal(lambda: written(content)) == "E-ARCHIVE-MEMBER"
    assert refusal(lambda: opened(sealed(make_tar(content)))) == "E-ARCHIVE-MEMBER"


@pytest.mark.parametrize("size", [1, 3])
def test_a_member_of_another_size_than_said_ends_the_writing(size: int) -> None:
    member = Member(path="manifest.json", size=size, open=lambda: iter((b"a", b"b")))
    assert refusal(lambda: write_archive(io.BytesIO(), [member], [recipient()], NOW)) == "E-ARCHIVE-MEMBER"


def test_the_count_of_members_is_bounded() -> None:
    order = members.MemberOrder()
    order.admit("manifest.json", 1)
    order._seen |= {str(number) for number in range(members.MAX_MEMBERS - 1)}
    assert refusal(lambda: order.admit(f"roots/{ID}.pem", 1)) == "E-ARCHIVE-MEMBER"


def test_a_member_that_fails_comes_through_and_leaves_no_valid_file() -> None:
    def stop() -> Iterator[bytes]:
        yield bytes(100_000)
        raise StoppedError("stopped")

    out = io.BytesIO()
    member = Member(path="journal.jsonl", size=200_000, open=stop)
    content = [make_member("manifest.json", b"{}"), member]
    assert refusal(lambda: write_archive(out, content, [recipient()], NOW)) == "E-STOPPED"
    assert refusal(lambda: opened(out.getvalue())) == "E-ARCHIVE-DAMAGED"


@pytest.mark.parametrize("thrown", [KeyboardInterrupt(), ZeroDivisionError("a bug")])
def test_a_bug_and_an_interrupt_come_through_as_they_are(thrown: BaseException) -> None:
    def chunks() -> Iterator[bytes]:
        raise thrown
        yield b""

    with pytest.raises(type(thrown)):
        age.encrypt_stream(chunks(), io.BytesIO(), [recipient()])


class Full(io.RawIOBase):
    """A disk with little room, which takes few bytes at a time."""

    def __init__(self, room: int, *, fails_late: bool = False) -> None:
        self.room = room
        self.fails_late = fails_late
        self.data = b""

    def write(self, data: Any) -> int:
        if not self.room and not self.fails_late:
            raise OSError(28, "No space left on device")
        taken = bytes(data[: max(1, min(1000, self.room))])
        self.room -= min(self.room, len(taken))
        self.data += taken
        return len(taken)

    def flush(self) -> None:
        if self.fails_late:
            raise OSError(5, "Input/output error")


def test_a_full_or_dying_disk_is_a_file_error() -> None:
    content = [make_member(*item) for item in CONTENT]
    with pytest.raises(FileError, match="No space left"):
        write_archive(Full(5000), content, [recipient()], NOW)  # type: ignore[arg-type]
    with pytest.raises(FileError, match="Input/output"):
        write_archive(Full(5000, fails_late=True), content, [recipient()], NOW)  # type: ignore[arg-type]
    with pytest.raises(FileError, match="No space left"):
        age.decrypt_stream(io.BytesIO(SOUND), [IDENTITY], Full(5000), 1 << 30)  # type: ignore[arg-type]


def test_a_disk_that_takes_few_bytes_at_a_time_gets_all_of_them() -> None:
    out = Full(1 << 30)
    write_archive(out, [make_member(*item) for item in CONTENT], [recipient()], NOW)  # type: ignore[arg-type]
    opened(out.data).close()


def test_a_source_that_cannot_be_read_is_a_file_error() -> None:
    class Dying(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 70_000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(FileError, match="could not be read"):
        read_archive(Dying(SOUND), [IDENTITY])


def test_no_place_to_unpack_is_a_file_error(tmp_path: Path) -> None:
    assert refusal(lambda: opened(SOUND, folder=tmp_path / "missing")) == "E-FILE"


def test_recipients_are_needed_and_must_be_sound() -> None:
    assert refusal(lambda: write_archive(io.BytesIO(), [], [], NOW)) == "E-ARCHIVE"
    broken = Recipient(kind="ssh-rsa", key="ssh-rsa AAAA", fingerprint="SHA256:x", words=())
    with pytest.raises(RecipientError):
        write_archive(io.BytesIO(), [], [broken], NOW)


def test_a_failure_of_the_library_itself_is_an_archive_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # No input makes it fail once the recipients were taken: here they are none that it knows.
    monkeypatch.setattr(age, "to_age", lambda _: object())
    assert refusal(lambda: age.encrypt_stream([], io.BytesIO(), [recipient()])) == "E-ARCHIVE"


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
            assert found.paths == ()  # no manifest: core.receive refuses it
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
