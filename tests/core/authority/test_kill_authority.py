"""A kill at any writing system call of a founding, top-up, signing or export leaves what goes on.

tests/core/store/test_kill_store.py kills the store's own acts; together they are at least 200 kills a run.
"""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from core.authority.authority import Authority
from core.progress import report_nothing
from core.store import journal
from core.store.store import is_provisioned
from tests.authorities import BOOT, Founded, found_with, refusal
from tests.authority_store import PASSPHRASE
from tests.core.authority.authority_child import LATER, NOW, POLICY, main
from tests.core.killpoints import sweep

pytestmark = pytest.mark.judge  # a storm of kills: every step of every act

CHILD = Path(__file__).with_name("authority_child.py")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    identity = pyrage.x25519.Identity.generate()
    return found_with(tmp_path_factory.mktemp("box") / "state", POLICY, identity, NOW)


def states(folder: Path, source: Path | None = None) -> Callable[[], Path]:
    """Return a maker of state folders: copies of `source`, or names only."""
    numbers = itertools.count()

    def make() -> Path:
        state = folder / f"state{next(numbers)}"
        return state if source is None else Path(shutil.copytree(source, state))

    return make


def counts_of(box: Founded, state: Path) -> tuple[int, int, int]:
    """Prove the state, count roots, certificates and archives, and let a top-up and an export go on."""
    with Founded(state=state, key=box.key, identity=box.identity).open(LATER) as authority:
        store = authority._store
        journal.verify(store)
        left = len(store.certificates("root")), len(store.certificates()), len(store.archives())
        authority.top_up(LATER, report_nothing)
        assert authority.top_up(LATER, report_nothing).signers == 0
        journal.verify(store)
        over = {item.id for item in store.certificates("signer") if item.issue_until <= LATER}
        assert over
        assert not over & store.key_ids()
        sequences = [archive.sequence for archive in store.archives() if archive.kind == "egress"]
        with (state / "archive").open("wb") as out:
            written = authority.write_archive("egress", "main-kudo", out, LATER, report_nothing, public=False)
        assert written.sequence == len(sequences) + 1
        journal.verify(store)
    assert sorted(path.name for path in (state / "store").iterdir()) == ["keyslots.json", "store.db"]
    return left


def test_killed_while_an_authority_is_founded(tmp_path: Path) -> None:
    killed: list[Path] = []
    make = states(tmp_path)

    def setup() -> Path:
        killed.append(make())
        return killed[-1]

    def check(state: Path) -> str:
        if not is_provisioned(state):
            assert refusal(Authority.unlock, state, PASSPHRASE, NOW, BOOT) == "E-STATE-MISSING"
            return "before"
        authority = Authority.unlock(state, PASSPHRASE, NOW, BOOT)
        assert authority.policy == POLICY
        assert authority.certificates() == ()
        authority.close()
        return "after"

    found = sweep(setup, lambda state: (str(CHILD), "init", str(state)), check, 40)
    assert len(found) == 40
    assert list(dict.fromkeys(found)) == ["before", "after"]
    half_made = next(state for state in reversed(killed) if not is_provisioned(state))
    main("init", half_made)
    assert check(half_made) == "after"
    assert sorted(path.name for path in half_made.iterdir()) == ["lock", "store"]


def test_killed_during_a_top_up(box: Founded, tmp_path: Path) -> None:
    found = sweep(
        states(tmp_path, box.state),
        lambda state: (str(CHILD), "top-up", str(state), box.key.hex()),
        lambda state: str(counts_of(box, state)),
        70,
    )
    assert len(found) == 70
    # As before, with the root and its seal, with the twelve signers.
    assert list(dict.fromkeys(found)) == ["(5, 46, 0)", "(6, 48, 0)", "(6, 60, 0)"]


def test_killed_while_requests_are_signed(box: Founded, tmp_path: Path) -> None:
    found = sweep(
        states(tmp_path, box.state),
        lambda state: (str(CHILD), "sign", str(state), box.key.hex()),
        lambda state: str(counts_of(box, state)),
        40,
    )
    assert len(found) == 40
    # As before, with the root that they need and its seal, with both of them.
    assert list(dict.fromkeys(found)) == ["(5, 46, 0)", "(6, 48, 0)", "(6, 50, 0)"]


def test_killed_during_an_export_and_a_backup(box: Founded, tmp_path: Path) -> None:
    found = sweep(
        states(tmp_path, box.state),
        lambda state: (str(CHILD), "export", str(state), box.key.hex()),
        lambda state: str(counts_of(box, state)),
        50,
    )
    assert len(found) == 50
    assert list(dict.fromkeys(found)) == ["(5, 46, 0)", "(5, 46, 1)", "(5, 46, 2)"]
