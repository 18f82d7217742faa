"""Who gets in: passphrases that are counted, folders and stores that are refused."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.api.results import Confined
from core.authority.authority import Authority
from core.crypto.process import Boot
from core.errors import JournalError, StateDamagedError
from core.progress import report_nothing
from core.store import journal
from core.store.database import Database
from core.store.folder import DATABASE
from tests.authorities import BOOT, COST, NOW, Founded, refusal, snapshot
from tests.authority_store import PASSPHRASE
from tests.builders import make_policy

CONFINED = Confined(user_id=990, has_seccomp=True, gains_nothing=True)
NEW = b"zebra umbrella violin quartz tomato sandal"
PAGE_BYTES = 4096


def unlock(state: Path, now: datetime = NOW, passphrase: bytes = PASSPHRASE, boot: Boot = BOOT) -> None:
    Authority.unlock(state, passphrase, now, boot).close()


def test_a_wrong_passphrase_is_counted_and_the_next_one_waits(founded: Founded) -> None:
    store = snapshot(founded.state / "store")
    assert refusal(unlock, founded.state, passphrase=b"not this one") == "E-PASSPHRASE-WRONG"
    ready = Authority.look(founded.state, BOOT, swap=False, confined=CONFINED)
    assert (ready.provisioned, ready.failed_attempts, ready.wait_s) == (True, 1, 1)
    # Too early, even the right one is not looked at, and nothing is counted.
    before = snapshot(founded.state)
    assert refusal(unlock, founded.state) == "E-PASSPHRASE-WAIT"
    assert snapshot(founded.state) == before
    assert snapshot(founded.state / "store") == store


def test_waits_double_with_every_wrong_passphrase_up_to_a_quarter_of_an_hour(founded: Founded) -> None:
    waits, uptime_s = [], BOOT.uptime_s
    for count in range(1, 12):
        boot = Boot(id=BOOT.id, uptime_s=uptime_s)
        assert refusal(unlock, founded.state, NOW, b"wrong", boot) == "E-PASSPHRASE-WRONG"
        ready = Authority.look(founded.state, boot, swap=True, confined=CONFINED)
        assert (ready.failed_attempts, ready.swap) == (count, True)
        waits.append(ready.wait_s)
        uptime_s += ready.wait_s
    assert waits == [1, 3, 7, 15, 31, 63, 127, 255, 511, 900, 900]


def test_the_right_passphrase_after_the_wait_folds_the_wrong_ones_into_the_journal(founded: Founded) -> None:
    times = [NOW, NOW + timedelta(seconds=5)]
    for time, uptime_s in zip(times, (5000.0, 5005.0), strict=True):
        wrong = Boot(id="one", uptime_s=uptime_s)
        assert refusal(unlock, founded.state, time, b"wrong", wrong)
    at = NOW + timedelta(minutes=1)
    with founded.unlock(at, Boot(id="one", uptime_s=5060.0)) as authority:
        assert authority.unlocked(founded.state / "config.yaml").failed_attempts == 2
        last = list(authority.entries())[-1]
    assert (last.act, last.time) == ("unlock", at)
    assert last.detail == {"failed": 2, "failed_at": ["2027-02-10T12:00:00Z", "2027-02-10T12:00:05Z"]}
    assert Authority.look(founded.state, BOOT, swap=False, confined=CONFINED).failed_attempts == 0
    with founded.unlock(at) as authority:
        assert list(authority.entries())[-1].detail == {"failed": 0}


def test_a_count_that_was_tampered_with_is_waited_out_and_journaled(founded: Founded) -> None:
    (founded.state / "attempts.json").write_text("{}")
    early, late = Boot(id="one", uptime_s=899.0), Boot(id="one", uptime_s=900.0)
    assert refusal(unlock, founded.state, boot=early) == "E-PASSPHRASE-WAIT"
    with founded.unlock(boot=late) as authority:
        assert list(authority.entries())[-1].detail["count_damaged"] is True


def test_nothing_is_known_of_a_state_that_is_not_there(tmp_path: Path) -> None:
    ready = Authority.look(tmp_path / "state", BOOT, swap=False, confined=CONFINED)
    assert (ready.provisioned, ready.failed_attempts, ready.wait_s) == (False, 0, 0)
    assert refusal(unlock, tmp_path / "state") == "E-STATE-MISSING"
    assert list(tmp_path.iterdir()) == []


def test_another_passphrase_opens_it_from_then_on(founded: Founded) -> None:
    with founded.open() as authority:
        authority.change_passphrase(PASSPHRASE, NEW, COST, NOW, BOOT)
        assert list(authority.entries())[-1].act == "passphrase"
    assert refusal(unlock, founded.state) == "E-PASSPHRASE-WRONG"
    unlock(founded.state, passphrase=NEW, boot=replace(BOOT, uptime_s=6000.0))


def test_a_change_of_passphrase_to_a_weak_one_changes_nothing(founded: Founded) -> None:
    before = snapshot(founded.state)
    with founded.open() as authority:
        change = authority.change_passphrase
        assert refusal(change, PASSPHRASE, b"password1", COST, NOW, BOOT) == "E-PASSPHRASE-WEAK"
    assert snapshot(founded.state) == before


def test_a_wrong_old_passphrase_is_counted_before_it_is_looked_at_and_waited_for(founded: Founded) -> None:
    before = snapshot(founded.state)
    soon, later = replace(BOOT, uptime_s=5000.5), replace(BOOT, uptime_s=5001.0)
    with founded.open() as authority:
        change = authority.change_passphrase
        assert refusal(change, b"not this one", NEW, COST, NOW, BOOT) == "E-PASSPHRASE-WRONG"
        look = Authority.look(founded.state, BOOT, swap=False, confined=CONFINED)
        assert (look.failed_attempts, look.wait_s) == (1, 1)
        assert refusal(change, PASSPHRASE, NEW, COST, NOW, soon) == "E-PASSPHRASE-WAIT"
        assert Authority.look(founded.state, BOOT, swap=False, confined=CONFINED).failed_attempts == 1
        attempts = snapshot(founded.state).keys() - before.keys()
        assert attempts == {"attempts.json"}
        assert {name: data for name, data in snapshot(founded.state).items() if name in before} == before
        change(PASSPHRASE, NEW, COST, NOW, later)
        entry = list(authority.entries())[-1]
        assert entry.act == "passphrase"
        assert entry.detail == {"failed": 1, "failed_at": ["2027-02-10T12:00:00Z"]}
    assert Authority.look(founded.state, later, swap=False, confined=CONFINED).failed_attempts == 0
    unlock(founded.state, passphrase=NEW, boot=later)


def test_a_wrong_old_passphrase_is_told_at_the_next_unlock(founded: Founded) -> None:
    with founded.open() as authority:
        refusal(authority.change_passphrase, b"not this one", NEW, COST, NOW, BOOT)
    with founded.unlock(boot=replace(BOOT, uptime_s=5001.0)) as authority:
        assert list(authority.entries())[-1].detail["failed"] == 1


def test_everything_is_encrypted_anew_by_who_knows_the_passphrase_and_journaled(founded: Founded) -> None:
    later = replace(BOOT, uptime_s=5001.0)
    with founded.open() as authority:
        certificates = authority.certificates()
        before = snapshot(founded.state / "store")
        assert refusal(authority.rekey, b"wrong", COST, NOW, BOOT, report_nothing) == "E-PASSPHRASE-WRONG"
        assert refusal(authority.rekey, PASSPHRASE, COST, NOW, BOOT, report_nothing) == "E-PASSPHRASE-WAIT"
        assert snapshot(founded.state / "store") == before
        authority.rekey(PASSPHRASE, COST, NOW, later, report_nothing)
        entry = list(authority.entries())[-1]
        assert (entry.act, entry.detail["rekey"], entry.detail["failed"]) == ("passphrase", True, 1)
        authority.top_up(NOW, report_nothing)
        assert authority.certificates() == certificates
    with pytest.raises(StateDamagedError):
        Database.open(founded.state / "store" / DATABASE, founded.key)
    unlock(founded.state)


def _open_folder(state: Path) -> None:
    state.chmod(0o750)


def _open_store_folder(state: Path) -> None:
    (state / "store").chmod(0o701)


def _open_database(state: Path) -> None:
    (state / "store" / "store.db").chmod(0o640)


def _link(state: Path) -> None:
    moved = state.rename(state.with_name("moved"))
    state.symlink_to(moved)


def _link_store(state: Path) -> None:
    moved = (state / "store").rename(state / "moved")
    (state / "store").symlink_to(moved)


@pytest.mark.parametrize("spoil", [_open_folder, _open_store_folder, _open_database, _link, _link_store])
def test_a_state_that_is_open_to_others_is_refused(founded: Founded, spoil: Callable[[Path], None]) -> None:
    spoil(founded.state)
    before = snapshot(founded.state)
    assert refusal(unlock, founded.state) == "E-STATE-MODE"
    assert snapshot(founded.state) == before


def test_a_state_of_another_owner_is_refused(founded: Founded) -> None:
    """Whoever may give a folder away does; for anybody else the system's folders are another's."""
    state = Path("/usr")
    if os.geteuid() == 0:
        state = founded.state
        os.chown(state, 65534, 65534)
    assert refusal(unlock, state) == "E-STATE-MODE"


def test_a_state_that_another_process_has_open_is_refused(founded: Founded) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); input()",
            founded.state / "lock",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    with holder:
        holder.stdout.readline()
        before = snapshot(founded.state)
        assert refusal(unlock, founded.state) == "E-STATE-LOCKED"
        assert snapshot(founded.state) == before
        holder.communicate(b"\n")
    unlock(founded.state)


def _empty(store: Path) -> None:
    os.truncate(store / "store.db", 0)


def _halve(store: Path) -> None:
    os.truncate(store / "store.db", (store / "store.db").stat().st_size // 2)


def _cut_a_page(store: Path) -> None:
    os.truncate(store / "store.db", (store / "store.db").stat().st_size - PAGE_BYTES)


def _remove_database(store: Path) -> None:
    (store / "store.db").unlink()


def _cut_keyslots(store: Path) -> None:
    os.truncate(store / "keyslots.json", 100)


def _remove_keyslots(store: Path) -> None:
    (store / "keyslots.json").unlink()


@pytest.mark.parametrize(
    "spoil", [_empty, _halve, _cut_a_page, _remove_database, _cut_keyslots, _remove_keyslots]
)
def test_an_emptied_or_cut_store_is_damage_and_never_a_new_one(
    founded: Founded, spoil: Callable[[Path], None]
) -> None:
    spoil(founded.state / "store")
    before = snapshot(founded.state / "store")
    assert refusal(unlock, founded.state) == "E-STATE-DAMAGED"
    assert refusal(Authority.found, founded.state, make_policy(), PASSPHRASE, COST, NOW) == ("E-STATE-EXISTS")
    assert snapshot(founded.state / "store") == before


def _put_back(database: Path, old: bytes, start: int) -> None:
    with database.open("r+b") as file:
        file.seek(start)
        file.write(old[start : start + PAGE_BYTES])


def _use(state: Path) -> tuple[object, ...]:
    """Unlock, and return all that an operation could go by."""
    authority = Authority.unlock(state, PASSPHRASE, NOW, BOOT)
    try:
        store, alive = authority._store, authority.certificates(alive_at=NOW)
        ids, keys = [item.id for item in alive], sorted(store.key_ids(alive_at=NOW))
        return (
            *(alive, keys, dict(store.ders(ids)), dict(store.keys(keys)), store.past_use(NOW)),
            *(store.crls(), store.archives(), store.sequences(), store.facts(), store.acts()[:-1]),
            *(store.counts(NOW), authority.policy, authority.to_confirm()),
        )
    finally:
        authority.close()


def test_one_old_page_put_back_is_noticed_or_nothing_goes_by_it(founded: Founded, tmp_path: Path) -> None:
    old = (founded.state / "store" / "store.db").read_bytes()
    with founded.open() as authority:
        signer = next(item for item in authority.certificates() if item.kind == "signer")
        authority.revoke(signer.id, "keyCompromise", NOW)
        authority.top_up(NOW, report_nothing)
    new = (founded.state / "store" / "store.db").read_bytes()
    changed = [
        start
        for start in range(0, min(len(old), len(new)), PAGE_BYTES)
        if old[start : start + PAGE_BYTES] != new[start : start + PAGE_BYTES]
    ]
    assert len(changed) >= 3
    truth = _use(Path(shutil.copytree(founded.state, tmp_path / "truth")))
    codes: dict[int, str] = {}
    for start in changed:
        state = Path(shutil.copytree(founded.state, tmp_path / str(start)))
        _put_back(state / "store" / "store.db", old, start)
        try:
            assert _use(state) == truth
        except (StateDamagedError, JournalError) as error:
            codes[start] = error.code
        else:  # the whole look sees it all the same
            copy = founded.copy(tmp_path / f"{start} whole")
            _put_back(copy.state / "store" / "store.db", old, start)
            with copy.open_store() as store:
                codes[start] = refusal(journal.verify, store)
    assert set(codes.values()) <= {"E-STATE-DAMAGED", "E-JOURNAL"}
    assert len(codes) == len(changed)
