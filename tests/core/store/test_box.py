"""What the store knows of the box: journaled where it is another than before, and told."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace

from core.api.results import Runs
from core.authority.authority import Authority
from core.errors import StateDamagedError
from core.store import journal
from core.store.box import read_runs
from tests.authorities import BOOT, NOW, Founded
from tests.authority_store import PASSPHRASE

RUNS = Runs(version="0.1.0", files="5e" * 32, board="Pi 4", serial="1000", installed="2026-11-23 16:00:00")


def unlock(founded: Founded, runs: Runs | None) -> Runs | None:
    """Unlock as a kiosk does, or as a command; return what ran before, where that was something else."""
    authority = Authority.unlock(founded.state, PASSPHRASE, NOW, BOOT, runs)
    with closing(authority):
        return authority.unlocked(Path("/nowhere")).ran_before


def entries(founded: Founded) -> list[journal.Entry]:
    with closing(Authority.unlock(founded.state, PASSPHRASE, NOW, BOOT)) as authority:
        return list(authority.entries())


def test_what_runs_is_journaled_with_the_unlock_once(founded: Founded) -> None:
    for _ in range(2):
        assert unlock(founded, RUNS) is None
    told = [entry.detail["runs"] for entry in entries(founded) if "runs" in entry.detail]
    assert told == [asdict(RUNS)]


def test_something_else_is_told_with_what_was_before_and_then_it_is_known(founded: Founded) -> None:
    unlock(founded, RUNS)
    other = replace(RUNS, serial="2000")
    assert unlock(founded, other) == RUNS
    assert unlock(founded, other) is None
    assert unlock(founded, RUNS) == other


def test_a_command_tells_nothing_and_changes_nothing(founded: Founded) -> None:
    unlock(founded, RUNS)
    assert unlock(founded, None) is None
    assert unlock(founded, RUNS) is None


def test_a_seal_is_journaled_and_told_at_the_next_unlock(founded: Founded) -> None:
    with closing(Authority.unlock(founded.state, PASSPHRASE, NOW, BOOT)) as authority:
        assert authority.unlocked(Path("/nowhere")).seal == ""
        for number in ("004711", "004712"):
            authority.note_seal(number, NOW)
            assert authority.unlocked(Path("/nowhere")).seal == number
    told = [entry.detail for entry in entries(founded) if entry.act == "seal"]
    assert told == [{"number": "004711"}, {"number": "004712"}]
    with closing(Authority.unlock(founded.state, PASSPHRASE, NOW, BOOT)) as authority:
        assert authority.unlocked(Path("/nowhere")).seal == "004712"


@pytest.mark.parametrize("kept", ["", "{}", json.dumps({"type": "Runs"}), "x" * 5000])
def test_what_was_kept_otherwise_is_damage(founded: Founded, kept: str) -> None:
    authority = Authority.unlock(founded.state, PASSPHRASE, NOW, BOOT)
    with closing(authority), authority._store.transaction():
        authority._store.set_fact("runs", kept)
        with pytest.raises(StateDamagedError):
            read_runs(authority._store)
        authority._store.set_fact("runs", json.dumps({"type": "Runs", **asdict(RUNS)}))
        journal.append(authority._store, "test", {}, NOW)
    assert unlock(founded, RUNS) is None
