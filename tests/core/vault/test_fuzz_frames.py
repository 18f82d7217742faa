"""Frames as a compromised kiosk may send them: mutated, with descriptors, in crumbs, over many connections.

Whatever comes: the vault ends by itself, answers or not, with no exception of its own, no descriptor left
open and no secret in its log; and the state opens afterwards.
"""

import contextlib
import io
import os
import re
import socket
import struct
import threading
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import pytest

from core.api import requests as rq
from core.api import wire
from core.store import journal
from core.vault.process import Vault
from tests.authorities import NOW, Founded, found
from tests.authority_store import PASSPHRASE
from tests.core.policy.test_proposal import CONFIG
from tests.fuzzing import LONGEST_S, Fuzzer
from tests.mutating import VALUES, mutate_bytes
from tests.signing_requests import make_file

NEW: Final = b"zebra umbrella violin quartz tomato sandal"
DAY: Final = timedelta(days=1)
KINDS: Final = (*(kind.__name__ for kind in rq.REQUESTS), "Stop", "Nonsense")
LENGTHS: Final = (0, 1, 3, 1 << 16, wire.MAX_FRAME_BYTES, wire.MAX_FRAME_BYTES + 1, (1 << 32) - 1)
MOST_DESCRIPTORS: Final = 64
PLAUSIBLE: Final[dict[str, tuple[Any, ...]]] = {
    "passphrase": (PASSPHRASE, NEW, b"", b"legal winner thank"),
    "old": (PASSPHRASE, NEW),
    "new": (NEW, b"1"),
    "now": (NOW, NOW + DAY, NOW - DAY, NOW + 400 * DAY, NOW.replace(year=1), NOW.replace(year=9999)),
    "kind": ("egress", "backup", "root"),
    "name": ("main-kudo", "main-backup", "nobody", None),
    "sequence": (0, 1, 2, 1 << 62),
    "where": ("PISM-ALL", "\x1b[2J"),
    "public": (True, False),
    "config": (CONFIG.encode(), b"\xff", b"a: &a [*a]", b"[" * 100_000),
    "keys": ({}, {"keys/x.pub": b"age1"}, {"../x": b""}),
    "files": (
        (),
        ({"name": "services.gate.csr", "data": make_file()},),
        ({"name": "x", "data": b"x"},) * 200,
    ),
    "approved": ((), ("x",)),
    "certificates": ((), ("x",) * 5),
    "recipients": ((), ("age1",)),
    "words": ("one two three four five six", "x" * 100_000),
    "number": ("123", "1234567890123"),
    "data": (b"{}", b"[" * 100_000, b'{"receipt":{},"signatures":[]}'),
}
FIELDS: Final = {kind.__name__: kind.__struct_fields__ for kind in rq.REQUESTS}
_ENCODABLE: Final = tuple(each for each in VALUES if not isinstance(each, int) or abs(each) < 1 << 63)


def draw_request(random: Random) -> bytes:
    """Draw the body of a frame: a request with fields that could be right, or not."""
    kind = random.choice(KINDS)
    body: dict[str, Any] = {"type": kind}
    for name in FIELDS.get(kind, ()):
        body[name] = random.choice(PLAUSIBLE.get(name, _ENCODABLE))
        if random.randrange(20) == 0:
            body[name] = random.choice(_ENCODABLE)
    data = msgspec.msgpack.encode(body)
    return mutate_bytes(random, data) if random.randrange(4) == 0 else data


def draw_frames(random: Random) -> bytes:
    """Draw what a client sends: an unlock in half of all, then frames, some of another length."""
    unlock = msgspec.msgpack.encode(rq.Unlock(passphrase=PASSPHRASE, now=NOW))
    bodies = [unlock] if random.randrange(2) else []
    bodies += [draw_request(random) for _ in range(random.randint(1, 6))]
    frames = [struct.pack(">I", len(body)) + body for body in bodies]
    if random.randrange(8) == 0:
        frames.insert(random.randrange(len(frames) + 1), struct.pack(">I", random.choice(LENGTHS)))
    return b"".join(frames)


def open_files(random: Random, folder: Path) -> list[int]:
    """Open what may come along: files in memory, one that cannot be written, a folder, a socket's end."""
    some = (
        lambda: os.memfd_create("sent"),
        lambda: os.open("/dev/null", os.O_RDONLY),
        lambda: os.open(folder, os.O_RDONLY),
        lambda: socket.socket(socket.AF_UNIX).detach(),
    )
    count = random.choice((0, 0, 1, 1, 1, 2, MOST_DESCRIPTORS))
    return [random.choice((some[0], random.choice(some)))() for _ in range(count)]


def send_in_crumbs(random: Random, peer: socket.socket, data: bytes, folder: Path) -> None:
    """Send bytes in pieces, some with descriptors; the vault may be gone before the last."""
    pieces = random.choice((1, 1, 2, 5, 50))
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(pieces - 1))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            files = open_files(random, folder)
            try:
                if start < end:
                    sent = socket.send_fds(peer, [data[start:end]], files)
                    peer.sendall(data[start + sent : end])
            finally:
                for file in files:
                    os.close(file)
        peer.shutdown(socket.SHUT_WR)


def replies_of(peer: socket.socket) -> list[wire.Reply]:
    """Return all that a vault answers until it ends."""
    replies: list[wire.Reply] = []
    with contextlib.suppress(wire.ConnectionLostError):
        while True:
            replies.append(wire.receive_reply(peer))
    return replies


def count_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(tmp_path_factory.mktemp("founded") / "state")


@pytest.mark.fuzz("vault frames")
def test_no_frame_breaks_a_vault_or_its_state(founded: Founded, fuzzer: Fuzzer) -> None:
    def check(random: Random) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            copy = founded.copy(folder / "state")
            (folder / "config.yaml").write_text(CONFIG)
            raised: list[BaseException] = []
            log = io.StringIO()
            before = count_files()
            ours, theirs = socket.socketpair()

            def serve() -> None:
                with theirs, contextlib.redirect_stderr(log):
                    try:
                        Vault(theirs, folder / "state", folder / "config.yaml").serve()
                    except BaseException as error:  # noqa: BLE001  told below
                        raised.append(error)

            vault = threading.Thread(target=serve)
            with ours, fuzzer.answer():
                vault.start()
                try:
                    send_in_crumbs(random, ours, draw_frames(random), folder)
                    replies = replies_of(ours)
                finally:
                    ours.close()
                    vault.join()
            assert not raised, raised
            assert count_files() == before
            assert not any(secret.decode() in log.getvalue() for secret in (PASSPHRASE, NEW))
            fuzzer.counted.update(bug for bug in re.findall(r"^E-BUG (\S+)", log.getvalue()))
            fuzzer.counted["answers"] += len(replies)
            with copy.open_store() as store:
                journal.verify(store)

    fuzzer.run(check, inputs=12)


def test_a_thousand_slow_clients_keep_nobody_waiting(founded: Founded, tmp_path: Path) -> None:
    """Each connection has a process of its own on the box, and a thread here; a minute is no time to them."""
    hello = msgspec.msgpack.encode(rq.Hello())
    frame = struct.pack(">I", len(hello)) + hello
    before = count_files()
    clients: list[socket.socket] = []
    vaults: list[threading.Thread] = []

    def serve(peer: socket.socket) -> None:
        with peer:
            Vault(peer, founded.state, tmp_path / "config.yaml").serve()

    for _ in range(1000):
        ours, theirs = socket.socketpair()
        clients.append(ours)
        vaults.append(threading.Thread(target=serve, args=(theirs,)))
        vaults[-1].start()
        ours.send(frame[:1])
    quick = clients.pop()
    quick.settimeout(LONGEST_S)
    quick.sendall(frame[1:])
    assert isinstance(wire.receive_reply(quick), wire.Done)
    quick.close()
    for byte in frame[1:]:
        for client in clients[::100]:
            client.send(bytes([byte]))
    for client in clients[::100]:
        assert isinstance(wire.receive_reply(client), wire.Done)
    for client in clients:
        client.close()
    for vault in vaults:
        vault.join()
    assert count_files() == before
