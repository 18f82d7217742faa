"""The one request for all lines, at the seam of gpiod's Chip and LineRequest."""

import errno
import threading
from collections.abc import Iterator

import pytest
from gpiod.line import Bias, Direction, Edge, Value

from hw.errors import KeypadError
from hw.gpio.factory import GpiodFactory
from tests.hw.gpio.factories import LINES, made
from tests.hw.gpio.fake_chip import FakeChip, FakeRequest, Machine


@pytest.fixture
def dead() -> Iterator[list[threading.ExceptHookArgs]]:
    """The threads that died meanwhile, and of what."""
    found: list[threading.ExceptHookArgs] = []
    before, threading.excepthook = threading.excepthook, found.append
    yield found
    threading.excepthook = before


def test_lines_in_use_are_an_error() -> None:
    with pytest.raises(KeypadError, match=r"5, 6, 12, 2 cannot be had.*busy"):
        made(Machine({"/dev/gpiochip0": FakeChip(busy=True)}))
    with pytest.raises(KeypadError, match="cannot be had"):
        made(Machine({"/dev/gpiochip0": FakeChip(num_lines=4)}))


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


def test_the_watch_dies_aloud_when_edges_cannot_be_read(
    factory: GpiodFactory, request_: FakeRequest, dead: list[threading.ExceptHookArgs]
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
    assert [died.thread for died in dead] == [thread]
    assert dead[0].exc_type is OSError
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
