"""Backup keys that a policy brings get nothing before the box was off, and the operator said yes again."""

import io
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
from msgspec.structs import replace

from core.authority.authority import Authority
from core.crypto.process import Boot
from core.errors import ProbationError
from core.policy.policy import Policy
from core.policy.settings import Backup
from core.progress import report_nothing
from core.recovery.restore import restore
from tests.authorities import COST, NOW, PASSPHRASE
from tests.builders import make_policy

FIRST, SECOND = Boot(id="first", uptime_s=100.0), Boot(id="second", uptime_s=10.0)
OLD, NEW = (pyrage.x25519.Identity.generate() for _ in range(2))
STAYS, COMES = str(OLD.to_public()), str(NEW.to_public())
LATER = NOW + timedelta(days=1)


def policy_for(*keys: str, **more: tuple[str, ...]) -> Policy:
    backups = {"main-backup": Backup(recipients=keys)}
    backups |= {name: Backup(recipients=lines) for name, lines in more.items()}
    return replace(make_policy(), backups=backups)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A box whose policy names one backup key, topped up."""
    with_one = Authority.found(tmp_path / "state", policy_for(STAYS), PASSPHRASE, COST, NOW)
    with_one.top_up(NOW, report_nothing)
    with_one.close()
    return tmp_path / "state"


def unlock(state: Path, boot: Boot) -> Authority:
    return Authority.unlock(state, PASSPHRASE, LATER, boot)


def can_open(authority: Authority, identity: pyrage.x25519.Identity, name: str = "main-backup") -> bool:
    """Tell whether a backup that is written now opens with an identity."""
    out = io.BytesIO()
    authority.write_archive("backup", name, out, LATER, report_nothing, public=False)
    try:
        pyrage.decrypt(out.getvalue(), [identity])
    except pyrage.DecryptError:
        return False
    return True


def approve(state: Path, policy: Policy, boot: Boot = FIRST) -> None:
    authority = unlock(state, boot)
    authority.approve_policy(policy, LATER)
    authority.close()


def waiting(authority: Authority) -> list[str]:
    return [key.key for key in authority.recipients() if key.waits]


def test_a_key_that_a_policy_brings_gets_no_backup_in_the_session_that_approved_it(state: Path) -> None:
    authority = unlock(state, FIRST)
    authority.approve_policy(policy_for(STAYS, COMES), LATER)
    assert waiting(authority) == [COMES]
    assert not authority.to_confirm()
    assert can_open(authority, OLD)
    assert not can_open(authority, NEW)
    with pytest.raises(ProbationError):
        authority.confirm_recipients([COMES], LATER)
    authority.close()


def test_locking_is_not_being_off(state: Path) -> None:
    approve(state, policy_for(STAYS, COMES))
    authority = unlock(state, FIRST)
    assert not authority.to_confirm()
    with pytest.raises(ProbationError):
        authority.confirm_recipients([COMES], LATER)
    assert not can_open(authority, NEW)
    authority.close()


def test_after_the_box_was_off_it_still_waits_for_a_yes(state: Path) -> None:
    approve(state, policy_for(STAYS, COMES))
    authority = unlock(state, SECOND)
    assert [key.key for key in authority.to_confirm()] == [COMES]
    assert not can_open(authority, NEW)
    authority.confirm_recipients([COMES], LATER)
    assert (waiting(authority), authority.to_confirm()) == ([], ())
    assert can_open(authority, NEW)
    authority.close()


def test_both_are_journaled(state: Path) -> None:
    approve(state, policy_for(STAYS, COMES))
    authority = unlock(state, SECOND)
    authority.confirm_recipients([COMES], LATER)
    told = {entry.act: entry.detail for entry in authority.entries()}
    assert told["policy"]["on_probation"] == [COMES]
    assert told["confirm"] == {"keys": [COMES]}
    authority.close()


def test_where_all_keys_wait_no_backup_is_made_and_no_number_taken(state: Path) -> None:
    authority = unlock(state, FIRST)
    authority.approve_policy(policy_for(COMES), LATER)
    with pytest.raises(ProbationError, match="main-backup"):
        can_open(authority, NEW)
    authority.close()
    authority = unlock(state, SECOND)
    authority.confirm_recipients([COMES], LATER)
    assert can_open(authority, NEW)
    (archive,) = (each for each in authority.status(LATER).archives if each.kind == "backup")
    assert archive.sequence == 1
    authority.close()


def test_a_key_that_gets_full_backups_already_gains_nothing_and_does_not_wait(state: Path) -> None:
    authority = unlock(state, FIRST)
    authority.approve_policy(policy_for(STAYS, other=(STAYS,)), LATER)
    assert waiting(authority) == []
    assert can_open(authority, OLD, "other")
    authority.close()


def test_a_key_that_waits_goes_on_waiting_under_another_destination(state: Path) -> None:
    approve(state, policy_for(STAYS, COMES))
    approve(state, policy_for(STAYS, COMES, other=(STAYS, COMES)))
    authority = unlock(state, FIRST)
    assert waiting(authority) == [COMES, COMES]
    assert not can_open(authority, NEW, "other")
    authority.close()


def test_a_key_that_was_dropped_waits_anew_when_it_comes_back(state: Path) -> None:
    approve(state, policy_for(STAYS, COMES))
    approve(state, policy_for(STAYS), SECOND)
    approve(state, policy_for(STAYS, COMES), SECOND)
    authority = unlock(state, SECOND)
    assert waiting(authority) == [COMES]
    assert not authority.to_confirm()
    authority.close()


def test_the_first_policy_is_exempt(state: Path) -> None:
    authority = unlock(state, FIRST)
    assert waiting(authority) == []
    assert can_open(authority, OLD)
    authority.close()


def test_what_does_not_wait_cannot_be_confirmed(state: Path) -> None:
    approve(state, policy_for(STAYS, COMES))
    authority = unlock(state, SECOND)
    for keys in ([STAYS], [COMES, STAYS], ["age1nobody"]):
        with pytest.raises(ProbationError):
            authority.confirm_recipients(keys, LATER)
    assert waiting(authority) == [COMES]
    authority.close()


def test_a_restored_box_asks_for_the_yes_that_the_old_one_did_not_get(state: Path, tmp_path: Path) -> None:
    approve(state, policy_for(STAYS, COMES))
    authority = unlock(state, FIRST)
    with (tmp_path / "backup").open("wb") as out:
        authority.write_archive("backup", "main-backup", out, LATER, report_nothing, public=False)
    authority.close()
    restore(
        tmp_path / "backup",
        [OLD],
        (),
        lambda _: True,
        state=tmp_path / "new",
        passphrase=PASSPHRASE,
        cost=COST,
        now=LATER,
        report=report_nothing,
    )
    authority = unlock(tmp_path / "new", SECOND)
    assert (waiting(authority), [key.key for key in authority.to_confirm()]) == ([COMES], [COMES])
    assert not can_open(authority, NEW)
    authority.confirm_recipients([COMES], LATER)
    assert can_open(authority, NEW)
    authority.close()
