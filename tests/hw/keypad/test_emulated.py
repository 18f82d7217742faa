"""The twin of the key matrix: nets, levels, shorts."""

from collections.abc import Iterator

import pytest
from gpiozero.exc import PinFixedPull, PinInvalidFunction, PinInvalidPull, PinSetInput
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.errors import KeypadError
from hw.keypad.emulated import KeyMatrix, NetFactory
from hw.ports import KEYS

ROWS = (5, 6, 13, 19)
COLUMNS = (12, 16, 20, 21)


@pytest.fixture
def matrix() -> KeyMatrix:
    return KeyMatrix(ROWS, COLUMNS)


@pytest.fixture
def factory(matrix: KeyMatrix) -> Iterator[NetFactory]:
    with matrix.open_factory() as factory:
        for number in COLUMNS:
            factory.pin(number).pull = "up"
        for number in ROWS:
            factory.pin(number).function = "input"
        yield factory


def seen(factory: NetFactory) -> set[str]:
    """Scan as a driver would."""
    found = set()
    for place, number in enumerate(ROWS):
        row = factory.pin(number)
        row.output_with_state(0)
        found |= {KEYS[4 * place + at] for at, column in enumerate(COLUMNS) if not factory.pin(column).state}
        row.function = "input"
    return found


def ghosted(keys: set[str]) -> set[str]:
    """The keys that a matrix without diodes shows: whole rectangles, joined through rows and columns."""
    shown = set(keys)
    while True:
        cells = {divmod(KEYS.index(key), 4) for key in shown}
        grown = {
            KEYS[4 * row + column]
            for row in range(4)
            for column in range(4)
            for other_row, other_column in cells
            if (row, other_column) in cells and (other_row, column) in cells
        }
        if grown <= shown:
            return shown
        shown |= grown


@settings(deadline=None)
@given(st.sets(st.sampled_from(KEYS), max_size=6))
def test_any_keys_show_with_their_ghosts(keys: set[str]) -> None:
    matrix = KeyMatrix(ROWS, COLUMNS)
    with matrix.open_factory() as factory:
        for number in (*COLUMNS, *ROWS):
            factory.pin(number).pull = "up" if number in COLUMNS else "floating"
        for key in keys:
            matrix.press(key)
        assert seen(factory) == ghosted(keys)
        for key in keys:
            matrix.release(key)
        assert seen(factory) == set()
        assert matrix.net.shorts == matrix.net.drove_high == 0


def test_two_outputs_at_odds_are_a_short(matrix: KeyMatrix, factory: NetFactory) -> None:
    factory.pin(5).output_with_state(0)
    factory.pin(6).output_with_state(1)
    assert (matrix.net.shorts, matrix.net.drove_high > 0) == (0, True)
    matrix.press("1")
    matrix.press("4")
    assert matrix.net.shorts > 0
    assert factory.pin(12).state == 0


def test_edges_wake_a_watcher_of_that_direction(matrix: KeyMatrix, factory: NetFactory) -> None:
    factory.pin(5).output_with_state(0)
    column = factory.pin(12)
    levels: list[bool] = []

    def changed(ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        levels.append(state)

    column.edges = "falling"
    column.when_changed = changed
    matrix.tap("1", 3)
    assert levels == [False] * 3
    column.edges = "both"
    matrix.tap("1", 1)
    assert levels == [False] * 4 + [True]


def test_a_net_without_a_pull_keeps_its_level_and_a_pull_down_is_low(factory: NetFactory) -> None:
    row = factory.pin(5)
    row.output_with_state(1)
    row.function = "input"
    assert row.state == 1
    row.pull = "down"
    assert row.state == 0


def test_a_grounded_line_is_low_whatever_pulls_it(matrix: KeyMatrix, factory: NetFactory) -> None:
    matrix.net.ground(12, tied=True)
    assert factory.pin(12).state == 0
    matrix.net.ground(12, tied=False)
    assert factory.pin(12).state == 1


def test_lost_pins_cannot_be_read_or_had(matrix: KeyMatrix, factory: NetFactory) -> None:
    matrix.lose()
    with pytest.raises(KeypadError):
        _ = factory.pin(12).state
    with pytest.raises(KeypadError):
        matrix.open_factory()
    matrix.lose(lost=False)
    assert factory.pin(12).state == 1


def test_what_a_pin_cannot_be_is_refused_as_gpiozero_does(factory: NetFactory) -> None:
    pin = factory.pin(5)
    with pytest.raises(PinSetInput):
        pin.state = 0
    with pytest.raises(PinInvalidPull):
        pin.pull = "sideways"
    with pytest.raises(PinInvalidFunction):
        pin.function = "alt0"
    pin.function = "output"
    pin.state = 1
    with pytest.raises(PinFixedPull):
        pin.pull = "up"
