"""Fixtures of the receiver's tests, and of those of the authority and its store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store.store import Store
from tests.archives import Box, make_box
from tests.authorities import Founded, found
from tests.core.opened import copy_state, issue, master_key, open_with
from tests.core.opened import found as found_store
from tests.receiver import Receiver


@pytest.fixture
def box() -> Box:
    return make_box()


@pytest.fixture
def receiver(tmp_path: Path, box: Box) -> Receiver:
    return Receiver(tmp_path, box)


@pytest.fixture(scope="session")
def founded_once(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """An authority that was founded and topped up at NOW; copy it before you change it."""
    return found(tmp_path_factory.mktemp("founded") / "state")


@pytest.fixture
def founded(founded_once: Founded, tmp_path: Path) -> Founded:
    """The same authority in a folder of the test's own."""
    return founded_once.copy(tmp_path / "state")


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A store with twenty signers, and its key; `state` and `store` are copies of it."""
    state = tmp_path_factory.mktemp("store") / "state"
    found_store(state)
    key = master_key(state)
    with open_with(state, key) as store:
        issue(store, range(1, 21))
    return state, key


@pytest.fixture
def state(laid: tuple[Path, bytes], tmp_path: Path) -> Path:
    return copy_state(laid[0], tmp_path / "state")


@pytest.fixture
def store(laid: tuple[Path, bytes], state: Path) -> Iterator[Store]:
    with open_with(state, laid[1]) as store:
        yield store
