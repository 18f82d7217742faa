"""What the emulator's front is made of: the panel and the keypad."""

from typing import Final

from PIL import Image
from textual import events
from textual.containers import Grid
from textual.message import Message
from textual.widgets import Static

from hw.ports import KEYS
from kiosk.entry.words import LETTER_KEYS
from kiosk.screens.frames import render_rows

EMULATION: Final = "EMULATION"


class PanelView(Static):
    """The glass, in braille or, where there is room, in half blocks."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="panel")
        self.border_title = f"{EMULATION} of the 128x64 panel"
        self.blocks = False
        self.rows: tuple[str, ...] = ()
        self._picture = Image.new("1", (128, 64))

    def show(self, picture: Image.Image, *, blocks: bool) -> None:
        """Show a picture; nothing is drawn anew when it is the one that is shown."""
        if blocks == self.blocks and picture.tobytes() == self._picture.tobytes() and self.rows:
            return
        self._picture, self.blocks = picture, blocks
        self.rows = render_rows(picture, blocks=blocks)
        self.update("\n".join(self.rows))


class Key(Static):
    """A key of the pad: down while the mouse button is.

    Args:
        key: One of hw.ports.KEYS.
    """

    class Moved(Message):
        """The key went down or up under the mouse."""

        def __init__(self, key: str, *, down: bool) -> None:
            super().__init__()
            self.key = key
            self.down = down

    def __init__(self, key: str) -> None:
        super().__init__(f"{key}\n{LETTER_KEYS.get(key, '')}", markup=False, classes="key")
        self.id = f"key-{KEYS.index(key)}"
        self._key = key
        place = KEYS.index(key)
        self.add_class("odd" if (place + place // 4) % 2 else "even")
        self.add_class("digit" if key.isdigit() else "letter")

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go down, and hear of the button's release wherever the mouse is by then."""
        event.stop()
        self.capture_mouse()
        self.post_message(self.Moved(self._key, down=True))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Come up."""
        event.stop()
        self.release_mouse()
        self.post_message(self.Moved(self._key, down=False))


class Pad(Grid):
    """The 16 keys, as they are printed on the box."""

    def __init__(self) -> None:
        super().__init__(*(Key(key) for key in KEYS), id="pad")
        self.border_title = "keypad"

    def mark(self, key: str, *, down: bool) -> None:
        """Show a key as pressed, or not."""
        self.query_one(f"#key-{KEYS.index(key)}").set_class(down, "down")
