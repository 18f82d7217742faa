"""The policy in force: pinned, journaled and marked in one transaction, or not at all."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.errors import CaError, ClockBehindError
from core.policy.policy import is_replaced, pin, read_pinned
from tests.authorities import NOW, found

MARK = "a" * 64


def test_a_policy_is_pinned_marked_and_journaled_together(tmp_path: Path) -> None:
    founded = found(tmp_path / "state", top_up=False)
    with founded.open() as authority:
        policy = replace(authority.policy, spread_days=29)
        authority.approve_policy(policy, NOW, instead_of=MARK)
    with founded.open_store() as store:
        assert read_pinned(store) == policy
        assert is_replaced(store, MARK)
        entry = store.last_entry()
        assert entry is not None
        assert entry.detail["instead_of"] == MARK
        assert entry.detail["policy"] == policy.sha256


def test_a_policy_of_the_file_ends_the_mark(tmp_path: Path) -> None:
    founded = found(tmp_path / "state", top_up=False)
    with founded.open() as authority:
        authority.approve_policy(authority.policy, NOW, instead_of=MARK)
        authority.approve_policy(authority.policy, NOW)
    with founded.open_store() as store:
        assert not is_replaced(store, MARK)


def test_what_is_refused_pins_and_marks_nothing(tmp_path: Path) -> None:
    founded = found(tmp_path / "state", top_up=False)
    with founded.open() as authority:
        before = authority.policy
        with pytest.raises(ClockBehindError):
            authority.approve_policy(
                replace(before, spread_days=29), NOW - timedelta(days=1), instead_of=MARK
            )
        assert authority.policy == before
    with founded.open_store() as store:
        assert read_pinned(store) == before
        assert not is_replaced(store, MARK)


def test_nothing_is_pinned_outside_a_transaction(tmp_path: Path) -> None:
    founded = found(tmp_path / "state", top_up=False)
    with founded.open_store() as store:
        policy = read_pinned(store)
        with pytest.raises((CaError, RuntimeError)):
            pin(store, policy)
