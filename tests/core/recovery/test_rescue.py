"""A rescue through the vault: every step, every refusal, and that a box stays empty until the very end.

The vault serves in a thread of this process; a few tests exec the real child, as the kiosk does.
"""

from pathlib import Path
from typing import Any

import pyrage
import pytest

from core.api import requests as protocol
from core.api import results
from core.api.results import IdentitySeen
from core.archive.container import JOURNAL_PATH
from core.errors import RescueSpaceError
from core.progress import Progress
from core.recovery.backup import STATE_PATH
from core.recovery.rescue import _require_memory
from core.store import journal
from core.store.store import is_provisioned, open_store
from kiosk.work.session import VaultLostError, start_vault
from tests.backups import (
    LAST_VISIT,
    NEW_PASSPHRASE,
    PASSPHRASE,
    PastBox,
    found_box,
    read_member,
    spoil,
)
from tests.builders import utc
from tests.core.policy.test_proposal import CONFIG
from tests.core.recovery.rescuing import (
    DAY,
    NOW,
    Vaults,
    identity_of,
    names_in,
    open_backup,
    refusal,
    restore,
    see,
    take,
)


def test_a_box_comes_back_from_a_backup_and_its_identity(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    assert session.ask(protocol.Hello(), results.Ready).provisioned is False
    assert take(session, identity_of(box)) == IdentitySeen(is_identity=True, locked=False)
    told: list[Progress] = []
    opened = open_backup(session, backup, report=told.append)
    assert (opened.authority, opened.name, opened.sequence) == ("Example Virtual Worlds", "main-backup", 3)
    assert (opened.created, len(opened.root_words)) == (LAST_VISIT, 12)
    assert told[0] == Progress(done=0, total=0, what="unpacking")
    assert told[-1] == Progress(done=opened.keys, total=opened.keys, what="key")
    assert not is_provisioned(tmp_path / "state")
    restored = restore(session)
    assert restored.clock_believed
    assert session.ask(protocol.Hello(), results.Ready).provisioned is True
    with open_store(box.state, PASSPHRASE) as old, open_store(tmp_path / "state", NEW_PASSPHRASE) as new:
        assert (new.certificates(), new.key_ids()) == (old.certificates(), old.key_ids())
        assert (new.fact("incarnation"), new.fact("restored_from")) == (
            restored.incarnation,
            old.fact("incarnation"),
        )
        assert journal.verify(new).act == "restore"
        roots = [item for item in new.certificates() if item.kind == "root"]
        assert opened.roots == len(roots)
        assert opened.root_sha256 in {item.sha256 for item in roots}


def test_the_real_process_does_the_same_and_its_end_is_the_lock(
    past: tuple[PastBox, Path], tmp_path: Path
) -> None:
    box, backup = past
    session = start_vault(tmp_path / "state", tmp_path / "config.yaml")
    take(session, identity_of(box))
    open_backup(session, backup)
    restore(session)
    session.close()
    assert names_in(tmp_path / "state") == ["lock", "store"]
    session = start_vault(tmp_path / "state", tmp_path / "config.yaml")
    unlock = protocol.Unlock(passphrase=NEW_PASSPHRASE, now=NOW)
    assert session.ask(unlock, results.Unlocked).authority == "Example Virtual Worlds"
    session.close()


def test_a_config_that_differs_from_what_came_back_is_told_and_waits_for_approval(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    for name in ("kudo.pub", "backup.pub"):
        (tmp_path / name).write_text(f"{pyrage.x25519.Identity.generate().to_public()}\n")
    (tmp_path / "config.yaml").write_text(CONFIG.replace("PISM-ALL:", "PISM-NEW:"))
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    open_backup(session, backup)
    changes = restore(session).policy_changes
    assert any(line.startswith("egresses.main-kudo.recipients") for line in changes)
    unlocked = session.ask(protocol.Unlock(passphrase=NEW_PASSPHRASE, now=NOW), results.Unlocked)
    assert unlocked.policy_changes == changes
    # The sticks that the pinned policy knows, not those of the file.
    assert "PISM-NEW" not in unlocked.sticks
    shown = session.ask(protocol.AskPolicy(), results.PolicyProposal)
    approve = protocol.ApprovePolicy(policy_sha256=shown.policy_sha256, now=NOW)
    assert session.ask(approve, results.Unlocked).policy_changes == ()


def test_a_config_that_cannot_be_used_is_told_and_stops_nothing(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    open_backup(session, backup)
    assert restore(session).policy_changes[0].startswith("E-")


def test_a_restored_box_goes_on_where_the_clock_is_not_believed_once_it_is_set(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    late = NOW + 400 * DAY
    take(session, identity_of(box))
    open_backup(session, backup, late)
    assert not restore(session, late).clock_believed
    unlocked = session.ask(protocol.Unlock(passphrase=NEW_PASSPHRASE, now=late), results.Unlocked)
    assert unlocked.clock == "E-CLOCK-LATE"
    session.ask(protocol.CorrectClock(now=late), results.ClockCorrected)
    assert session.ask(protocol.TopUp(now=late), results.ToppedUp).signers > 0


# --- refusals ---


def test_a_box_that_is_not_empty_refuses_every_step(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    before = (box.state / "store" / "store.db").read_bytes()
    session = vaults(box.state)
    assert refusal(lambda: see(session, identity_of(box))) == "E-STATE-EXISTS"
    assert refusal(lambda: take(session, identity_of(box))) == "E-STATE-EXISTS"
    assert refusal(lambda: open_backup(session, backup)) == "E-STATE-EXISTS"
    assert refusal(lambda: restore(session)) == "E-STATE-EXISTS"
    assert (box.state / "store" / "store.db").read_bytes() == before


def test_a_store_that_appeared_meanwhile_is_never_overwritten(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    open_backup(session, backup)
    (tmp_path / "state" / "store").mkdir(parents=True)
    assert refusal(lambda: restore(session)) == "E-STATE-EXISTS"


def damaged(data: bytes, how: str) -> bytes:
    match how:
        case "cut":
            return data[:-1000]
        case "flipped":
            return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
        case "longer":
            return data + b"\0"
        case _:
            return b""


@pytest.mark.parametrize("how", ["cut", "flipped", "longer", "empty"])
def test_a_damaged_archive_is_refused_and_leaves_nothing(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults, how: str
) -> None:
    box, backup = past
    (tmp_path / "bad").write_bytes(damaged(backup.read_bytes(), how))
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    assert refusal(lambda: open_backup(session, tmp_path / "bad")) == "E-ARCHIVE-DAMAGED"
    assert names_in(tmp_path / "state") == []


def test_an_egress_is_refused(tmp_path: Path, vaults: Vaults) -> None:
    box = found_box(tmp_path)
    (egress,) = box.visit(utc("2027-01-15T10:00"), "egress main-kudo")
    session = vaults(tmp_path / "new")
    take(session, identity_of(box))
    assert refusal(lambda: open_backup(session, egress)) == "E-ARCHIVE-KIND"


@pytest.mark.parametrize("path", [JOURNAL_PATH, STATE_PATH])
def test_a_backup_whose_parts_are_of_two_pasts_is_refused(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults, path: str
) -> None:
    """Sealed by the box's own keys, so only a bug or a fork could make it."""
    box, backup = past
    early = min(box.out.glob("*main-backup-000001*")).read_bytes()
    other = {path: read_member(early, box.identity, path)}
    (tmp_path / "forked").write_bytes(spoil(backup.read_bytes(), box, other))
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    assert refusal(lambda: open_backup(session, tmp_path / "forked")) in ("E-ARCHIVE-FORMAT", "E-JOURNAL")


@pytest.mark.parametrize(
    ("now", "code"), [(utc("2027-01-01"), "E-ARCHIVE-DATE"), (utc("2060-01-01"), "E-ARCHIVE-SEAL")]
)
def test_a_clock_that_makes_the_backup_impossible_is_named(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults, now: Any, code: str
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    assert refusal(lambda: open_backup(session, backup, now)) == code


def test_an_archive_that_memory_does_not_hold_is_refused_before_it_is_read() -> None:
    _require_memory(0)
    with pytest.raises(RescueSpaceError):
        _require_memory(1 << 60)


def test_a_weak_passphrase_restores_nothing(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))
    open_backup(session, backup)
    weak = protocol.Restore(passphrase=b"1234", now=NOW)
    assert refusal(lambda: session.ask(weak, object)) == "E-PASSPHRASE-WEAK"
    assert names_in(tmp_path / "state") == []
    restore(session)


@pytest.mark.parametrize("stage", ["check", "restore"])
def test_a_stop_leaves_the_box_empty_and_the_next_try_goes_through(
    past: tuple[PastBox, Path], tmp_path: Path, vaults: Vaults, stage: str
) -> None:
    box, backup = past
    session = vaults(tmp_path / "state")
    take(session, identity_of(box))

    def stop(progress: Progress) -> None:
        if progress.done == 0:
            session.stop()

    if stage == "check":
        assert refusal(lambda: open_backup(session, backup, report=stop)) == "E-STOPPED"
    open_backup(session, backup)
    if stage == "restore":
        assert refusal(lambda: restore(session, report=stop)) == "E-STOPPED"
    assert names_in(tmp_path / "state") == []
    restore(session)
    assert is_provisioned(tmp_path / "state")


@pytest.mark.parametrize("stage", ["check", "restore"])
def test_a_vault_that_is_killed_leaves_the_box_empty_and_a_new_one_restores_it(
    past: tuple[PastBox, Path], tmp_path: Path, stage: str
) -> None:
    box, backup = past
    session = start_vault(tmp_path / "state", tmp_path / "config.yaml")
    take(session, identity_of(box))

    def kill(progress: Progress) -> None:
        if progress.done == 0 and session.child is not None:
            session.child.kill()

    if stage == "check":
        with pytest.raises(VaultLostError):
            open_backup(session, backup, report=kill)
    else:
        open_backup(session, backup)
        with pytest.raises(VaultLostError):
            restore(session, report=kill)
    session.close()
    assert not is_provisioned(tmp_path / "state")
    again = start_vault(tmp_path / "state", tmp_path / "config.yaml")
    take(again, identity_of(box))
    open_backup(again, backup)
    restore(again)
    again.close()
    assert names_in(tmp_path / "state") == ["lock", "store"]


@pytest.mark.parametrize(
    "request_",
    [
        protocol.SeeIdentity(),  # without a file
        protocol.OpenIdentity(passphrase=b"x"),
        protocol.Restore(passphrase=NEW_PASSPHRASE, now=NOW),
    ],
)
def test_steps_out_of_order_are_a_bug(
    tmp_path: Path, vaults: Vaults, request_: protocol.Request[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    session = vaults(tmp_path / "state")
    assert refusal(lambda: session.ask(request_, object)) == "E-BUG"
    assert NEW_PASSPHRASE.decode() not in capfd.readouterr().err
