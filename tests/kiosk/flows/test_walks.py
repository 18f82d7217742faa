"""Random walks through the machine: what the daemon would hold always fits the screen."""

from hypothesis import given, settings
from hypothesis import strategies as some

from hw.ports import KeyPressed, KeyReleased, StickRemoved
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import rescue_effects as rx
from kiosk import rescue_events as rv
from kiosk.machine import start, step
from kiosk.reports import Settings
from kiosk.states import Ending, Glass, Reading, Refused, Restoring, SafeToRemove, TwoSticks, Warned
from tests.kiosk.facts import TABLE
from tests.kiosk.promises import EFFECTS, EVENTS, check, drawn, secretive


class World:
    """What a daemon would know of the timers, the buffers and the job, by the effects alone."""

    def __init__(self) -> None:
        self.state, effects = start(Settings(sticks=TABLE))
        self.timers: set[fx.Timer] = set()
        self.buffers: set[fx.Purpose] = set()
        self.proposed = self.working = False
        self.down: set[str] = set()
        self.perform(effects)

    def perform(self, effects: tuple[fx.Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case fx.SetTimer(name=name, seconds=seconds):
                    assert seconds > 0
                    self.timers.add(name)
                case fx.CancelTimer(name=name):
                    self.timers.discard(name)
                case fx.StartEntry(purpose=purpose):
                    self.buffers.add(purpose)
                case fx.ProposeWords():
                    self.proposed = True
                case fx.WipeEntry():
                    self.buffers, self.proposed = set(), False
                case fx.RunJob() | rx.ReadBackup() | rx.Restore():
                    assert not self.working, "two jobs at once"
                    self.working = True
                case fx.CloseVault():
                    self.working = False

    def can_happen(self, event: ev.Event) -> bool:
        """Tell whether a real daemon could post it now."""
        sticks = {known.identity for known in self.state.box.sticks}
        match event:
            case KeyPressed(key=key):
                possible = key not in self.down and len(self.down) < 2
            case KeyReleased(key=key):
                possible = key in self.down
            case ev.TimerFired(name=name):
                possible = name in self.timers
            case StickRemoved(identity=identity):
                possible = identity in sticks
            case ev.EntryChanged() | ev.EntryFinished() | ev.EntryLeft():
                possible = self.state.entry is not None
            case ev.JobFinished() | ev.RequestsFound() | ev.Stopped() | ev.Progress():
                possible = self.working
            case ev.JobFailed(code="E-STICK-GONE"):
                possible = self.working
            case rv.BackupRead():
                possible = isinstance(self.state, Reading | Ending)
            case rv.BackupRestored():
                possible = isinstance(self.state, Restoring | Ending)
            case _:
                possible = not isinstance(event, ev.KeyHeld)
        return possible

    def happen(self, event: ev.Event) -> None:
        match event:
            case KeyPressed(key=key):
                self.down.add(key)
            case KeyReleased(key=key):
                self.down.discard(key)
            case ev.TimerFired(name=name):
                self.timers.discard(name)
            case (
                ev.JobFinished()
                | ev.RequestsFound()
                | ev.Stopped()
                | ev.JobFailed()
                | ev.VaultLost()
                | ev.Bug()
            ):
                self.working = False
            case rv.BackupRead() | rv.BackupRestored():
                self.working = False
        before = self.state
        self.state, effects = step(before, event)
        self.perform(effects)
        check(before, event, self.state, effects)
        self.promise()

    def promise(self) -> None:
        """Fail when what the daemon holds does not fit the state."""
        state, box = self.state, self.state.box
        if not secretive(state):
            assert not self.buffers
            assert not self.proposed
        if state.entry is not None:
            assert state.entry in self.buffers
        if isinstance(state, SafeToRemove | TwoSticks):
            assert not self.working
        assert (fx.Timer.HOLD in self.timers) == bool(box.held)
        assert fx.Timer.COUNT not in self.timers or isinstance(state, Warned)
        assert not isinstance(state, Warned) or fx.Timer.COUNT in self.timers
        assert not self.timers & {fx.Timer.WAIT, fx.Timer.KEEP} or isinstance(state, Refused)
        assert (fx.Timer.WAIT in self.timers) == (isinstance(state, Refused) and state.wait_s > 0)
        assert (fx.Timer.POWER in self.timers) <= isinstance(state, Ending)
        counted = isinstance(state, Warned | Refused)
        open_now = box.session is not None or state.secretive
        assert (fx.Timer.LOCK in self.timers) == (open_now and not state.busy and not counted)
        assert (fx.Timer.DIM in self.timers) == (box.glass is not Glass.BLANK)
        assert (fx.Timer.BLANK in self.timers) == (box.glass is Glass.DIM)


def leads_on(world: World) -> list[ev.Event]:
    """Return the possible events that lead to another screen, so that a walk gets somewhere; else all."""
    possible = [event for event in EVENTS if world.can_happen(event)]
    onward = [event for event in possible if type(step(world.state, event)[0]) is not type(world.state)]
    calm = [event for event in onward if not isinstance(event, ev.Bug | ev.VaultLost | ev.PowerAsked)]
    return calm or possible


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(min_value=0, max_value=9999), max_size=60))
def test_no_walk_breaks_a_promise(walk: list[int]) -> None:
    world = World()
    for number in walk:
        choice = leads_on(world) if number % 3 else [event for event in EVENTS if world.can_happen(event)]
        world.happen(choice[number % len(choice)])


@settings(max_examples=100, deadline=None)
@given(some.lists(some.sampled_from(EVENTS), max_size=60))
def test_no_storm_breaks_a_promise(storm: list[ev.Event]) -> None:
    world = World()
    for event in storm:
        if world.can_happen(event):
            world.happen(event)


@settings(max_examples=50, deadline=None)
@given(some.lists(some.sampled_from(EVENTS), max_size=40))
def test_no_walk_of_a_mad_daemon_raises(walk: list[ev.Event]) -> None:
    state, _ = start(Settings(sticks=TABLE))
    for event in walk:
        state, effects = step(state, event)
        assert all(isinstance(effect, EFFECTS) for effect in effects)
        drawn(state)
