"""An empty stick for each test."""

from pathlib import Path

import pytest

from tests.hw.images import make_stick


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_stick(tmp_path / "stick.img")
