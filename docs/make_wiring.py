"""Draws docs/wiring.svg: the default pins of hw.board, on the 40-pin header of a Raspberry Pi.

`python docs/make_wiring.py` writes it anew; tests/docs/test_wiring.py holds it to the pins in the code.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hw.board import BoardSettings

WIDTH: Final = 940
HEIGHT: Final = 800
_TOP, _PITCH = 84, 25
_ODD_X, _EVEN_X = 456, 492
_DEVICE_X = 190  # the pads of display and clock
_PADS_Y = 670  # the pads of the keypad
_RED, _BLACK, _BLUE, _GREEN = "#c0392b", "#222222", "#2455a4", "#1e8449"
_ROWS = ("#b9770e", "#ca6f1e", "#a04000", "#784212")
_COLUMNS = ("#6c3483", "#884ea0", "#5b2c6f", "#4a235a")
# pin of the header of each BCM line
PIN_OF: Final = {
    2: 3, 3: 5, 4: 7, 5: 29, 6: 31, 7: 26, 8: 24, 9: 21, 10: 19, 11: 23, 12: 32, 13: 33, 14: 8, 15: 10,
    16: 36, 17: 11, 18: 12, 19: 35, 20: 38, 21: 40, 22: 15, 23: 16, 24: 18, 25: 22, 26: 37, 27: 13,
}  # fmt: skip
_POWER = {1: "3V3", 17: "3V3", 2: "5V", 4: "5V", 27: "ID", 28: "ID"}
_GROUNDS = (6, 9, 14, 20, 25, 30, 34, 39)


def draw(settings: BoardSettings) -> str:
    """Return the drawing.

    Args:
        settings: How the box is wired.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        "<title>Wiring of a PiSM box</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(WIDTH / 2, 30, "PiSM: wiring seen from above, pin 1 at the corner of the board", size=17),
        _text(
            WIDTH / 2,
            52,
            "BCM numbers, then pins of the header. All at 3.3 V: never connect 5V.",
            fill="#666",
        ),
        *_bus(),
        *_keypad(settings),
        *_header(),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _header() -> Iterable[str]:
    """Draw the header with its 40 pins."""
    yield _box(_ODD_X - 18, _TOP - 18, _EVEN_X - _ODD_X + 36, 20 * _PITCH + 11, "#1d1d1d")
    line_of = {pin: f"GPIO {line}" for line, pin in PIN_OF.items()}
    for pin in range(1, 41):
        x, y = _place(pin)
        shape = (
            f'<rect x="{x - 7}" y="{y - 7}" width="14" height="14"'
            if pin == 1
            else f'<circle cx="{x}" cy="{y}" r="7"'
        )
        yield f'{shape} fill="#d4ac0d"/>' + _text(x, y + 3, str(pin), size=8)
        name = _POWER.get(pin) or ("GND" if pin in _GROUNDS else line_of[pin])
        inner = x - 24 if pin % 2 else x + 24
        yield _text(inner, y - 3, name, size=9, anchor="end" if pin % 2 else "start", fill="#666")


def _bus() -> Iterable[str]:
    """Draw display and clock on the I2C bus."""
    yield _box(40, _TOP - 30, _DEVICE_X - 40, 5 * _PITCH + 20, "#eaf2f8", "#2455a4")
    yield _text(104, _TOP + 22, "OLED 128x64") + _text(104, _TOP + 40, "SSD1306, I2C 0x3c", size=11)
    yield _text(104, _TOP + 64, "pads: in this", size=10, fill="#666")
    yield _text(104, _TOP + 77, "order or another", size=10, fill="#666")
    rtc_y = _place(17)[1]
    yield _box(40, rtc_y - 20, _DEVICE_X - 40, 5 * _PITCH + 15, "#eafaf1", "#1e8449")
    yield _text(104, rtc_y + 32, "Clock DS3231") + _text(104, rtc_y + 50, "with its battery", size=11)
    for pin, name, colour in ((1, "VCC", _RED), (3, "SDA", _BLUE), (5, "SCL", _GREEN), (9, "GND", _BLACK)):
        yield from _straight(pin, name, colour)
    for pin, name, colour in ((17, "VCC", _RED), (25, "GND", _BLACK)):
        yield from _straight(pin, name, colour)
    for pin, name, colour, x, row in ((3, "SDA", _BLUE, 300, 9), (5, "SCL", _GREEN, 276, 10)):
        top, low = _place(pin)[1], _TOP + row * _PITCH
        yield _wire(((x, top), (x, low), (_DEVICE_X, low)), colour)
        yield f'<circle cx="{x}" cy="{top}" r="4.5" fill="{colour}"/>' + _pad(_DEVICE_X, low, name, colour)


def _keypad(settings: BoardSettings) -> Iterable[str]:
    """Draw the keypad and its eight wires."""
    left = [300 + 22 * number for number in range(4)]
    right = [576 + 22 * number for number in range(4)]
    yield _box(270, _PADS_Y - 22, 402, 112, "#fdf2e9", "#a04000")
    yield _text(471, _PADS_Y + 50, "Keypad 4x4, seen from the front")
    yield _text(471, _PADS_Y + 70, "1 2 3 A / 4 5 6 B / 7 8 9 C / * 0 # D", size=11)
    for letter, lines, places, colours in (
        ("R", settings.rows, left, _ROWS),
        ("C", settings.columns, right, _COLUMNS),
    ):
        for number, (line, x, colour) in enumerate(zip(lines, places, colours, strict=True), 1):
            pin_x, pin_y = _place(PIN_OF[line])
            yield _wire(((pin_x, pin_y), (x, pin_y), (x, _PADS_Y)), colour)
            yield f'<circle cx="{x}" cy="{_PADS_Y}" r="5" fill="{colour}"/>'
            yield _text(x, _PADS_Y + 20, f"{letter}{number}", size=11)
    yield _text(700, _PADS_Y - 120, "keypad wire: line, pin", size=11, anchor="start", fill="#666")
    names = [(f"R{n}", line) for n, line in enumerate(settings.rows, 1)]
    names += [(f"C{n}", line) for n, line in enumerate(settings.columns, 1)]
    for number, (name, line) in enumerate(names):
        text = f"{name}: GPIO {line}, pin {PIN_OF[line]}"
        yield _text(700, _PADS_Y - 98 + 18 * number, text, size=12, anchor="start")


def _straight(pin: int, name: str, colour: str) -> Iterable[str]:
    """Draw a wire from a pin to the pad beside it."""
    x, y = _place(pin)
    yield _wire(((x, y), (_DEVICE_X, y)), colour) + _pad(_DEVICE_X, y, name, colour)


def _place(pin: int) -> tuple[int, int]:
    return (_ODD_X if pin % 2 else _EVEN_X), _TOP + (pin - 1) // 2 * _PITCH


def _pad(x: float, y: float, name: str, colour: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"/>' + _text(
        x - 9, y + 4, name, size=10, anchor="end"
    )


def _wire(points: Iterable[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>'


def _box(  # noqa: PLR0917  as SVG names them
    x: float, y: float, width: float, height: float, fill: str, stroke: str = "none"
) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="{stroke}"/>'


def _text(
    x: float, y: float, text: str, *, size: int = 13, anchor: str = "middle", fill: str = "#111"
) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{fill}">{text}</text>'


if __name__ == "__main__":
    Path(__file__).with_name("wiring.svg").write_text(draw(BoardSettings()), encoding="utf-8")
