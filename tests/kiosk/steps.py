"""Walking the machine in tests."""

from hw.ports import KeyPressed, KeyReleased
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from kiosk.machine import step

HELD = ev.TimerFired(fx.Timer.HOLD)


def tap_keys(keys: str) -> tuple[ev.Event, ...]:
    return tuple(event for key in keys for event in (KeyPressed(key), KeyReleased(key)))


def go(state: st.Screen, *happen: ev.Event | str) -> tuple[st.Screen, tuple[fx.Effect, ...]]:
    """Return the last state and the effects of all steps; a string is keys pressed and released."""
    done: tuple[fx.Effect, ...] = ()
    for event in happen:
        taps = tap_keys(event) if isinstance(event, str) else (event,)
        for tap in taps:
            state, effects = step(state, tap)
            done += effects
    return state, done


def hold(key: str) -> tuple[ev.Event, ev.Event, ev.Event]:
    return KeyPressed(key), HELD, KeyReleased(key)
