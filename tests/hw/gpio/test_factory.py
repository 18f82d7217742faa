"""The pins in gpiozero's shape."""

from pathlib import Path

import pytest
from gpiod.line import Bias
from gpiozero.exc import (
    PinEdgeDetectUnsupported,
    PinFixedPull,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPin,
    PinInvalidPull,
    PinSetInput,
    PinUnknownPi,
    PinUnsupported,
)

from hw.errors import KeypadError
from hw.gpio.chip import CHIP_LABELS
from hw.gpio.factory import GpiodFactory
from tests.hw.gpio.factories import LINES, made
from tests.hw.gpio.fake_chip import FakeChip, FakeRequest, Machine


@pytest.mark.parametrize("error", [PinUnknownPi("no"), FileNotFoundError("no")])
@pytest.mark.parametrize("label", CHIP_LABELS)
def test_a_board_whose_revision_is_not_told_has_its_header_by_its_chip(error: Exception, label: str) -> None:
    def revision() -> int:
        raise error

    machine = Machine({"/dev/gpiochip0": FakeChip(label=label)})
    paths = [Path(path) for path in machine.chips]
    factory = GpiodFactory(LINES, paths=paths, open_chip=machine.open, revision=revision)
    assert [factory.pin(number).function for number in LINES] == ["input"] * len(LINES)
    factory.close()


def test_a_machine_without_a_pis_chip_is_an_error() -> None:
    with pytest.raises(KeypadError, match="no GPIO chip of a Raspberry Pi"):
        made(Machine({"/dev/gpiochip0": FakeChip(label="pinctrl-amd")}))


def test_inputs_are_pulled_as_asked(factory: GpiodFactory, request_: FakeRequest) -> None:
    pin = factory.pin(6)
    for pull, bias in (("up", Bias.PULL_UP), ("down", Bias.PULL_DOWN), ("floating", Bias.DISABLED)):
        pin.pull = pull
        assert pin.pull == pull
        assert request_.settings[6].bias is bias


def test_an_edge_that_comes_late_calls_nobody(factory: GpiodFactory) -> None:
    factory.pin(12)
    factory._on_edge(12, 1.0, True)  # noqa: FBT003 - Lines' callback


def test_what_a_line_cannot_be_is_refused(factory: GpiodFactory) -> None:
    pin = factory.pin(5)
    with pytest.raises(PinInvalidPin, match="not among the lines"):
        factory.pin(20)
    with pytest.raises(PinInvalidFunction):
        pin.function = "alt0"
    with pytest.raises(PinSetInput):
        pin.state = 0
    with pytest.raises(PinInvalidPull):
        pin.pull = "sideways"
    with pytest.raises(PinInvalidEdges):
        pin.edges = "many"
    with pytest.raises(PinFixedPull, match="resistor"):
        factory.pin(2).pull = "down"
    pin.function = "output"
    with pytest.raises(PinFixedPull, match="output"):
        pin.pull = "up"
    with pytest.raises(PinUnsupported):
        factory.spi(port=0)


def test_there_is_no_bounce_time(factory: GpiodFactory) -> None:
    pin = factory.pin(5)
    assert pin.bounce is None
    pin.bounce = None
    with pytest.raises(PinEdgeDetectUnsupported):
        pin.bounce = 0.01


def test_ticks_are_seconds(factory: GpiodFactory) -> None:
    assert factory.ticks_diff(factory.ticks() + 2.0, factory.ticks()) == pytest.approx(2.0, abs=0.1)
