"""The pin factory over libgpiod, at the seam of gpiod's Chip and LineRequest."""

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiod.line import Bias, Direction, Edge, Value
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

from hw.gpio.chip import CHIP_LABELS
from hw.gpio.factory import GpiodFactory
from hw.ports import KeypadError
from tests.hw.gpio_fake import FakeChip, FakeRequest, Machine

LINES = (5, 6, 12, 2)


def made(
    machine: Machine | None = None, lines: tuple[int, ...] = LINES, revision: int = 0xA02082
) -> GpiodFactory:
    machine = machine or Machine({"/dev/gpiochip0": FakeChip()})
    return GpiodFactory(
        lines, paths=[Path(path) for path in machine.chips], open_chip=machine.open, revision=lambda: revision
    )


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


def test_lines_in_use_are_an_error() -> None:
    with pytest.raises(KeypadError, match=r"5, 6, 12, 2 cannot be had.*busy"):
        made(Machine({"/dev/gpiochip0": FakeChip(busy=True)}))
    with pytest.raises(KeypadError, match="cannot be had"):
        made(Machine({"/dev/gpiochip0": FakeChip(num_lines=4)}))


@pytest.mark.parametrize("error", [PinUnknownPi("no"), FileNotFoundError("no")])
def test_a_board_that_is_no_pi_is_an_error(error: Exception) -> None:
    def revision() -> int:
        raise error

    with pytest.raises(KeypadError, match="no Raspberry Pi"):
        GpiodFactory(LINES, revision=revision)


def test_all_lines_stand_in_one_request_and_begin_floating(request_: FakeRequest) -> None:
    assert set(request_.settings) == set(LINES)
    for settings in request_.settings.values():
        assert (settings.direction, settings.bias) == (Direction.INPUT, Bias.DISABLED)


def test_an_output_pulls_low_or_floats_and_never_drives_high(
    factory: GpiodFactory, request_: FakeRequest
) -> None:
    pin = factory.pin(5)
    pin.function = "output"
    assert pin.function == "output"
    assert pin.state == 1  # it floats until told
    pin.state = 0
    assert pin.state == 0
    pin.state = 1
    assert (
        request_.settings[5].output_value is Value.ACTIVE
    )  # open drain: let go (the fake asserts the drive)
    pin.output_with_state(0)
    assert pin.state == 0


def test_a_scan_step_is_one_call_and_no_reconfiguration(factory: GpiodFactory, request_: FakeRequest) -> None:
    pin = factory.pin(5)
    pin.output_with_state(0)
    request_.calls.clear()
    pin.function = "input"
    pin.function = "input"
    assert pin.function == "input"
    pin.output_with_state(0)
    assert request_.calls == ["set", "set"]


def test_changes_made_together_are_one_call(factory: GpiodFactory, request_: FakeRequest) -> None:
    rows = [factory.pin(5), factory.pin(6)]
    with factory.together():
        for row in rows:
            row.output_with_state(0)
        factory.pin(12).pull = "up"
    assert request_.calls == ["reconfigure"]
    with factory.together():
        for row in rows:
            row.function = "input"
    with factory.together():
        pass
    assert request_.calls == ["reconfigure", "set"]


def test_changes_that_fail_together_change_nothing(factory: GpiodFactory, request_: FakeRequest) -> None:
    request_.fails = errno.EIO

    def both() -> None:
        with factory.together():
            factory.pin(5).output_with_state(0)
            factory.pin(6).output_with_state(0)

    with pytest.raises(KeypadError, match="lines 5, 6 cannot be set"):
        both()
    request_.fails = 0
    assert factory.pin(5).function == factory.pin(6).function == "input"


def test_inputs_are_pulled_as_asked(factory: GpiodFactory, request_: FakeRequest) -> None:
    pin = factory.pin(6)
    for pull, bias in (("up", Bias.PULL_UP), ("down", Bias.PULL_DOWN), ("floating", Bias.DISABLED)):
        pin.pull = pull
        assert pin.pull == pull
        assert request_.settings[6].bias is bias


def test_edges_reach_the_callback_with_the_kernels_time(factory: GpiodFactory, request_: FakeRequest) -> None:
    pin = factory.pin(12)
    seen: list[tuple[float, bool]] = []
    told = threading.Event()

    def changed(ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        seen.append((ticks, state))
        told.set()

    pin.pull = "up"
    pin.edges = "falling"
    assert request_.settings[12].edge_detection is Edge.NONE
    pin.when_changed = changed
    assert request_.settings[12].edge_detection is Edge.FALLING
    request_.edge(12, rising=True)
    request_.edge(12, rising=False)
    assert told.wait(5)
    pin.edges = "both"
    assert pin.edges == "both"
    assert request_.settings[12].edge_detection is Edge.BOTH
    pin.when_changed = None
    assert request_.settings[12].edge_detection is Edge.NONE
    assert seen == [(1.5, False)]


def test_an_edge_that_comes_late_calls_nobody(factory: GpiodFactory) -> None:
    factory.pin(12)
    factory._on_edge(12, 1.0, True)  # noqa: FBT003 - Lines' callback


def test_the_watch_ends_quietly_when_edges_cannot_be_read(
    factory: GpiodFactory, request_: FakeRequest, caplog: pytest.LogCaptureFixture
) -> None:
    pin = factory.pin(12)

    def changed(ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        pytest.fail("no edge was read")

    pin.when_changed = changed
    thread = factory.lines._thread
    assert thread is not None
    request_.fails = errno.EIO
    request_.edge(12, rising=False)
    thread.join(5)
    assert not thread.is_alive()
    assert "cannot be read any more" in caplog.text
    request_.fails = 0


def test_kernel_errors_are_keypad_errors_and_change_nothing(
    factory: GpiodFactory, request_: FakeRequest
) -> None:
    pin = factory.pin(5)
    request_.fails = errno.EIO
    with pytest.raises(KeypadError, match="lines 5 cannot be set"):
        pin.output_with_state(0)
    with pytest.raises(KeypadError, match="line 5 cannot be read"):
        _ = pin.state
    request_.fails = 0
    assert pin.function == "input"


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


def test_closing_leaves_all_lines_floating_and_unwatched() -> None:
    chip = FakeChip()
    factory = made(Machine({"/dev/gpiochip0": chip}))
    factory.pin(5).output_with_state(0)
    column = factory.pin(12)
    column.pull = "up"
    called = threading.Event()

    def changed(ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        called.set()

    column.when_changed = changed
    thread = factory.lines._thread
    factory.close()
    request = chip.requests[0]
    assert request.released
    assert thread is not None
    assert not thread.is_alive()
    assert request.settings[5].output_value is Value.ACTIVE
    assert request.settings[12].edge_detection is Edge.NONE


def test_closing_from_a_callback_does_not_wait_for_itself() -> None:
    chip = FakeChip()
    factory = made(Machine({"/dev/gpiochip0": chip}))
    done = threading.Event()

    def changed(ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        factory.close()
        done.set()

    factory.pin(12).when_changed = changed
    thread = factory.lines._thread
    chip.requests[0].edge(12, rising=False)
    assert done.wait(5)
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()


def test_ticks_are_seconds(factory: GpiodFactory) -> None:
    assert factory.ticks_diff(factory.ticks() + 2.0, factory.ticks()) == pytest.approx(2.0, abs=0.1)
