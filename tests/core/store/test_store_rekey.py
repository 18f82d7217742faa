"""core.store.store: another passphrase, another key."""

import os
from pathlib import Path

import pytest

from core.errors import (
    FileError,
    PassphraseWrongError,
    StateDamagedError,
    StateLockedError,
    StoppedError,
)
from core.progress import Progress, Report, report_nothing
from core.store import journal
from core.store.folder import DATABASE, KEYSLOTS
from core.store.keyslots import add_slot, count_slots, make_slots, open_slots
from core.store.store import Store, open_store
from tests.core.opened import (
    COST,
    NOW,
    PASSPHRASE,
    issue,
    master_key,
    open_with,
)

OTHER = b"another passphrase"


class TestPassphrase:
    def test_the_right_one_opens_and_a_wrong_one_does_not(self, state: Path) -> None:
        with open_store(state, PASSPHRASE) as store:
            journal.verify(store)
        with pytest.raises(PassphraseWrongError):
            open_store(state, OTHER)
        open_store(state, PASSPHRASE).close()  # the failed one gave the lock back

    def test_is_looked_at_only_after_the_attempt_is_counted(self, state: Path) -> None:
        (state / "store" / KEYSLOTS).write_bytes(b"garbage, not yet looked at")

        def count() -> None:
            with pytest.raises(StateLockedError):
                open_store(state, PASSPHRASE)
            raise FileError("not counted")

        with pytest.raises(FileError, match="not counted"):
            open_store(state, PASSPHRASE, count)

    def test_is_changed_in_one_step(self, state: Path) -> None:
        with open_store(state, PASSPHRASE, lambda: None) as store:
            with pytest.raises(PassphraseWrongError):
                store.change_passphrase(OTHER, OTHER, COST)
            store.change_passphrase(PASSPHRASE, OTHER, COST)
        with pytest.raises(PassphraseWrongError):
            open_store(state, PASSPHRASE)
        open_store(state, OTHER).close()


def rekey(store: Store, passphrase: bytes = PASSPHRASE, report: Report = report_nothing) -> None:
    store.rekey(passphrase, COST, lambda copy: journal.append(copy, "rekeyed", {}, NOW), report)


class TestRekey:
    def test_encrypts_everything_under_a_new_key(self, state: Path, laid: tuple[Path, bytes]) -> None:
        with open_store(state, PASSPHRASE) as store:
            before = store.certificates(), store.state_hash(0)
            with pytest.raises(PassphraseWrongError):
                rekey(store, OTHER)
            told: list[Progress] = []
            rekey(store, report=told.append)
            assert (store.certificates(), store.state_hash(0)) == before
            assert store.last_entry().act == "rekeyed"
            assert told == [Progress(done=done, total=3, what="re-encryption") for done in range(4)]
            issue(store, [50])
        with pytest.raises(StateDamagedError):
            open_with(state, laid[1])
        assert master_key(state) != laid[1]
        with open_store(state, PASSPHRASE) as store:
            journal.verify(store)
            assert len(store.certificates()) == 21
        assert _names(state / "store") == [KEYSLOTS, DATABASE]
        assert count_slots((state / "store" / KEYSLOTS).read_bytes()) == 1

    def test_waits_for_the_end_of_a_transaction(self, store: Store) -> None:
        with store.transaction(), pytest.raises(RuntimeError, match="open"):
            rekey(store)

    def test_that_fails_leaves_the_store_as_it_was(self, state: Path) -> None:
        slots = (state / "store" / KEYSLOTS).read_bytes()
        with open_store(state, PASSPHRASE) as store:
            (state / "store" / "store.db.new").mkdir()
            with pytest.raises(FileError):
                rekey(store)
            (state / "store" / "store.db.new").rmdir()
            # A copy that differs never takes the store's place.
            store.state_hash()
            store._database.run("UPDATE fact SET value = 'other' WHERE name = 'incarnation'")
            with pytest.raises(StateDamagedError, match="differs"):
                rekey(store)
            store._database.run("DELETE FROM der WHERE number = 3")
            with pytest.raises(StateDamagedError, match="missing or altered"):
                rekey(store)
        assert (state / "store" / KEYSLOTS).read_bytes() == slots
        assert _names(state / "store") == [KEYSLOTS, DATABASE]

    @pytest.mark.parametrize("at", range(4))
    def test_that_is_stopped_leaves_the_store_as_it_was(self, state: Path, at: int) -> None:
        slots = (state / "store" / KEYSLOTS).read_bytes()

        def stop(progress: Progress) -> None:
            if progress.done == at:
                raise StoppedError("enough")

        with open_store(state, PASSPHRASE) as store:
            before = store.last_entry()
            with pytest.raises(StoppedError):
                rekey(store, report=stop)
            assert store.last_entry() == before
            issue(store, [50])
        assert (state / "store" / KEYSLOTS).read_bytes() == slots
        assert _names(state / "store") == [KEYSLOTS, DATABASE]

    @pytest.mark.parametrize("first", [True, False])
    def test_that_was_interrupted_leaves_the_key_that_fits(self, state: Path, *, first: bool) -> None:
        path = state / "store" / KEYSLOTS
        one, other = path.read_bytes(), os.urandom(32)
        if first:
            both = add_slot(one, other, PASSPHRASE, COST)
        else:
            both = make_slots([other, master_key(state)], PASSPHRASE, COST)
        path.write_bytes(both)
        (state / "store" / "store.db.new").write_bytes(b"half")
        with open_store(state, PASSPHRASE) as store:
            journal.verify(store)
        assert [slot.master == other for slot in open_slots(path.read_bytes(), PASSPHRASE)] == [False]
        assert _names(state / "store") == [KEYSLOTS, DATABASE]


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())
