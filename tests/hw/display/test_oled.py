"""The OLED driver, by way of luma's own buses, onto the twin of the panel."""

import errno
import gc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luma.core.error import DeviceNotFoundError
from PIL import Image, ImageDraw

from hw.display.emulated import Panel, open_serial
from hw.display.oled import CONTROLLERS, MAX_CONTRAST, RETRY_S, Oled, Serial
from hw.errors import DisplayError


class Bench:
    """A driver, its panel, a clock."""

    def __init__(
        self, controller: str = "ssd1306", *, upside_down: bool = False, by_spi: bool = False
    ) -> None:
        self.panel = Panel(controller)
        self.by_spi = by_spi
        self.now = 100.0
        self.opened = 0
        self.missing = False
        self.oled = Oled(
            controller=controller, open_serial=self.open, upside_down=upside_down, monotonic=lambda: self.now
        )

    def open(self) -> Serial:
        self.opened += 1
        if self.missing:
            raise DeviceNotFoundError("I2C device not found: /dev/i2c-1")
        return open_serial(self.panel, "spi" if self.by_spi else "i2c")  # type: ignore[no-any-return] # luma

    def sent(self, image: Image.Image) -> int:
        """Show a picture and return the bytes that it cost."""
        before = self.panel.bytes_sent
        self.oled.show(image)
        return self.panel.bytes_sent - before


def drawn(*boxes: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("1", (128, 64))
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=1)
    return image


def same(first: Image.Image, second: Image.Image) -> bool:
    return first.tobytes() == second.tobytes()


def seen_by_transfer(bench: Bench) -> set[bytes]:
    """Return a set that is filled with what stands on the glass after each transfer."""
    receive = bench.panel.receive
    seen = set()

    def watched(*args: object, **options: object) -> None:
        receive(*args, **options)  # type: ignore[arg-type] # passed on as it came
        seen.add(bench.panel.image().tobytes())

    bench.panel.receive = watched  # type: ignore[method-assign] # a look at every transfer
    return seen


@pytest.mark.parametrize("by_spi", [False, True], ids=["i2c", "spi"])
@pytest.mark.parametrize("controller", CONTROLLERS)
@settings(max_examples=20, deadline=None)
@given(boxes=st.lists(st.tuples(*[st.integers(0, 120), st.integers(0, 60)] * 2), max_size=4))
def test_what_is_shown_stands_on_the_glass(
    controller: str,
    by_spi: bool,  # noqa: FBT001 - a parameter
    boxes: list[tuple[int, int, int, int]],
) -> None:
    bench = Bench(controller, by_spi=by_spi)
    for x, y, width, height in boxes:
        image = drawn((x, y, x + width, y + height))
        bench.oled.show(image)
        assert same(bench.panel.image(), image)


def test_equal_pictures_send_nothing() -> None:
    bench = Bench()
    bench.oled.show(drawn((3, 3, 20, 20)))
    assert bench.sent(drawn((3, 3, 20, 20))) == 0


@pytest.mark.parametrize(("controller", "most"), [("ssd1306", 24), ("sh1106", 28)])
def test_a_changed_character_costs_its_columns_and_their_address(controller: str, most: int) -> None:
    bench = Bench(controller)
    bench.oled.show(drawn())
    assert bench.sent(drawn((30, 16, 35, 30))) <= most


def test_upside_down_turns_the_picture() -> None:
    bench = Bench(upside_down=True)
    bench.oled.show(drawn((0, 0, 1, 1)))
    assert same(bench.panel.image(), drawn((126, 62, 127, 63)))


def test_contrast_is_never_full_not_even_at_the_start() -> None:
    bench = Bench()
    bench.oled.show(drawn())
    assert bench.panel.contrast == MAX_CONTRAST
    bench.oled.contrast(20)
    assert bench.panel.contrast == 20
    bench.oled.contrast(255)
    assert bench.panel.contrast == MAX_CONTRAST
    bench.oled.contrast(-1)
    assert bench.panel.contrast == 0
    before = bench.panel.bytes_sent
    bench.oled.contrast(0)
    assert bench.panel.bytes_sent == before


def test_noise_is_never_seen_while_it_is_set_up() -> None:
    bench = Bench()
    seen = seen_by_transfer(bench)
    bench.oled.show(drawn((1, 1, 2, 2)))
    assert seen == {drawn().tobytes(), drawn((1, 1, 2, 2)).tobytes()}


def test_blanking_keeps_the_picture_and_is_sent_once() -> None:
    bench = Bench()
    image = drawn((1, 1, 50, 50))
    bench.oled.show(image)
    bench.oled.blank(off=True)
    assert same(bench.panel.image(), drawn())
    before = bench.panel.bytes_sent
    bench.oled.blank(off=True)
    assert bench.panel.bytes_sent == before
    bench.oled.blank(off=False)
    assert same(bench.panel.image(), image)


@pytest.mark.parametrize("by_spi", [False, True], ids=["i2c", "spi"])
@pytest.mark.parametrize("was_off", [False, True], ids=["lit", "off"])
@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_panel_that_lost_its_power_unnoticed_is_whole_when_it_is_lit(
    controller: str,
    was_off: bool,  # noqa: FBT001 - a parameter
    by_spi: bool,  # noqa: FBT001 - a parameter
) -> None:
    bench = Bench(controller, by_spi=by_spi)
    image = drawn((1, 1, 50, 50))
    bench.oled.show(image)
    bench.oled.contrast(9)
    bench.oled.blank(off=was_off)
    bench.panel.plug()  # acknowledges, but has forgotten all
    seen = seen_by_transfer(bench)
    bench.oled.blank(off=False)
    assert same(bench.panel.image(), image)
    assert bench.panel.contrast == 9
    assert seen == {drawn().tobytes(), image.tobytes()}  # never its noise
    assert bench.sent(drawn((1, 1, 51, 50))) < 64


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_lighting_a_panel_that_lost_nothing_does_not_blink_and_costs_one_picture(controller: str) -> None:
    bench = Bench(controller)
    image = drawn((1, 1, 50, 50))
    bench.oled.show(image)
    before = bench.panel.bytes_sent
    seen = seen_by_transfer(bench)
    bench.oled.blank(off=False)
    assert seen == {image.tobytes()}
    assert bench.panel.bytes_sent - before <= 1024 + 160


def test_a_panel_that_fails_while_it_is_lit_is_lost_and_comes_back_lit() -> None:
    bench = Bench()
    image = drawn((1, 1, 50, 50))
    bench.oled.show(image)
    bench.oled.blank(off=True)
    bench.panel.refuse(5)
    with pytest.raises(DisplayError):
        bench.oled.blank(off=False)
    bench.now += RETRY_S[0]
    bench.oled.show(image)
    assert same(bench.panel.image(), image)


def test_blank_and_contrast_before_the_first_picture_hold() -> None:
    bench = Bench()
    bench.oled.blank(off=True)
    bench.oled.contrast(7)
    bench.oled.show(drawn((1, 1, 50, 50)))
    assert not bench.panel.on
    assert bench.panel.contrast == 7


def test_a_loss_is_an_error_and_the_next_show_draws_all_after_a_pause() -> None:
    bench = Bench()
    image = drawn((1, 1, 50, 50))
    bench.oled.show(image)
    bench.panel.unplug()
    with pytest.raises(DisplayError, match="does not answer"):
        bench.oled.show(drawn((2, 2, 50, 50)))
    bench.panel.plug()
    with pytest.raises(DisplayError, match="not due"):
        bench.oled.show(image)
    bench.now += RETRY_S[0]
    assert bench.sent(image) > 1024
    assert same(bench.panel.image(), image)
    assert bench.opened == 2


def test_pauses_grow_to_the_last_and_start_anew_after_success() -> None:
    bench = Bench()
    bench.missing = True
    tried = []
    for _ in range(4000):
        before = bench.opened
        with pytest.raises(DisplayError):
            bench.oled.show(drawn())
        if bench.opened > before:
            tried.append(bench.now)
        bench.now += 0.01
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(tried)]
    assert gaps == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0]
    bench.missing = False
    bench.now += 15
    bench.oled.show(drawn())
    bench.panel.unplug()
    with pytest.raises(DisplayError):
        bench.oled.show(drawn((1, 1, 2, 2)))
    bench.panel.plug()
    bench.now += 0.5
    bench.oled.show(drawn())


@pytest.mark.parametrize("transfer", range(1, 60, 7))
def test_a_refusal_at_any_transfer_is_an_error_and_heals(transfer: int) -> None:
    bench = Bench()
    bench.panel.refuse(transfer)
    image = drawn((0, 0, 127, 40))
    failed = 0
    for step in range(20):
        try:
            bench.oled.show(image if step % 2 else drawn((5, 5, 9, 60)))
        except DisplayError:
            failed += 1
            bench.now += 1
    assert failed == 1
    assert same(bench.panel.image(), image)


def test_losses_at_contrast_and_blank_are_errors() -> None:
    bench = Bench()
    bench.oled.show(drawn())
    bench.panel.unplug()
    with pytest.raises(DisplayError):
        bench.oled.blank(off=True)
    bench.oled.contrast(5)  # lost already: kept for when it is back
    bench.panel.plug()
    bench.now += 1
    bench.oled.show(drawn())
    assert bench.panel.contrast == 5
    bench.panel.unplug()
    with pytest.raises(DisplayError):
        bench.oled.contrast(6)


def test_an_error_while_the_bus_is_let_go_is_no_error() -> None:
    class Stuck:
        def command(self, *cmd: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        def data(self, data: list[int]) -> None:
            raise OSError(errno.EIO, "Input/output error")

        def cleanup(self) -> None:
            raise OSError(errno.EBADF, "Bad file descriptor")

    oled = Oled(controller="ssd1306", open_serial=Stuck)
    with pytest.raises(DisplayError, match="Input/output"):
        oled.show(drawn())
    oled.close()


def test_closing_leaves_the_picture() -> None:
    bench = Bench()
    image = drawn((1, 1, 50, 50))
    bench.oled.show(image)
    bench.oled.close()
    bench.oled._device.cleanup()  # as luma does when the process ends
    assert same(bench.panel.image(), image)


def test_tries_leave_nothing_in_memory() -> None:
    bench = Bench()
    bench.missing = True

    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    def tries(number: int) -> None:
        for _ in range(number):
            bench.now += 20
            with pytest.raises(DisplayError):
                bench.oled.show(drawn())

    tries(3)
    before = objects()
    tries(50)
    assert objects() - before < 20


@pytest.mark.parametrize("image", [Image.new("L", (128, 64)), Image.new("1", (64, 128))])
def test_a_picture_of_another_kind_is_a_bug(image: Image.Image) -> None:
    with pytest.raises(ValueError, match="128x64"):
        Bench().oled.show(image)


def test_without_a_bus_picture_bytes_go_nowhere() -> None:
    bench = Bench()
    bench.oled._relay.data([1])
    assert bench.panel.transfers == 0
