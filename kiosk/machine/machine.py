"""The machine: what is true in all flows. It tells a flow what happens, and the daemon what the flow wants.

Pure: without clock, pin, screen or thread; the same events lead to the same pages. What follows from a change
alone is decided here, once, so that no flow can forget it:

1. The Box learns of every stick, key and vault event, and with each answer how the session stands, before
   the flow is told.
2. When no flow is under way, `rest` begins one. A flow that was refused something and does not catch it gives
   way to the page that says so.
3. Buffers are wiped (WipeEntry) when a secretive page gives way to one that is not, by whatever way.
4. The vault is opened when a page needs it, and closed (CloseVault) whenever a session or a rescue ends.
5. The auto-lock (kiosk.machine.auto_lock) runs while one is open or a secret may be in a buffer, unless
   something works. The flow is told by `Locked`.
6. The key that wakes the panel (kiosk.machine.light) does nothing else. Another page wakes it too; a stick
   put in and a session's begin wake it always, even a bright one.
7. A USB device that was refused is named where nothing is under way.
8. `Bug` and `VaultLost` end every flow and lock; `PowerAsked` ends it, too, after the work that runs, for
   which it waits 30 s at most.
9. An answer that nobody waits for any more is dropped: every request has a ticket of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from core.api.wire import Failed
from hw.ports import KeyPressed, KeyReleased, KeyStuck, StickInserted, StickRemoved, UsbRefused
from kiosk.entry.buffers import EntryFinished, EntryLeft
from kiosk.flows.box import Box, Settings
from kiosk.flows.diagnosis import fault
from kiosk.flows.dialogs import problem, tell
from kiosk.flows.flow import (
    LEFT,
    TICK,
    Ask,
    Entry,
    Flow,
    GaveUp,
    GoDown,
    Interruption,
    Locked,
    Page,
    ProposeWords,
    Refused,
    SticksChanged,
    Typed,
    Work,
)
from kiosk.flows.power import ENDING, GOING_OFF, RESTARTING
from kiosk.flows.resting import STARTING, rest, starting
from kiosk.machine.auto_lock import AutoLock, locks_in
from kiosk.machine.effects import (
    CancelTimer,
    CloseVault,
    CorrectEntry,
    Effect,
    Effects,
    FeedEntry,
    OpenVault,
    Perform,
    ResumeEntry,
    SetTimer,
    StartEntry,
    StopWork,
    SwitchOff,
    Timer,
    WipeEntry,
)
from kiosk.machine.events import DeviceFailed, Event, PowerAsked, TimerFired
from kiosk.machine.light import Glass, Light
from kiosk.screens.page import Shown
from kiosk.text.wrap import fit
from kiosk.work.inspection import Inspected
from kiosk.work.worker import Answer, Bug, Progressed, VaultLost, VaultReady

HOLD_S: Final = 2.0
POWER_WAIT_S: Final = 30
"""How long a power-off waits for the work to end."""


class Vault(StrEnum):
    """How the vault process stands."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class _Before:
    """What the effects of a change are told from."""

    page: Shown
    is_open: bool
    unlocked: bool
    lockable: bool
    warns: bool


class Machine:
    """The kiosk, as far as it can be thought without a box.

    Args:
        settings: What is known before anything is unlocked.
        begin: Begins the flow of a box where nothing is under way.
    """

    def __init__(self, settings: Settings, begin: Callable[[Box], Flow] = rest) -> None:
        self.box = Box(settings=settings)
        self.light = Light(settings.kiosk)
        self.stuck: tuple[str, ...] = ()
        self.vault = Vault.CLOSED
        self.is_off = False
        self._begin = begin
        self._flow: Flow = begin(self.box)
        self._page: Shown = Page()
        self._auto_lock = AutoLock(settings.kiosk)
        self._waking = ""  # the key that woke the panel or kept the session: swallowed until it is up
        self._held = ""  # the key whose hold is being timed
        self._ticket = 0
        self._asked: Ask | None = None
        self._ending: bool | None = None  # going down: to a restart?
        self._moved = False  # another page was yielded
        self._effects: list[Effect] = []

    @property
    def shown(self) -> Shown:
        """What is on the panel."""
        left_s = self._auto_lock.left_s
        if self._page == STARTING:
            return starting(self.box)
        return self._page if left_s is None else locks_in(left_s)

    @property
    def asked(self) -> Ask | None:
        """What is waited for."""
        return self._asked

    def start(self) -> Effects:
        """Begin the first flow, and return what the daemon has to do."""
        before = self._look()
        self._go_on(None)
        return self._settle(before, None)

    def step(self, event: Event) -> Effects:
        """Let `event` happen, expected or not, and return what the daemon has to do, in order."""
        before = self._look()
        self._moved = False
        swallowed = self._is_dead_key(event)
        self._learn(event)
        if not swallowed:
            self._take(event)
        return self._settle(before, event)

    # What happens

    def _learn(self, event: Event) -> None:
        """Let the box know of the event."""
        box = self.box
        match event:
            case StickInserted(stick=stick):
                others = tuple(known for known in box.sticks if known.identity != stick.identity)
                box.sticks = (*others, stick)
            case StickRemoved(identity=identity):
                box.sticks = tuple(known for known in box.sticks if known.identity != identity)
                if box.ignored == identity:
                    box.ignored = ""
            case KeyStuck(keys=keys):
                self.stuck = keys
            case KeyReleased(key=key):
                self._waking = "" if self._waking == key else self._waking
                self.stuck = tuple(stuck for stuck in self.stuck if stuck != key)
            case KeyPressed(key=key) if self.light.glass is not Glass.BRIGHT:
                self._waking = key
            case _:
                self._learn_news(event)

    def _learn_news(self, event: Event) -> None:
        """Let the box know of what the worker says."""
        box = self.box
        match event:
            case Answer(session=session) if session is not None and box.session is not None:
                box.session = session
            case Inspected():
                box.inspected = event
            case VaultReady() if self.vault is Vault.OPENING:  # else it was closed again meanwhile
                self.vault = Vault.OPEN
                box.provisioned = event.provisioned
                box.failed_attempts = event.failed_attempts
            case VaultLost():
                self.vault = Vault.CLOSED
                # An authority that was about to be made may be there now: that is asked anew.
                box.provisioned = box.provisioned or None

    def _is_dead_key(self, event: Event) -> bool:
        """Tell whether a key event ends here: a stuck key, or the one that wakes the panel, down or up."""
        match event:
            case KeyPressed(key=key):
                return key in self.stuck or self.light.glass is not Glass.BRIGHT
            case KeyReleased(key=key):
                return key in self.stuck or self._waking == key
        return False

    def _take(self, event: Event) -> None:
        """Do what the event is for: the machine's own first, then the flow's."""
        match event:
            case TimerFired(name=name):
                self._take_timer(name)
            case KeyPressed(key=key):
                self._press(key)
            case KeyReleased(key=key):
                self._release(key)
            case StickInserted() | StickRemoved() if self._page.minds_sticks:
                self._interrupt(SticksChanged())
            case UsbRefused(name=name) if self._page.rests:
                self._begin_flow(tell("NOT LET IN", fit(name), "It was refused: only", "sticks may go in."))
            case DeviceFailed(code=code, text=text) if self._page.rests or self._page.awaits_vault:
                self._begin_flow(problem(code, text))
            case PowerAsked(restart=restart):
                self._ask_power(restart=restart)
            case _:
                self._take_news(event)

    def _take_news(self, event: Event) -> None:
        """Do what news of the vault, the entry and the work are for."""
        match event:
            case VaultReady() if self._page.awaits_vault:
                self._go_on(event)
            case VaultLost(code=code, text=text) if self._ending is not None:
                self._switch_off(restart=self._ending)
            case VaultLost(code=code, text=text) if not self.is_off and self._needs_vault():
                self._break(code, text)
            case Bug() if self._ending is not None:
                self._switch_off(restart=self._ending)
            case Bug() if not self.is_off:
                self._break("E-BUG")
            case EntryFinished(same=same, text=text, begun=begun) if isinstance(self._page, Entry):
                self._go_on(Typed(same=same, text=text, begun=begun))
            case EntryLeft() if isinstance(self._page, Entry):
                self._go_on(LEFT)
            case Answer(ticket=ticket, result=result) if ticket == self._ticket:
                self._take_answer(result)
            case Progressed() if event.ticket == self._ticket and isinstance(self._page, Work):
                self._page = replace(
                    self._page, progress=event.progress, step=event.step, seconds_left=event.seconds_left
                )

    def _take_answer(self, result: Any) -> None:
        """Hand the flow what it asked for."""
        if self.is_off:
            if isinstance(result, Failed):  # the system stays up
                self.is_off = False
                self._begin_flow(problem(result.code, result.text))
        elif self._ending is not None:
            self._switch_off(restart=self._ending)
        elif self._asked is not None:
            self._asked = None
            if isinstance(result, Failed):
                self._go_on(throw=Refused.by(result))
            else:
                self._go_on(result)

    def _press(self, key: str) -> None:
        """Hand a key to the warning, the entry or the flow; begin to time a hold."""
        if key in self._page.holds and not self._auto_lock.warns:
            self._held = key
            self._effects.append(SetTimer(Timer.HOLD, HOLD_S))
        if self._auto_lock.warns:
            self._auto_lock.stay()
            self._waking = key
            self._moved = True
        elif isinstance(self._page, Entry):
            self._effects.append(FeedEntry(key, down=True))
        elif key in self._page.takes:
            if self._asked is not None:
                self._interrupt(GaveUp(key))
            else:
                self._go_on(key)

    def _release(self, key: str) -> None:
        """End a hold that was too short, and tell the entry."""
        if key == self._held:
            self._held = ""
            self._effects.append(CancelTimer(Timer.HOLD))
        if isinstance(self._page, Entry) and not self._auto_lock.warns:
            self._effects.append(FeedEntry(key, down=False))

    def _hold(self, key: str) -> None:
        """Take a key that was held long enough."""
        if isinstance(self._page, Work):
            if not self._page.stopping:
                self._page = replace(self._page, stopping=True)
                self._effects.append(StopWork())
        elif key in self._page.holds:
            self._go_on(f"hold {key}")

    def _take_timer(self, name: Timer) -> None:
        """Do what a timer is for; one that comes too late does nothing."""
        match name:
            case Timer.HOLD if self._held:
                held, self._held = self._held, ""
                self._hold(held)
            case Timer.LOCK if self._is_lockable():
                self._moved = True
                self._effects += self._auto_lock.warn()
            case Timer.COUNT if self._auto_lock.warns:
                self._count_down()
            case Timer.TICK if self._page.ticks:
                self._go_on(TICK)
                self._moved = self._moved and not self._page.ticks
            case Timer.POWER if self._ending is not None:
                self._switch_off(restart=self._ending)
            case Timer.DIM | Timer.BLANK:
                self._fade(name)

    def _count_down(self) -> None:
        """Show another second before the lock, or lock and tell the flow."""
        self._effects += self._auto_lock.count()
        if self._auto_lock.warns:
            return
        self.box.lock()
        self._asked = None
        self._interrupt(Locked())

    def _fade(self, name: Timer) -> None:
        """Let the light fade; a vault that nobody unlocked is not kept for a blank panel."""
        before = self.light.glass
        self._effects += self.light.fade(name, stays_on=self._page.busy)
        went_blank = self.light.glass is Glass.BLANK is not before
        if went_blank and not self._page.needs_vault and not self._page.secretive and not self.box.is_open:
            self.box.closing = True

    # The flow

    def _begin_flow(self, flow: Flow) -> None:
        """Let another flow take the place of the one that runs."""
        self._flow.close()
        self._flow = flow
        self._asked = None
        self._auto_lock.stay()
        self._go_on(None)

    def _rest(self) -> Flow:
        self.box.rescuing = False
        return self._begin(self.box)

    def _interrupt(self, interruption: Interruption) -> None:
        self._go_on(throw=interruption)

    def _go_on(self, sent: Any = None, throw: Exception | None = None) -> None:
        """Let the flow run to the next page or question; what ends it begins another."""
        self._auto_lock.stay()
        self._asked = None
        while True:
            try:
                yielded = self._flow.send(sent) if throw is None else self._flow.throw(throw)
            except (StopIteration, Interruption):
                self._flow = self._rest()
            except Refused as refused:
                self._flow = problem(refused.code, refused.text)
            else:
                match yielded:
                    case ProposeWords():
                        self._effects.append(yielded)
                    case GoDown(restart=restart):
                        self._switch_off(restart=restart)
                        return
                    case Ask():
                        self._ticket += 1
                        self._asked = yielded
                        self._effects.append(Perform(self._ticket, yielded.request, yielded.fields))
                        self._show(yielded.waiting)
                        return
                    case _:
                        self._show(yielded)
                        return
            sent = throw = None

    def _show(self, page: Shown) -> None:
        """Put another page in place; a hold that began on the last one ends."""
        if self._held and not (page.keeps_hold and self._held in page.holds):
            self._held = ""
            self._effects.append(CancelTimer(Timer.HOLD))
        if isinstance(page, Entry):
            self._effects += _begin_entry(page)
        self._page = page
        self._moved = True

    # The end of everything

    def _break(self, code: str, text: str = "") -> None:
        """Lock, and say what broke."""
        self.box.lock()
        self._begin_flow(fault(self.box, code, text))

    def _ask_power(self, *, restart: bool) -> None:
        """Go down, after the work that runs was stopped."""
        if self.is_off:
            if self._page != (RESTARTING if restart else GOING_OFF):
                self._switch_off(restart=restart)
        elif self._ending is None:
            if self._asked is not None and isinstance(self._page, Work):
                self._ending = restart
                self._auto_lock.stay()
                self._effects += [StopWork(), SetTimer(Timer.POWER, POWER_WAIT_S)]
                self._show(ENDING[restart])
            else:
                self._switch_off(restart=restart)

    def _switch_off(self, *, restart: bool) -> None:
        """Lock, leave the last words, and let the system go down."""
        self._flow.close()
        if self._ending is not None:
            self._effects.append(CancelTimer(Timer.POWER))
        self._asked = None
        self._ending = None
        self._auto_lock.stay()
        self.is_off = True
        self.box.lock()
        self._ticket += 1
        self._show(RESTARTING if restart else GOING_OFF)
        self._effects.append(SwitchOff(self._ticket, restart))

    # What follows from a change

    def _look(self) -> _Before:
        return _Before(
            page=self._page,
            is_open=self.box.is_open,
            unlocked=self.box.session is not None,
            lockable=self._is_lockable(),
            warns=self._auto_lock.warns,
        )

    def _needs_vault(self) -> bool:
        """Tell whether the loss of the vault ends what is under way."""
        page = self._page
        return page.busy or page.needs_vault or page.secretive or self._asked is not None or self.box.is_open

    def _is_lockable(self) -> bool:
        """Tell whether the lock timer runs: something is open, nothing works, and no countdown is shown."""
        open_now = self.box.is_open or self._page.secretive
        return open_now and not self._page.busy and not self._auto_lock.warns and not self._page.ticks

    def _settle(self, before: _Before, event: Event | None) -> Effects:
        """Return everything that the change brings about, before what the flow asked for."""
        own: list[Effect] = []
        if before.page.ticks and not self._page.ticks:
            own.append(CancelTimer(Timer.TICK))
        elif self._page.ticks and (self._moved or event == TimerFired(Timer.TICK)):
            own.append(SetTimer(Timer.TICK, 1))
        own += self._mind_vault(before)
        if before.page.secretive and not self._page.secretive:
            own.append(WipeEntry())
        if before.warns and not self._auto_lock.warns:
            own.append(CancelTimer(Timer.COUNT))
        own += self._mind_lock(before, event)
        own += self._mind_light(before, event)
        asked, self._effects = self._effects, []
        self._moved = False
        return (*own, *asked)

    def _mind_vault(self, before: _Before) -> list[Effect]:
        """Return the vault closed when what it held ended, and opened when one is wanted; in that order."""
        own: list[Effect] = []
        ended = before.is_open and not self.box.is_open
        if self.box.closing or ended:
            if self.vault is not Vault.CLOSED or ended:
                own.append(CloseVault())
            self.vault = Vault.CLOSED
            self.box.closing = False
        wanted = self._page.needs_vault or self._page.awaits_vault
        if wanted and self.box.session is None and self.vault is Vault.CLOSED and not self.is_off:
            own.append(OpenVault())
            self.vault = Vault.OPENING
        return own

    def _mind_lock(self, before: _Before, event: Event | None) -> Effects:
        """Return the lock timer started, restarted by an operator's act, or ended."""
        if not self._is_lockable():
            return self._auto_lock.rest() if before.lockable else ()
        if before.lockable and not _is_act(event):
            return ()
        return self._auto_lock.run()

    def _mind_light(self, before: _Before, event: Event | None) -> Effects:
        """Return the panel bright after an operator's act or on another page, and its timer restarted."""
        if not self._moved and not _is_act(event):
            return ()
        begins = not before.unlocked and self.box.session is not None
        return self.light.brighten(anew=begins or isinstance(event, StickInserted))


def _begin_entry(page: Entry) -> Effects:
    """Return what an entry begins with; one that is resumed gets the key that ended the page between."""
    if page.resumed is None:
        return (CorrectEntry(page.purpose, page.refused) if page.again else StartEntry(page.purpose),)
    resume = ResumeEntry(page.purpose)
    return (resume, FeedEntry(page.resumed, down=True)) if page.resumed else (resume,)


def _is_act(event: Event | None) -> bool:
    """Tell whether an operator did something."""
    return isinstance(event, KeyPressed | StickInserted | StickRemoved)
