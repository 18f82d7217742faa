"""The kiosk's side of a session, with the real vault process behind it."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.api import requests as pr
from core.api import results as rs
from core.api import wire
from core.progress import Progress
from kiosk.work.session import Session, VaultLostError, VaultRefusalError, connect_vault, start_vault
from tests.kiosk.live import NOW, PASSPHRASE, lay_authority


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay_authority(tmp_path)


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    with contextlib.closing(start_vault(folder / "state", folder / "config.yaml")) as session:
        yield session


def test_a_vault_answers_asks_progresses_and_ends_with_the_session(session: Session) -> None:
    assert session.ask(pr.Hello(), rs.Ready).provisioned
    unlocked = session.ask(pr.Unlock(passphrase=PASSPHRASE, now=NOW), rs.Unlocked)
    assert unlocked.authority == "Example Virtual Worlds"
    told: list[Progress] = []
    made = session.ask(pr.TopUp(now=NOW), rs.ToppedUp, report=told.append)
    assert made.roots > 0
    assert told
    assert told[-1].done == told[-1].total
    child = session.child
    assert child is not None
    session.close()
    assert child.returncode == 0


def test_progress_may_be_left_out(session: Session) -> None:
    session.ask(pr.Unlock(passphrase=PASSPHRASE, now=NOW), rs.Unlocked)
    assert session.ask(pr.TopUp(now=NOW), rs.ToppedUp).signers > 0


def test_an_archive_arrives_in_the_file_that_was_sent_along(session: Session, tmp_path: Path) -> None:
    session.ask(pr.Unlock(passphrase=PASSPHRASE, now=NOW), rs.Unlocked)
    session.ask(pr.TopUp(now=NOW), rs.ToppedUp)
    with (tmp_path / "archive").open("w+b") as file:
        request = pr.WriteArchive(kind="egress", name="main-kudo", public=True, now=NOW)
        written = session.ask(request, rs.ArchiveWritten, into=file)
        file.seek(0)
        assert len(file.read()) == written.size_bytes


def test_a_refusal_carries_its_code(session: Session) -> None:
    with pytest.raises(VaultRefusalError, match="E-PASSPHRASE-WRONG") as caught:
        session.ask(pr.Unlock(passphrase=b"something else than that", now=NOW), rs.Unlocked)
    assert caught.value.failed.failed_attempts == 1
    assert "something" not in str(caught.value)


def test_an_answer_of_another_kind_is_a_bug(session: Session) -> None:
    with pytest.raises(wire.ProtocolError, match="Hello got Ready"):
        session.ask(pr.Hello(), rs.Unlocked)


def test_a_vault_that_dies_is_lost(session: Session) -> None:
    session.ask(pr.Hello(), rs.Ready)
    assert session.child is not None
    session.child.kill()
    session.child.wait()
    with pytest.raises(VaultLostError):
        session.ask(pr.Hello(), rs.Ready)
    session.stop()  # nobody is there to stop; whoever asked is told


def test_stop_reaches_a_running_request(session: Session) -> None:
    session.ask(pr.Unlock(passphrase=PASSPHRASE, now=NOW), rs.Unlocked)
    begun = threading.Event()

    def hold(_progress: Progress) -> None:
        begun.set()

    def stop() -> None:
        begun.wait()
        session.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with contextlib.suppress(VaultRefusalError):  # few signers: it may have been over
        session.ask(pr.TopUp(now=NOW), rs.ToppedUp, report=hold)
    stopper.join()
    assert session.ask(pr.AskStatus(now=NOW), rs.StatusReport).authority


def test_closing_again_is_harmless(session: Session) -> None:
    session.close()
    session.close()


def test_a_vault_that_does_not_end_is_killed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        Session(ours, child, close_s=0.05).close()
    assert child.returncode == -9


def test_the_vault_inherits_nothing_but_its_socket(folder: Path) -> None:
    leak_read, leak_write = os.pipe()
    os.set_inheritable(leak_write, True)  # noqa: FBT003 - os takes it by position only
    try:
        with contextlib.closing(start_vault(folder / "state", folder / "config.yaml")) as session:
            session.ask(pr.Hello(), rs.Ready)
            assert session.child is not None
            # undumpable: not even its environment can be read, except by root
            environment = Path(f"/proc/{session.child.pid}/environ")
            with contextlib.suppress(PermissionError):
                assert environment.read_bytes() == b"LC_ALL=C.UTF-8\0"
            os.close(leak_write)
            leak_write = -1
            os.set_blocking(leak_read, False)
            assert os.read(leak_read, 1) == b""
    finally:
        os.close(leak_read)
        if leak_write >= 0:
            os.close(leak_write)


def test_the_units_socket_is_connected_to(tmp_path: Path) -> None:
    path = tmp_path / "vault.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        session = connect_vault(path)
        with listener.accept()[0] as peer:
            wire.send(peer, wire.Done(result=rs.Acknowledged()))
            assert session.ask(pr.Hello(), rs.Acknowledged) == rs.Acknowledged()
    session.close()


def test_no_socket_means_no_vault(tmp_path: Path) -> None:
    with pytest.raises(VaultLostError, match="no vault answers"):
        connect_vault(tmp_path / "vault.sock")
