"""The real display, opened by how it is wired; the first picture cannot wait for all of hw.board."""

from pathlib import Path

from hw.display.oled import Oled, Serial


def open_display(*, driver: str, bus: str, port: int, address: int, rotate: int) -> Oled:
    """Return the display; its bus is opened at the first picture.

    Args:
        driver: One of hw.display.oled.CONTROLLERS.
        bus: "i2c" or "spi".
        port: Number of the bus: /dev/i2c-1, /dev/spidev0.x.
        address: On I2C its address, on SPI its chip select.
        rotate: 0, or 2 when it is mounted upside down.
    """

    def open_serial() -> Serial:
        if bus == "spi":
            from hw.display.spi import DisplaySpi, SpiNode, SpiPins

            chips = sorted(Path("/dev").glob("gpiochip*"))
            return DisplaySpi(port, address, SpiNode(), SpiPins(chips))
        from luma.core.interface.serial import i2c

        return i2c(port=port, address=address)  # type: ignore[no-any-return] # luma is untyped

    return Oled(controller=driver, open_serial=open_serial, upside_down=rotate != 0)
