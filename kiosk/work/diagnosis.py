"""A diagnosis: one text file on a stick that says what runs here, how it is set, and what went wrong.

Whoever helps an operator has no other way to a log: the system's journal is not the kiosk's to read, and the
box has neither network nor screen. Rules:

1. It holds no secret: versions, hashes, settings of config.yaml, the self-test, codes with their own words,
   and the kiosk's log. None of these ever holds one, and of what is logged only the message is kept.
2. It is bounded: of refusals and log the newest are kept, in memory, since the kiosk started.
3. It needs neither vault nor policy, and overwrites nothing.
4. What cannot be found is said, and hinders nothing else.
"""

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from core.api import requests as rq
from core.api import results as rs
from core.api.results import Runs
from core.api.wire import Failed
from core.errors import FileError
from core.printable import escape
from core.times import RELEASED, format_time, format_time_compact
from hw.ports import Stick
from kiosk.work.runs import FOLDER, find_runs
from kiosk.work.self_test import run_self_test
from kiosk.work.session import VaultLostError, VaultRefusalError
from kiosk.work.task import Task, Tools
from kiosk.work.worker import Answer, Bug, News, VaultLost

MAX_BYTES: Final = 256 * 1024
LOG_BYTES: Final = 128 * 1024
LINE_CHARACTERS: Final = 400
REFUSALS: Final = 100
PACKAGES: Final = 200
_NAMES: Final = 100
_FOUND: Final = (
    ("uptime", "/proc/uptime"),
    ("memory", "/proc/meminfo"),
    ("swap", "/proc/swaps"),
)
_FOUND_CHARACTERS: Final = 120


class Diary(logging.Handler):
    """What a kiosk went through: the last codes that it saw, and the end of its log.

    It hangs where Python's logging keeps its handlers, since a log is one process's, and is found there.

    Args:
        now: The box's clock.
        facts: How the box is set, line by line, as it is when asked.
    """

    def __init__(self, now: Callable[[], datetime], facts: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._now = now
        self._facts = facts
        self._refusals: deque[str] = deque(maxlen=REFUSALS)
        self._log: deque[str] = deque()
        self._log_bytes = 0
        self._guard = threading.Lock()

    def begin(self) -> None:
        """Take the place of an earlier kiosk's in this process."""
        root = logging.getLogger()
        for handler in [each for each in root.handlers if isinstance(each, Diary)]:
            root.removeHandler(handler)
        root.addHandler(self)

    @staticmethod
    def kept() -> "Diary | None":
        """Return this process's; None where no kiosk runs."""
        return next((each for each in logging.getLogger().handlers if isinstance(each, Diary)), None)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the lines of a record's message (rule 1), and forget the oldest for it."""
        head = f"{format_time(self._now())} {record.levelname} {record.name}:"
        lines = [_line(f"{head} {line}") for line in record.getMessage().splitlines()]
        with self._guard:
            self._log.extend(lines)
            self._log_bytes += sum(map(_count_bytes, lines))
            while self._log_bytes > LOG_BYTES:
                self._log_bytes -= _count_bytes(self._log.popleft())

    def listen(self, post: Callable[[News], None]) -> Callable[[News], None]:
        """Return `post`, but what was refused or broke is noted on its way."""

        def note_and_post(news: News) -> None:
            match news:
                case Answer(result=Failed() as failed):
                    self._note(failed.code, failed.text)
                case VaultLost(code=code, text=text):
                    self._note(code, text)
                case Bug():
                    self._note("E-BUG", "see the log")
            post(news)

        return note_and_post

    def _note(self, code: str, text: str) -> None:
        with self._guard:
            self._refusals.append(_line(f"{format_time(self._now())} {code} {text}"))

    def facts(self) -> tuple[str, ...]:
        """Return how the box is set."""
        return tuple(_line(fact) for fact in self._facts())

    def refusals(self) -> tuple[str, ...]:
        """Return what was refused or broke, the last one last."""
        with self._guard:
            return tuple(self._refusals)

    def log(self) -> tuple[str, ...]:
        """Return the end of the log, the last line last."""
        with self._guard:
            return tuple(self._log)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteDiagnosis(Task):
    """Write a diagnosis to a stick. Result: the file's name."""

    stick: Stick

    def run(self, tools: Tools) -> str:
        """Write it, read it back off the medium, and compare.

        Raises:
            StickError: It cannot be written (E-STICK-...).
            FileError: A hundred such files were written in this second (E-FILE).
        """
        now = tools.now
        runs = find_runs(tools.board.sensors.read())
        data = make_diagnosis(now, runs, _test(tools), self.stick, Diary.kept())
        stem = f"pism-diagnosis-{format_time_compact(now)}"
        with tools.board.open_volume(self.stick) as volume:
            for suffix in ("", *(f"-{count}" for count in range(2, _NAMES))):
                name = f"{stem}{suffix}.txt"
                if volume.find(name) is None:
                    volume.put_small(name, data)
                    return name
        raise FileError(f"{stem}.txt and a hundred names like it are taken")


def make_diagnosis(
    now: datetime, runs: Runs, tested: Iterable[str], stick: Stick, diary: Diary | None
) -> bytes:
    """Return the file: UTF-8, at most MAX_BYTES.

    Args:
        now: What the box's clock says.
        runs: What runs here.
        tested: Lines of the self-test.
        stick: That it goes to.
        diary: Of this process, where a kiosk runs.
    """
    settings, refusals, log = (diary.facts(), diary.refusals(), diary.log()) if diary else ((), (), ())
    sections = {
        "versions": _versions(runs),
        "system": _system(),
        "settings": settings,
        "self-test": tested,
        "stick": (_line(f"{stick.label or 'no label'}, {stick.filesystem}, {stick.size_bytes} bytes"),),
        "refused or broken, the last one last": refusals or ("nothing",),
        "the kiosk's log since it started, the last line last": log or ("nothing",),
        "packages": _packages(),
    }
    lines = [f"PiSM diagnosis of {format_time(now)}. It holds no secret."]
    for title, body in sections.items():
        lines += ("", f"== {title}", *body)
    return "".join(f"{line}\n" for line in lines).encode()[:MAX_BYTES]


def _versions(runs: Runs) -> Iterator[str]:
    yield f"PiSM {runs.version}, not before {RELEASED:%Y-%m-%d}"
    yield f"its files {runs.files or 'cannot be read'}"
    yield _line(f"they lie in {FOLDER}, installed {runs.installed or 'at no time that is known'}")
    yield f"Python {sys.version.split()[0]}, {_line(sys.prefix)}"
    kernel = os.uname()
    yield _line(f"{kernel.sysname} {kernel.release} {kernel.version} {kernel.machine}")
    yield _line(f"board {runs.board or 'not told'}, serial number {runs.serial or 'not told'}")


def _system() -> Iterator[str]:
    """Yield what the system says of itself, each file's first lines in one."""
    for name, path in _FOUND:
        try:
            with Path(path).open("rb") as file:
                text = file.read(_FOUND_CHARACTERS).decode("ascii", "replace")
        except OSError as error:
            yield f"{name}: not found ({error.strerror})"
        else:
            yield _line(f"{name}: {', '.join(text.replace(chr(0), '').split(chr(10))).strip(', ')}")


def _packages() -> Iterator[str]:
    from importlib.metadata import distributions  # a diagnosis is rare, and the first frame does not wait

    named = {each.metadata["Name"]: each.version for each in distributions()}
    yield from (_line(f"{name} {named[name]}") for name in sorted(named, key=str.lower)[:PACKAGES])


def _test(tools: Tools) -> tuple[str, ...]:
    """Return the self-test's lines; a store that is unlocked is read whole."""
    store = ""
    if tools.unlocked:
        try:
            tools.vault.ask(rq.AskStatus(now=tools.now), rs.StatusReport)
            store = "good"
        except VaultRefusalError as refusal:
            store = refusal.failed.code
        except VaultLostError:
            store = "E-VAULT"
    words = {True: "ok", False: "FAULT", None: "?"}
    found = run_self_test(tools.board, tools.spool, store, tools.confined)
    return tuple(f"{each.name}: {words[each.good]} {each.text}".rstrip() for each in found)


def _count_bytes(line: str) -> int:
    return len(line.encode()) + 1


def _line(text: str) -> str:
    """Return one line that a person can read, cut where it is too long."""
    return escape(" ".join(text.split()))[:LINE_CHARACTERS]
