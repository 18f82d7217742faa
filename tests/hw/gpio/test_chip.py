"""Finding the header's chip among those of a machine."""

import pytest

from hw.errors import KeypadError
from hw.gpio.chip import CHIP_LABELS
from hw.gpio.factory import GpiodFactory
from tests.hw.gpio.factories import LINES, made
from tests.hw.gpio.fake_chip import FakeChip, Machine


@pytest.mark.parametrize(
    ("label", "revision"),
    list(zip(CHIP_LABELS, (0xA02082, 0xC03114, 0xC04170), strict=True)),
    ids=["pi3", "pi4", "pi5"],
)
def test_the_chip_is_found_by_its_label_among_others(label: str, revision: int) -> None:
    other, header = FakeChip("gpio-brcmstb@107d508500"), FakeChip(label)
    machine = Machine({"/dev/gpiochip0": None, "/dev/gpiochip1": other, "/dev/gpiochip4": header})
    with made(machine, revision=revision):
        assert len(header.requests) == 1
        assert not other.requests
    assert other.closed
    assert header.closed


def test_no_chip_of_a_pi_is_named_with_what_was_seen() -> None:
    machine = Machine({"/dev/gpiochip0": None, "/dev/gpiochip1": FakeChip("gpio-mockup")})
    with pytest.raises(KeypadError, match="gpiochip0: Permission denied; /dev/gpiochip1: gpio-mockup"):
        made(machine)
    with pytest.raises(KeypadError, match="no chip at all"):
        made(Machine({}))


def test_this_machine_has_no_chip_of_a_pi() -> None:
    with pytest.raises(KeypadError):
        GpiodFactory(LINES, revision=lambda: 0xA02082, open_chip=Machine({}).open, paths=())
