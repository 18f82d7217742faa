"""The worker: every effect with the real vault, real FAT images and twins."""

import logging
import queue
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.api import requests as pr
from core.api import results as rs
from core.api import wire
from core.crypto.process import read_boot
from core.store.attempts import Attempts, write_attempts
from hw.errors import StickGoneError
from hw.fat.volume import open_volume
from hw.sticks.emulated import Faults
from kiosk import effects as fx
from kiosk import events as ev
from kiosk.daemon.kept_sticks import NAME, read_sticks
from kiosk.entry.buffers import Entries
from kiosk.work.orders import Order, explain_refusal, make_order
from kiosk.work.session import Session, VaultLostError
from kiosk.work.worker import VaultWorker
from tests.kiosk.live import (
    CONFIG,
    NOW,
    OTHER_WORDS,
    STEPS,
    Bench,
    lay_authority,
    lay_config,
    make_entries,
    open_twins,
    type_words,
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(lay_authority(tmp_path, topped_up=True)) as bench:
        yield bench


def test_an_empty_folder_is_set_up_topped_up_and_locked(tmp_path: Path) -> None:
    lay_config(tmp_path)
    for name in ("sticks", "spool", "own"):
        (tmp_path / name).mkdir()
    with Bench(tmp_path) as bench:
        assert bench.do(fx.OpenVault()) == ev.VaultReady(provisioned=False)
        proposal = bench.do(fx.AskPolicy())
        assert isinstance(proposal, ev.PolicyProposal)
        assert [row.name for row in proposal.proposal.recipients] == ["main-kudo", "main-backup"]
        bench.entries.propose()
        type_words(bench.entries, fx.Purpose.REPEAT)
        created = bench.do(fx.Create())
        assert isinstance(created, ev.Created)
        assert {label for label, _ in created.sticks} == {"PISM-EXPORT", "PISM-ALL"}
        bench.worker.submit(fx.CloseVault(), bench.entries)
        assert bench.do(fx.OpenVault()) == ev.VaultReady(provisioned=True)
        assert isinstance(bench.unlock(), ev.Unlocked)


def test_a_policy_that_changed_after_it_was_shown_is_refused(tmp_path: Path) -> None:
    lay_config(tmp_path)
    with Bench(tmp_path) as bench:
        bench.do(fx.OpenVault())
        bench.do(fx.AskPolicy())
        lay_config(tmp_path, "spread_days: 10", "spread_days: 11")
        bench.entries.propose()
        type_words(bench.entries, fx.Purpose.REPEAT)
        refused = bench.do(fx.Create())
        assert isinstance(refused, ev.JobFailed)
        assert refused.code == "E-POLICY"
        assert not (tmp_path / "state").exists()


def test_nothing_is_created_before_a_policy_was_shown(bench: Bench) -> None:
    bench.do(fx.OpenVault())
    bench.entries.propose()
    type_words(bench.entries, fx.Purpose.REPEAT)
    assert bench.do(fx.Create()) == ev.JobFailed("E-POLICY", "no policy was shown")


def test_a_wrong_passphrase_is_counted_and_waits(bench: Bench) -> None:
    # after four others, whose wait is over: a busy machine takes longer than a second to ask again
    write_attempts(bench.folder / "state", Attempts(count=4, boot_id=read_boot().id))
    bench.do(fx.OpenVault())
    type_words(bench.entries, fx.Purpose.UNLOCK, OTHER_WORDS)
    refused = bench.do(fx.Unlock())
    assert isinstance(refused, ev.UnlockRefused)
    assert (refused.code, refused.failed_attempts) == ("E-PASSPHRASE-WRONG", 5)
    assert 16 <= refused.wait_s <= 31
    early = bench.do(fx.Unlock())
    assert isinstance(early, ev.UnlockRefused)
    assert early.code == "E-PASSPHRASE-WAIT"
    bench.worker.submit(fx.CloseVault(), bench.entries)
    ready = bench.do(fx.OpenVault())
    assert isinstance(ready, ev.VaultReady)
    assert ready.failed_attempts == 5


def test_a_whole_job_and_what_is_asked_around_it(bench: Bench) -> None:
    assert isinstance(bench.unlock(), ev.Unlocked)
    stick = bench.insert()
    done = bench.do(fx.RunJob(stick, STEPS))
    assert isinstance(done, ev.JobFinished)
    assert [result.sequence for result in done.results] == [0, 1, 1]
    assert any(isinstance(event, ev.Progress) and event.what == "KB" for event in bench.seen)
    status = bench.do(fx.AskStatus())
    assert isinstance(status, ev.StatusReady)
    assert status.report.archives[0].written == NOW
    again = bench.do(fx.RunJob(stick, STEPS))  # a new job: new archives
    assert isinstance(again, ev.JobFinished)
    assert [result.sequence for result in again.results] == [0, 2, 2]


def test_a_pulled_stick_is_resumed_without_a_new_archive(bench: Bench) -> None:
    bench.unlock()
    image = bench.twins.sticks.make("PISM-EXPORT")
    from hw.sticks.emulated import Faults

    failed = bench.do(fx.RunJob(bench.twins.sticks.insert(image, Faults(yank_at_byte=5000)), STEPS[1:2]))
    assert isinstance(failed, ev.JobFailed)
    assert failed.code == StickGoneError.code
    done = bench.do(fx.RunJob(bench.twins.sticks.insert(image), STEPS[1:2]))
    assert isinstance(done, ev.JobFinished)
    assert done.results[0].sequence == 1


def test_other_steps_do_not_resume_a_failed_job(bench: Bench) -> None:
    bench.unlock()
    assert isinstance(bench.do(fx.RunJob(bench.insert(full=True), STEPS[1:2])), ev.JobFailed)
    bench.twins.sticks.pull()
    done = bench.do(fx.RunJob(bench.insert(), STEPS[1:]))
    assert isinstance(done, ev.JobFinished)
    assert done.results[0].sequence == 2


def test_a_revocation_ends_what_was_kept_for_a_stick(bench: Bench) -> None:
    bench.unlock()
    bench.do(fx.RunJob(bench.insert(full=True), STEPS[1:2]))
    bench.twins.sticks.pull()
    signers = bench.do(fx.AskSigners("services", "mongo"))
    assert isinstance(signers, ev.SignersReady)
    assert bench.do(fx.Revoke(signers.signers[0].certificate_id, "keyCompromise")) == ev.Revoked()
    after = bench.do(fx.AskSigners("services", "mongo"))
    assert isinstance(after, ev.SignersReady)
    assert len(after.signers) == len(signers.signers) - 1
    done = bench.do(fx.RunJob(bench.insert(), STEPS[1:2]))
    assert isinstance(done, ev.JobFinished)
    assert done.results[0].sequence == 2  # the archive without the revocation was forgotten


def test_a_stop_ends_the_work_and_the_same_job_goes_on(bench: Bench) -> None:
    bench.unlock()

    def stop_at_stick(event: ev.Event) -> None:
        if isinstance(event, ev.Progress) and event.what == "KB":
            bench.worker.stop()

    bench.heard = stop_at_stick
    stick = bench.insert()
    assert bench.do(fx.RunJob(stick, STEPS)) == ev.Stopped()
    bench.heard = lambda _event: None
    done = bench.do(fx.RunJob(stick, STEPS))
    assert isinstance(done, ev.JobFinished)
    assert [result.sequence for result in done.results] == [0, 1, 1]


def test_a_changed_policy_is_approved_whole(bench: Bench) -> None:
    lay_config(bench.folder, "spread_days: 10", "spread_days: 11")
    unlocked = bench.unlock()
    assert isinstance(unlocked, ev.Unlocked)
    assert unlocked.session.policy_differs
    shown = bench.do(fx.AskPolicy())
    assert isinstance(shown, ev.PolicyProposal)
    assert shown.proposal.differences == ("spread_days: 10 -> 11",)
    approved = bench.do(fx.ApprovePolicy())
    assert isinstance(approved, ev.Unlocked)
    assert not approved.session.policy_differs


def bring(bench: Bench, text: str, faults: Faults | None = None) -> Any:
    """Put in a stick that brings a policy; return it."""
    image = bench.twins.sticks.make("PISM-CONFIG")
    with open_volume(image) as volume:
        volume.put_small("config.yaml", text.encode())
        volume.put_small("keys/backup.pub", (bench.folder / "keys/backup.pub").read_bytes())
    return bench.twins.sticks.insert(image, faults)


NEW_POLICY = CONFIG.replace("PISM-EXPORT:", "PISM-KUDO:").replace("dim_after_s: 60", "dim_after_s: 50")


def test_a_policy_of_a_stick_is_approved_kept_and_not_proposed_back(bench: Bench) -> None:
    bench.unlock()
    shown = bench.do(fx.AskStickPolicy(bring(bench, NEW_POLICY)))
    assert isinstance(shown, ev.PolicyProposal)
    assert (shown.proposal.source, shown.proposal.untaken) == ("PISM-CONFIG", ("kiosk",))
    assert len(shown.proposal.differences) == 2
    bench.twins.sticks.pull()  # it is not needed any more
    approved = bench.do(fx.ApprovePolicy())
    assert isinstance(approved, ev.Unlocked)
    assert read_sticks(bench.folder / "own") == tuple(sorted(approved.session.sticks))
    assert [label for label, _ in approved.session.sticks] == ["PISM-KUDO", "PISM-ALL"]
    bench.worker.submit(fx.CloseVault(), bench.entries)
    again = bench.unlock()
    assert isinstance(again, ev.Unlocked)
    assert not again.session.policy_differs


def test_a_power_cut_before_the_table_was_kept_is_made_good_at_the_next_unlock(bench: Bench) -> None:
    bench.unlock()
    before = (bench.folder / "own" / NAME).read_bytes()
    bench.do(fx.AskStickPolicy(bring(bench, NEW_POLICY)))
    approved = bench.do(fx.ApprovePolicy())
    assert isinstance(approved, ev.Unlocked)
    (bench.folder / "own" / NAME).write_bytes(before)  # as if the power had gone between the two
    bench.worker.submit(fx.CloseVault(), bench.entries)
    bench.unlock()
    assert read_sticks(bench.folder / "own") == tuple(sorted(approved.session.sticks))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("load: 2", "laod: 2", "E-CONFIG-KEY"),
        ("keys/backup.pub", "keys/none.pub", "E-RECIPIENT"),
        ("keys/backup.pub", "/etc/passwd", "E-RECIPIENT"),
        ("authority:", "\x00", "E-CONFIG-SYNTAX"),
    ],
)
def test_a_bad_policy_of_a_stick_is_refused_and_nothing_can_be_approved(
    bench: Bench, old: str, new: str, code: str
) -> None:
    bench.unlock()
    refused = bench.do(fx.AskStickPolicy(bring(bench, CONFIG.replace(old, new))))
    assert isinstance(refused, ev.JobFailed)
    assert refused.code == code
    assert bench.do(fx.ApprovePolicy()) == ev.JobFailed("E-POLICY", "no policy was shown")


def test_a_refused_policy_does_not_leave_the_one_before_it_to_be_approved(bench: Bench) -> None:
    bench.unlock()
    bench.do(fx.AskStickPolicy(bring(bench, NEW_POLICY)))
    bench.twins.sticks.pull()
    bench.do(fx.AskStickPolicy(bring(bench, "garbage")))
    assert bench.do(fx.ApprovePolicy()) == ev.JobFailed("E-POLICY", "no policy was shown")


def test_a_policy_stick_that_is_pulled_or_dying_is_said_and_the_next_one_is_read(bench: Bench) -> None:
    bench.unlock()
    stick = bring(bench, NEW_POLICY)
    bench.twins.sticks.pull()
    gone = bench.do(fx.AskStickPolicy(stick))
    assert isinstance(gone, ev.JobFailed)
    assert gone.code == "E-STICK-GONE"
    assert isinstance(bench.do(fx.AskStickPolicy(bring(bench, NEW_POLICY))), ev.PolicyProposal)


def test_an_empty_box_is_set_up_with_the_policy_of_a_stick(tmp_path: Path) -> None:
    lay_config(tmp_path, "keys/backup.pub", "keys/nobody.pub")  # as it came with the package
    for name in ("sticks", "spool", "own"):
        (tmp_path / name).mkdir()
    with Bench(tmp_path) as bench:
        bench.do(fx.OpenVault())
        shown = bench.do(fx.AskStickPolicy(bring(bench, NEW_POLICY)))
        assert isinstance(shown, ev.PolicyProposal)
        bench.entries.propose()
        type_words(bench.entries, fx.Purpose.REPEAT)
        created = bench.do(fx.Create())
        assert isinstance(created, ev.Created)
        assert read_sticks(tmp_path / "own") == tuple(sorted(created.sticks))
        bench.worker.submit(fx.CloseVault(), bench.entries)
        unlocked = bench.unlock()
        assert isinstance(unlocked, ev.Unlocked)
        assert not unlocked.session.policy_differs


def test_a_passphrase_is_changed_and_the_old_one_refused(bench: Bench) -> None:
    bench.unlock()
    type_words(bench.entries, fx.Purpose.CURRENT, OTHER_WORDS)
    type_words(bench.entries, fx.Purpose.CHOOSE, OTHER_WORDS)
    type_words(bench.entries, fx.Purpose.REPEAT, OTHER_WORDS)
    wrong = bench.do(fx.ChangePassphrase())
    assert isinstance(wrong, ev.UnlockRefused)
    assert wrong.code == "E-PASSPHRASE-WRONG"


def test_a_passphrase_is_changed(bench: Bench) -> None:
    bench.unlock()
    type_words(bench.entries, fx.Purpose.CURRENT)
    type_words(bench.entries, fx.Purpose.CHOOSE, OTHER_WORDS)
    type_words(bench.entries, fx.Purpose.REPEAT, OTHER_WORDS)
    assert bench.do(fx.ChangePassphrase()) == ev.PassphraseChanged()
    bench.worker.submit(fx.CloseVault(), bench.entries)
    bench.do(fx.OpenVault())
    type_words(bench.entries, fx.Purpose.UNLOCK, OTHER_WORDS)
    assert isinstance(bench.do(fx.Unlock()), ev.Unlocked)


def test_a_clock_behind_the_journal_is_corrected_and_journaled(tmp_path: Path) -> None:
    with Bench(lay_authority(tmp_path), instant=NOW - timedelta(days=9)) as bench:
        wrong = bench.unlock()
        assert isinstance(wrong, ev.ClockWrong)
        assert (wrong.code, wrong.last) == ("E-CLOCK-BEHIND", NOW)
        assert bench.do(fx.AskClock()) == ev.ClockRead(NOW - timedelta(days=9))
        refused = bench.do(fx.RunJob(None, ("top-up",)))
        assert isinstance(refused, ev.JobFailed)
        assert refused.code == "E-CLOCK-BEHIND"
        right = NOW + timedelta(minutes=1)
        assert bench.do(fx.SetClock(right)) == ev.ClockSet(right)
        assert isinstance(bench.do(fx.RunJob(None, ("top-up",))), ev.JobFinished)


def test_what_was_signed_by_a_clock_ahead_is_counted_and_revoked_together(tmp_path: Path) -> None:
    true = NOW - timedelta(days=9)
    with Bench(lay_authority(tmp_path, topped_up=True), instant=true) as bench:
        bench.unlock()
        answer = bench.do(fx.SetClock(true))
        assert isinstance(answer, ev.ClockSet)
        assert [target.path for target in answer.late.targets] == ["roots", "services/mongo"]
        ids = answer.late.certificate_ids
        assert len(ids) == sum(target.count for target in answer.late.targets)
        assert bench.do(fx.RevokeAll(ids, "superseded")) == ev.Revoked()
        assert bench.do(fx.SetClock(true)) == ev.ClockSet(true)
        done = bench.do(fx.RunJob(None, ("top-up",)))
        assert isinstance(done, ev.JobFinished)
        assert done.results[0].issued >= 2


def test_a_clock_that_cannot_be_set_says_so(tmp_path: Path) -> None:
    with Bench(lay_authority(tmp_path), clock_refuses=True) as bench:
        refused = bench.do(fx.SetClock(NOW))
        assert isinstance(refused, ev.JobFailed)
        assert refused.code == "E-CLOCK-SET"


def test_before_an_authority_the_clock_is_set_without_a_vault(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        assert bench.do(fx.SetClock(NOW)) == ev.ClockSet(NOW)


def test_a_stick_is_formatted(bench: Bench) -> None:
    stick = bench.insert("OTHER")
    made = bench.do(fx.FormatStick(stick, "PISM-ALL"))
    assert isinstance(made, ev.StickFormatted)
    assert made.stick.label == "PISM-ALL"
    bench.twins.sticks.pull()
    gone = bench.do(fx.FormatStick(stick, "PISM-ALL"))
    assert isinstance(gone, ev.JobFailed)
    assert gone.code == "E-STICK-GONE"


def test_the_self_test_reads_the_store_when_it_is_open(bench: Bench) -> None:
    locked = bench.do(fx.RunSelfTest())
    assert isinstance(locked, ev.SelfTestReady)
    assert locked.rows[2].finding == "locked"
    bench.unlock()
    opened = bench.do(fx.RunSelfTest())
    assert isinstance(opened, ev.SelfTestReady)
    assert opened.rows[2].finding == "good"


@pytest.mark.parametrize(("refuse_swap", "answer"), [(True, ev.JobFailed), (False, ev.VaultReady)])
def test_swap_keeps_the_box_locked_where_that_is_asked(
    tmp_path: Path, *, refuse_swap: bool, answer: type[ev.Event]
) -> None:
    ours, theirs = socket.socketpair()
    ready = rs.Ready(provisioned=True, failed_attempts=0, wait_s=0, swap=True)
    wire.send(theirs, pr.Done(result=ready))  # what a vault says on a machine with swap
    seen: queue.SimpleQueue[ev.Event] = queue.SimpleQueue()
    worker = VaultWorker(
        open_twins(tmp_path),
        lambda: Session(ours),
        spool=tmp_path,
        own=tmp_path,
        refuse_swap=refuse_swap,
        post=seen.put,
    )
    worker.submit(fx.OpenVault(), make_entries())
    event = seen.get(timeout=10)
    assert isinstance(event, answer)
    worker.close()
    theirs.close()
    assert not isinstance(event, ev.JobFailed) or event.code == "E-SWAP"


def test_a_locked_box_answers_that_it_is_locked(bench: Bench) -> None:
    assert bench.do(fx.AskStatus()) == ev.VaultLost("the box is locked")


def test_a_vault_that_dies_is_lost_and_another_can_be_opened(bench: Bench) -> None:
    bench.unlock()
    session = bench.worker._session
    assert session is not None
    assert session.child is not None
    session.child.kill()
    assert isinstance(bench.do(fx.AskStatus()), ev.VaultLost)
    assert isinstance(bench.unlock(), ev.Unlocked)


def test_opening_an_open_vault_asks_it_again(bench: Bench) -> None:
    assert bench.do(fx.OpenVault()) == bench.do(fx.OpenVault())


@pytest.mark.parametrize(("effect", "word"), [(fx.PowerOff(), "off"), (fx.Restart(), "restart")])
def test_the_switch_is_pressed(tmp_path: Path, effect: fx.Effect, word: str) -> None:
    heard = threading.Event()
    with Bench(tmp_path, power_heard=lambda said: heard.set() if said == word else None) as bench:
        bench.worker.submit(effect, bench.entries)
        assert heard.wait(10)


def test_a_switch_that_is_refused_says_so(tmp_path: Path) -> None:
    with Bench(tmp_path, power_refuses=True) as bench:
        refused = bench.do(fx.PowerOff())
        assert isinstance(refused, ev.JobFailed)
        assert refused.code == "E-POWER"


class _Hanging:
    """A way to a vault that takes as long as a test says."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(self) -> Session:
        self.begun.set()
        self.over.wait(30)
        raise VaultLostError("no vault")


def test_the_box_goes_down_past_work_that_hangs(tmp_path: Path) -> None:
    off, hanging, seen = threading.Event(), _Hanging(), list[ev.Event]()
    board = open_twins(tmp_path, power_heard=lambda _word: off.set())
    worker = VaultWorker(
        board, hanging, spool=tmp_path, own=tmp_path, refuse_swap=False, post=seen.append, close_s=0.01
    )
    worker.submit(fx.OpenVault(), make_entries())
    assert hanging.begun.wait(10)
    worker.submit(fx.PowerOff(), make_entries())
    assert off.wait(10)
    worker.close()  # returns though the work has not
    hanging.over.set()


def test_what_nobody_foresaw_is_a_bug_without_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = str(NOW.year * 7919)  # the traceback shows lines of the source, and no values

    def open_session() -> Session:
        raise RuntimeError(secret)

    bugs: list[ev.Event] = []
    posted = threading.Event()

    def post(event: ev.Event) -> None:
        bugs.append(event)
        posted.set()

    worker = VaultWorker(
        open_twins(tmp_path), open_session, spool=tmp_path, own=tmp_path, refuse_swap=False, post=post
    )
    with caplog.at_level(logging.ERROR):
        worker.submit(fx.OpenVault(), make_entries())
        assert posted.wait(10)
        worker.close()
    assert bugs == [ev.Bug()]
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text


def test_an_effect_of_the_daemons_own_is_a_bug(bench: Bench) -> None:
    assert bench.do(fx.Blank()) == ev.Bug()


def test_secrets_travel_in_the_order_and_show_in_no_repr() -> None:
    entries = make_entries()
    type_words(entries, fx.Purpose.UNLOCK)
    order = make_order(fx.Unlock(), entries)
    assert order.secrets
    assert "absurd" not in repr(order)
    entries.wipe()
    assert order.secrets
    assert make_order(fx.AskStatus(), Entries(tuple, len)) == Order(fx.AskStatus())


def failed(code: str) -> pr.Failed:
    return pr.Failed(code=code, text="why", action=("Do",), wait_s=3, failed_attempts=2)


@pytest.mark.parametrize(
    ("effect", "code", "event"),
    [
        (fx.AskStatus(), "E-BUG", ev.Bug()),
        (fx.RunJob(None, ()), "E-STOPPED", ev.Stopped()),
        (fx.RunJob(None, ()), "E-POLICY", ev.JobFailed("E-POLICY", "why")),
        (fx.Unlock(), "E-JOURNAL", ev.UnlockRefused("E-JOURNAL", "why", 3, 2)),
        (fx.ChangePassphrase(), "E-PASSPHRASE-WRONG", ev.UnlockRefused("E-PASSPHRASE-WRONG", "why", 3, 2)),
    ],
)
def test_a_refusal_means_what_its_effect_makes_of_it(effect: fx.Effect, code: str, event: Any) -> None:
    assert explain_refusal(effect, failed(code)) == event
