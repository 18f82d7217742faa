"""The twin of the panel: bytes in, pixels out. Codes are those of the controllers' data sheets."""

import pytest
from PIL import Image, ImageChops

from hw.display.emulated import Panel, PanelI2c, PanelSpi

SETUP = [
    0xAE,
    0xD5,
    0x80,
    0xA8,
    0x3F,
    0xD3,
    0x00,
    0x40,
    0x8D,
    0x14,
    0xA1,
    0xC8,
    0xDA,
    0x12,
    0xD9,
    0xF1,
    0xDB,
    0x40,
]


def lit(panel: Panel) -> list[tuple[int, int]]:
    image = panel.image()
    return [(x, y) for y in range(64) for x in range(128) if image.getpixel((x, y))]


def ready(controller: str = "ssd1306", mode: int = 0) -> Panel:
    """A panel that is set up, on and dark."""
    panel = Panel(controller)
    panel.receive([*SETUP, 0x20, 0, 0xAF], picture=False)
    if controller == "sh1106":
        for page in range(8):
            panel.receive([0xB0 + page, 0x00, 0x10], picture=False)
            panel.receive([0] * 132, picture=True)
    else:
        panel.receive([0x21, 0, 127, 0x22, 0, 7], picture=False)
        panel.receive([0] * 1024, picture=True)
        panel.receive([0x20, mode], picture=False)
    return panel


def test_it_begins_dark_with_noise_behind() -> None:
    panel = Panel()
    assert lit(panel) == []
    panel.receive([0xAF, 0x8D, 0x14], picture=False)
    assert len(lit(panel)) == 4096


def test_an_ssd1306_is_dark_without_its_charge_pump_and_an_ssd1309_has_none() -> None:
    panel = Panel()
    panel.receive([0xAF], picture=False)
    assert lit(panel) == []
    panel = Panel("ssd1309")
    panel.receive([0xAF, 0x8D, 0x10], picture=False)
    assert lit(panel)


def test_horizontal_mode_goes_along_the_range_and_then_down_and_wraps() -> None:
    panel = ready(mode=0)
    panel.receive([0x21, 10, 11, 0x22, 2, 3], picture=False)
    panel.receive([0x01, 0x02, 0x04, 0x08, 0x10], picture=True)
    assert lit(panel) == [(11, 17), (10, 20), (10, 26), (11, 27)]


def test_vertical_mode_goes_down_the_range_and_then_along() -> None:
    panel = ready(mode=1)
    panel.receive([0x21, 10, 11, 0x22, 2, 3], picture=False)
    panel.receive([0x01, 0x01, 0x02], picture=True)
    assert lit(panel) == [(10, 16), (11, 17), (10, 24)]


def test_page_mode_stays_in_its_page() -> None:
    panel = ready(mode=2)
    panel.receive([0xB5, 0x0F, 0x17], picture=False)
    panel.receive([0x80, 0x80], picture=True)
    assert lit(panel) == [(0, 47), (127, 47)]


def test_an_sh1106_shows_the_middle_128_of_132_columns_and_stops_at_the_end() -> None:
    panel = ready("sh1106")
    panel.receive([0xB0, 0x02, 0x10], picture=False)
    panel.receive([0x01], picture=True)
    panel.receive([0x01, 0x18], picture=False)
    panel.receive([0x01] * 5, picture=True)
    assert lit(panel) == [(0, 0), (127, 0)]


def test_remaps_turn_the_picture() -> None:
    panel = ready()
    panel.receive([0x21, 0, 0, 0x22, 0, 0], picture=False)
    panel.receive([0x01], picture=True)
    assert lit(panel) == [(0, 0)]
    panel.receive([0xA0], picture=False)
    assert lit(panel) == [(127, 0)]
    panel.receive([0xC0], picture=False)
    assert lit(panel) == [(127, 63)]


def test_start_line_and_offset_move_it() -> None:
    panel = ready()
    panel.receive([0x21, 0, 0, 0x22, 1, 1], picture=False)
    panel.receive([0x01], picture=True)
    panel.receive([0x43], picture=False)
    assert lit(panel) == [(0, 5)]
    panel.receive([0xD3, 0x01], picture=False)
    assert lit(panel) == [(0, 4)]


def test_inversion_all_on_and_off() -> None:
    panel = ready()
    panel.receive([0xA7], picture=False)
    assert len(lit(panel)) == 8192
    panel.receive([0xA6, 0xA5], picture=False)
    assert len(lit(panel)) == 8192
    panel.receive([0xA4], picture=False)
    assert lit(panel) == []
    panel.receive([0xA5, 0xAE], picture=False)
    assert lit(panel) == []


@pytest.mark.parametrize("commands", [[0xFF], [0x81]])
def test_what_is_no_command_is_a_bug(commands: list[int]) -> None:
    with pytest.raises(ValueError, match="command"):
        Panel().receive(commands, picture=False)


def test_bytes_and_transfers_are_counted() -> None:
    panel = Panel()
    bus = PanelI2c(panel)
    bus.write_i2c_block_data(0x3C, 0x00, [0x81, 0x10])
    bus.write_i2c_block_data(0x3C, 0x40, [0] * 32)
    assert (panel.bytes_sent, panel.transfers) == (4 + 34, 2)
    assert panel.contrast == 0x10


def test_another_address_an_unplugged_panel_and_a_refusal_do_not_acknowledge() -> None:
    panel = Panel()
    bus = PanelI2c(panel)
    with pytest.raises(OSError, match="Remote I/O"):
        bus.write_i2c_block_data(0x3D, 0x00, [0xAF])
    panel.unplug()
    with pytest.raises(OSError, match="Remote I/O"):
        bus.write_i2c_block_data(0x3C, 0x00, [0xAF])
    panel.plug()
    panel.refuse(2)
    bus.write_i2c_block_data(0x3C, 0x00, [0xAF])
    with pytest.raises(OSError, match="Remote I/O"):
        bus.write_i2c_block_data(0x3C, 0x00, [0xAE])
    bus.write_i2c_block_data(0x3C, 0x00, [0xA6])
    assert panel.on


def test_plugged_in_again_it_has_forgotten_all() -> None:
    panel = ready()
    panel.unplug()
    panel.plug()
    assert not panel.on
    assert lit(panel) == []


def test_spi_tells_commands_from_picture_by_a_pin() -> None:
    panel = Panel()
    bus = PanelSpi(panel, data_pin=24)
    bus.open(0, 0)
    for pin in (24, 25):
        bus.setup(pin, bus.OUT)
    bus.output(25, bus.HIGH)
    bus.output(24, bus.LOW)
    bus.writebytes([*SETUP, 0x20, 0, 0x21, 0, 127, 0x22, 0, 7, 0xAF])
    bus.output(24, bus.HIGH)
    bus.writebytes([0] * 1023 + [0x80])
    assert lit(panel) == [(127, 63)]
    bus.cleanup((24, 25))
    bus.close()


def test_its_image_is_mode_1() -> None:
    image = ready().image()
    assert (image.mode, image.size) == ("1", (128, 64))
    assert ImageChops.difference(image, Image.new("1", (128, 64))).getbbox() is None
