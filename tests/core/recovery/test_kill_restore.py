"""A kill at any writing system call of a restore leaves nothing, or all of it."""

import itertools
from pathlib import Path

import pytest

from core.errors import StateMissingError
from core.store import journal
from core.store.store import is_provisioned, open_store
from tests.backups import FOUNDED, NEW_PASSPHRASE, PASSPHRASE, found_box
from tests.core.killpoints import sweep
from tests.core.recovery import rescue_child, restore_child

pytestmark = pytest.mark.judge  # a storm of kills: every step of every act

CHILDREN = {"command": restore_child, "vault": rescue_child}
READABLE = (b"Example Virtual", b"worlds.example", b"services", b"mongo", b"main-backup", b"2027-")


@pytest.mark.parametrize("way", CHILDREN)
def test_killed_while_a_backup_is_restored(tmp_path: Path, way: str) -> None:
    box = found_box(tmp_path)
    (backup,) = box.visit(FOUNDED, "backup main-backup")
    (tmp_path / "identity").write_text(str(box.identity))
    with open_store(box.state, PASSPHRASE) as old:
        certificates, keys = old.certificates(), old.key_ids()
    numbers = itertools.count()
    states: list[Path] = []

    def setup() -> Path:
        states.append(tmp_path / f"killed{next(numbers)}")
        return states[-1]

    def child(state: Path) -> tuple[str, ...]:
        return str(CHILDREN[way].__file__), str(backup), str(tmp_path / "identity"), str(state)

    def check(state: Path) -> str:
        for each in state.rglob("*"):
            text = each.read_bytes() if each.is_file() else b""
            assert not [word for word in READABLE if word in text], each
        if not is_provisioned(state):
            with pytest.raises(StateMissingError):
                open_store(state, NEW_PASSPHRASE)
            return "nothing"
        with open_store(state, NEW_PASSPHRASE) as store:
            assert journal.verify(store).act == "restore"
            assert (store.certificates(), store.key_ids()) == (certificates, keys)
        return "all"

    found = sweep(setup, child, check, 24)
    assert len(found) >= 15
    assert list(dict.fromkeys(found)) == ["nothing", "all"]
    # A folder that a killed restore left can be restored into.
    half = states[-len(found) + found.index("all") - 1]
    assert not is_provisioned(half)
    CHILDREN[way].main(backup, tmp_path / "identity", half)
    assert check(half) == "all"
    assert sorted(each.name for each in half.iterdir()) == ["lock", "store"]
