"""A daemon whose clock a test moves by hand: events, seconds and acts are played to it in turn."""

import queue
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hw.ports import KeyPressed, KeyReleased
from hw.system.emulated import EmulatedClock
from kiosk import effects as fx
from kiosk import events as ev
from kiosk.daemon.daemon import Daemon, Worker
from kiosk.entry.buffers import Entries
from kiosk.entry.words import keys_of
from kiosk.machine import start
from kiosk.reports import Settings
from kiosk.states import Screen
from tests.kiosk.facts import SESSION, TABLE
from tests.kiosk.live import make_entries, open_twins

SETTINGS = Settings(sticks=TABLE, lock_after_s=300, dim_after_s=60)
Move = ev.Event | float | Callable[[], None] | None


class HandClock:
    """Where events wait while a test moves the clock: a number lets so many seconds pass."""

    def __init__(self, clock: EmulatedClock, *moves: Move) -> None:
        self._clock = clock
        self._moves = [*moves]
        self._own: list[ev.Event | None] = []
        self.waits: list[float | None] = []

    def put(self, event: ev.Event | None, /) -> None:
        self._own.append(event)

    def get(self, *, timeout: float | None) -> ev.Event | None:
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

    def submit(self, effect: fx.Effect, entries: Entries) -> None:
        self._orders.append(effect)

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

    def play(self, *moves: Move, begin: tuple[Screen, fx.Effects] | None = None, **options: Any) -> Screen:
        self.inbox = HandClock(self.twins.clock, *moves)

        def make_worker(_post: object) -> Worker:
            return NotedWorker(self.orders)

        def turn() -> None:
            self.turns += 1

        self.daemon = Daemon(
            self.board,
            make_worker,
            self.entries,
            begin or start(SETTINGS),
            inbox=self.inbox,
            turn=turn,
            **options,
        )
        self.daemon.run()
        return self.daemon.screen

    def leave(self) -> None:
        self.daemon.leave()

    def end(self) -> None:
        self.daemon.end()

    def see(self, seen: list[Any]) -> Callable[[], None]:
        """Return a move that notes screen, glass and lines."""
        return lambda: seen.append((self.daemon.screen, self.twins.panel.contrast, self.twins.panel.on))


READY = ev.VaultReady(provisioned=True)
UNLOCKED = ev.Unlocked(SESSION)


def tap(key: str) -> tuple[Move, Move]:
    return KeyPressed(key), KeyReleased(key)


def spell(word: str) -> tuple[Move, ...]:
    return tuple(move for key in keys_of(word) for move in tap(key))
