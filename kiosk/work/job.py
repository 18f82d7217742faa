"""The job: one stick's steps, in order, on one page.

    top-up      approved signing requests are signed, then the vault issues what the policy asks for
    export X    the vault writes the archive into a file of ours; it goes on the stick with the files beside
    backup X    it (kiosk.work.delivery); then the vault journals "written"

Rules:

1. What is done is not done again: a stick pulled early is put in again, and the job goes on where it was;
   an archive that the vault has written stays here, encrypted, in an unlinked file, until it is on a stick.
2. A job ends when every archive of it was seen on the stick that is in, after the last write to it; what was
   there before, on it or on another, counts for nothing (kiosk.work.delivery). Only PiSM's own is replaced.
3. Told to stop, the vault ends at its next commit and a file on its way to the stick is given up; what is
   done is kept, and the same job goes on from there.
4. Before anything is signed the vault sees the newest of its receipts on the stick (kiosk.work.earlier).
5. Signing requests on the stick are shown before the first step, and signed before a top-up; what a stick
   that goes in later brings is told, and waits for the next job (kiosk.work.requests).
6. The job holds no key and no passphrase.
7. A stick that is write-protected, or has not the room that the vault foresees, is refused before anything
   else is done: it costs no top-up and no archive's number (kiosk.work.room).
"""

import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from core.api import requests as rq
from core.api import results as rs
from core.errors import StoppedError
from core.progress import Progress, Report, work_of
from hw.errors import StickMissingError, StickVerifyError
from hw.fat.listing import StickFile
from hw.fat.volume import FatVolume
from hw.ports import Stick
from kiosk.work.delivery import Delivery, Seen, cost_of_bringing
from kiosk.work.earlier import Earlier
from kiosk.work.kept_sizes import keep_sizes
from kiosk.work.requests import StickRequests
from kiosk.work.room import check_stick, sizes_of
from kiosk.work.session import Session
from kiosk.work.step_bar import StepBar
from kiosk.work.task import Task, Tools

OpenVolume = Callable[[Stick], AbstractContextManager[FatVolume]]

_TOP_UP: Final = "top-up"
_JOURNAL_US: Final = 60_000
_ROUNDS: Final = 3  # of looking at what was written before something else


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob(Task):
    """Do the steps. Result: JobDone, or RequestsFound before anything else.

    Asked again after a pull, with the stick that came back: what is made already is only written.

    Args:
        stick: The stick to write to; None for steps that need none.
        steps: As in config.yaml: "top-up", "export NAME", "backup NAME".
        approved: After RequestsFound: the approvals of those that the operator approved; else None.
    """

    stick: Stick | None
    steps: tuple[str, ...]
    approved: tuple[str, ...] | None = None

    def run(self, tools: Tools) -> "JobDone | RequestsFound":
        """Do what is left of the steps; a job that failed or was stopped is kept, and goes on here."""
        job = tools.kept(Job)
        if job is None or job.steps != self.steps:
            job = tools.keep(
                Job(
                    tools.vault,
                    self.steps,
                    now=tools.now,
                    open_volume=tools.board.open_volume,
                    spool=tools.spool,
                    stopping=tools.stopping,
                )
            )
        try:
            return self._go_on(job, tools)
        finally:
            keep_sizes(tools.own, job.sizes)

    def _go_on(self, job: "Job", tools: Tools) -> "JobDone | RequestsFound":
        if self.approved is not None:
            job.answer_requests(self.approved)
        if requests := job.find_requests(self.stick):
            if tools.stopping.is_set():
                raise StoppedError("stopped by the operator")
            return RequestsFound(requests)
        steps = job.run(self.stick, tools.report)
        status = tools.vault.ask(rq.AskStatus(now=tools.now), rs.StatusReport)
        tools.forget(Job)
        return JobDone(
            steps=steps,
            next_visit_by=status.next_visit_by,
            journal_sequence=status.journal_sequence,
            journal_head=status.journal_head,
            journal_words=status.journal_words,
        )


@dataclass(frozen=True, slots=True)
class RequestsFound:
    """The stick brought signing requests, none signed yet: the job waits for those that are approved."""

    requests: tuple[rs.RequestSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """What one step did: all is written, compared and journaled.

    Args:
        step: As in RunJob.
        name: "" for a top-up.
        sequence: Of the archive; 0 for a top-up.
        sha256: Of the archive, hex; "" for a top-up.
        issued: Certificates that were signed.
        requested: How many of them for signing requests.
        new: Roots and signers in the archive that none of this name that was seen on a stick had.
        unseen: Numbers that archives of this name used up before it, and that are on no stick.
        late_roots: Roots that sign before they could be spread.
        revoked: Signers that were revoked since the archive of this name that was last seen on a stick.
        revoked_roots: Roots, the same.
    """

    step: str
    name: str = ""
    sequence: int = 0
    sha256: str = ""
    issued: int = 0
    requested: int = 0
    new: int = 0
    unseen: tuple[int, ...] = ()
    late_roots: int = 0
    revoked: int = 0
    revoked_roots: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDone:
    """All steps are done, and how things stand after the last one.

    Args:
        steps: One each.
        next_visit_by: When the next visit is due, aware UTC.
        journal_sequence: Number of the journal's last entry.
        journal_head: Its hash, 64 hex digits.
        journal_words: The same as 12 words.
        failed_attempts: Tries before the unlock that it was done under; the flow knows them.
    """

    steps: tuple[StepDone, ...]
    next_visit_by: datetime
    journal_sequence: int
    journal_head: str
    journal_words: tuple[str, ...]
    failed_attempts: int = 0


StepReport = Callable[[Progress, int], None]
"""Told how far a step is, and its number; 1 is the first."""


class Job:
    """One stick's steps; `run` may be called again after a failure and goes on where it was.

    Args:
        session: Unlocked.
        steps: As in config.yaml: "top-up", "export NAME", "backup NAME".
        now: Sampled once for the whole job, aware UTC.
        open_volume: Opens a stick's volume.
        spool: Folder for encrypted archives that wait for their stick.
        stopping: Set, from any thread, when the work shall end.

    Attributes:
        sizes: In bytes, of each step's archive and its papers, as far as they are foreseen or made.
    """

    def __init__(
        self,
        session: Session,
        steps: tuple[str, ...],
        *,
        now: datetime,
        open_volume: OpenVolume,
        spool: Path,
        stopping: threading.Event,
    ) -> None:
        self.steps = steps
        self._session = session
        self._now = now
        self._open_volume = open_volume
        self._spool = spool
        self._stopping = stopping
        self._made: dict[str, rs.ToppedUp | Delivery] = {}
        self._requests = StickRequests(session, now)
        self._earlier = Earlier()
        self._checked = ""  # identity of the stick that was looked at
        self.sizes: dict[str, int] = {}

    def find_requests(self, stick: Stick | None) -> tuple[rs.RequestSummary, ...]:
        """Return the signing requests that must be answered before `run`; none where there are none.

        Args:
            stick: As for `run`.

        Raises:
            VaultRefusalError, VaultLostError: From the session.
            StickError: From the stick (E-STICK-...).
        """
        if stick is None:
            return ()
        with self._open_volume(stick) as volume:
            root = self._look_at(stick, volume)
            return self._requests.find(
                volume, root, taken=_TOP_UP in self.steps, too_late=_TOP_UP in self._made
            )

    def answer_requests(self, approvals: tuple[str, ...]) -> None:
        """Take the operator's answer to `find_requests`: the approvals of those that are to be signed."""
        self._requests.approve(approvals)

    def run(self, stick: Stick | None, report: StepReport) -> tuple[StepDone, ...]:
        """Do what is left of the steps.

        Args:
            stick: Where archives go; None when no step makes one.
            report: See StepReport.

        Returns:
            What each step did.

        Raises:
            VaultRefusalError, VaultLostError: From the session.
            StickError: From the stick (E-STICK-...); put in again, or another one, the job goes on.
            StoppedError: Told to stop while no vault was at work (E-STOPPED).
        """
        if stick is not None and self._checked != stick.identity:
            with self._open_volume(stick) as volume:
                self._look_at(stick, volume)
        seen = Seen()
        results = []
        bars = [StepBar(partial(_tell_step, report, number)) for number in range(1, len(self.steps) + 1)]
        for step, bar in zip(self.steps, bars, strict=True):
            self._heed_stop()
            results.append(self._do(step, stick, seen, bar))
        if stick is not None:
            self._see_all(stick, seen, bars[-1])
        return tuple(results)

    def _do(self, step: str, stick: Stick | None, seen: Seen, bar: StepBar) -> StepDone:
        """Do one step, or see that it is done."""
        if step == _TOP_UP:
            return self._top_up(step, bar)
        # After the last write all archives are looked at again: a part of the last step.
        looks_us = sum(work_of(made.look) for made in self._deliveries()) if step == self.steps[-1] else 0
        archive = self._archive(step, bar, looks_us)
        if stick is None:
            raise StickMissingError(f"{step} needs a stick")
        self._bring(archive, stick, seen, bar.begin(looks_us + _JOURNAL_US))
        written = archive.written
        return StepDone(
            step=step,
            name=written.name,
            sequence=written.sequence,
            sha256=written.sha256,
            new=written.new,
            unseen=written.unseen,
            late_roots=written.late_roots,
            revoked=written.revoked,
            revoked_roots=written.revoked_roots,
        )

    def _deliveries(self) -> list[Delivery]:
        """Return the archives that were made."""
        return [made for made in self._made.values() if isinstance(made, Delivery)]

    def close(self) -> None:
        """Forget what was made and not written; its unlinked files are gone with that."""
        for made in self._deliveries():
            made.close()
        self._made.clear()

    def _look_at(self, stick: Stick, volume: FatVolume) -> tuple[StickFile, ...]:
        """See what PiSM itself left on the stick (rule 4), and whether it can take the job (rule 7)."""
        root = volume.list()
        self._earlier.learn(self._session, volume, root, self._heed_stop)
        foreseen = self._foresee_all()
        self.sizes |= {step: sum(sizes_of(each)) for step, each in foreseen.items()}
        check_stick(volume, foreseen.values(), self._deliveries(), self._earlier, self._heed_stop)
        self._checked = stick.identity
        return root

    def _foresee_all(self) -> dict[str, rs.ArchiveForeseen]:
        """Return what each archive that is still to be made will be, after the job's top-up."""
        topped_up = _TOP_UP in self.steps and _TOP_UP not in self._made
        unmade = [step for step in self.steps if step != _TOP_UP and step not in self._made]
        first = not self._deliveries()
        return {
            step: self._foresee(step, public=first and step == unmade[0], topped_up=topped_up)
            for step in unmade
        }

    def _foresee(self, step: str, *, public: bool, topped_up: bool = False) -> rs.ArchiveForeseen:
        kind, name = _archive_of(step)
        asked = rq.ForeseeArchive(kind=kind, name=name, public=public, topped_up=topped_up, now=self._now)
        return self._session.ask(asked, rs.ArchiveForeseen)

    def _top_up(self, step: str, bar: StepBar) -> StepDone:
        asked = self._requests.sign(self._asking(bar.begin()))
        made = self._made.get(step)
        if not isinstance(made, rs.ToppedUp):
            made = self._session.ask(rq.TopUp(now=self._now), rs.ToppedUp, report=self._asking(bar.begin()))
            self._made[step] = made
        requested = len(asked.signed)
        return StepDone(
            step=step,
            issued=asked.roots + requested + made.roots + made.signers,
            requested=requested,
            late_roots=asked.late_roots + made.late_roots,
        )

    def _archive(self, step: str, bar: StepBar, looks_us: int) -> Delivery:
        made = self._made.get(step)
        if isinstance(made, Delivery):
            return made
        first = not self._deliveries()
        file = tempfile.TemporaryFile(dir=self._spool)  # noqa: SIM115  it lives until the job is closed
        try:
            foreseen = self._foresee(step, public=first)
            later_us = (
                work_of(cost_of_bringing(foreseen.size_bytes, foreseen.papers)) + looks_us + _JOURNAL_US
            )
            kind, name = _archive_of(step)
            request = rq.WriteArchive(kind=kind, name=name, public=first, now=self._now)
            told = self._asking(bar.begin(later_us))
            written = self._session.ask(request, rs.ArchiveWritten, into=file, report=told)
        except BaseException:
            file.close()
            raise
        archive = Delivery(written, file)
        self._earlier.add(written)
        self._made[step] = archive
        self.sizes[step] = archive.size_bytes
        return archive

    def _bring(self, archive: Delivery, stick: Stick, seen: Seen, report: Report) -> None:
        """Have an archive and its sidecars stand on the stick, and have it journaled."""
        was_written = archive.bring(partial(self._open_volume, stick), self._earlier, self._bringing(report))
        seen.note(archive, was_written=was_written)
        if archive.confirmed:
            return
        written = archive.written
        confirm = rq.ConfirmWritten(
            kind=written.kind, name=written.name, sequence=written.sequence, where=stick.label, now=self._now
        )
        self._session.ask(confirm, rs.Acknowledged)
        archive.confirmed = True

    def _see_all(self, stick: Stick, seen: Seen, bar: StepBar) -> None:
        """See every archive of the job after the last write to the stick.

        Raises:
            StickVerifyError: It loses again and again what it was given (E-STICK-VERIFY).
        """
        archives = self._deliveries()
        for archive in archives * _ROUNDS:
            if archive not in seen:
                later = [other for other in archives if other is not archive and other not in seen]
                self._bring(archive, stick, seen, bar.begin(sum(work_of(other.look) for other in later)))
        if not all(archive in seen for archive in archives):
            raise StickVerifyError("the stick does not keep what it is given")

    def _asking(self, report: Report) -> Report:
        """Return the report of a request: a stop that came before the vault had begun is said again."""

        def report_and_stop(progress: Progress) -> None:
            report(progress)
            if self._stopping.is_set():
                self._session.stop()

        return report_and_stop

    def _bringing(self, report: Report) -> Report:
        """Return the report of an archive on its way to the stick: a stop ends it there."""

        def report_or_stop(progress: Progress) -> None:
            self._heed_stop()
            report(progress)

        return report_or_stop

    def _heed_stop(self) -> None:
        if self._stopping.is_set():
            raise StoppedError("stopped by the operator")


def _archive_of(step: str) -> tuple[str, str]:
    """Return kind and name of a step's archive."""
    verb, _, name = step.partition(" ")
    return {"export": "egress", "backup": "backup"}[verb], name


def _tell_step(report: StepReport, number: int, progress: Progress) -> None:
    report(progress, number)
