"""A kill at any writing system call leaves a store as before or as after, and nothing readable."""

import itertools
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from core.errors import CaError, PassphraseWrongError, StateDamagedError
from core.store import journal
from core.store.database import Database
from core.store.folder import Folder
from core.store.former import FormerStore
from core.store.keyslots import count_slots, open_slots
from core.store.store import Store, is_provisioned, open_store
from tests.core.killpoints import sweep
from tests.core.opened import open_with
from tests.core.store.store_child import NEXT_PASSPHRASE, NOW, PASSPHRASE, main

pytestmark = pytest.mark.judge  # a storm of kills: every step of every act

CHILD = Path(__file__).with_name("store_child.py")
READABLE = (b"Example Virtual", b"infrastructure", b"avatars", b"2027-", bytes([7]) * 40, bytes([100]) * 40)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Return a state with 40 signers, and its database key."""
    state = tmp_path_factory.mktemp("kill") / "state"
    main("init", state)
    return state, open_slots((state / "store" / "keyslots.json").read_bytes(), PASSPHRASE)[0].master


def _copies(source: Path, folder: Path) -> Callable[[], Path]:
    numbers = itertools.count()
    return lambda: Path(shutil.copytree(source, folder / f"state{next(numbers)}"))


def _check_nothing_readable(state: Path) -> None:
    for each in state.rglob("*"):
        text = each.read_bytes() if each.is_file() else b""
        assert not [word for word in READABLE if word in text or word.lower() in each.name.encode()], each


def _verified_state(state: Path, key: bytes) -> tuple[int, int]:
    """Prove the store; return how many certificates and keys are in it. One more change must work, too."""
    _check_nothing_readable(state)
    with open_with(state, key) as store:
        return _proven(state, store)


def _proven(state: Path, store: Store) -> tuple[int, int]:
    journal.verify(store)
    found = len(store.certificates()), len(store.key_ids())
    with store.transaction():
        journal.append(store, "unlock", {}, NOW)
    journal.verify(store)
    assert sorted(each.name for each in (state / "store").iterdir()) == ["keyslots.json", "store.db"]
    return found


def test_killed_while_it_is_made(tmp_path: Path) -> None:
    numbers = itertools.count()

    def check(state: Path) -> str:
        if state.exists():
            _check_nothing_readable(state)
        if not is_provisioned(state):
            with pytest.raises(CaError) as raised:
                open_store(state, PASSPHRASE)
            assert raised.value.code == "E-STATE-MISSING"
            return "before"
        with open_store(state, PASSPHRASE) as store:
            journal.verify(store)
            assert len(store.certificates()) == 40
        return "after"

    def setup() -> Path:
        return tmp_path / f"state{next(numbers)}"

    states: list[Path] = []

    def noted() -> Path:
        states.append(setup())
        return states[-1]

    found = sweep(noted, lambda state: (str(CHILD), "init", str(state)), check, 60)
    assert len(found) >= 40
    assert found == tuple(sorted(found, reverse=True))  # before, then after, never back
    assert set(found) == {"before", "after"}
    # The next maker clears away what a killed one left.
    main("init", states[len(found) // 2])
    assert check(states[len(found) // 2]) == "after"
    assert sorted(each.name for each in states[len(found) // 2].iterdir()) == ["lock", "store"]


def test_killed_while_signers_are_added_and_keys_erased(founded: tuple[Path, bytes], tmp_path: Path) -> None:
    source, key = founded
    found = sweep(
        _copies(source, tmp_path),
        lambda state: (str(CHILD), "add", str(state), key.hex()),
        lambda state: str(_verified_state(state, key)),
        90,
    )
    assert len(found) >= 30
    assert list(dict.fromkeys(found)) == ["(40, 40)", "(100, 100)", "(100, 41)"]


def test_killed_while_a_store_of_before_gets_its_tables(tmp_path: Path) -> None:
    released = Path(__file__).parents[2] / "fixtures" / "0.1.0"
    slots = (released / "state" / "store" / "keyslots.json").read_bytes()
    key = open_slots(slots, (released / "passphrase").read_bytes().strip())[0].master
    numbers = itertools.count()

    def setup() -> Path:
        state = Path(shutil.copytree(released / "state", tmp_path / f"state{next(numbers)}"))
        for path in (state, *state.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        return state

    def check(state: Path) -> str:
        database = Database.open(state / "store" / "store.db", key)
        was_former = database.is_former
        if was_former:
            FormerStore(database).bring_up_to_date()
        with Store(database, Folder.enter(state)) as store:
            acts = [entry.act for entry in store.entries()]
            assert (acts.count("tables"), acts[-1]) == (1, "tables")
            assert _proven(state, store) == (16, len(store.key_ids()))
        return "before" if was_former else "after"

    found = sweep(setup, lambda state: (str(CHILD), "tables", str(state), key.hex()), check, 60)
    assert len(found) >= 20
    assert list(dict.fromkeys(found)) == ["before", "after"]


def test_killed_while_the_passphrase_is_changed(founded: tuple[Path, bytes], tmp_path: Path) -> None:
    source, key = founded

    @cache
    def opens(slots: bytes) -> str:
        found = []
        for name, passphrase in (("before", PASSPHRASE), ("after", NEXT_PASSPHRASE)):
            try:
                assert open_slots(slots, passphrase)[0].master == key
            except PassphraseWrongError:
                continue
            found.append(name)
        return " and ".join(found)

    def check(state: Path) -> str:
        assert _verified_state(state, key) == (40, 40)
        return opens((state / "store" / "keyslots.json").read_bytes())

    found = sweep(_copies(source, tmp_path), lambda state: (str(CHILD), "passphrase", str(state)), check, 20)
    assert len(found) >= 5
    assert list(dict.fromkeys(found)) == ["before", "after"]


def test_killed_while_everything_is_encrypted_anew(founded: tuple[Path, bytes], tmp_path: Path) -> None:
    source, key = founded
    setup = _copies(source, tmp_path)

    def child(state: Path) -> tuple[str, ...]:
        return str(CHILD), "rekey", str(state)

    def check(state: Path) -> str:
        with open_store(state, PASSPHRASE) as store:
            journaled = store.last_entry().act == "rekeyed"
            assert _proven(state, store) == (40, 40)
        assert count_slots((state / "store" / "keyslots.json").read_bytes()) == 1
        try:
            open_with(state, key).close()
        except StateDamagedError:
            assert journaled
            return "after"
        assert not journaled
        return "before"

    found = sweep(setup, child, check, 30)
    assert len(found) >= 30
    assert list(dict.fromkeys(found)) == ["before", "after"]
