"""The daemon: one queue, one loop. It feeds events to the machine, performs its effects, draws its pages.

Rules:

1. Only this loop touches machine, entry and display. Devices and the worker post events from their threads.
2. Nothing here blocks but waiting for the next event: vault and stick work is the worker's.
3. A display that fails never stops anything: the frame is owed, and tried again with back-off.
4. A keypad whose pins cannot be had is said on the screen, and tried again with back-off.
5. What is in neither error tree is a bug: it is logged where it happened, without values; the machine is
   told (`Bug`), which locks; the loop goes on. A bug while that is told ends the daemon: systemd starts it
   again.
6. Idle, it sleeps in the kernel until an event, a timer, the watchdog's turn, or the next minute where a page
   that is lit tells the time.
7. A thread of a device or of the worker that dies ends the daemon, with a page that says so: a box that looks
   alive and hears no key or stick is worse than one that starts anew.
"""

import logging
import queue
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from core.api.wire import Failed
from core.errors import CaError, describe_bug
from hw.board import Board
from hw.errors import DisplayError, KeypadError
from kiosk.daemon.timers import Retry, Timers
from kiosk.entry.buffers import Entries, EntryChanged, Purpose
from kiosk.flows.dialogs import problem_page
from kiosk.flows.flow import ProposeWords
from kiosk.machine import effects as fx
from kiosk.machine.events import DeviceFailed, Event, PowerAsked, TimerFired
from kiosk.machine.light import Glass
from kiosk.machine.machine import Machine
from kiosk.screens.drawing import draw
from kiosk.work.devices import PowerOff, Restart
from kiosk.work.worker import Answer, Bug

log = logging.getLogger(__name__)

BRIGHT: Final = 0x80
DIM: Final = 0x08
_MINUTE_S: Final = 60

Post = Callable[[Event], None]


class Worker(Protocol):
    """Whoever does what takes time, and posts what came of it: kiosk.work.worker."""

    def open_vault(self) -> None:
        """Start the vault process."""

    def close_vault(self) -> None:
        """Close the connection, which is the lock."""

    def submit(self, ticket: int, request: Any) -> None:
        """Take a request, with its secrets; it is answered under its ticket."""

    def stop(self) -> None:
        """End the running work at its next commit."""

    def close(self) -> None:
        """Lock, and end for good."""


class Inbox(Protocol):
    """A queue.SimpleQueue, or in a test one that lets the time pass by hand."""

    def put(self, event: Event | None, /) -> None:
        """Add an event, from any thread or signal handler; None ends the daemon."""

    def get(self, *, timeout: float | None) -> Event | None:
        """Wait for an event; queue.Empty when `timeout` seconds passed without one."""


class Daemon:
    """The kiosk.

    Args:
        board: Its devices.
        make_worker: Makes the worker, given where answers are posted.
        entries: Where what the operator types stands.
        machine: What the operator's side of it does.
        turn: Called once a turn of the loop: the watchdog's ping.
        turn_every_s: Longest time between two turns; None: no need to wake.
        inbox: Where events wait; None: a queue.
    """

    def __init__(
        self,
        board: Board,
        make_worker: Callable[[Post], Worker],
        entries: Entries,
        machine: Machine,
        *,
        turn: Callable[[], None] = lambda: None,
        turn_every_s: float | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        self.machine = machine
        self._board = board
        self._entries = entries
        self._turn = turn
        self._turn_every_s = turn_every_s
        self._inbox: Inbox = inbox or queue.SimpleQueue()
        self._own: deque[Event] = deque()
        self._timers = Timers()
        self._display_retry = Retry()
        self._keypad_retry = Retry()
        self._minute_due_s: float | None = None
        self._leaving = False
        self._failure: BaseException | None = None
        self._worker = make_worker(self.post)

    def post(self, event: Event) -> None:
        """Queue an event, from any thread."""
        self._inbox.put(event)

    def end(self) -> None:
        """Let `run` return after what is queued, from any thread."""
        self._inbox.put(None)

    def fail(self, error: BaseException) -> None:
        """Let `run` end with an error that a thread has died of, from that thread."""
        self._failure = self._failure or error
        self.end()

    def leave(self) -> None:
        """Let the work end, lock, show the last words, and let `run` return; from a signal or any thread."""
        self._leaving = True
        self.post(PowerAsked())

    def run(self) -> None:
        """Show the first screen, start the devices, and turn until `end` or `leave`."""
        try:
            first = self.machine.start()
            self._show()
            for effect in first:
                self._perform(effect)
            self._start_keypad()
            self._board.sticks.start(self.post)
            while not self._has_left() and self._wait():
                self._turn()
            if self._failure is not None:
                self._show_failure()
                raise self._failure
        finally:
            self._board.sticks.close()
            self._board.keypad.close()
            self._worker.close()
            self._entries.wipe()
            self._board.display.close()

    def _has_left(self) -> bool:
        return self._leaving and self.machine.is_off

    def _wait(self) -> bool:
        """Take the next event, or let time pass; False when the daemon is to end."""
        now_s = self._board.clock.monotonic()
        entry_due_s = self._entries.next_change_s(now_s)
        dues = (
            self._timers.next_due_s(),
            entry_due_s,
            self._display_retry.due_s,
            self._keypad_retry.due_s,
            self._minute_due_s,
        )
        waits = [max(0.0, due - now_s) for due in dues if due is not None]
        if self._turn_every_s is not None:
            waits.append(self._turn_every_s)
        try:
            event = self._inbox.get(timeout=min(waits, default=None))
        except queue.Empty:
            pass
        else:
            if event is None or self._has_left():
                return False
            self._take(event)
        self._pass_time(entry_due_s)
        return True

    def _pass_time(self, entry_due_s: float | None) -> None:
        """Do what is due; the entry tells no more when it would have changed, once that has come."""
        now_s = self._board.clock.monotonic()
        entry_is_due = entry_due_s is not None and entry_due_s <= now_s
        if entry_is_due and (event := self._entries.tick(now_s)) is not None:
            self._take(event)
        while (name := self._timers.take_due(now_s)) is not None:
            self._take(TimerFired(name))
        if self._keypad_retry.is_due(now_s):
            self._start_keypad()
        is_minute = self._minute_due_s is not None and self._minute_due_s <= now_s
        if self._display_retry.is_due(now_s) or is_minute:
            self._show()

    def _take(self, event: Event) -> None:
        """Feed an event to the machine, and all that its effects set off at once; then draw."""
        self._own.append(event)
        while self._own:
            taken = self._own.popleft()
            try:
                self._follow(taken)
            except Exception as error:
                log.error("%s", describe_bug(error))  # noqa: TRY400  rule 5: without values
                if isinstance(taken, Bug):
                    raise
                self._own.append(Bug())

    def _follow(self, event: Event) -> None:
        """Take one step of the machine, perform its effects, and draw when nothing else is set off."""
        for effect in self.machine.step(event):
            self._perform(effect)
        if not self._own:
            self._show()

    def _start_keypad(self) -> None:
        """Start the keypad, or say on the screen that there is none, once, and try again later."""
        try:
            self._board.keypad.start(self.post)
        except KeypadError as error:
            if self._keypad_retry.is_first:
                log.warning("%s %s", error.code, error)
                self._take(DeviceFailed(error.code, str(error)))
            self._keypad_retry.fail(self._board.clock.monotonic())
        else:
            self._keypad_retry.succeed()

    def _perform(self, effect: fx.Effect) -> None:
        now_s = self._board.clock.monotonic()
        match effect:
            case fx.SetTimer(name=name, seconds=seconds):
                self._timers.set(name, seconds, now_s)
            case fx.CancelTimer(name=name):
                self._timers.cancel(name)
            case fx.Dim() | fx.Blank() | fx.Wake():
                self._light(BRIGHT if isinstance(effect, fx.Wake) else DIM, off=isinstance(effect, fx.Blank))
            case fx.StartEntry() | fx.CorrectEntry() | fx.ResumeEntry() | fx.FeedEntry() | fx.WipeEntry():
                self._edit(effect, now_s)
            case ProposeWords(others=others):
                self._entries.propose(others=others)
                self._own.append(EntryChanged())
            case _:
                self._order(effect)

    def _edit(self, effect: fx.EntryEffect, now_s: float) -> None:
        """Do what an effect wants of the entries."""
        match effect:
            case fx.StartEntry(purpose=purpose):
                self._entries.start(purpose)
            case fx.CorrectEntry(purpose=purpose, refused=refused):
                self._entries.correct(purpose, refused=refused)
            case fx.ResumeEntry(purpose=purpose):
                self._entries.resume(purpose)
            case fx.FeedEntry(key=key, down=down):
                if (news := self._entries.feed(key, now_s, down=down)) is not None:
                    self._own.append(news)
            case fx.WipeEntry():
                self._entries.wipe()

    def _order(self, effect: fx.Effect) -> None:
        """Have the worker do what takes time."""
        match effect:
            case fx.OpenVault():
                self._worker.open_vault()
            case fx.CloseVault():
                self._worker.close_vault()
            case fx.StopWork():
                self._worker.stop()
            case fx.Perform(ticket=ticket, request=request, fields=fields):
                try:
                    filled = self._fill(request, dict(fields))
                except CaError as error:  # what was typed is no passphrase at all
                    failed = Failed(code=error.code, text=str(error), action=error.action)
                    self._own.append(Answer(ticket, failed))
                else:
                    self._worker.submit(ticket, filled)
            case fx.SwitchOff(ticket=ticket, restart=restart):
                self._show()  # the last words stay on the panel; then the system goes down, or we only end
                if not self._leaving:
                    self._worker.submit(ticket, Restart() if restart else PowerOff())

    def _fill(self, request: type[Any], fields: dict[str, Any]) -> Any:
        """Return the request with the bytes of the buffers that it names, and the time where it wants one."""
        for name, value in fields.items():
            if isinstance(value, Purpose):
                fields[name] = self._entries.for_request(value)
        names = getattr(request, "__struct_fields__", None)
        if names is not None and "now" in names:
            fields.setdefault("now", self._board.clock.now())
        return request(**fields)

    def _light(self, contrast: int, *, off: bool) -> None:
        try:
            self._board.display.contrast(contrast)
            self._board.display.blank(off=off)
        except DisplayError as error:
            self._owe(error)

    def _show(self) -> None:
        """Draw the page; the driver sends what changed."""
        now_s, now = self._board.clock.monotonic(), self._board.clock.now()
        page, glass = self.machine.shown, self.machine.light.glass
        is_telling = page.tells_time and glass is not Glass.BLANK
        self._minute_due_s = now_s + _MINUTE_S - now.second if is_telling else None
        try:
            image = draw(
                page,
                self._entries.entry_view(now_s),
                self._entries.proposal_view(),
                stuck=self.machine.stuck,
                shift=None if glass is Glass.BRIGHT else self.machine.light.shift,
                now=now,
            )
            self._board.display.show(image)
        except DisplayError as error:
            self._owe(error)
        else:
            self._display_retry.succeed()

    def _show_failure(self) -> None:
        """Leave on the panel that the daemon ends (rule 7)."""
        with suppress(DisplayError):
            self._board.display.blank(off=False)
            self._board.display.show(draw(problem_page("E-BUG", "")))

    def _owe(self, error: DisplayError) -> None:
        """Try the frame again later; said once in the log, not at every try."""
        if self._display_retry.is_first:
            log.warning("%s %s", error.code, error)
        self._display_retry.fail(self._board.clock.monotonic())
