"""The machine of the kiosk: `step(state, event) -> (state, effects)`, pure, without clock, pin or thread.

What follows from a change of state alone is decided here, once, so that no rule can forget it:

1. The box learns of every stick, key and vault event before the rule sees it.
2. Buffers are wiped (WipeEntry) when a secretive state gives way to one that is not.
3. A new entry begins (StartEntry) when a state with another purpose comes; a refused one goes on.
4. The vault is opened when a state wants it, and closed (CloseVault) whenever a session or a rescue ends.
5. A state's timers end with it. The lock timer runs while one is open or a secret may be in a buffer,
   unless something works; ten seconds before the end the screen warns.
6. The glass dims, its picture moves, it goes blank; the key that wakes it does nothing else. Another screen
   wakes it too. Waking sends a panel everything anew; so a stick put in and a session's begin wake it always.
7. A USB device that was refused is named where nothing is under way.
8. `Bug` and `VaultLost` lock from any state; `PowerAsked` goes down from any state.

States are in kiosk.states, what each answers in kiosk.rules, what it asks for in kiosk.effects.
"""

from dataclasses import replace

from hw.ports import KeyPressed, KeyReleased, KeyStuck, StickInserted, StickRemoved, UsbRefused
from kiosk.effects import (
    Blank,
    CancelTimer,
    CloseVault,
    Dim,
    Effect,
    Effects,
    OpenVault,
    SetTimer,
    StartEntry,
    Timer,
    Wake,
    WipeEntry,
)
from kiosk.events import Bug, Event, KeyHeld, PowerAsked, TimerFired, VaultLost, VaultReady
from kiosk.reports import Settings
from kiosk.rules import act
from kiosk.rules.power import go_down
from kiosk.rules.resting import RESTING, lock, tell_refused
from kiosk.states import (
    Boot,
    Box,
    DrillWrong,
    Ending,
    Glass,
    Off,
    Problem,
    Refused,
    Screen,
    Vault,
    Warned,
)

HOLD_S = 2.0
WARN_S = 10
MOVE_S = 60
BLANK_AFTER_DIM_S = 240

Move = tuple[Screen, Effects]


def start(settings: Settings) -> Move:
    """Return the first state and its effects."""
    box = Box(settings=settings, vault=Vault.OPENING)
    return Boot(box=box), (OpenVault(), SetTimer(Timer.DIM, settings.dim_after_s))


def step(state: Screen, event: Event) -> Move:
    """Return what follows when `event` happens in `state`.

    Args:
        state: Any state.
        event: Any event, expected or not.

    Returns:
        The next state, and what the daemon has to do, in order.
    """
    known = replace(state, box=_learn(state.box, event))
    if _is_dead_key(state.box, known.box, event):
        return _settle(state, known, (), event)
    if isinstance(event, TimerFired) and event.name in _CLOCKWORK:
        return _tick(state, known, event)
    held: Effects = ()
    if isinstance(event, KeyPressed) and event.key in known.holds:
        known = replace(known, box=replace(known.box, held=event.key))
        held = (SetTimer(Timer.HOLD, HOLD_S),)
    elif isinstance(event, KeyReleased) and event.key == known.box.held:
        known = replace(known, box=replace(known.box, held=""))
        held = (CancelTimer(Timer.HOLD),)
    after, effects = _follow(known, event)
    return _settle(state, after, held + effects, event)


_CLOCKWORK = frozenset({Timer.DIM, Timer.BLANK, Timer.LOCK, Timer.HOLD})


def _learn(box: Box, event: Event) -> Box:
    """Return the box knowing of the event."""
    match event:
        case StickInserted(stick=stick):
            others = tuple(known for known in box.sticks if known.identity != stick.identity)
            return replace(box, sticks=(*others, stick))
        case StickRemoved(identity=identity):
            rest = tuple(known for known in box.sticks if known.identity != identity)
            return replace(box, sticks=rest, ignored="" if box.ignored == identity else box.ignored)
        case KeyStuck(keys=keys):
            return replace(box, stuck=keys)
        case KeyReleased(key=key):
            waking = "" if box.waking == key else box.waking
            return replace(box, waking=waking, stuck=tuple(k for k in box.stuck if k != key))
        case KeyPressed(key=key) if box.glass is not Glass.BRIGHT:
            return replace(box, waking=key)
        case VaultReady() if box.vault is Vault.OPENING:  # else it was closed again meanwhile
            return replace(
                box,
                vault=Vault.OPEN,
                provisioned=event.provisioned,
                failed_attempts=event.failed_attempts,
            )
        case VaultLost():
            # An authority that was about to be made may be there now: that is asked anew.
            return replace(box, vault=Vault.CLOSED, provisioned=box.provisioned or None)
    return box


def _is_dead_key(before: Box, after: Box, event: Event) -> bool:
    """Tell whether a key event ends here: a stuck key, or the one that woke the glass, down or up."""
    match event:
        case KeyPressed(key=key):
            return key in before.stuck or (before.glass is not Glass.BRIGHT and after.waking == key)
        case KeyReleased(key=key):
            return key in before.stuck or before.waking == key
    return False


def _follow(state: Screen, event: Event) -> Move:
    """Return what rules say, those for all states first."""
    match event:
        case PowerAsked(restart=restart) if not isinstance(state, Off | Ending):
            return go_down(state.under if isinstance(state, Warned) else state, restart=restart)
        case UsbRefused(name=name) if isinstance(state, RESTING):
            return tell_refused(state.box, name), ()
        case Bug() if not isinstance(state, Off | Ending):
            return Problem(box=lock(state.box), code="E-BUG", text="See the log."), (CloseVault(),)
        case VaultLost(text=text) if not isinstance(state, Off | Ending) and _needs_vault(state):
            return Problem(box=lock(state.box), code="E-VAULT", text=text), ()
    return act(state, event)


def _needs_vault(state: Screen) -> bool:
    """Tell whether the loss of the vault ends what is under way."""
    return state.busy or state.vault or _is_open(state.box) or _base(state).secretive


def _is_open(box: Box) -> bool:
    """Tell whether the vault holds something: an unlocked store, or what a rescue brought."""
    return box.session is not None or box.rescue is not None


def _base(state: Screen) -> Screen:
    """Return the state that a warning lies over, or the state itself."""
    return state.under if isinstance(state, Warned) else state


def _lockable(state: Screen) -> bool:
    """Tell whether the lock timer runs: something is open, nothing works, and no other countdown is shown."""
    open_now = _is_open(state.box) or state.secretive
    return open_now and not state.busy and not isinstance(state, Warned | Refused)


def _tick(before: Screen, state: Screen, event: TimerFired) -> Move:
    """Return what a timer of the machine's own does; one that comes too late does nothing."""
    box = state.box
    match event.name:
        case Timer.HOLD if box.held:
            known = replace(state, box=replace(box, held=""))
            after, effects = act(known, KeyHeld(box.held))
            return _settle(before, after, effects, KeyHeld(box.held))
        case Timer.LOCK if _lockable(state):
            warned = Warned(box=box, under=state, left_s=WARN_S)
            return _settle(before, warned, (SetTimer(Timer.COUNT, 1),), event)
        case Timer.DIM if box.glass is Glass.BRIGHT:
            dim = replace(state, box=replace(box, glass=Glass.DIM))
            return dim, (Dim(), SetTimer(Timer.DIM, MOVE_S), SetTimer(Timer.BLANK, BLANK_AFTER_DIM_S))
        case Timer.DIM if box.glass is Glass.DIM:
            return replace(state, box=replace(box, shift=box.shift + 1)), (SetTimer(Timer.DIM, MOVE_S),)
        case Timer.BLANK if box.glass is Glass.DIM and not state.busy:
            return _blank(state)
        case Timer.BLANK if box.glass is Glass.DIM:
            return state, (SetTimer(Timer.BLANK, BLANK_AFTER_DIM_S),)
    return state, ()


def _blank(state: Screen) -> Move:
    """Return the state with the glass off; a vault that nobody unlocked is not kept for nothing."""
    idle = not state.vault and not state.secretive and not _is_open(state.box)
    closing = idle and state.box.vault is not Vault.CLOSED
    vault = Vault.CLOSED if closing else state.box.vault
    blank = replace(state, box=replace(state.box, glass=Glass.BLANK, vault=vault))
    effects: Effects = (Blank(), CancelTimer(Timer.DIM))
    return blank, ((*effects, CloseVault()) if closing else effects)


def _settle(before: Screen, after: Screen, effects: Effects, event: Event) -> Move:
    """Return the state with everything that its change brings about."""
    own: list[Effect] = [CancelTimer(timer) for timer in before.timers if timer not in after.timers]
    own += _countdown(before, after)
    after, more = _end_hold(before, after)
    own += more
    after, more = _mind_vault(before, after, effects)
    own += more
    own += _mind_entry(before, after)
    own += _mind_lock(before, after, event)
    after, more = _mind_glass(before, after, event)
    own += more
    return after, (*own, *effects)


def _countdown(before: Screen, after: Screen) -> list[Effect]:
    """Return the timer of a countdown's next second."""
    if isinstance(after, Warned):
        moved = isinstance(before, Warned) and before.left_s != after.left_s
        return [SetTimer(Timer.COUNT, 1)] if moved else []
    if isinstance(after, Refused) and after.wait_s:
        moved = not isinstance(before, Refused) or before.wait_s != after.wait_s
        return [SetTimer(Timer.WAIT, 1)] if moved else []
    return []


def _end_hold(before: Screen, after: Screen) -> tuple[Screen, list[Effect]]:
    """Return the state without a hold that began on another screen, or on another page of it."""
    turned = type(after) is not type(before) or getattr(after, "page", 0) != getattr(before, "page", 0)
    if not after.box.held or (not turned and after.box.held in after.holds):
        return after, []
    return replace(after, box=replace(after.box, held="")), [CancelTimer(Timer.HOLD)]


def _mind_vault(before: Screen, after: Screen, effects: Effects) -> tuple[Screen, list[Effect]]:
    """Return the vault closed when what it held ended, and opened when one is wanted; in that order."""
    box, own = after.box, list[Effect]()
    ended = _is_open(before.box) and not _is_open(box)
    if CloseVault() in effects or ended:
        if CloseVault() not in effects:
            own.append(CloseVault())
        box = replace(box, vault=Vault.CLOSED)
    if after.vault and box.session is None and box.vault is Vault.CLOSED:
        own.append(OpenVault())
        box = replace(box, vault=Vault.OPENING)
    return replace(after, box=box), own


def _mind_entry(before: Screen, after: Screen) -> list[Effect]:
    """Return what becomes of the buffers."""
    if _base(before).secretive and not _base(after).secretive:
        return [WipeEntry()]
    kept = isinstance(before, Warned | DrillWrong) or (isinstance(before, Refused) and before.kept)
    if after.entry is None or after.entry is before.entry or kept:
        return []
    return [StartEntry(after.entry)]


def _mind_lock(before: Screen, after: Screen, event: Event) -> list[Effect]:
    """Return the lock timer started, restarted by an operator's act, or ended."""
    if not _lockable(after):
        return [CancelTimer(Timer.LOCK)] if _lockable(before) else []
    if _lockable(before) and not isinstance(event, KeyPressed | StickInserted | StickRemoved):
        return []
    return [SetTimer(Timer.LOCK, after.box.settings.lock_after_s - WARN_S)]


def _mind_glass(before: Screen, after: Screen, event: Event) -> tuple[Screen, list[Effect]]:
    """Return the glass bright after an operator's act or on another screen, and its timer restarted."""
    changed = type(before) is not type(after)
    if not changed and not isinstance(event, KeyPressed | StickInserted | StickRemoved):
        return after, []
    restart: list[Effect] = [SetTimer(Timer.DIM, after.box.settings.dim_after_s)]
    if after.box.glass is Glass.BRIGHT:
        begins = before.box.session is None and after.box.session is not None
        return after, [Wake(), *restart] if begins or isinstance(event, StickInserted) else restart
    bright = replace(after, box=replace(after.box, glass=Glass.BRIGHT, shift=0))
    return bright, [Wake(), CancelTimer(Timer.BLANK), *restart]
