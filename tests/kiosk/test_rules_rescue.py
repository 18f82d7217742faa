"""A rescue by the shortest way, every turn off it, and that none leaves a vault with a key behind."""

from dataclasses import replace

import pytest

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import rescue_effects as rx
from kiosk import rescue_events as rv
from kiosk import states as st
from kiosk.reports import RESCUE_LABEL
from kiosk.rescue_pages import confirm_pages, done_pages
from kiosk.rules.resting import rest
from tests.kiosk.facts import (
    BACKUP,
    FACTORY,
    HALF,
    HERE,
    KEYS_ON_IT,
    LOCKED,
    NOW,
    OPEN,
    RESCUABLE,
    RESCUE,
    RESCUING,
    RESTORED,
    with_sticks,
)
from tests.kiosk.steps import go, hold


def to_date() -> st.Screen:
    return go(st.Welcome(box=FACTORY), StickInserted(RESCUE), "#", ev.ClockRead(NOW))[0]


def test_a_rescue_goes_from_the_stick_to_a_locked_box() -> None:
    state, done = go(to_date(), "#", rv.BackupFound(KEYS_ON_IT[:1]), rv.IdentityTaken())
    assert isinstance(state, st.Reading)
    assert [one for one in done if isinstance(one, rx.RescueEffect)] == [
        rx.LookForBackup(RESCUE),
        rx.TakeIdentity(RESCUE, KEYS_ON_IT[0]),
        rx.ReadBackup(RESCUE),
    ]
    state, _ = go(state, HALF, rv.BackupRead(BACKUP))
    assert isinstance(state, st.ConfirmRestore)
    assert state.box.rescue is not None
    assert state.box.rescue.backup == BACKUP
    state, done = go(state, "###", *hold("#"), "A##", ev.EntryFinished())
    assert isinstance(state, st.Restoring)
    assert done.count(rx.Restore()) == 1
    assert fx.Create() not in done
    state, done = go(state, replace(HALF, step=3), rv.BackupRestored(RESTORED))
    assert isinstance(state, st.Rescued)
    assert {fx.WipeEntry(), fx.CloseVault()} <= set(done)
    assert (state.box.provisioned, state.box.rescue, state.box.vault) == (True, None, st.Vault.CLOSED)
    state, _ = go(state, "#" * len(done_pages(BACKUP, RESTORED)))
    assert isinstance(state, st.Locked)
    assert isinstance(go(state, StickRemoved(RESCUE.identity))[0], st.Locked)


def test_a_key_among_several_is_picked_and_its_passphrase_typed() -> None:
    state, _ = go(to_date(), "#", rv.BackupFound(KEYS_ON_IT))
    assert isinstance(state, st.PickIdentity)
    assert isinstance(go(state, "DB")[0], st.PickIdentity)  # there is one on that page
    state, done = go(state, "C", rv.IdentityTaken(locked=True))
    assert rx.TakeIdentity(RESCUE, KEYS_ON_IT[2]) in done
    assert isinstance(state, st.IdentityLocked)
    state, done = go(state, "#", ev.EntryFinished())
    assert fx.StartEntry(fx.Purpose.IDENTITY) in done
    assert isinstance(state, st.CheckingIdentity)
    state, done = go(state, ev.JobFailed("E-IDENTITY-LOCKED", "it does not open it"))
    assert isinstance(state, st.Refused)
    again, done = go(state, "#")
    assert isinstance(again, st.Entering)
    assert not [one for one in done if isinstance(one, fx.StartEntry | fx.WipeEntry)]  # to be corrected
    state, done = go(again, ev.EntryFinished(), rv.IdentityTaken())
    assert isinstance(state, st.Reading)
    assert fx.WipeEntry() in done  # not kept while the archive is read


def test_nothing_is_restored_that_was_not_seen_to_its_last_page() -> None:
    state = st.ConfirmRestore(box=RESCUING)
    for page in range(len(confirm_pages(BACKUP)) - 1):
        held, done = go(replace(state, page=page), *hold("#"))
        assert isinstance(held, st.ConfirmRestore)
        assert rx.Restore() not in done
    back, _ = go(replace(state, page=2), "*")
    assert back == replace(state, page=1, box=back.box)


@pytest.mark.parametrize(
    "state",
    [
        st.PickIdentity(box=RESCUING),
        st.IdentityLocked(box=RESCUING, name="id"),
        st.Entering(box=RESCUING, purpose=fx.Purpose.IDENTITY),
        st.ConfirmRestore(box=RESCUING),
    ],
)
def test_giving_up_closes_the_vault_that_has_the_key(state: st.Screen) -> None:
    left = ev.EntryLeft() if isinstance(state, st.Entering) else KeyPressed("*")
    after, done = go(state, left)
    assert isinstance(after, st.RescueAsks)
    assert fx.CloseVault() in done
    assert done.index(fx.CloseVault()) < done.index(fx.OpenVault())  # a new one, that has nothing
    assert after.box.rescue is None


@pytest.mark.parametrize("state", [st.Reading(box=RESCUING), st.Restoring(box=RESCUING)])
@pytest.mark.parametrize("event", [ev.Stopped(), ev.JobFailed("E-STICK-GONE", "gone"), ev.VaultLost("gone")])
def test_what_ends_early_locks_and_asks_the_vault_what_there_is(state: st.Screen, event: ev.Event) -> None:
    after, done = go(state, event)
    assert isinstance(after, st.Finished | st.Problem)
    assert (after.box.rescue, after.box.vault) == (None, st.Vault.CLOSED)
    if not isinstance(event, ev.VaultLost):
        assert fx.CloseVault() in done
    booting, done = go(after, "#")
    assert isinstance(booting, st.Boot)
    assert fx.OpenVault() in done
    assert isinstance(go(booting, ev.VaultReady(provisioned=False))[0], st.RescueAsks)
    assert isinstance(go(booting, ev.VaultReady(provisioned=True))[0], st.NotEmpty)


@pytest.mark.parametrize("state", [st.Reading(box=RESCUING), st.Restoring(box=RESCUING)])
def test_a_held_key_stops_and_power_off_waits_for_the_end(state: st.Screen) -> None:
    stopped, done = go(state, *hold("*"))
    assert done.count(fx.StopJob()) == 1
    assert go(stopped, *hold("*"))[1].count(fx.StopJob()) == 0
    down, done = go(state, ev.PowerAsked())
    assert isinstance(down, st.Ending)
    assert fx.StopJob() in done
    off, done = go(down, ev.Stopped())
    assert isinstance(off, st.Off)
    assert fx.CloseVault() in done


def test_the_lock_timer_ends_a_rescue_that_nobody_goes_on_with() -> None:
    state, _ = go(st.ConfirmRestore(box=RESCUING), ev.TimerFired(fx.Timer.LOCK))
    assert isinstance(state, st.Warned)
    state, done = go(state, *(ev.TimerFired(fx.Timer.COUNT) for _ in range(10)))
    assert isinstance(state, st.RescueAsks)
    assert fx.CloseVault() in done


def test_the_stick_may_be_pulled_once_it_was_read() -> None:
    for state in (st.ConfirmRestore(box=RESCUING), st.Restoring(box=RESCUING)):
        after, done = go(state, StickRemoved(RESCUE.identity))
        assert type(after) is type(state)
        assert fx.CloseVault() not in done


def test_a_box_that_has_an_authority_touches_nothing() -> None:
    for box in (LOCKED, OPEN):
        state, done = go(rest(box), StickInserted(RESCUE))
        assert isinstance(state, st.NotEmpty)
        assert not [one for one in done if isinstance(one, rx.RescueEffect)]
        assert not isinstance(go(state, "*")[0], st.NotEmpty)
        assert isinstance(go(state, "D")[0], st.Menu)


def test_without_its_stick_an_empty_box_is_set_up() -> None:
    ignored, _ = go(st.RescueAsks(box=RESCUABLE), "*")
    assert isinstance(ignored, st.Welcome)
    pulled, _ = go(to_date(), StickRemoved(RESCUE.identity))
    assert isinstance(pulled, st.Welcome)
    date, _ = go(ignored, "#", ev.ClockRead(NOW))
    assert fx.AskPolicy() in go(date, "#")[1]


def test_two_sticks_are_one_too_many_for_a_rescue() -> None:
    state, _ = go(st.RescueAsks(box=RESCUABLE), StickInserted(HERE))
    assert isinstance(state, st.TwoSticks)
    assert isinstance(go(state, StickRemoved(HERE.identity))[0], st.RescueAsks)
    assert isinstance(go(state, StickRemoved(RESCUE.identity))[0], st.Welcome)


def test_the_date_can_be_set_on_the_way() -> None:
    state, done = go(
        to_date(),
        "A",
        ev.EntryFinished(text="202701040930"),
        ev.EntryFinished(text="202701040930"),
        *hold("#"),
    )
    assert any(isinstance(one, fx.SetClock) for one in done)
    state, _ = go(state, ev.ClockSet(NOW), ev.ClockRead(NOW), "#")
    assert isinstance(state, st.Looking)


def test_set_up_after_a_blank_panel_has_a_vault_to_ask() -> None:
    """A vault that nobody unlocked is let go when the panel goes blank; the date brings it back."""
    dark, done = go(st.Welcome(box=replace(FACTORY, glass=st.Glass.DIM)), ev.TimerFired(fx.Timer.BLANK))
    assert fx.CloseVault() in done
    state, done = go(dark, "5", "#", ev.ClockRead(NOW), "#")
    assert done.index(fx.OpenVault()) < done.index(fx.AskPolicy())
    assert isinstance(state, st.Asking)


def test_every_page_fits_and_the_label_is_reserved() -> None:
    from core.policy.rules import RESERVED_LABELS

    assert RESCUE_LABEL in RESERVED_LABELS
    for _, lines in (*confirm_pages(BACKUP), *done_pages(BACKUP, RESTORED)):
        assert all(len(line) <= 21 for line in lines)
    assert with_sticks(FACTORY, RESCUE) == RESCUABLE
