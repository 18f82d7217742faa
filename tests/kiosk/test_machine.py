"""The machine as a whole: every state with every event, and every screen within reach."""

from dataclasses import replace
from typing import get_args

import pytest

from hw.ports import KeyPressed, KeyReleased
from kiosk import effects as fx
from kiosk import events as ev
from kiosk.machine import start, step
from kiosk.reports import Settings
from kiosk.rules import act
from kiosk.rules.resting import is_rescue
from kiosk.states import Boot, Glass, Screen
from tests.kiosk.facts import LOCKED, TABLE
from tests.kiosk.promises import EVENTS, check
from tests.kiosk.samples import SAMPLES


def test_events_are_all_there() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(ev.Event))


@pytest.mark.parametrize("name", SAMPLES)
def test_any_event_in_any_state_keeps_the_promises(name: str) -> None:
    before = SAMPLES[name].state
    for event in EVENTS:
        after, effects = step(before, event)
        check(before, event, after, effects)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_step_is_a_function_of_state_and_event(name: str) -> None:
    before = SAMPLES[name].state
    for event in EVENTS[::5]:
        assert step(before, event) == step(before, event)


@pytest.mark.parametrize("name", SAMPLES)
def test_dimmed_glass_swallows_the_key_in_any_state(name: str) -> None:
    before = SAMPLES[name].state
    for glass in (Glass.DIM, Glass.BLANK):
        dim = replace(before, box=replace(before.box, glass=glass))
        woken, effects = step(dim, KeyPressed("#"))
        assert type(woken) is type(before)
        assert woken.box.glass is Glass.BRIGHT
        assert fx.Wake() in effects
        released, effects = step(woken, KeyReleased("#"))
        assert not any(isinstance(effect, fx.FeedEntry) for effect in effects)
        assert released.box.waking == ""


HOLDS = tuple((KeyPressed(key), ev.TimerFired(fx.Timer.HOLD)) for key in "#*")
SEQUENCES: tuple[tuple[ev.Event, ...], ...] = (*((event,) for event in EVENTS), *HOLDS)


def place(state: Screen) -> tuple[object, ...]:
    """Return what tells apart the states from which other screens are reached."""
    exact = ("page", "pattern", "purpose", "topic", "setup", "change", "proposed")
    rough = ("wait_s", "stick", "signers")
    box = state.box
    opened = box.rescue is not None and box.rescue.backup is not None
    rescue = (is_rescue(box), box.rescue is None, opened)
    known = (box.provisioned, box.session is None, box.clock is None, min(2, len(box.sticks)), *rescue)
    traits = (
        *(getattr(state, name, None) for name in exact),
        *(bool(getattr(state, name, 0)) for name in rough),
    )
    return (type(state), *traits, *known)


def test_every_screen_can_be_reached_and_left() -> None:
    first, _ = start(Settings(sticks=TABLE))
    found: dict[tuple[object, ...], Screen] = {place(first): first}
    waiting, left = [first], set[type[Screen]]()
    while waiting:
        before = waiting.pop()
        for sequence in SEQUENCES:
            after = before
            for event in sequence:
                after, _ = step(after, event)
            if type(after) is not type(before):
                left.add(type(before))
            if place(after) not in found:
                found[place(after)] = after
                waiting.append(after)
    every = {type(sample.state) for sample in SAMPLES.values()}
    assert {type(state) for state in found.values()} == every
    assert left == every


def test_start_opens_the_vault_at_once() -> None:
    state, effects = start(Settings(sticks=TABLE, dim_after_s=30))
    assert isinstance(state, Boot)
    assert effects == (fx.OpenVault(), fx.SetTimer(fx.Timer.DIM, 30))


def test_states_can_be_logged() -> None:
    for sample in SAMPLES.values():
        assert repr(sample.state)
    view = SAMPLES["entry-words-shown"].entry
    assert view is not None
    assert "absolute" not in repr(view)
    assert "absolute" not in repr(SAMPLES["proposed-words"].proposal)


def test_a_state_without_rules_stays() -> None:
    assert act(Screen(box=LOCKED), ev.Stopped()) == (Screen(box=LOCKED), ())
