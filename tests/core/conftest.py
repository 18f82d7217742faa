"""Fixtures of the receiver's tests."""

from pathlib import Path

import pytest

from tests.archives import Box, make_box
from tests.receiver import Receiver


@pytest.fixture
def box() -> Box:
    return make_box()


@pytest.fixture
def receiver(tmp_path: Path, box: Box) -> Receiver:
    return Receiver(tmp_path, box)
