"""A daemon whose clock a test moves by hand: events, seconds and acts are played to it in turn."""

import queue
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.api.results import Recognized
from hw.ports import KeyPressed, KeyReleased
from hw.system.emulated import EmulatedClock
from kiosk.daemon.daemon import Daemon, Worker
from kiosk.entry.buffers import BEGINNING_WORDS
from kiosk.entry.words import GUARD_S, keys_of
from kiosk.flows.box import Settings
from kiosk.machine.events import Event
from kiosk.machine.machine import Machine
from kiosk.work.worker import Answer, VaultReady
from tests.kiosk.facts import SESSION, TABLE
from tests.kiosk.flows.steps import title_of
from tests.kiosk.live import WORDS, make_entries, open_twins

SETTINGS = Settings(sticks=TABLE)
Move = Event | float | Callable[[], None] | None


class HandClock:
    """Where events wait while a test moves the clock: a number lets so many seconds pass."""

    def __init__(self, clock: EmulatedClock, *moves: Move) -> None:
        self._clock = clock
        self._moves = [*moves]
        self._own: list[Event | None] = []
        self.waits: list[float | None] = []

    def put(self, event: Event | None, /) -> None:
        self._own.append(event)

    def get(self, *, timeout: float | None) -> Event | None:
        while True:
            if self._own:
                return self._own.pop(0)
            if not self._moves:
                return None
            move = self._moves.pop(0)
            if isinstance(move, int | float):
                self.waits.append(timeout)
                passing = move if timeout is None else min(move, timeout)
                self._clock.advance(timedelta(seconds=passing))
                if passing < move:
                    self._moves.insert(0, move - passing)
                raise queue.Empty
            if callable(move):
                move()
                continue
            return move


class NotedWorker:
    """A worker that only notes its orders."""

    def __init__(self, orders: list[object]) -> None:
        self._orders = orders

    def open_vault(self) -> None:
        self._orders.append("open vault")

    def close_vault(self) -> None:
        self._orders.append("close vault")

    def submit(self, ticket: int, request: Any) -> None:
        self.ticket = ticket
        self._orders.append(request)

    def stop(self) -> None:
        self._orders.append("stop")

    def close(self) -> None:
        self._orders.append("close")


class Loop:
    """A daemon on twins, its orders noted; `play` runs it through moves, then ends it."""

    def __init__(self, folder: Path, **emulation: Any) -> None:
        self.board = open_twins(folder, **emulation)
        assert self.board.twins is not None
        self.twins = self.board.twins
        self.orders: list[object] = []
        self.entries = make_entries()
        self.turns = 0
        self.daemon: Daemon
        self.worker: NotedWorker

    def play(self, *moves: Move, **options: Any) -> str:
        """Run through moves, and return the title of what is shown at the end."""
        self.inbox = HandClock(self.twins.clock, *moves)

        def make_worker(_post: object) -> Worker:
            self.worker = NotedWorker(self.orders)
            return self.worker

        def turn() -> None:
            self.turns += 1

        self.daemon = Daemon(
            self.board,
            make_worker,
            self.entries,
            Machine(SETTINGS),
            inbox=self.inbox,
            turn=turn,
            **options,
        )
        self.daemon.run()
        return self.title

    @property
    def title(self) -> str:
        return title_of(self.daemon.machine.shown)

    def answer(self, result: Any) -> Callable[[], None]:
        """Return a move that answers what was asked last."""
        return lambda: self.daemon.post(Answer(self.worker.ticket, result))

    def unlock(self) -> tuple[Move, ...]:
        """Return the moves that open a session."""
        return (READY, *tap("#"), *self.typed(), self.answer(SESSION))

    def typed(self) -> tuple[Move, ...]:
        """Return the moves that type the passphrase, past the words by which the box is known."""
        words = [(*spell(word), *tap("A")) for word in WORDS]
        begun = sum(words[:BEGINNING_WORDS], ())
        rest = sum(words[BEGINNING_WORDS:], ())
        return (*begun, self.answer(Recognized(words=("cradle", "orbit"))), *rest, GUARD_S, *tap("#"))

    def leave(self) -> None:
        self.daemon.leave()

    def end(self) -> None:
        self.daemon.end()

    def see(self, seen: list[Any]) -> Callable[[], None]:
        """Return a move that notes the title, the contrast, and whether the panel is on."""
        return lambda: seen.append((self.title, self.twins.panel.contrast, self.twins.panel.on))


READY = VaultReady(provisioned=True)


def tap(key: str) -> tuple[Move, Move]:
    return KeyPressed(key), KeyReleased(key)


def spell(word: str) -> tuple[Move, ...]:
    return tuple(move for key in keys_of(word) for move in tap(key))
