"""The worker: every request with the real vault, real FAT images and twins."""

import logging
import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as change

from core.api import requests as rq
from core.api import results as rs
from core.api import wire
from core.crypto.process import read_boot
from core.store.attempts import Attempts, write_attempts
from hw.errors import StickGoneError
from hw.fat.volume import open_volume
from hw.ports import Stick
from hw.sticks.emulated import Faults
from hw.system.emulated import HELD, SOUND
from kiosk.work.devices import FormatStick, PowerOff, ReadClock, Restart, SetClock
from kiosk.work.drill import ReadDrill
from kiosk.work.inspection import Inspected
from kiosk.work.job import JobDone, RunJob
from kiosk.work.kept_box import KeptBox, keep_box, read_box
from kiosk.work.kept_sticks import NAME, read_sticks
from kiosk.work.policy_stick import ReadPolicy
from kiosk.work.runs import find_runs
from kiosk.work.self_test import RunSelfTest
from kiosk.work.session import Session, VaultLostError
from kiosk.work.worker import Answer, Bug, News, Progressed, VaultLost, VaultReady, Worker
from tests.kiosk.live import (
    CONFIG,
    NOW,
    OTHER_PASSPHRASE,
    PASSPHRASE,
    STEPS,
    Bench,
    lay_authority,
    lay_config,
    open_twins,
)

EXPORT = STEPS[1:2]
TOP_UP = RunJob(stick=None, steps=("top-up",))


def job(stick: Stick, steps: tuple[str, ...] = STEPS) -> RunJob:
    return RunJob(stick=stick, steps=steps)


def code(refused: object) -> str:
    """Return the code of what was refused, "" of what was not."""
    return refused.code if isinstance(refused, wire.Failed) else ""


def sequences(done: JobDone) -> list[int]:
    return [one.sequence for one in done.steps]


def approve(bench: Bench, shown: rs.PolicyProposal) -> Any:
    return bench.do(rq.ApprovePolicy(policy_sha256=shown.policy_sha256, now=bench.now))


def found(bench: Bench, shown: rs.PolicyProposal) -> Any:
    return bench.do(rq.Init(passphrase=PASSPHRASE, policy_sha256=shown.policy_sha256, now=bench.now))


def signers(bench: Bench) -> tuple[rs.SignerSummary, ...]:
    """Return the signers of a target that are not revoked."""
    report = bench.do(rq.AskStatus(now=bench.now))
    return tuple(
        item for item in report.signers if item.path == "services/mongo" and item.status != "revoked"
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
        assert bench.open() == VaultReady(provisioned=False)
        shown = bench.do(rq.AskPolicy())
        assert [row.name for row in shown.recipients] == ["main-kudo", "main-backup"]
        created = found(bench, shown)
        assert set(created.sticks) == {"PISM-EXPORT", "PISM-ALL"}
        bench.worker.close_vault()
        assert bench.open() == VaultReady(provisioned=True)
        assert isinstance(bench.unlock(), rs.Unlocked)


def test_a_policy_that_changed_after_it_was_shown_is_refused(tmp_path: Path) -> None:
    lay_config(tmp_path)
    with Bench(tmp_path) as bench:
        bench.open()
        shown = bench.do(rq.AskPolicy())
        lay_config(tmp_path, "spread_days: 10", "spread_days: 11")
        assert code(found(bench, shown)) == "E-POLICY"
        assert not (tmp_path / "state").exists()


def test_a_wrong_passphrase_is_counted_and_waits(bench: Bench) -> None:
    # after four others, whose wait is over: a busy machine takes longer than a second to ask again
    write_attempts(bench.folder / "state", Attempts(count=4, boot_id=read_boot().id))
    refused = bench.unlock(OTHER_PASSPHRASE)
    assert (code(refused), refused.failed_attempts) == ("E-PASSPHRASE-WRONG", 5)
    assert 16 <= refused.wait_s <= 31
    assert code(bench.unlock(OTHER_PASSPHRASE)) == "E-PASSPHRASE-WAIT"
    bench.worker.close_vault()
    assert bench.open().failed_attempts == 5


def test_a_whole_job_and_what_is_asked_around_it(bench: Bench) -> None:
    assert isinstance(bench.unlock(), rs.Unlocked)
    stick = bench.insert()
    assert sequences(bench.do(job(stick))) == [0, 1, 1]
    told = [news for news in bench.seen if isinstance(news, Progressed)]
    assert any(news.progress.what.startswith("reading back") for news in told)
    assert [news.step for news in told] == sorted(news.step for news in told)
    assert bench.do(rq.AskStatus(now=bench.now)).archives[0].written == NOW
    assert sequences(bench.do(job(stick))) == [0, 2, 2]  # a new job: new archives


def test_a_pulled_stick_is_resumed_without_a_new_archive(bench: Bench) -> None:
    bench.unlock()
    image = bench.twins.sticks.make("PISM-EXPORT")
    pulled = bench.do(job(bench.twins.sticks.insert(image, Faults(yank_at_byte=5000)), EXPORT))
    assert code(pulled) == StickGoneError.code
    assert sequences(bench.do(job(bench.twins.sticks.insert(image), EXPORT))) == [1]


def test_other_steps_do_not_resume_a_failed_job(bench: Bench) -> None:
    bench.unlock()
    assert code(bench.do(job(bench.insert(full=True), EXPORT))) == "E-STICK-FULL"
    bench.twins.sticks.pull()
    assert sequences(bench.do(job(bench.insert(), STEPS[1:]))) == [1, 1]  # the full one cost no number


def test_a_revocation_ends_what_was_kept_for_a_stick(bench: Bench) -> None:
    bench.unlock()
    assert code(bench.do(job(bench.insert(yank_at_byte=5000), EXPORT))) == "E-STICK-GONE"
    before = signers(bench)
    revoke = rq.Revoke(certificate=before[0].id, reason="keyCompromise", now=bench.now)
    assert bench.do(revoke) == rs.Acknowledged()
    assert len(signers(bench)) == len(before) - 1
    # the archive without the revocation was forgotten
    assert sequences(bench.do(job(bench.insert(), EXPORT))) == [2]


def test_a_stop_ends_the_work_and_the_same_job_goes_on(bench: Bench) -> None:
    bench.unlock()

    def stop_at_stick(news: News) -> None:
        if isinstance(news, Progressed) and news.progress.what.startswith("writing"):
            bench.worker.stop()

    bench.heard = stop_at_stick
    stick = bench.insert()
    assert code(bench.do(job(stick))) == "E-STOPPED"
    bench.heard = lambda _news: None
    assert sequences(bench.do(job(stick))) == [0, 1, 1]


def test_a_changed_policy_is_approved_whole(bench: Bench) -> None:
    lay_config(bench.folder, "spread_days: 10", "spread_days: 11")
    assert bench.unlock().policy_changes
    shown = bench.do(rq.AskPolicy())
    assert shown.changes == ("spread_days: 10 -> 11",)
    assert approve(bench, shown).policy_changes == ()


def bring(bench: Bench, text: str, faults: Faults | None = None) -> Stick:
    """Put in a stick that brings a policy; return it."""
    image = bench.twins.sticks.make("PISM-CONFIG")
    with open_volume(image) as volume:
        volume.put_small("config.yaml", text.encode())
        volume.put_small("keys/backup.pub", (bench.folder / "keys/backup.pub").read_bytes())
    return bench.twins.sticks.insert(image, faults)


NEW_POLICY = CONFIG.replace("PISM-EXPORT:", "PISM-KUDO:").replace("dim_after_s: 60", "dim_after_s: 50")


def test_a_policy_of_a_stick_is_approved_kept_and_not_proposed_back(bench: Bench) -> None:
    bench.unlock()
    shown = bench.do(ReadPolicy(stick=bring(bench, NEW_POLICY)))
    assert shown.untaken == ("kiosk",)
    assert len(shown.changes) == 2
    bench.twins.sticks.pull()  # it is not needed any more
    approved = approve(bench, shown)
    assert read_sticks(bench.folder / "own") == tuple(sorted(approved.sticks.items()))
    assert list(approved.sticks) == ["PISM-KUDO", "PISM-ALL"]
    bench.worker.close_vault()
    assert bench.unlock().policy_changes == ()


def test_a_power_cut_before_the_table_was_kept_is_made_good_at_the_next_unlock(bench: Bench) -> None:
    bench.unlock()
    before = (bench.folder / "own" / NAME).read_bytes()
    approved = approve(bench, bench.do(ReadPolicy(stick=bring(bench, NEW_POLICY))))
    (bench.folder / "own" / NAME).write_bytes(before)  # as if the power had gone between the two
    bench.worker.close_vault()
    bench.unlock()
    assert read_sticks(bench.folder / "own") == tuple(sorted(approved.sticks.items()))


def test_an_unlock_brings_along_what_runs_and_keeps_it(bench: Bench) -> None:
    assert bench.unlock().ran_before is None
    runs = find_runs(SOUND)
    assert read_box(bench.folder / "own").runs == runs
    bench.worker.close_vault()
    bench.twins.sensors.condition = replace(SOUND, serial="another")
    assert bench.unlock().ran_before == runs
    assert read_box(bench.folder / "own").runs == change(runs, serial="another")
    assert bench.do(rq.AskSession()).ran_before == runs, "for as long as the session lasts"


def test_a_seal_is_kept_when_it_is_journaled_and_otherwise_at_the_next_unlock(bench: Bench) -> None:
    assert bench.unlock().seal == ""
    assert bench.do(rq.NoteSeal(number="004711", now=NOW)) == rs.Acknowledged()
    assert read_box(bench.folder / "own").seal == "004711"
    keep_box(bench.folder / "own", KeptBox(seal="9"))  # as somebody with the card would
    bench.worker.close_vault()
    assert bench.unlock().seal == "004711"
    assert read_box(bench.folder / "own").seal == "004711"


def test_a_wrong_passphrase_keeps_nothing_of_what_runs(bench: Bench) -> None:
    bench.unlock(OTHER_PASSPHRASE)
    assert read_box(bench.folder / "own") == KeptBox()


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ("load: 2", "laod: 2", "E-CONFIG-KEY"),
        ("keys/backup.pub", "keys/none.pub", "E-RECIPIENT-MISSING"),
        ("keys/backup.pub", "/etc/passwd", "E-RECIPIENT-MISSING"),
        ("authority:", "\x00", "E-CONFIG-SYNTAX"),
    ],
)
def test_a_bad_policy_of_a_stick_is_refused(bench: Bench, old: str, new: str, refusal: str) -> None:
    bench.unlock()
    assert code(bench.do(ReadPolicy(stick=bring(bench, CONFIG.replace(old, new))))) == refusal


def test_what_was_not_shown_last_is_not_approved(bench: Bench) -> None:
    bench.unlock()
    first = bench.do(ReadPolicy(stick=bring(bench, NEW_POLICY)))
    bench.twins.sticks.pull()
    bench.do(ReadPolicy(stick=bring(bench, NEW_POLICY.replace("spread_days: 10", "spread_days: 12"))))
    assert code(approve(bench, first)) == "E-POLICY"


def test_a_policy_stick_that_is_pulled_is_said_and_the_next_one_is_read(bench: Bench) -> None:
    bench.unlock()
    stick = bring(bench, NEW_POLICY)
    bench.twins.sticks.pull()
    assert code(bench.do(ReadPolicy(stick=stick))) == "E-STICK-GONE"
    assert isinstance(bench.do(ReadPolicy(stick=bring(bench, NEW_POLICY))), rs.PolicyProposal)


def test_an_empty_box_is_set_up_with_the_policy_of_a_stick(tmp_path: Path) -> None:
    lay_config(tmp_path, "keys/backup.pub", "keys/nobody.pub")  # as it came with the package
    for name in ("sticks", "spool", "own"):
        (tmp_path / name).mkdir()
    with Bench(tmp_path) as bench:
        bench.open()
        created = found(bench, bench.do(ReadPolicy(stick=bring(bench, NEW_POLICY))))
        assert read_sticks(tmp_path / "own") == tuple(sorted(created.sticks.items()))
        bench.worker.close_vault()
        assert bench.unlock().policy_changes == ()


def test_a_passphrase_is_changed_and_a_wrong_old_one_refused(bench: Bench) -> None:
    bench.unlock()
    change = rq.ChangePassphrase(old=PASSPHRASE, new=OTHER_PASSPHRASE, now=bench.now)
    assert bench.do(change) == rs.Acknowledged()
    bench.worker.close_vault()
    assert isinstance(bench.unlock(OTHER_PASSPHRASE), rs.Unlocked)
    assert code(bench.do(change)) == "E-PASSPHRASE-WRONG"


def test_a_clock_behind_the_journal_is_corrected_and_journaled(tmp_path: Path) -> None:
    with Bench(lay_authority(tmp_path), instant=NOW - timedelta(days=9)) as bench:
        wrong = bench.unlock()
        assert (wrong.clock, wrong.last_entry_at) == ("E-CLOCK-BEHIND", NOW)
        assert bench.do(ReadClock()) == NOW - timedelta(days=9)
        assert code(bench.do(TOP_UP)) == "E-CLOCK-BEHIND"
        right = NOW + timedelta(minutes=1)
        assert bench.do(SetClock(instant=right)) == rs.ClockCorrected(issued_after=())
        assert sequences(bench.do(TOP_UP)) == [0]


def test_what_was_signed_by_a_clock_ahead_is_listed_and_revoked_together(tmp_path: Path) -> None:
    true = NOW - timedelta(days=9)
    with Bench(lay_authority(tmp_path, topped_up=True), instant=true) as bench:
        bench.unlock()
        late = bench.do(SetClock(instant=true)).issued_after
        assert {item.path for item in late} == {"roots", "services/mongo"}
        ids = tuple(item.id for item in late)
        assert bench.do(rq.RevokeAll(certificates=ids, reason="superseded", now=true)) == rs.Acknowledged()
        assert bench.do(SetClock(instant=true)) == rs.ClockCorrected(issued_after=())
        assert bench.do(TOP_UP).steps[0].issued >= 2


def visit_by(bench: Bench) -> datetime:
    """Return the one date of the next visit: what came with the last answer is what the status says."""
    status = bench.do(rq.AskStatus(now=bench.now))
    before, after = [one.session for one in bench.seen if isinstance(one, Answer)][-2:]
    assert before is not None
    assert before == after
    assert before.next_visit_by == status.next_visit_by
    return before.next_visit_by


def test_the_next_visit_is_one_date_after_every_act(tmp_path: Path) -> None:
    with Bench(lay_authority(tmp_path, topped_up=True), instant=NOW - timedelta(days=9)) as bench:
        bench.unlock()
        assert code(bench.do(TOP_UP)) == "E-CLOCK-BEHIND"
        assert visit_by(bench) < NOW
        bench.do(SetClock(instant=NOW + timedelta(hours=1)))
        named = visit_by(bench)
        assert named > NOW + timedelta(days=30)
        revoked = signers(bench)[0]
        bench.do(rq.Revoke(certificate=revoked.id, reason="superseded", now=bench.now))
        assert visit_by(bench) == bench.now, "a lane without a signer is due today"
        assert sum(step.issued for step in bench.do(TOP_UP).steps) == 1
        assert visit_by(bench) == named
        lay_config(tmp_path, "mongo: {load: 2", "mongo: {load: 3")
        approve(bench, bench.do(rq.AskPolicy()))
        assert bench.do(ReadClock()) == bench.now
        assert visit_by(bench) == bench.now, "a new lane is due today"
        bench.do(rq.ChangePassphrase(old=PASSPHRASE, new=OTHER_PASSPHRASE, now=bench.now))
        assert visit_by(bench) == bench.now
        bench.do(TOP_UP)
        assert visit_by(bench) == named
        assert code(bench.do(rq.Revoke(certificate="none", reason="superseded", now=bench.now))) == "E-POLICY"
        assert visit_by(bench) == named


def test_nothing_is_said_of_a_session_while_there_is_none(bench: Bench) -> None:
    bench.open()
    assert bench.do(ReadClock()) == NOW
    bench.unlock()
    assert [one.session for one in bench.seen if isinstance(one, Answer)] == [None, None], "an unlock says it"


def test_a_clock_that_cannot_be_set_says_so(tmp_path: Path) -> None:
    with Bench(lay_authority(tmp_path), clock_refuses=True) as bench:
        assert code(bench.do(SetClock(instant=NOW))) == "E-CLOCK-SET"


def test_before_an_authority_the_clock_is_set_without_a_vault(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        assert bench.do(SetClock(instant=NOW)) == rs.ClockCorrected(issued_after=())


def test_a_stick_is_formatted(bench: Bench) -> None:
    stick = bench.insert("OTHER")
    assert bench.do(FormatStick(stick=stick, label="PISM-ALL")).label == "PISM-ALL"
    bench.twins.sticks.pull()
    assert code(bench.do(FormatStick(stick=stick, label="PISM-ALL"))) == "E-STICK-GONE"


def test_words_of_a_drill_that_no_stick_brings_are_missed(bench: Bench) -> None:
    bench.unlock()
    assert code(bench.do(ReadDrill(stick=bench.insert()))) == "E-STICK-MISSING"


def test_the_self_test_reads_the_store_when_it_is_open(bench: Bench) -> None:
    assert bench.do(RunSelfTest())[2].text == "locked"
    bench.unlock()
    assert bench.do(RunSelfTest())[2].text == "good"


def test_a_vault_without_its_guards_is_not_used_and_locked_again(tmp_path: Path) -> None:
    board = open_twins(tmp_path)
    assert board.twins is not None
    board.twins.guards.protection = replace(HELD, vault=None)  # so that the vault's own word counts
    ours, theirs = socket.socketpair()
    confined = rs.Confined(user_id=997, has_seccomp=False, gains_nothing=True)
    ready = rs.Ready(provisioned=True, failed_attempts=0, wait_s=0, swap=False, confined=confined)
    wire.send(theirs, wire.Done(result=ready))
    seen: queue.SimpleQueue[News] = queue.SimpleQueue()
    worker = Worker(
        board, lambda: Session(ours), spool=tmp_path, own=tmp_path, refuse_swap=True, post=seen.put
    )
    worker.open_vault()
    assert isinstance(seen.get(timeout=10), Inspected)
    lost = seen.get(timeout=10)
    assert isinstance(lost, VaultLost)
    assert (lost.code, "vault" in lost.text) == ("E-GUARD-SECCOMP", True)
    assert isinstance(wire.receive_request(theirs)[0], rq.Hello)
    with pytest.raises(wire.ConnectionLostError):
        wire.receive_request(theirs)
    worker.close()
    theirs.close()


@pytest.mark.parametrize(
    ("refuse_swap", "news"),
    [
        (True, VaultLost("the system swaps memory to a disk", "E-SWAP")),
        (False, VaultReady(provisioned=True)),
    ],
)
def test_swap_keeps_the_box_locked_where_that_is_asked(
    tmp_path: Path, *, refuse_swap: bool, news: News
) -> None:
    ours, theirs = socket.socketpair()
    confined = rs.Confined(user_id=0, has_seccomp=False, gains_nothing=False)
    ready = rs.Ready(provisioned=True, failed_attempts=0, wait_s=0, swap=True, confined=confined)
    wire.send(theirs, wire.Done(result=ready))  # what a vault says on a machine with swap
    seen: queue.SimpleQueue[News] = queue.SimpleQueue()
    worker = Worker(
        open_twins(tmp_path),
        lambda: Session(ours),
        spool=tmp_path,
        own=tmp_path,
        refuse_swap=refuse_swap,
        post=seen.put,
    )
    worker.open_vault()
    assert isinstance(seen.get(timeout=10), Inspected)
    assert seen.get(timeout=10) == news
    worker.close()
    theirs.close()


def test_a_locked_box_answers_that_it_is_locked(bench: Bench) -> None:
    assert bench.do(rq.AskStatus(now=NOW)) == VaultLost("the box is locked")


def test_a_vault_that_dies_is_lost_and_another_can_be_opened(bench: Bench) -> None:
    bench.unlock()
    session = bench.worker._tools.session
    assert session is not None
    assert session.child is not None
    session.child.kill()
    assert isinstance(bench.do(rq.AskStatus(now=NOW)), VaultLost)
    assert isinstance(bench.unlock(), rs.Unlocked)


@pytest.mark.parametrize(("request_", "word"), [(PowerOff(), "off"), (Restart(), "restart")])
def test_the_switch_is_pressed(tmp_path: Path, request_: PowerOff | Restart, word: str) -> None:
    heard = threading.Event()
    with Bench(tmp_path, power_heard=lambda said: heard.set() if said == word else None) as bench:
        bench.order(request_)
        assert heard.wait(10)


def test_a_switch_that_is_refused_says_so(tmp_path: Path) -> None:
    with Bench(tmp_path, power_refuses=True) as bench:
        assert code(bench.do(PowerOff())) == "E-POWER"


class _Hanging:
    """A way to a vault that takes as long as a test says."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(self) -> Session:
        self.begun.set()
        self.over.wait(30)
        raise VaultLostError("no vault")


def test_the_box_goes_down_past_work_that_hangs(tmp_path: Path) -> None:
    off, hanging, seen = threading.Event(), _Hanging(), list[News]()
    board = open_twins(tmp_path, power_heard=lambda _word: off.set())
    worker = Worker(
        board, hanging, spool=tmp_path, own=tmp_path, refuse_swap=False, post=seen.append, close_s=0.01
    )
    worker.open_vault()
    assert hanging.begun.wait(10)
    worker.submit(1, PowerOff())
    assert off.wait(10)
    worker.close()  # returns though the work has not
    hanging.over.set()


def test_what_nobody_foresaw_is_a_bug_without_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = str(NOW.year * 7919)  # the traceback shows lines of the source, and no values

    def open_session() -> Session:
        raise RuntimeError(secret)

    bugs: list[News] = []
    posted = threading.Event()

    def post(event: News) -> None:
        bugs.append(event)
        posted.set()

    worker = Worker(
        open_twins(tmp_path), open_session, spool=tmp_path, own=tmp_path, refuse_swap=False, post=post
    )
    with caplog.at_level(logging.ERROR):
        worker.open_vault()
        assert posted.wait(10)
        worker.close()
    assert bugs == [Bug()]
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text


def test_a_bug_of_the_vault_is_one_of_ours(bench: Bench) -> None:
    bench.unlock()
    assert bench.do(object()) == Bug(), "nobody can send that"


def test_an_answer_carries_the_ticket_of_its_request(tmp_path: Path) -> None:
    seen: queue.SimpleQueue[News] = queue.SimpleQueue()
    worker = Worker(
        open_twins(tmp_path),
        lambda: Session(socket.socket()),
        spool=tmp_path,
        own=tmp_path,
        refuse_swap=False,
        post=seen.put,
    )
    worker.submit(7, ReadClock())
    worker.submit(8, ReadClock())
    assert [seen.get(timeout=10), seen.get(timeout=10)] == [Answer(7, NOW), Answer(8, NOW)]
    worker.close()
