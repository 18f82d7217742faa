"""Any event at any moment: whatever happens, the machine keeps its promises, and does the same twice."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace as change

from core.api import requests as rq
from core.api.results import Acknowledged, ClockCorrected, IdentitySeen, Recognized
from hw.ports import KEYS, KeyPressed, KeyReleased, KeyStuck, StickInserted, StickRemoved, UsbRefused
from kiosk.entry.buffers import EntryChanged, EntryFinished, EntryLeft, Purpose
from kiosk.flows.box import Settings
from kiosk.flows.flow import ProposeWords
from kiosk.machine import effects as fx
from kiosk.machine.effects import Perform, Timer
from kiosk.machine.events import DeviceFailed, Event, PowerAsked, TimerFired
from kiosk.machine.light import Glass
from kiosk.machine.machine import Machine, Vault
from kiosk.screens.drawing import draw
from kiosk.screens.page import Entry, Shown
from kiosk.work.devices import FormatStick, ReadClock, SetClock
from kiosk.work.diagnosis import WriteDiagnosis
from kiosk.work.drill import ReadDrill
from kiosk.work.health import Finding
from kiosk.work.job import RequestsFound, RunJob
from kiosk.work.look import LookAtStick, StickLooked
from kiosk.work.policy_stick import ReadPolicy
from kiosk.work.rescue import BackupFound, LookForBackup, OpenIdentity, ReadBackup, Restore, TakeIdentity
from kiosk.work.self_test import RunSelfTest
from kiosk.work.worker import Answer, Bug, Progressed, VaultLost, VaultReady
from tests.kiosk.facts import (
    BACKUP,
    BRINGING,
    BROUGHT,
    CHANGES,
    DRILLS,
    FOUND,
    HALF,
    HERE,
    KEYS_ON_IT,
    LATE,
    NOW,
    OTHER,
    PROPOSAL,
    RAN_BEFORE,
    REPORT,
    REQUESTS,
    RESCUE,
    RESTORED,
    RESULTS,
    SESSION,
    SMALL,
    TABLE,
    failed,
    stick,
)
from tests.kiosk.flows.steps import title_of

ANSWERS: dict[type[Any], tuple[Any, ...]] = {
    rq.Unlock: (
        SESSION,
        change(SESSION, policy_changes=("a: 1 -> 2",), failed_attempts=3, sticks=dict(TABLE[:1])),
        change(SESSION, clock="E-CLOCK-AHEAD"),
        change(SESSION, ran_before=RAN_BEFORE),
        change(SESSION, seal="123456"),
        change(SESSION, clock="E-CLOCK-LATE"),
        failed("E-PASSPHRASE-WRONG", "wrong", wait_s=3, failed_attempts=2),
        failed("E-STATE-WIPED", "gone"),
    ),
    rq.Recognize: (Recognized(words=("cradle", "orbit")), Recognized(words=())),
    rq.Init: (SESSION, change(SESSION, sticks={})),
    rq.AskPolicy: (PROPOSAL, CHANGES),
    rq.ApprovePolicy: (SESSION,),
    rq.AskStatus: (REPORT, change(REPORT, covers=(), archives=(), recipients=(), roots=())),
    rq.CorrectClock: (ClockCorrected(issued_after=()),),
    rq.Revoke: (Acknowledged(),),
    rq.RevokeAll: (Acknowledged(),),
    rq.RecordDrill: (DRILLS[0], failed("E-DRILL", "none waits")),
    rq.NoteSeal: (Acknowledged(),),
    rq.ChangePassphrase: (Acknowledged(), failed("E-PASSPHRASE-WRONG", "wrong", failed_attempts=1)),
    WriteDiagnosis: ("pism-diagnosis-20261123T153400Z.txt", failed("E-STICK-FULL", "no room")),
    ReadPolicy: (BROUGHT,),
    ReadDrill: (DRILLS, DRILLS * 3),
    ReadClock: (NOW, NOW + timedelta(days=4000)),
    SetClock: (ClockCorrected(issued_after=()), ClockCorrected(issued_after=LATE)),
    RunJob: (
        RESULTS,
        RequestsFound(REQUESTS),
        RequestsFound(REQUESTS[2:]),
        failed("E-STICK-GONE", "gone"),
        failed("E-STOPPED", "stopped"),
    ),
    LookAtStick: (StickLooked(), SMALL, StickLooked(read_only=True)),
    RunSelfTest: ((Finding(name="random", good=True),),),
    FormatStick: (replace(HERE, label="PISM-EXPORT"), replace(OTHER, label="HOLIDAYS")),
    LookForBackup: (BackupFound(KEYS_ON_IT), BackupFound(KEYS_ON_IT[:1])),
    TakeIdentity: (
        IdentitySeen(is_identity=True, locked=False),
        IdentitySeen(is_identity=True, locked=True),
    ),
    OpenIdentity: (Acknowledged(), failed("E-IDENTITY-LOCKED", "locked")),
    ReadBackup: (BACKUP, failed("E-STOPPED", "stopped")),
    Restore: (RESTORED, failed("E-STOPPED", "stopped")),
}
"""What each request may be answered; every one may be refused, too."""

ANY_REFUSAL = failed("E-NOBODY-KNOWS", "It did not work.")
REPLY = object()
"""Stands for an answer to what is asked, whatever that is."""

EVENTS: tuple[Any, ...] = (
    *(KeyPressed(key) for key in KEYS),
    *(KeyReleased(key) for key in KEYS),
    KeyStuck(()),
    KeyStuck(("5", "#")),
    *(StickInserted(one) for one in (HERE, OTHER, BRINGING, RESCUE)),
    StickInserted(stick("", identity="15:usb1", filesystem="")),
    *(StickRemoved(one.identity) for one in (HERE, OTHER, BRINGING, RESCUE)),
    StickRemoved("nobody"),
    UsbRefused("USB Keyboard"),
    *(TimerFired(name) for name in Timer),
    PowerAsked(),
    PowerAsked(restart=True),
    DeviceFailed("E-KEYPAD", "no pins"),
    VaultReady(provisioned=True),
    VaultReady(provisioned=False),
    VaultReady(provisioned=True, failed_attempts=3, wait_s=7),
    VaultLost("it ended"),
    EntryChanged(),
    EntryFinished(),
    EntryFinished(begun=True),
    EntryFinished(same=False),
    EntryFinished(text="202611231534"),
    EntryFinished(text="202613231534"),
    EntryFinished(text="004711"),
    EntryLeft(),
    Answer(999_999, RESULTS),
    Progressed(ticket=999_999, progress=HALF),
    Bug(),
    FOUND,
    replace(FOUND, ran_before=RAN_BEFORE, faults=("Card has errors",)),
    *[REPLY] * 12,
)
FOR_GOOD = (rq.ApprovePolicy, rq.Revoke, rq.RevokeAll, FormatStick)
NEEDS_HOLD = ("POLICY CHANGES", "REVOKE FOR GOOD?", "CLOCK WAS AHEAD", "ERASE THE STICK?")


def test_events_and_requests_are_all_there() -> None:
    assert {type(event) for event in EVENTS if event is not REPLY} == set(get_args(Event))


class World:
    """A machine, and what a daemon would know of timers, buffers and work by the effects alone."""

    def __init__(self, *, provisioned: bool) -> None:
        self.machine = Machine(Settings(sticks=TABLE))
        self.provisioned = provisioned
        self.timers: set[Timer] = set()
        self.buffers: set[Purpose] = set()
        self.proposed = False
        self.asked: Perform | None = None
        self.down: set[str] = set()
        self.pages: list[Shown] = []
        self.perform(self.machine.start())

    def resolve(self, event: Any, number: int) -> Event | None:
        """Return the event as a daemon would post it now; None where it cannot happen."""
        if event is REPLY:
            if self.asked is None:
                return (
                    VaultReady(provisioned=self.provisioned) if self.machine.vault is Vault.OPENING else None
                )
            possible = (*ANSWERS[self.asked.request], ANY_REFUSAL)
            return Answer(self.asked.ticket, possible[number % len(possible)])
        match event:
            case KeyPressed(key=key):
                fits = key not in self.down and len(self.down) < 2
            case KeyReleased(key=key):
                fits = key in self.down
            case TimerFired(name=name):
                fits = name in self.timers
            case StickRemoved(identity=identity):
                fits = any(one.identity == identity for one in self.machine.box.sticks)
            case EntryChanged() | EntryFinished() | EntryLeft():
                fits = isinstance(self.machine.shown, Entry)
            case VaultReady():
                fits = self.machine.vault is Vault.OPENING
            case _:
                fits = True
        return event if fits else None

    def happen(self, event: Event) -> None:
        match event:
            case KeyPressed(key=key):
                self.down.add(key)
            case KeyReleased(key=key):
                self.down.discard(key)
            case TimerFired(name=name):
                self.timers.discard(name)
            case Answer(ticket=ticket) if self.asked is not None and ticket == self.asked.ticket:
                self.asked = None
            case VaultLost() | Bug():
                self.asked = None
        before, opened = self.machine.shown, self.machine.box.is_open
        effects = self.machine.step(event)
        self.perform(effects)
        self.promise(event, before, effects, opened=opened)

    def perform(self, effects: fx.Effects) -> None:
        for effect in effects:
            match effect:
                case fx.SetTimer(name=name, seconds=seconds):
                    assert seconds > 0
                    self.timers.add(name)
                case fx.CancelTimer(name=name):
                    self.timers.discard(name)
                case fx.StartEntry(purpose=purpose):
                    self.buffers.add(purpose)
                case ProposeWords():
                    self.proposed = True
                case fx.WipeEntry():
                    self.buffers, self.proposed = set(), False
                case fx.Perform():
                    assert set(dict(effect.fields).values()) & set(Purpose) <= self.buffers
                    self.asked = effect
                case fx.CloseVault():
                    self.asked = None

    def promise(self, event: Event, before: Shown, effects: fx.Effects, *, opened: bool) -> None:
        """Fail when a step broke a promise of kiosk.machine, or what is held does not fit the page."""
        machine, box, page = self.machine, self.machine.box, self.machine._page
        assert all(isinstance(effect, get_args(fx.Effect)) for effect in effects)
        if not page.secretive:
            assert not self.buffers
            assert not self.proposed
        if isinstance(page, Entry):
            assert page.purpose in self.buffers
        if opened and not box.is_open:
            assert fx.CloseVault() in effects
        if box.is_open:
            assert machine.vault is not Vault.CLOSED
        if page.needs_vault and not machine.is_off:
            assert machine.vault is not Vault.CLOSED
        if isinstance(event, Bug):
            assert not box.is_open
        for effect in effects:
            if isinstance(effect, Perform) and effect.request in FOR_GOOD:
                # What cannot be undone follows a held key on the page that says so, and nothing else.
                assert event == TimerFired(Timer.HOLD)
                assert title_of(before) in NEEDS_HOLD or getattr(before, "left", "") == "#hold: approve"
        if title_of(machine.shown) == "SAFE TO REMOVE" and title_of(before) == "WORK":
            assert isinstance(event, Answer)
            assert event.result == RESULTS
        warned = machine.shown != page
        assert (Timer.COUNT in self.timers) == warned
        assert (Timer.HOLD in self.timers) == bool(machine._held)
        assert (Timer.TICK in self.timers) == page.ticks
        assert (Timer.POWER in self.timers) == (machine._ending is not None)
        lockable = (box.is_open or page.secretive) and not page.busy and not page.ticks and not warned
        assert (Timer.LOCK in self.timers) == lockable
        assert (Timer.DIM in self.timers) == (machine.light.glass is not Glass.BLANK)
        assert (Timer.BLANK in self.timers) == (machine.light.glass is Glass.DIM)
        self.pages.append(machine.shown)
        drawn(machine.shown)
        assert repr(machine.shown)


@cache
def drawn(page: Shown) -> bytes:
    """Return the picture; each page is drawn once."""
    return draw(page).tobytes()


def walk(numbers: list[int], *, provisioned: bool) -> World:
    """Let the events that the numbers pick happen, those that can."""
    world = World(provisioned=provisioned)
    for number in numbers:
        event = world.resolve(EVENTS[number % len(EVENTS)], number // len(EVENTS))
        if event is not None:
            world.happen(event)
    return world


NUMBERS = some.lists(some.integers(min_value=0, max_value=len(EVENTS) * 8 - 1), max_size=120)


@settings(max_examples=120, deadline=None)
@given(NUMBERS, some.sampled_from(["empty", "provisioned"]))
def test_no_walk_breaks_a_promise_and_twice_the_same_leads_to_the_same_pages(
    numbers: list[int], state: str
) -> None:
    provisioned = state == "provisioned"
    assert walk(numbers, provisioned=provisioned).pages == walk(numbers, provisioned=provisioned).pages


@settings(max_examples=60, deadline=None)
@given(some.lists(some.sampled_from([event for event in EVENTS if event is not REPLY]), max_size=60))
def test_no_event_that_cannot_happen_raises(storm: list[Event]) -> None:
    machine = Machine(Settings(sticks=TABLE))
    machine.start()
    for event in storm:
        machine.step(event)
        drawn(machine.shown)
