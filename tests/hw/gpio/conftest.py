"""A pin factory on a stand-in for the chip."""

from collections.abc import Iterator

import pytest

from hw.gpio.factory import GpiodFactory
from tests.hw.gpio.factories import made
from tests.hw.gpio.fake_chip import FakeChip, FakeRequest, Machine


@pytest.fixture
def chip() -> FakeChip:
    return FakeChip()


@pytest.fixture
def factory(chip: FakeChip) -> Iterator[GpiodFactory]:
    with made(Machine({"/dev/gpiochip0": chip})) as factory:
        yield factory


@pytest.fixture
def request_(chip: FakeChip, factory: GpiodFactory) -> FakeRequest:
    return chip.requests[0]
