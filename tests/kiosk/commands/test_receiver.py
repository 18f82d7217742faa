"""`pism open` and `pism verify`: archives sound and spoilt, first trust, and no hardware package."""

import json
import os
import pty
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyrage
import pytest
from msgspec import UNSET

from core.archive.manifest import FORMAT_1
from tests.archives import NOW, Box, make_box
from tests.kiosk.command import ENVIRONMENT, ROOT, Ran, converse, run, snapshot, spawn

WHEN = f"{NOW:%Y-%m-%d %H:%M:%S}"


NEXT = "22222222-2222-4333-8444-555555555555"


@dataclass
class Server:
    """A receiver's folder with its key and the roots it was given."""

    folder: Path
    box: Box

    def lay(self, data: bytes, name: str = "archive.tar.age") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def arguments(self, archive: Path, *more: str | Path) -> tuple[str | Path, ...]:
        return (archive, "--identity", self.folder / "identity", *more)

    def open(self, data: bytes, *more: str | Path) -> Ran:
        given = more if "--accept-box" in more else ("--accept-box", " ".join(self.box.words), *more)
        out = ("--out", self.folder / "out")
        return spawn("open", *self.arguments(self.lay(data), *out, *given), when=WHEN)

    def verify(self, data: bytes, *more: str | Path) -> Ran:
        trust = ("--trust", self.folder / "roots.pem")
        return spawn("verify", *self.arguments(self.lay(data), *trust, *more), when=WHEN)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    box = make_box()
    (tmp_path / "identity").write_text(f"{box.identity}\n")
    (tmp_path / "roots.pem").write_bytes(box.of("root")[0].pem)
    return Server(tmp_path, box)


def test_a_sound_archive_is_verified_and_opened(server: Server) -> None:
    data = server.box.make()
    verified = server.verify(data, "--json")
    assert verified.status == 0
    assert json.loads(verified.out)["folder"] is None
    assert json.loads(verified.out)["box_words"] == list(server.box.words)
    opened = server.open(data)
    assert opened.status == 0
    assert opened.out.startswith("Example Virtual Worlds: egress main-kudo 000001 is good\n")
    assert f"made by the box {' '.join(server.box.words)}\n" in opened.out
    second = server.box.make(sequence=2, previous=server.box.manifest_sha256)
    report = json.loads(server.open(second, "--json").out)
    assert report["sequence"] == 2
    assert (Path(report["folder"]) / "manifest.json").exists()
    assert report["keys"] == report["signers"] == 1


@pytest.mark.parametrize("command", ["open", "verify"])
def test_a_terminal_sees_how_far_the_check_is(server: Server, command: str) -> None:
    words = ("--accept-box", " ".join(server.box.words))
    archive = server.arguments(server.lay(server.box.make()), *words)
    ran = converse(command, *archive, answers=(), cwd=server.folder, when=WHEN)
    assert ran.status == 0
    assert re.search(r"key 1 of 1", ran.err)


def test_a_holders_key_opens_as_its_own_programs_made_it(server: Server) -> None:
    """Made by ssh-keygen, two blanks in a row in its passphrase, saved again by an editor of Windows."""
    identity, passphrase = server.folder / "identity", server.folder / "passphrase"
    identity.unlink()
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "two  spaces here", "-f", identity]
    subprocess.run(make, check=True)
    data = server.box.make(
        recipients=(pyrage.ssh.Recipient.from_str(identity.with_suffix(".pub").read_text()),)
    )
    identity.write_bytes(b"\xef\xbb\xbf" + identity.read_bytes().replace(b"\n", b"\r\n"))
    for text, status in ((b"two  spaces here\r\n", 0), (b"two spaces here\n", 1)):
        passphrase.write_bytes(text)
        ran = server.verify(data, "--identity-passphrase-file", passphrase)
        assert (ran.status, ran.code) == (status, "E-IDENTITY-LOCKED" if status else "")


def test_a_cipher_that_cannot_be_read_is_named_and_nobody_is_asked(server: Server) -> None:
    identity = server.folder / "identity"
    identity.unlink()
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "plain words here", "-f", identity]
    subprocess.run([*make, "-Z", "chacha20-poly1305@openssh.com"], check=True)
    data = server.box.make(
        recipients=(pyrage.ssh.Recipient.from_str(identity.with_suffix(".pub").read_text()),)
    )
    ran = server.verify(data)
    assert (ran.status, ran.code) == (1, "E-IDENTITY-CIPHER")
    assert "chacha20-poly1305@openssh.com" in ran.err
    assert "ssh-keygen -p -Z aes256-ctr" in ran.err


def test_an_identity_of_age_keygen_with_a_mark_before_it_opens(server: Server) -> None:
    made = subprocess.run(["age-keygen"], check=True, capture_output=True)
    public = made.stderr.decode().split()[-1]
    (server.folder / "identity").write_bytes(b"\xef\xbb\xbf" + made.stdout)
    data = server.box.make(recipients=(pyrage.x25519.Recipient.from_str(public),))
    assert server.verify(data).status == 0


def flip(data: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def link(name: str, kind: bytes) -> tuple[Any, bytes]:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = "/etc/passwd"
    return member, b""


SPOILT: dict[str, tuple[Callable[[Box], bytes], str]] = {
    "truncated": (lambda box: box.make()[:-100], "E-ARCHIVE-DAMAGED"),
    "cut in the head": (lambda box: box.make()[:60], "E-ARCHIVE-DAMAGED"),
    "empty": (lambda _box: b"", "E-ARCHIVE-DAMAGED"),
    "no archive": (lambda _box: b"of the operator" * 1000, "E-ARCHIVE-DAMAGED"),
    "a flipped bit": (lambda box: flip(box.make()), "E-ARCHIVE-DAMAGED"),
    "bytes after its end": (lambda box: box.make() + b"x", "E-ARCHIVE-DAMAGED"),
    "an unknown member": (
        lambda box: box.make(members=lambda all_: [*all_, ("note.txt", b"x")]),
        "E-ARCHIVE-MEMBER",
    ),
    "a way out": (lambda box: box.make(members=lambda all_: [*all_, ("../x", b"x")]), "E-ARCHIVE-MEMBER"),
    "an absolute name": (
        lambda box: box.make(members=lambda all_: [*all_, ("/tmp/x", b"x")]),  # noqa: S108 - refused
        "E-ARCHIVE-MEMBER",
    ),
    "a symbolic link": (
        lambda box: box.make(members=lambda all_: [*all_, link("keys/x.pem", tarfile.SYMTYPE)]),
        "E-ARCHIVE-MEMBER",
    ),
    "a hard link": (
        lambda box: box.make(members=lambda all_: [*all_, link("keys/x.pem", tarfile.LNKTYPE)]),
        "E-ARCHIVE-MEMBER",
    ),
    "a missing member": (lambda box: box.make(members=lambda all_: all_[:-1]), "E-ARCHIVE-MEMBER"),
    "another version": (
        lambda box: box.make(manifest=lambda data: data.replace(b"pism-archive-v2", b"pism-archive-v3")),
        "E-ARCHIVE-FORMAT",
    ),
    "another manifest than was sealed": (
        lambda box: box.make(sealed=lambda data: data + b" "),
        "E-ARCHIVE-SEAL",
    ),
}


@pytest.mark.parametrize("fault", [*SPOILT])
def test_a_spoilt_archive_is_refused_and_nothing_is_written(server: Server, fault: str) -> None:
    spoil, code = SPOILT[fault]
    data = spoil(server.box)
    server.lay(data)
    before = snapshot(server.folder)
    for ran in (server.verify(data), server.open(data)):
        assert (ran.status, ran.code, ran.out) == (1, code, "")
    assert snapshot(server.folder) == before
    assert not (server.folder / "out").exists()


def test_a_foreign_signature_is_not_believed(server: Server) -> None:
    (server.folder / "roots.pem").write_bytes(make_box().of("root")[0].pem)
    roots = ("--trust", server.folder / "roots.pem")
    for ran in (server.verify(server.box.make()), server.open(server.box.make(), *roots)):
        assert (ran.status, ran.code) == (1, "E-ARCHIVE-SEAL")
    assert not (server.folder / "out").exists()


def test_an_old_sequence_and_a_fork_are_refused(server: Server) -> None:
    first = server.box.make(sequence=7)
    assert server.open(first).status == 0
    before = snapshot(server.folder / "out")
    assert server.open(server.box.make(sequence=7)).code == "E-ARCHIVE-FORK"
    assert server.open(server.box.make(sequence=6)).code == "E-ARCHIVE-ROLLBACK"
    assert server.open(server.box.make(sequence=8, previous="0" * 64)).code == "E-ARCHIVE-FORK"
    assert snapshot(server.folder / "out") == before


def test_an_archive_that_is_open_already_is_said_to_be_and_is_no_failure(server: Server) -> None:
    data = server.box.make()
    folder = server.open(data).out.splitlines()[-1]
    again = server.open(data)
    assert again.status == 0
    assert again.out.startswith("Example Virtual Worlds: egress main-kudo 000001 is open already\n")
    assert again.out.splitlines()[-1] == folder
    assert json.loads(server.open(data, "--json").out)["was_open"] is True


def test_an_archive_of_another_authority_is_refused(server: Server) -> None:
    assert server.open(server.box.make()).status == 0
    other = make_box(identity=server.box.identity)
    (server.folder / "roots.pem").write_bytes(other.of("root")[0].pem)
    assert server.open(other.make()).code == "E-ARCHIVE-TRUST"


def test_an_identity_that_does_not_fit_opens_nothing(server: Server) -> None:
    (server.folder / "identity").write_text(f"{Box().identity}\n")
    assert server.verify(server.box.make()).code == "E-ARCHIVE-IDENTITY"


@pytest.mark.parametrize("content", [b"", b"what is this", b"\xff\xfe", b"ssh-ed25519 AAAA public"])
def test_an_identity_that_is_none_is_refused(server: Server, content: bytes) -> None:
    (server.folder / "identity").write_bytes(content)
    ran = server.verify(server.box.make())
    assert (ran.status, ran.code) == (1, "E-ARCHIVE-IDENTITY")


def test_an_encrypted_identity_is_opened_by_its_passphrase(server: Server) -> None:
    key = server.folder / "identity"
    key.unlink()
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "some passphrase", "-C", "", "-f", str(key)]
    subprocess.run(command, check=True)
    import pyrage

    public = (server.folder / "identity.pub").read_text().strip()
    data = server.box.make(recipients=(pyrage.ssh.Recipient.from_str(public),))
    file = server.folder / "passphrase"
    file.write_text("some passphrase\n")
    assert server.verify(data, "--identity-passphrase-file", file).status == 0
    assert server.verify(data, "--passphrase-file", file).status == 0  # its former name
    file.write_text("another passphrase\n")
    wrong = server.verify(data, "--passphrase-file", file)
    assert (wrong.status, wrong.code) == (1, "E-IDENTITY-LOCKED")
    assert "another" not in wrong.err


@pytest.mark.parametrize("content", [b"", b"what is this"])
def test_roots_that_are_none_are_refused(server: Server, content: bytes) -> None:
    (server.folder / "roots.pem").write_bytes(content)
    assert server.verify(server.box.make()).code == "E-ARCHIVE-TRUST"


def test_a_first_box_that_nobody_vouches_for_is_refused(server: Server) -> None:
    archive = server.lay(server.box.make())
    out, roots = ("--out", server.folder / "out"), ("--trust", server.folder / "roots.pem")
    for more in ((), roots, ("--accept-box", "zoo " * 12), ("--accept-box", "")):
        ran = spawn("open", *server.arguments(archive, *out, *more), when=WHEN)
        assert (ran.status, ran.code) == (1, "E-ARCHIVE-BOX")
        # Two in their order: one alone, such as "box" or "trust", may well stand in a sentence about it.
        assert not any(" ".join(two) in ran.err for two in pairwise(server.box.words))
        assert not (server.folder / "out").exists()


def test_words_are_taken_as_people_write_them_down(server: Server) -> None:
    words = ", ".join(server.box.words).upper()
    assert server.open(server.box.make(), "--accept-box", words).status == 0
    assert server.verify(server.box.make(), "--accept-box", words).status == 0
    assert server.verify(server.box.make(), "--accept-box", "zoo").code == "E-ARCHIVE-BOX"


def test_of_format_1_it_is_said_that_it_lacks_the_box_key(server: Server) -> None:
    head = {"format": FORMAT_1, "earlier": UNSET, "targets": UNSET, "box_key": UNSET, "previous": None}
    data = server.box.make(head=head)
    assert "It is of format 1, which lacks the box key" in server.verify(data).out
    assert json.loads(server.verify(data, "--json").out)["box_words"] is None
    status, said = ask(server, server.lay(data), b"y\n")
    assert status == 0
    assert "It is of format 1, which lacks the box key" in said
    assert server.box.of("root")[0].record.sha256 in said


def test_files_that_are_not_there_are_usage(tmp_path: Path) -> None:
    assert run("open", tmp_path / "none", "--identity", tmp_path / "none").status == 2
    assert run("verify", tmp_path / "none").status == 2


def ask(server: Server, archive: Path, answer: bytes) -> tuple[int, str]:
    """Open an archive at a terminal, give an answer, and return how it ended and what was said."""
    ours, theirs = pty.openpty()
    arguments = server.arguments(archive, "--out", server.folder / "out")
    child = subprocess.Popen(
        ["faketime", "-f", f"@{WHEN}", sys.executable, "-m", "kiosk", "open", *map(str, arguments)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    os.close(theirs)
    os.write(ours, answer)
    _, said = child.communicate(timeout=60)
    os.close(ours)
    return child.returncode, said.decode()


def test_a_first_box_is_shown_with_its_words_and_asked_about(server: Server) -> None:
    archive = server.lay(server.box.make())
    status, said = ask(server, archive, b"n\n")
    assert status == 1
    assert ") is new here." in said
    assert f"made it:\n    {' '.join(server.box.words)}\n" in said
    assert not (server.folder / "out").exists()
    assert ask(server, archive, b"y\n")[0] == 0
    assert (server.folder / "out").exists()


def test_a_new_incarnation_of_a_known_authority_is_said_to_be_one(server: Server) -> None:
    assert ask(server, server.lay(server.box.make()), b"y\n")[0] == 0
    before = server.box.incarnation
    server.box.incarnation = NEXT
    server.box.restored_from = before
    archive = server.lay(server.box.make(sequence=2))
    status, said = ask(server, archive, b"n\n")
    assert status == 1
    assert ") is new here" not in said
    assert f"{NEXT}, restored from {before}" in said
    assert " ".join(server.box.words) in said
    status, said = ask(server, archive, b"y\n")
    assert status == 0, said


def test_a_script_stops_at_another_box_until_it_is_given_its_words(server: Server) -> None:
    assert server.open(server.box.make()).status == 0
    former = " ".join(server.box.words)
    server.box.restored_from, server.box.incarnation = server.box.incarnation, NEXT
    data = server.box.make(sequence=2)
    refused = server.open(data, "--accept-box", former)
    assert refused.code == "E-ARCHIVE-BOX"
    archive, roots = server.lay(data), ("--trust", server.folder / "roots.pem")
    ran = spawn("open", *server.arguments(archive, "--out", server.folder / "out", *roots), when=WHEN)
    assert ran.code == "E-ARCHIVE-BOX"
    followed = server.open(data, "--json")
    assert (followed.status, json.loads(followed.out)["incarnation"]) == (0, NEXT)


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name + " is not on a server")
sys.meta_path.insert(0, Block())
from kiosk.__main__ import main
sys.argv = ["pism", *sys.argv[1:]]
try:
    main()
finally:
    sys.stderr.write(" ".join(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
HARDWARE = ("luma", "gpiozero", "gpiod", "pyudev", "PIL", "smbus2", "spidev", "textual")


def spawn_without(blocked: tuple[str, ...], *arguments: str | Path, when: str = "") -> Ran:
    code = BLOCKED.format(blocked=blocked)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    if when:
        command = ["faketime", "-f", f"@{when}", *command]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=False, env=ENVIRONMENT)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_server_needs_no_hardware_package(server: Server) -> None:
    archive = server.lay(server.box.make())
    trust = ("--trust", server.folder / "roots.pem")
    out = ("--out", server.folder / "out")
    words = ("--accept-box", " ".join(server.box.words))
    opened = spawn_without(HARDWARE, "open", *server.arguments(archive, *words, *out), when=WHEN)
    assert opened.status == 0, opened.err
    assert not {*opened.err.split()} & {*HARDWARE}
    assert spawn_without(HARDWARE, "verify", *server.arguments(archive, *trust), when=WHEN).status == 0


@pytest.mark.parametrize("command", ["open", "verify", "init", "status", "export", "plan", "stick"])
def test_help_loads_nothing_heavy(command: str) -> None:
    heavy = ("cryptography", "sqlcipher3", "pyrage", "yaml", "rich", "mnemonic", "PIL", "luma")
    ran = spawn_without(heavy, command, "--help")
    assert ran.status == 0, ran.err
