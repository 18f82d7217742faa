"""`pism emulate`: the box, live in a terminal.

The real daemon, flows, vault process and stick code run on twins, in kiosk.emulator.box; this is only their
front: panel, keypad, stick slot, clock and wires. Every picture says that it is an emulation.

Rules: the front never waits for the box: what takes a moment is done in order by a queue of actions; it looks
at the panel every 50 ms. It ends with its terminal, and leaves nothing of the box behind then either.
"""

import asyncio
import os
import queue
import select
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static

from core.errors import CaError
from core.policy.config import load_config
from core.policy.rules import RESERVED_LABELS
from hw.errors import HardwareError
from hw.ports import KEYS, Stick
from kiosk.emulator.box import EmulatedBox
from kiosk.emulator.dialogs import Choice, ClockScreen, SlotScreen
from kiosk.emulator.folder import Start
from kiosk.emulator.widgets import EMULATION, Key, Pad, PanelView
from kiosk.screens.frames import save_emulated

LOOK_EVERY_S: Final = 0.05
_WIDE: Final = (162, 42)  # columns and rows from which on pixels are half blocks
_DIM: Final = 0x20  # contrast below which the glass is shown dimmed
_HINT: Final = "Keys 0-9 * # a-d, or the mouse; Enter: #, Backspace: *; h, then a key: held"
_BY_SIGNAL: Final = 128  # and its number: an exit status as a shell has it
_ALIAS: Final = {"enter": "#", "backspace": "*"}


class Emulator(App[None]):
    """The front of one emulated box.

    Args:
        start: How the box stands at first.
    """

    CSS_PATH = "emulator.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = f"PiSM {EMULATION}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "insert", "Stick"),
        Binding("p", "pull", "Pull"),
        Binding("t", "clock", "Time"),
        Binding("h", "hold", "Hold"),
        Binding("x", "wires('display')", "Display"),
        Binding("k", "wires('keypad')", "Keypad"),
        Binding("s", "picture", "Picture"),
        Binding("r", "switch_on", "On", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, start: Start) -> None:
        super().__init__()
        self._start = start
        self._labels = (*load_config(start.folders.config).sticks, *RESERVED_LABELS)
        self.box: EmulatedBox | None = None
        self._actions = ActionQueue(self._fail)
        self._lost: set[str] = set()
        self._holding = ""
        self._hold_next = False
        self._ending: EmulatedBox | None = None
        self._instant = start.instant
        self._loop_of_front: asyncio.AbstractEventLoop | None = None
        self.left_by: int | None = None

    def compose(self) -> ComposeResult:
        """Lay out the front."""
        yield Static(f"PiSM {EMULATION}: no real box, its keys and passphrases protect nothing", id="title")
        with Horizontal(id="front"):
            yield PanelView()
            yield Pad()
        with Vertical(id="facts"):
            yield Static("", id="slot", markup=False)
            yield Static("", id="clock", markup=False)
            yield Static(self._passphrase(), id="passphrase", markup=False)
            yield Static(_HINT, id="message", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Switch the box on, with a stick in it if that was asked."""
        self._loop_of_front = asyncio.get_running_loop()
        self.switch_on()
        if self.left_by is not None:
            self.exit()
        if self._start.stick and self.box is not None:
            self._actions.do(partial(self.box.insert, self._start.stick, self._start.faults))
        self.set_interval(LOOK_EVERY_S, self.look)

    def leave(self, number: int = signal.SIGHUP) -> None:
        """End the emulation, from a signal or any thread: the terminal is gone, or the system asks for it."""
        self.left_by = number
        if number == signal.SIGHUP:
            _silence()
        if self._loop_of_front is not None:
            self._loop_of_front.call_soon_threadsafe(self.exit)

    async def on_unmount(self) -> None:
        """Switch the box off, and wait for it."""
        await asyncio.to_thread(self._end)

    def on_resize(self, event: events.Resize) -> None:
        """Draw pixels as half blocks where there is room."""
        self.screen.set_class(event.size.width >= _WIDE[0] and event.size.height >= _WIDE[1], "wide")

    def on_key(self, event: events.Key) -> None:
        """Press the key of the pad that has this name."""
        key = _ALIAS.get(event.key, (event.character or "").upper())
        if len(self.screen_stack) > 1 or len(key) != 1 or key not in KEYS:
            return
        event.stop()
        event.prevent_default()
        self.tap(key)

    def on_key_moved(self, event: Key.Moved) -> None:
        """Do what the mouse does."""
        self._move(event.key, down=event.down)

    def tap(self, key: str) -> None:
        """Press a key and let go; or keep it down, when that was asked, until the next one."""
        if self._holding:
            held, self._holding = self._holding, ""
            self._move(held, down=False)
            if held == key:
                return
        self._move(key, down=True)
        if self._hold_next:
            self._hold_next, self._holding = False, key
            self.say(f"{key} is held down; press it again, or another key, to let go")
        else:
            self._move(key, down=False)

    def look(self) -> None:
        """Show what the box shows."""
        box = self.box
        if box is None or not self.is_running:
            return
        picture = box.picture()
        base = self.screen_stack[0]
        panel = base.query_one(PanelView)
        panel.show(picture, blocks=base.has_class("wide"))
        panel.set_class(box.twins.panel.contrast < _DIM, "dim")
        base.query_one("#slot", Static).update(f"Stick    {_slot_line(box.twins.sticks.inserted())}")
        wires = ", ".join(
            f"{device} {'LOST' if device in self._lost else 'ok'}" for device in ("display", "keypad")
        )
        base.query_one("#clock", Static).update(
            f"Clock    {box.board.clock.now():%Y-%m-%d %H:%M:%S} UTC   {wires}"
        )
        if box.twins.power.pressed and box is not self._ending:  # it takes longer than until the next look
            self._ending = box
            self._go_down(box, restart=box.twins.power.pressed == "restart")

    def say(self, text: str) -> None:
        """Show a line about what was done."""
        self.screen_stack[0].query_one("#message", Static).update(text)

    def switch_on(self) -> None:
        """Switch the box on."""
        self._lost.clear()
        self.box = EmulatedBox(self._start.folders, instant=self._instant)
        self.box.__enter__()  # ended by `_end`

    @work
    async def action_insert(self) -> None:
        """Ask for a stick and put it in."""
        if self.box is None:
            return
        inside = {stick.node for stick in self.box.twins.sticks.inserted()}
        images = tuple(image for image in self.box.twins.sticks.images() if image not in inside)
        choice = await self.push_screen_wait(SlotScreen(images, self._labels))
        if choice is not None and self.box is not None:
            self._actions.do(partial(_insert, self.box, choice))
            self.say(f"{choice.image.name if choice.image else choice.label or 'a new stick'} goes in")

    def action_pull(self) -> None:
        """Pull the stick that went in last."""
        if self.box is not None:
            self._actions.do(self.box.pull)
            self.say("pulled")

    @work
    async def action_clock(self) -> None:
        """Let time pass, or set another time."""
        if self.box is None:
            return
        answer = await self.push_screen_wait(ClockScreen(self.box.board.clock.now()))
        if self.box is None or answer is None:
            return
        if isinstance(answer, timedelta):
            self.box.advance_clock(answer)
            self.say(f"{answer} passed")
        else:
            self.box.set_clock(answer)
            self.say("the clock is set")

    def action_hold(self) -> None:
        """Keep the next key down."""
        self._hold_next = True
        self.say("the next key stays down")

    def action_wires(self, device: str) -> None:
        """Take the wires of a device off, or put them on again."""
        if self.box is None:
            return
        self._lost ^= {device}
        lost = device in self._lost
        self.box.wire(device, lost=lost)
        self.say(f"the wires of the {device} are {'off' if lost else 'on again'}")

    def action_picture(self) -> None:
        """Keep the panel's picture."""
        if self.box is None:
            return
        folder = Path.cwd()
        name = f"pism-emulation-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        path = next(path for n in range(1000) if not (path := folder / f"{name}-{n}.png").exists())
        save_emulated(self.box.picture(), path)
        self.say(f"saved {path.name} in {folder}")

    def action_switch_on(self) -> None:
        """Switch the box on again after it went down."""
        if self.box is None:
            self.switch_on()
            self.say("")

    def _move(self, key: str, *, down: bool) -> None:
        """Press a key or let it go."""
        if self.box is None:
            self.say("the box is off; r switches it on")
            return
        self.query_one(Pad).mark(key, down=down)
        self._actions.do(partial(self.box.push if down else self.box.let_go, key))

    @work
    async def _go_down(self, box: EmulatedBox, *, restart: bool) -> None:
        """End the box that switched itself off, and begin anew if that was asked."""
        await asyncio.to_thread(self._end)
        base = self.screen_stack[0]
        base.query_one(PanelView).show(box.picture(), blocks=base.has_class("wide"))
        self.say("the box is off; r switches it on")
        if restart:
            self.switch_on()
            self.say("the box was restarted")

    def _end(self) -> None:
        """End the box and its actions; in a thread, because it waits for both."""
        self._actions.rest()
        self._actions = ActionQueue(self._fail)
        box, self.box = self.box, None
        if box is not None:
            self._instant = box.board.clock.now()
            box.__exit__(None, None, None)

    def _fail(self, error: Exception) -> None:
        """Show what could not be done; called by the hand."""
        code = f"{error.code} " if isinstance(error, CaError | HardwareError) else ""
        self.call_later(self.say, f"{code}{error}")

    def _passphrase(self) -> str:
        if not self._start.words:
            return ""
        return f"Words    {' '.join(self._start.words)}"


def _insert(box: EmulatedBox, choice: Choice) -> None:
    """Put the chosen stick in."""
    image = choice.image or box.make(choice.label.upper(), blank=choice.blank)
    box.insert_image(image, choice.faults)


def _slot_line(sticks: tuple[Stick, ...]) -> str:
    """Return what is in the slot."""
    if not sticks:
        return "none in; i puts one in"
    return " and ".join(f"{stick.node.name} ({stick.label or 'no label'})" for stick in sticks)


def run_emulator(start: Start) -> int:
    """Show the box until the person quits, its terminal goes away, or the system ends it.

    Args:
        start: How the box stands at first.

    Returns:
        The exit status: 0, or as a shell has it of SIGHUP or SIGTERM.
    """
    front = Emulator(start)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: front.leave(number))
    threading.Thread(target=_await_hang_up, args=(front.leave,), name="terminal", daemon=True).start()
    front.run()
    return 0 if front.left_by is None else _BY_SIGNAL + front.left_by


def _await_hang_up(gone: Callable[[], None]) -> None:
    """Wait until the terminal hangs up: nobody may send SIGHUP, and a read of it ends at once, for ever."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # POLLHUP comes unasked, and nothing else does
    poll.poll()
    gone()


def _silence() -> None:
    """Let nothing more be read from or written to a terminal that is gone."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)


class ActionQueue:
    """A thread that does one thing after the other.

    Args:
        failed: Called, in that thread, with what a deed raised.
    """

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self._deeds: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="actions", daemon=True)
        self._thread.start()

    def do(self, deed: Callable[[], None]) -> None:
        """Do it after what was asked before."""
        self._deeds.put(deed)

    def rest(self) -> None:
        """Do what was asked, and end."""
        self._deeds.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (deed := self._deeds.get()) is not None:
            try:
                deed()
            except Exception as error:  # noqa: BLE001  shown to the person at the keyboard
                self._failed(error)
