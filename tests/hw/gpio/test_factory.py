"""The pins in gpiozero's shape."""

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
from hw.gpio.factory import GpiodFactory
from tests.hw.gpio.factories import LINES
from tests.hw.gpio.fake_chip import FakeRequest


@pytest.mark.parametrize("error", [PinUnknownPi("no"), FileNotFoundError("no")])
def test_a_board_that_is_no_pi_is_an_error(error: Exception) -> None:
    def revision() -> int:
        raise error

    with pytest.raises(KeypadError, match="no Raspberry Pi"):
        GpiodFactory(LINES, revision=revision)


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
