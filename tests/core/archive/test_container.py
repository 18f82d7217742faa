"""core.archive.container: what is written is read back, and what a writer refuses."""

import io
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from core.archive import container as archive
from core.archive import container as members
from core.archive.container import Member, make_member, read_archive, write_archive
from core.crypto import age
from core.crypto.recipients import Recipient, parse_recipient
from core.errors import FileError, RecipientError, StoppedError
from tests.archives import NOW, make_tar
from tests.core.archive_kit import (
    CONTENT,
    ID,
    IDENTITY,
    OTHER_ID,
    SOUND,
    opened,
    recipient,
    refusal,
    sealed,
    written,
)


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
    dying = Full(5000, fails_late=True)
    with pytest.raises(FileError, match="Input/output"):
        write_archive(dying, content, [recipient()], NOW)  # type: ignore[arg-type]
    dying.fails_late = False  # or it would fail once more when it is collected
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
