"""Storms: random keys, holds, sticks, times and faults through the real daemon, panel and slots.

The worker answers every order with what a vault may legally say, at random. Whatever happens: nothing is
raised that nobody catches, no error is logged, and the words of a passphrase are seen nowhere but where they
are shown on purpose. Bugs of the machine would be logged as errors; they fail the storm.
"""

import logging
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from msgspec.structs import replace as change

from core.api import requests as rq
from hw.board import Twins
from hw.ports import KEYS, KeyPressed, KeyReleased, KeyStuck, Stick
from kiosk.daemon.daemon import Daemon
from kiosk.entry.buffers import ProposalView
from kiosk.entry.words import GUARD_S, fewest_keys
from kiosk.flows.box import Settings
from kiosk.machine.events import Event, PowerAsked
from kiosk.machine.machine import Machine
from kiosk.screens.page import Entry, Page, Proposed, Shown
from kiosk.screens.reader import read_text
from kiosk.work.devices import FormatStick, PowerOff, Restart
from kiosk.work.job import RunJob
from kiosk.work.rescue import ReadBackup, Restore
from kiosk.work.worker import Answer, Bug, Progressed, VaultLost, VaultReady
from tests.fuzzing import Fuzzer
from tests.kiosk.facts import HALF, TABLE, failed
from tests.kiosk.flows.steps import title_of
from tests.kiosk.live import WORDS, make_entries, open_twins
from tests.kiosk.machine.test_walks import ANSWERS
from tests.kiosk.samples import SAMPLES

SETTINGS = Settings(sticks=TABLE)
WORK = RunJob | ReadBackup | Restore
KINDS = 16  # of blows; those without one of their own let an order be answered
BLOWS = some.integers(0, KINDS * 48 - 1)
LABELS = ("PISM-ALL", "PISM-EXPORT", "PISM-CONFIG", "HOLIDAYS", "PISM-RESCUE")
PROVISIONED = 0.7  # of the storms
USUALLY = 0.7  # of the answers
LONG_WORK = 0.5  # of the times that work is looked at, it goes on
TIMES_S = (0.05, 0.7, 1.1, 2.1, 11.0, 61.0, 241.0, 291.0, 400.0)
CORNERS = {
    "unlock",
    "ONE MOMENT",
    "WORK",
    "SAFE TO REMOVE",
    "E-STICK-TWO",
    "WRITE DOWN",
    "UNLOCKED",
    "MENU",
    "POWER OFF",
}
FAILURES = (
    "E-STICK-FULL",
    "E-STICK-IO",
    "E-STICK-VERIFY",
    "E-STATE-DAMAGED",
    "E-CLOCK-SET",
    "E-NOBODY-KNOWS",
)


class Fate:
    """Answers requests, in order, when the storm says so.

    Args:
        random: Picks the answers.
        post: Where they go.
    """

    def __init__(self, random: Random, post: Callable[[Event], None]) -> None:
        self._random = random
        self._post = post
        self._provisioned = random.random() < PROVISIONED
        self._orders: list[tuple[int, Any]] = []

    def open_vault(self) -> None:
        self._orders.append((0, None))

    def close_vault(self) -> None:
        self._orders.clear()

    def submit(self, ticket: int, request: Any) -> None:
        if not isinstance(request, PowerOff | Restart):
            self._orders.append((ticket, request))

    def stop(self) -> None:
        for ticket, request in self._orders:
            if isinstance(request, WORK):
                self._post(Answer(ticket, failed("E-STOPPED", "It was stopped.")))
        self._orders = [order for order in self._orders if not isinstance(order[1], WORK)]

    def close(self) -> None:
        self._orders.clear()

    def answer(self) -> None:
        """Let the oldest order be answered: as usual mostly."""
        if not self._orders:
            return
        ticket, request = self._orders[0]
        if isinstance(request, WORK):
            self._post(Progressed(ticket=ticket, progress=HALF))
            if self._random.random() < LONG_WORK:
                return  # and whatever comes next, comes inside the work
        self._orders.pop(0)
        if request is None:
            ready = VaultReady(provisioned=self._provisioned)
            waits = VaultReady(provisioned=True, failed_attempts=3, wait_s=7)
            self._post(waits if self._provisioned and self._random.random() > USUALLY else ready)
            return
        possible: list[Event] = [Answer(ticket, result) for result in self._usual(request)]
        unusual = [Answer(ticket, failed(code, "It did not work.")) for code in FAILURES]
        possible += [*unusual, VaultLost("the vault process ended"), Bug()]
        place = 0 if self._random.random() < USUALLY else self._random.randrange(len(possible))
        self._post(possible[place])

    def _usual(self, request: Any) -> tuple[Any, ...]:
        if isinstance(request, FormatStick):
            return (replace(request.stick, label=request.label, filesystem="vfat"),)
        self._provisioned |= isinstance(request, rq.Init | Restore)
        return ANSWERS[type(request)]


@cache
def images() -> tuple[Path, ...]:
    """Return a stick of each label, made once."""
    twins = open_twins(Path(mkdtemp(prefix="pism-storm-"))).twins
    assert twins is not None
    folder = Path(mkdtemp(prefix="pism-storm-"))
    (folder / "sticks").mkdir()
    board = open_twins(folder)
    assert board.twins is not None
    return tuple(board.twins.sticks.make(label) for label in LABELS)


class Storm:
    """Where the daemon takes its events from: what was posted first, then the next blow of the storm.

    Args:
        blows: Numbers; each says what happens next.
        twins: Far side of the board.
    """

    def __init__(self, blows: list[int], twins: Twins) -> None:
        self._blows = iter(blows)
        self._twins = twins
        self._posted: list[Event | None] = []
        self._down: list[str] = []
        self._sticks: list[Stick] = []
        self._random = Random(sum(blows))
        self.fate = Fate(self._random, self._posted.append)
        self.daemon: Daemon

    def put(self, event: Event | None, /) -> None:
        self._posted.append(event)

    def get(self, *, timeout: float | None) -> Event | None:
        while not self._posted:
            blow = next(self._blows, None)
            if blow is None:
                return None
            self._strike(blow, timeout)
        return self._posted.pop(0)

    def _strike(self, blow: int, timeout: float | None) -> None:
        kind, detail = blow % KINDS, blow // KINDS
        key = KEYS[detail % len(KEYS)]
        blows: dict[int, Callable[[], None]] = {
            0: lambda: self._tap(key),
            1: lambda: self._tap("ABCD"[detail % 4]),
            2: lambda: self._tap("#"),
            3: lambda: self._tap("#*D"[detail % 3]),
            4: self._type_words,
            5: lambda: self._move(key),
            6: lambda: self._move("*#"[detail % 2]),
            7: lambda: self._pass(TIMES_S[detail % len(TIMES_S)]),
            8: lambda: self._pass(timeout or 0),
            9: lambda: self._plug(detail),
            10: self._pull,
            11: lambda: self._disturb(detail),
        }
        blows.get(kind, self.fate.answer)()

    def _pull(self) -> None:
        if self._sticks:
            self._twins.sticks.pull(self._sticks.pop())

    def _tap(self, key: str) -> None:
        self._posted += [KeyPressed(key), KeyReleased(key)]

    def _move(self, key: str) -> None:
        """Put a key down, or let the one go that is down."""
        if self._down:
            self._posted.append(KeyReleased(self._down.pop()))
        else:
            self._down.append(key)
            self._posted.append(KeyPressed(key))

    def _pass(self, seconds: float) -> None:
        self._twins.clock.advance(timedelta(seconds=seconds))
        raise queue.Empty

    def _plug(self, detail: int) -> None:
        if len(self._sticks) < 2:
            image = images()[detail % len(LABELS)]
            if image not in {stick.node for stick in self._sticks}:
                self._sticks.append(self._twins.sticks.insert(image))

    def _type_words(self) -> None:
        """Type the eight words where they are asked for; the last is left out at times."""
        if not isinstance(self.daemon.machine.shown, Entry):
            for key in "##A":  # what leads there mostly
                self._tap(key)
            return
        for word in WORDS[: 7 + self._random.randrange(2)]:
            for key in fewest_keys(word):
                self._tap(key)
        self._twins.clock.advance(timedelta(seconds=GUARD_S))
        self._tap("#")

    def _disturb(self, detail: int) -> None:
        match detail % 12:
            case 0 | 1 | 2:
                self._twins.panel.unplug()
            case 3 | 4 | 5:
                self._twins.panel.plug()
            case 6 | 7:
                self._twins.panel.refuse(1 + detail % 5)
            case 8 | 9:
                self._posted.append(KeyStuck(("5",)))
            case 10:
                self._posted.append(PowerAsked(restart=detail > KINDS))
            case 11:
                self._posted.append(VaultLost("the vault process ended"))


CLEAN: set[bytes] = set()
"""Pictures that were read already, in this storm or another, and gave nothing away."""


class Watch:
    """Looks at everything that could give a secret away."""

    def __init__(self, storm: Storm, twins: Twins) -> None:
        self._storm = storm
        self._twins = twins

    def look(self) -> None:
        shown = self._storm.daemon.machine.shown
        assert not tells(repr(shown))
        assert not tells(repr(self._storm.daemon._entries))
        if may_show(shown) or self._storm.daemon._display_retry.due_s is not None:
            return  # a panel that refused a picture keeps the one before until it is drawn again
        picture = self._twins.panel.image()
        data = picture.tobytes()
        if data not in CLEAN and self._twins.panel.plugged:
            assert not tells(read_text(picture)), title_of(shown)
            CLEAN.add(data)


def may_show(shown: Shown) -> bool:
    """Tell whether words may stand on this page: while they are entered, and where they are proposed."""
    return isinstance(shown, Entry) or (isinstance(shown, Page) and isinstance(shown.body, Proposed))


def tells(text: str) -> bool:
    return any(word in text for word in WORDS)


@contextmanager
def listening() -> Iterator[list[logging.LogRecord]]:
    """Collect everything that is logged."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]  the smallest handler there is
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield records
    finally:
        root.removeHandler(handler)


def storm(blows: list[int], make_watch: Callable[[Storm, Twins], Callable[[], None]]) -> None:
    """Run a daemon through a storm; fail on what is logged."""
    board = open_twins(images()[0].parent.parent)
    assert board.twins is not None
    weather = Storm(blows, board.twins)
    look = make_watch(weather, board.twins)
    kiosk = change(SETTINGS.kiosk, recognition=blows[0] % 2 == 0)
    machine = Machine(replace(SETTINGS, kiosk=kiosk))
    weather.daemon = Daemon(board, lambda _: weather.fate, make_entries(), machine, turn=look, inbox=weather)
    with listening() as records:
        weather.daemon.run()
    assert not [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    assert not any(tells(record.getMessage()) for record in records)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(BLOWS, min_size=20, max_size=60))
def test_no_storm_breaks_the_daemon_or_brings_a_secret_to_light(blows: list[int]) -> None:
    storm(blows, lambda weather, twins: Watch(weather, twins).look)


@pytest.mark.fuzz("daemon storms")
def test_no_seeded_storm_breaks_the_daemon_in_any_state(fuzzer: Fuzzer) -> None:
    """The same, long: with the states that were reached, and those in which a stick came or went."""
    reached: set[str] = set()

    def make_watch(weather: Storm, twins: Twins) -> Callable[[], None]:
        watch = Watch(weather, twins)

        def look() -> None:
            watch.look()
            reached.add(title_of(weather.daemon.machine.shown))

        return look

    def check(random: Random) -> None:
        blows = [random.randrange(KINDS * 48) for _ in range(random.choice((20, 60, 200)))]
        with fuzzer.answer():
            storm(blows, make_watch)
        fuzzer.counted["blows"] += len(blows)
        fuzzer.counted["titles"] = len(reached)

    fuzzer.run(check, inputs=10)


def test_storms_reach_the_far_corners() -> None:
    random = Random(3)
    reached: set[str] = set()

    def make_watch(weather: Storm, _twins: Twins) -> Callable[[], None]:
        return lambda: reached.add(title_of(weather.daemon.machine.shown))

    for _ in range(24):
        storm([random.randrange(KINDS * 48) for _ in range(100)], make_watch)
    assert reached >= CORNERS


def test_the_watch_is_not_blind() -> None:
    sample = SAMPLES["proposed-words"]
    shown = ProposalView(WORDS)
    assert tells(read_text(replace(sample, proposal=shown).draw()))
    others = (replace(other, entry=None, proposal=None) for other in SAMPLES.values())
    assert not any(tells(read_text(other.draw())) for other in others)
