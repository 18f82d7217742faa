"""Where one job lies: begun, kept while its stick is out, gone on with, or forgotten.

A job that failed or was stopped is kept, and goes on when the same steps are asked for again. Other steps
begin another one.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from hw.board import Board
from kiosk.effects import RunJob
from kiosk.events import JobFinished, Progress, RequestsFound
from kiosk.work.job import Job
from kiosk.work.pace import tell_progress
from kiosk.work.session import Session


class JobDesk:
    """The job of one worker.

    Args:
        board: Sticks' volumes and clock.
        spool: Folder for encrypted archives that wait for their stick.
        post: Where progress goes.
    """

    def __init__(self, board: Board, spool: Path, post: Callable[[Progress], None]) -> None:
        self.stopping = threading.Event()
        self._board = board
        self._spool = spool
        self._post = post
        self._job: Job | None = None

    def run(self, vault: Session, asked: RunJob) -> RequestsFound | JobFinished:
        """Do what is left of the steps, as kiosk.work.job.Job.run; requests on the stick are shown first."""
        steps = asked.steps
        if self._job is None or self._job.steps != steps:
            self.forget()
            self._job = Job(
                vault,
                steps,
                now=self._board.clock.now(),
                open_volume=self._board.open_volume,
                spool=self._spool,
                stopping=self.stopping,
            )
        if asked.approved is not None:
            self._job.answer_requests(asked.approved)
        if requests := self._job.find_requests(asked.stick):
            return RequestsFound(requests)
        results = self._job.run(asked.stick, tell_progress(self._post, self._board.clock.monotonic))
        self.forget()
        return JobFinished(results)

    def forget(self) -> None:
        """Forget the job and what it has prepared."""
        if self._job is not None:
            self._job.close()
            self._job = None
