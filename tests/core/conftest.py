"""Fixtures of the receiver's tests, and of those of the authority."""

from pathlib import Path

import pytest

from tests.archives import Box, make_box
from tests.authorities import Founded, found
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
