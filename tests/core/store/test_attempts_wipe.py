"""Wiping the store after too many wrong passphrases, where config.yaml asks for it."""

from pathlib import Path

import pytest

from core.errors import FileError, StateMissingError, StateWipedError
from core.store.attempts import Attempts, read_attempts, wipe_if_due, wipe_state, write_attempts
from core.store.store import is_provisioned, open_store
from tests.authority_store import PASSPHRASE, make_store
from tests.builders import make_policy, utc

NOW = utc("2027-01-15T10:00")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with make_store(tmp_path / "state", make_policy(), NOW):
        pass
    write_attempts(tmp_path / "state", Attempts(count=5, times=(NOW,) * 5))
    return tmp_path / "state"


def test_nothing_is_left_and_the_folder_can_be_used_again(state: Path) -> None:
    wipe_state(state)
    assert [each.name for each in state.iterdir()] == ["lock"]
    assert not is_provisioned(state)
    assert read_attempts(state).count == 0
    with make_store(state, make_policy(), NOW) as store:
        assert store.certificates()


def test_what_a_kill_left_is_swept_before_anything_new_is_made(state: Path) -> None:
    (state / "store").rename(state / "store.new-wiped")
    assert not is_provisioned(state)
    with pytest.raises(StateMissingError):
        open_store(state, PASSPHRASE)
    assert not (state / "store.new-wiped").exists()


def test_a_store_that_is_not_there_is_not_wiped(tmp_path: Path) -> None:
    with pytest.raises(StateMissingError):
        wipe_state(tmp_path / "state")


def test_what_the_system_refuses_is_said(state: Path) -> None:
    (state / "attempts.json").unlink()
    (state / "attempts.json").mkdir()
    with pytest.raises(FileError, match=r"attempts\.json"):
        wipe_state(state)
    assert not is_provisioned(state)


@pytest.mark.parametrize(("failed", "limit"), [(4, 5), (1000, None)])
def test_nothing_is_wiped_before_its_time_or_unasked(state: Path, failed: int, limit: int | None) -> None:
    wipe_if_due(state, failed, limit)
    with open_store(state, PASSPHRASE) as store:
        assert store.certificates()


@pytest.mark.parametrize("failed", [5, 6])
def test_the_wipe_is_said(state: Path, failed: int) -> None:
    with pytest.raises(StateWipedError) as caught:
        wipe_if_due(state, failed, 5)
    assert caught.value.code == "E-STATE-WIPED"
    assert not is_provisioned(state)
