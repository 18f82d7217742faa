"""Every event, and what one step of the machine must never break."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import get_args

from hw.ports import KEYS, KeyPressed, KeyReleased, KeyStuck, StickInserted, StickRemoved, UsbRefused
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import rescue_effects as rx
from kiosk import rescue_events as rv
from kiosk.reports import Proposal, SignerRow, TestRow
from kiosk.screens import draw
from kiosk.states import (
    ConfirmRevoke,
    RequestAsked,
    RequestKey,
    RequestRefused,
    Restoring,
    Review,
    SafeToRemove,
    Screen,
    SignedAhead,
    TwoSticks,
    Vault,
    Warned,
    Working,
)
from tests.kiosk.facts import (
    BACKUP,
    BRINGING,
    BROUGHT,
    CHANGES,
    DRILLS,
    HALF,
    HERE,
    KEYS_ON_IT,
    LATE,
    NOW,
    OTHER,
    PROPOSAL,
    REPORT,
    REQUESTS,
    RESCUE,
    RESTORED,
    RESULTS,
    SESSION,
    TABLE,
    stick,
)

EFFECTS = get_args(fx.Effect)
FOR_GOOD = (fx.ApprovePolicy, fx.Revoke, fx.RevokeAll)
HELD = (ev.TimerFired(fx.Timer.HOLD), ev.KeyHeld("#"))
LABELLED = stick("PISM-ALL", identity="14:usb1")
EVENTS: tuple[ev.Event, ...] = (
    *(KeyPressed(key) for key in KEYS),
    *(KeyReleased(key) for key in KEYS),
    *(ev.KeyHeld(key) for key in "*#5"),
    KeyStuck(()),
    KeyStuck(("5", "#")),
    StickInserted(HERE),
    StickInserted(OTHER),
    StickInserted(LABELLED),
    StickInserted(BRINGING),
    StickInserted(stick("", identity="15:usb1", filesystem="")),
    StickRemoved(HERE.identity),
    StickRemoved(OTHER.identity),
    StickRemoved(BRINGING.identity),
    StickRemoved("nobody"),
    UsbRefused("USB Keyboard"),
    *(ev.TimerFired(name) for name in fx.Timer),
    ev.PowerAsked(),
    ev.PowerAsked(restart=True),
    ev.VaultReady(provisioned=True),
    ev.VaultReady(provisioned=False),
    ev.VaultReady(provisioned=True, failed_attempts=3, wait_s=7),
    ev.VaultLost("it ended"),
    ev.PolicyProposal(PROPOSAL),
    ev.PolicyProposal(CHANGES),
    ev.PolicyProposal(BROUGHT),
    ev.PolicyProposal(Proposal(recipients=())),
    ev.EntryChanged(),
    ev.EntryFinished(),
    ev.EntryFinished(same=False),
    ev.EntryFinished(text="202611231534"),
    ev.EntryFinished(text="202613231534"),
    ev.EntryLeft(),
    ev.Created(),
    ev.Created(TABLE[:1]),
    ev.Unlocked(SESSION),
    ev.Unlocked(replace(SESSION, sticks=TABLE[:1], policy_differs=True)),
    ev.UnlockRefused("E-PASSPHRASE-WRONG", "wrong", 3, 2),
    ev.UnlockRefused("E-PASSPHRASE-WRONG", "wrong", 0, 1),
    ev.UnlockRefused("E-STATE-DAMAGED", "damaged"),
    ev.ClockWrong("E-CLOCK-AHEAD", NOW + timedelta(days=4000), NOW, SESSION),
    ev.ClockRead(NOW),
    ev.ClockSet(NOW),
    ev.ClockSet(NOW, LATE),
    HALF,
    replace(HALF, total=0),
    replace(HALF, step=9),
    ev.JobFinished(RESULTS),
    ev.JobFinished(()),
    ev.RequestsFound(REQUESTS),
    ev.RequestsFound(REQUESTS[2:]),
    ev.JobFailed("E-STICK-GONE", "gone"),
    ev.JobFailed("E-STICK-FULL", "full"),
    ev.JobFailed("E-STOPPED", "stopped"),
    ev.Stopped(),
    ev.StatusReady(REPORT),
    ev.StatusReady(replace(REPORT, covers=(), archives=(), recipients=(), roots=())),
    ev.SignersReady(()),
    ev.SignersReady((SignerRow(certificate_id="a", title="2026.4 lane 1"),)),
    ev.Revoked(),
    ev.DrillsRecorded(DRILLS),
    ev.JobFailed("E-DRILL", "No recent backup waits for these words."),
    ev.PassphraseChanged(),
    ev.SelfTestReady((TestRow(name="random", good=True),)),
    ev.StickFormatted(replace(HERE, label="PISM-EXPORT")),
    ev.StickFormatted(replace(OTHER, label="HOLIDAYS")),
    StickInserted(RESCUE),
    StickRemoved(RESCUE.identity),
    rv.BackupFound(KEYS_ON_IT),
    rv.BackupFound(KEYS_ON_IT[:1]),
    rv.IdentityTaken(),
    rv.IdentityTaken(locked=True),
    rv.BackupRead(BACKUP),
    rv.BackupRestored(RESTORED),
    ev.JobFailed("E-IDENTITY-LOCKED", "locked"),
    ev.Bug(),
)


def secretive(state: Screen) -> bool:
    return state.under.secretive if isinstance(state, Warned) else state.secretive


def _check_rescue(before: Screen, after: Screen, effects: tuple[fx.Effect, ...]) -> None:
    """Fail when a vault that holds a key or a backup is left behind, or restores what nobody saw."""
    if before.box.rescue is not None and after.box.rescue is None:
        assert fx.CloseVault() in effects
        assert after.box.vault is not Vault.OPEN
    if isinstance(after, Restoring) and not isinstance(before, Restoring | Warned):
        assert rx.Restore() in effects
        assert after.box.rescue is not None
        assert after.box.rescue.backup is not None


def check(before: Screen, event: ev.Event, after: Screen, effects: tuple[fx.Effect, ...]) -> None:
    """Fail when one step breaks a promise of kiosk.machine."""
    assert isinstance(after, Screen)
    assert type(after) is not Screen
    assert isinstance(effects, tuple)
    assert all(isinstance(effect, EFFECTS) for effect in effects)
    if isinstance(after, SafeToRemove) and not isinstance(before, SafeToRemove | TwoSticks | Warned):
        assert isinstance(before, Working)
        assert isinstance(event, ev.JobFinished)
    if secretive(before) and not secretive(after):
        assert fx.WipeEntry() in effects
    if before.box.session is not None and after.box.session is None:
        assert fx.CloseVault() in effects
        assert after.box.vault is not Vault.OPEN
    _check_rescue(before, after, effects)
    if isinstance(after, Working) and not isinstance(before, Working):
        runs = [effect for effect in effects if isinstance(effect, fx.RunJob)]
        assert [(run.stick, run.steps) for run in runs] == [(after.stick, after.steps)]
        reviewed = before.under if isinstance(before, Warned) else before
        answered = isinstance(reviewed, RequestAsked | RequestKey | RequestRefused)
        assert [run.approved is not None for run in runs] == [answered]
    if isinstance(after, RequestAsked) and isinstance(before, RequestAsked | RequestKey):
        given = len(after.review.approved) - len(before.review.approved)
        assert given == (isinstance(before, RequestKey) and event in HELD)
    if any(isinstance(effect, FOR_GOOD) for effect in effects):
        # What cannot be undone follows a held key on the screen that says so, and nothing else.
        assert isinstance(before, Review | ConfirmRevoke | SignedAhead)
        assert event in HELD
    if after.vault:
        assert after.box.vault is not Vault.CLOSED
    assert not (after.box.session is not None and after.box.vault is Vault.CLOSED)
    assert not (after.box.rescue is not None and after.box.vault is Vault.CLOSED)
    if isinstance(event, ev.Bug):
        assert after.box.session is None
    drawn(after)


@cache
def drawn(state: Screen) -> bytes:
    """Return the frame; each state is drawn once."""
    return draw(state).tobytes()
