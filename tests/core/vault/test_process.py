"""The vault process: what it answers, what it refuses, and that the lock is the end of it.

`thread` serves the same code in this process, `process` execs the real child as the emulator does.
"""

import ctypes
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest

from core.api import requests as protocol
from core.api import results, wire
from core.crypto.process import read_boot, set_dumpable
from core.policy.proposal import propose_policy
from core.progress import Progress
from core.store.attempts import Attempts, write_attempts
from core.vault.process import Vault, run_vault
from kiosk.work.session import Session, VaultLostError, VaultRefusalError, start_vault
from tests.authorities import NOW, found_with
from tests.authority_store import PASSPHRASE
from tests.core.policy.test_proposal import CONFIG
from tests.signing_requests import make_file

NEW = b"zebra umbrella violin quartz tomato sandal"
Start = Callable[[Path, Path], Session]


@pytest.fixture(scope="module")
def laid_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with config.yaml, its keys and a state that was topped up."""
    folder = tmp_path_factory.mktemp("laid")
    identity = pyrage.x25519.Identity.generate()
    for name in ("kudo.pub", "backup.pub"):
        (folder / name).write_text(f"{pyrage.x25519.Identity.generate().to_public()}\n")
    (folder / "config.yaml").write_text(CONFIG)
    policy, _ = propose_policy(folder / "config.yaml")
    found_with(folder / "state", policy, identity, NOW)
    return folder


@pytest.fixture
def laid(laid_once: Path, tmp_path: Path) -> Path:
    subprocess.run(["cp", "-a", f"{laid_once}/.", tmp_path], check=True)
    return tmp_path


@pytest.fixture(params=["thread", "process"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Return a function that starts a vault; every session is locked after the test."""
    sessions: list[Session] = []
    threads: list[threading.Thread] = []

    def start_thread(state: Path, config: Path) -> Session:
        ours, theirs = socket.socketpair()

        def serve() -> None:
            with theirs:
                Vault(theirs, state, config).serve()

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return Session(ours)

    def begin(state: Path, config: Path) -> Session:
        sessions.append((start_thread if request.param == "thread" else start_vault)(state, config))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.close()
    for thread in threads:
        thread.join()


def unlock(session: Session, now: Any = NOW, passphrase: bytes = PASSPHRASE) -> results.Unlocked:
    return session.ask(protocol.Unlock(passphrase=passphrase, now=now), results.Unlocked)


def unlock_when_free(session: Session, now: Any = NOW, passphrase: bytes = PASSPHRASE) -> results.Unlocked:
    """Unlock as soon as the thread of an earlier session has closed the store."""
    while True:
        try:
            return unlock(session, now, passphrase)
        except VaultRefusalError as refusal:
            if refusal.failed.code != "E-STATE-LOCKED":
                raise


def refused(session: Session, request: protocol.Request[Any], **options: Any) -> wire.Failed:
    with pytest.raises(VaultRefusalError) as raised:
        session.ask(request, object, **options)
    return raised.value.failed


def test_a_box_is_founded_with_the_policy_that_was_shown(start: Start, laid: Path) -> None:
    session = start(laid / "fresh", laid / "config.yaml")
    assert session.ask(protocol.Hello(), results.Ready).provisioned is False
    shown = session.ask(protocol.AskPolicy(), results.PolicyProposal)
    other = refused(session, protocol.Init(passphrase=PASSPHRASE, policy_sha256="00" * 32, now=NOW))
    assert other.code == "E-POLICY"
    weak = refused(session, protocol.Init(passphrase=b"1234", policy_sha256=shown.policy_sha256, now=NOW))
    assert weak.code == "E-PASSPHRASE-WEAK"
    assert not (laid / "fresh").exists()
    init = protocol.Init(passphrase=PASSPHRASE, policy_sha256=shown.policy_sha256, now=NOW)
    unlocked = session.ask(init, results.Unlocked)
    assert unlocked.authority == "Example Virtual Worlds"
    assert session.ask(protocol.TopUp(now=NOW), results.ToppedUp).signers == 3


def test_a_session_does_what_a_stick_asks_for(start: Start, laid: Path) -> None:
    session = start(laid / "state", laid / "config.yaml")
    assert session.ask(protocol.Hello(), results.Ready).provisioned is True
    unlocked = unlock(session)
    assert unlocked.sticks == {"PISM-ALL": ("top-up", "export main-kudo", "backup main-backup")}
    later = NOW + timedelta(days=60)
    told: list[Progress] = []
    topped = session.ask(protocol.TopUp(now=later), results.ToppedUp, report=told.append)
    assert (topped.signers, topped.erased_keys) == (1, 1)
    assert (str(told[-1]), told[-1].work_done) == ("signer 1 of 1", told[-1].work_total)
    with (laid / "archive").open("w+b") as file:
        request = protocol.WriteArchive(kind="backup", name="main-backup", public=True, now=later)
        written = session.ask(request, results.ArchiveWritten, into=file)
        assert os.fstat(file.fileno()).st_size == written.size_bytes
    confirm = protocol.ConfirmWritten(
        kind="backup", name="main-backup", sequence=written.sequence, where="PISM-ALL", now=later
    )
    session.ask(confirm, results.Acknowledged)
    checked = session.ask(protocol.CheckReceipt(data=written.companions[-1].data), results.ReceiptChecked)
    assert checked.is_ours
    assert [paper.path for paper in checked.papers] == [each.path for each in written.companions[:-1]]
    status = session.ask(protocol.AskStatus(now=later), results.StatusReport)
    assert status.archives[1].written == later


def test_a_policy_is_approved_by_its_hash(start: Start, laid: Path) -> None:
    (laid / "config.yaml").write_text(CONFIG.replace("PISM-ALL:", "PISM-NEW:"))
    session = start(laid / "state", laid / "config.yaml")
    assert unlock(session).policy_changes
    shown = session.ask(protocol.AskPolicy(), results.PolicyProposal)
    assert shown.changes
    approve = protocol.ApprovePolicy(policy_sha256=shown.policy_sha256, now=NOW)
    unlocked = session.ask(approve, results.Unlocked)
    assert (list(unlocked.sticks), unlocked.policy_changes) == (["PISM-NEW"], ())


def bring(session: Session, laid: Path, text: str) -> results.PolicyProposal:
    """Show the vault a policy of a stick that has the keys of the laid."""
    keys = {name: (laid / name).read_bytes() for name in ("kudo.pub", "backup.pub")}
    return session.ask(protocol.BringPolicy(config=text.encode(), keys=keys), results.PolicyProposal)


def approve(session: Session, shown: results.PolicyProposal) -> results.Unlocked:
    return session.ask(protocol.ApprovePolicy(policy_sha256=shown.policy_sha256, now=NOW), results.Unlocked)


def test_a_policy_of_a_stick_is_approved_and_the_file_proposed_again_only_when_it_changes(
    start: Start, laid: Path
) -> None:
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    shown = bring(session, laid, CONFIG.replace("PISM-ALL:", "PISM-NEW:"))
    assert len(shown.changes) == 2
    unlocked = approve(session, shown)
    assert (list(unlocked.sticks), unlocked.policy_changes) == (["PISM-NEW"], ())
    file = session.ask(protocol.AskPolicy(), results.PolicyProposal)
    assert len(file.changes) == 2  # it is still the old one
    session.close()
    (laid / "config.yaml").write_text(CONFIG.replace("spread_days: 30", "spread_days: 29"))
    session = start(laid / "state", laid / "config.yaml")
    unlock_when_free(session)
    file = session.ask(protocol.AskPolicy(), results.PolicyProposal)
    assert len(file.changes) == 3
    approve(session, file)
    (laid / "config.yaml").write_text(CONFIG)  # what the stick's was approved instead of, long ago
    session.close()
    session = start(laid / "state", laid / "config.yaml")
    assert unlock_when_free(session).policy_changes == ("spread_days: 29 -> 30",)


def test_a_policy_of_a_stick_is_kept_no_longer_than_the_connection(start: Start, laid: Path) -> None:
    session = start(laid / "state", laid / "config.yaml")
    shown = bring(session, laid, CONFIG.replace("PISM-ALL:", "PISM-NEW:"))
    session.close()
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    late = refused(session, protocol.ApprovePolicy(policy_sha256=shown.policy_sha256, now=NOW))
    assert late.code == "E-POLICY"


def test_a_policy_of_a_stick_that_is_refused_changes_nothing(start: Start, laid: Path) -> None:
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    wrong = refused(session, protocol.BringPolicy(config=CONFIG.encode() + b"more: 1\n", keys={}))
    assert wrong.code == "E-CONFIG-KEY"
    assert wrong.text.startswith("config.yaml line 17, more: ")
    missing = refused(session, protocol.BringPolicy(config=CONFIG.encode(), keys={}))
    assert missing.code == "E-RECIPIENT-MISSING"
    assert session.ask(protocol.AskPolicy(), results.PolicyProposal).changes == ()


def test_an_empty_box_is_founded_with_the_policy_of_a_stick(start: Start, laid: Path) -> None:
    """The file that came with the package names keys that nobody put there: it is not proposed."""
    (laid / "config.yaml").write_text(CONFIG.replace("[kudo.pub]", "[none.pub]"))
    session = start(laid / "fresh", laid / "config.yaml")
    shown = bring(session, laid, CONFIG)
    init = protocol.Init(passphrase=PASSPHRASE, policy_sha256=shown.policy_sha256, now=NOW)
    assert session.ask(init, results.Unlocked).policy_changes == ()
    assert refused(session, protocol.AskPolicy()).code == "E-RECIPIENT-MISSING"


def test_wrong_words_of_a_drill_are_refused_and_harmless(start: Start, laid: Path) -> None:
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    before = session.ask(protocol.AskStatus(now=NOW), results.StatusReport).journal_sequence
    for words, name, code in (
        ("zoo " * 6, None, "E-DRILL"),
        ("", "main-backup", "E-DRILL"),
        ("zoo", "x", "E-POLICY"),
    ):
        assert refused(session, protocol.RecordDrill(words=words, name=name, now=NOW)).code == code
    assert session.ask(protocol.AskStatus(now=NOW), results.StatusReport).journal_sequence == before


def test_nothing_of_what_was_typed_or_brought_shows_in_a_repr() -> None:
    brought = protocol.BringPolicy(config=b"absurd", keys={"keys/a.pub": b"absurd"})
    typed = protocol.RecordDrill(words="absurd", name=None, now=NOW)
    assert "absurd" not in repr((brought, typed))


def test_requests_are_shown_then_signed_as_they_were_shown(start: Start, laid: Path) -> None:
    config = CONFIG.replace(
        "mongo: {quantum: 0.25}", "mongo: {quantum: 0.25}, gate: {quantum: 0.25, own_key: true}"
    )
    (laid / "config.yaml").write_text(config)
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    shown = session.ask(protocol.AskPolicy(), results.PolicyProposal)
    session.ask(protocol.ApprovePolicy(policy_sha256=shown.policy_sha256, now=NOW), results.Unlocked)
    files = (make_file("services.gate.csr"), make_file("services.gate.other.csr", b"?"))
    ask = protocol.ProposeRequests(files=files, now=NOW)
    one, other = session.ask(ask, results.RequestsProposal).requests
    assert (one.code, other.code) == ("", "E-REQUEST")
    wrong = protocol.SignRequests(files=files, approved=(one.approval,), now=NOW)
    assert refused(session, wrong).code == "E-REQUEST-CHANGED"
    sign = protocol.SignRequests(files=files[:1], approved=(one.approval,), now=NOW)
    told: list[Progress] = []
    signed = session.ask(sign, results.RequestsSigned, report=told.append)
    assert [(item.path, item.lane) for item in signed.signed] == [("services/gate", 1)]
    assert (str(told[-1]), told[-1].work_done) == ("request 1 of 1", told[-1].work_total)
    assert session.ask(ask, results.RequestsProposal).requests[0].served


def test_signers_are_revoked_and_clocks_corrected(start: Start, laid: Path) -> None:
    session = start(laid / "state", laid / "config.yaml")
    behind = NOW - timedelta(days=1)
    assert unlock(session, behind).clock == "E-CLOCK-BEHIND"
    assert refused(session, protocol.TopUp(now=behind)).code == "E-CLOCK-BEHIND"
    corrected = session.ask(protocol.CorrectClock(now=behind), results.ClockCorrected)
    assert [item.path for item in corrected.issued_after] == ["roots"] * 2 + ["services/mongo"] * 3
    revoke = protocol.Revoke(certificate=corrected.issued_after[-1].id, reason="superseded", now=behind)
    session.ask(revoke, results.Acknowledged)
    assert refused(session, revoke).code == "E-POLICY"
    ids = tuple(item.id for item in corrected.issued_after[:-1])
    session.ask(protocol.RevokeAll(certificates=ids, reason="superseded", now=behind), results.Acknowledged)
    again = session.ask(protocol.CorrectClock(now=behind), results.ClockCorrected)
    assert again.issued_after == ()


def test_a_wrong_passphrase_says_how_long_to_wait(start: Start, laid: Path) -> None:
    # After four others, whose wait is over: a busy machine takes longer than a second to ask again.
    write_attempts(laid / "state", Attempts(count=4, boot_id=read_boot().id))
    session = start(laid / "state", laid / "config.yaml")
    failed = refused(session, protocol.Unlock(passphrase=b"not this one", now=NOW))
    assert (failed.code, failed.failed_attempts) == ("E-PASSPHRASE-WRONG", 5)
    assert 16 <= failed.wait_s <= 31  # counted from before the check, which takes its time
    failed = refused(session, protocol.Unlock(passphrase=PASSPHRASE, now=NOW))
    assert (failed.code, failed.failed_attempts) == ("E-PASSPHRASE-WAIT", 5)
    assert failed.action == ("Wait, then try again",)


def test_the_passphrase_is_changed(start: Start, laid: Path) -> None:
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    session.ask(protocol.ChangePassphrase(old=PASSPHRASE, new=NEW, now=NOW), results.Acknowledged)
    session.close()
    session = start(laid / "state", laid / "config.yaml")
    unlock_when_free(session, passphrase=NEW)


def test_two_sessions_cannot_have_one_state(start: Start, laid: Path) -> None:
    first = start(laid / "state", laid / "config.yaml")
    unlock(first)
    second = start(laid / "state", laid / "config.yaml")
    assert refused(second, protocol.Unlock(passphrase=PASSPHRASE, now=NOW)).code == "E-STATE-LOCKED"


def test_a_stop_ends_the_work_at_its_next_commit_and_it_goes_on_later(start: Start, laid: Path) -> None:
    load = "{mongo: {quantum: 0.25, load: 2000}}"
    (laid / "config.yaml").write_text(CONFIG.replace("{mongo: {quantum: 0.25}}", load))
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    shown = session.ask(protocol.AskPolicy(), results.PolicyProposal)
    session.ask(protocol.ApprovePolicy(policy_sha256=shown.policy_sha256, now=NOW), results.Unlocked)
    told: list[int] = []

    def stop(progress: Progress) -> None:
        told.append(progress.done)
        if progress.done >= 50 > told[-2]:
            session.stop()

    assert refused(session, protocol.TopUp(now=NOW), report=stop).code == "E-STOPPED"
    status = session.ask(protocol.AskStatus(now=NOW), results.StatusReport)
    assert 50 <= len(status.signers) < 6000
    # One that comes too late crosses the answer on the way and stops nothing.
    session.stop()
    assert session.ask(protocol.AskStatus(now=NOW), results.StatusReport).journal_head


def test_work_ends_when_the_client_is_gone_and_the_next_session_goes_on(start: Start, laid: Path) -> None:
    class GoneError(Exception):
        pass

    def leave(progress: Progress) -> None:
        raise GoneError

    session = start(laid / "state", laid / "config.yaml")
    later = NOW + timedelta(days=100)
    unlock(session, later)
    with pytest.raises(GoneError):
        session.ask(protocol.TopUp(now=later), results.ToppedUp, report=leave)
    session.close()
    session = start(laid / "state", laid / "config.yaml")
    unlock_when_free(session, later)
    session.ask(protocol.TopUp(now=later), results.ToppedUp)
    assert session.ask(protocol.TopUp(now=later), results.ToppedUp).signers == 0


@pytest.mark.parametrize(
    "request_",
    [
        protocol.WriteArchive(kind="egress", name="main-kudo", public=True, now=NOW),  # into nothing
        protocol.Unlock(passphrase=PASSPHRASE, now=NOW),  # twice
        protocol.Init(passphrase=PASSPHRASE, policy_sha256="00" * 32, now=NOW),
        protocol.TopUp(now=NOW.replace(tzinfo=None)),
    ],
)
def test_what_nobody_foresaw_is_said_as_a_bug_without_its_text_and_locks(
    start: Start, laid: Path, request_: protocol.Request[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    session = start(laid / "state", laid / "config.yaml")
    unlock(session)
    failed = refused(session, request_)
    assert (failed.code, failed.text) == ("E-BUG", "")
    with pytest.raises(VaultLostError):
        session.ask(protocol.Hello(), results.Ready)
    log = capfd.readouterr().err
    assert log.startswith("E-BUG ")
    assert "core/vault/process.py" in log
    assert PASSPHRASE.decode() not in log


def test_a_request_while_another_runs_is_a_bug(laid: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for request in (
            protocol.Unlock(passphrase=PASSPHRASE, now=NOW),
            protocol.TopUp(now=NOW + timedelta(days=60)),
            protocol.AskStatus(now=NOW),
        ):
            wire.send(ours, request)
        Vault(theirs, laid / "state", laid / "config.yaml").serve()
        assert isinstance(wire.receive_reply(ours), wire.Done)
        failed = wire.receive_reply(ours)
        assert isinstance(failed, wire.Failed)
        assert failed.code == "E-BUG"
    assert "ProtocolError" in capfd.readouterr().err


def test_descriptors_that_came_along_are_closed(laid: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, (laid / "file").open("wb") as file:
        before = len(list(Path("/proc/self/fd").iterdir()))
        wire.send(ours, protocol.Hello(), (file.fileno(),))  # which is out of place, and a bug
        ours.shutdown(socket.SHUT_WR)
        Vault(theirs, laid / "state", laid / "config.yaml").serve()
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_descriptors_that_came_along_with_stop_are_closed(laid: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, (laid / "file").open("wb") as file:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(100):
            wire.send(ours, wire.Stop(), (file.fileno(),))
        ours.shutdown(socket.SHUT_WR)
        Vault(theirs, laid / "state", laid / "config.yaml").serve()
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_descriptors_that_came_along_with_nonsense_are_closed(laid: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, (laid / "file").open("wb") as file:
        before = len(list(Path("/proc/self/fd").iterdir()))
        socket.send_fds(ours, [b"\0\0\0\x01\xc1"], [file.fileno()])
        with pytest.raises(wire.ProtocolError):
            wire.receive_request(theirs)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    "beginning", [b"\0", b"\0\0\0\x09half", b"\xff\xff\xff\xff"], ids=["length", "body", "too long"]
)
def test_descriptors_that_came_along_with_a_frame_that_does_not_end_are_closed(
    laid: Path, beginning: bytes
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, (laid / "file").open("wb") as file:
        before = len(list(Path("/proc/self/fd").iterdir()))
        socket.send_fds(ours, [beginning], [file.fileno()])
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises((wire.ProtocolError, wire.ConnectionLostError)):
            wire.receive_request(theirs)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("nonsense", [b"\0\0\0\x01\xc1", b"\xff\xff\xff\xff"])
def test_a_frame_that_is_none_is_a_bug_and_locks(
    laid: Path, nonsense: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(nonsense)
        Vault(theirs, laid / "state", laid / "config.yaml").serve()
        failed = wire.receive_reply(ours)
    assert isinstance(failed, wire.Failed)
    assert (failed.code, failed.text) == ("E-BUG", "")
    assert capfd.readouterr().err.startswith("E-BUG ProtocolError")


def test_a_vault_hardens_its_process_before_it_hears_anything(laid: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.shutdown(socket.SHUT_WR)
        try:
            run_vault(theirs, laid / "state", laid / "config.yaml")
            assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0  # PR_GET_DUMPABLE
        finally:
            set_dumpable(1)
        assert theirs.fileno() == -1


def test_a_killed_vault_is_a_lost_one_and_its_state_can_be_opened_again(laid: Path) -> None:
    session = start_vault(laid / "state", laid / "config.yaml")
    unlock(session)
    assert session.child is not None
    session.child.send_signal(signal.SIGKILL)
    with pytest.raises(VaultLostError):
        session.ask(protocol.AskStatus(now=NOW), results.StatusReport)
    session.close()
    session = start_vault(laid / "state", laid / "config.yaml")
    unlock(session)
    session.close()


def test_a_vault_that_was_locked_has_ended(laid: Path) -> None:
    session = start_vault(laid / "state", laid / "config.yaml")
    unlock(session)
    session.close()
    assert session.child is not None
    assert session.child.returncode == 0
