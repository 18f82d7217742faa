"""A keypad whose keys click, for hands that must know when a press was taken."""

import contextlib
import queue
from typing import Final

from hw.ports import HardwareEvent, Keypad, Post

FELT_S: Final = 1.0  # a press that nothing answers (a lost keypad, a third key) is let go after that


class FeltKeypad:
    """A keypad whose keys click: a hand can wait until a press, or a release, was taken.

    Args:
        keypad: The one that it is.
    """

    def __init__(self, keypad: Keypad) -> None:
        self._keypad = keypad
        self._felt: queue.SimpleQueue[HardwareEvent] = queue.SimpleQueue()

    def start(self, post: Post) -> None:
        """Begin to post key events."""

        def post_and_click(event: HardwareEvent) -> None:
            post(event)
            self._felt.put(event)

        self._keypad.start(post_and_click)

    def close(self) -> None:
        """Stop posting."""
        self._keypad.close()

    def listen(self) -> None:
        """Forget the clicks of earlier presses."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._felt.get_nowait()

    def feel(self, event: HardwareEvent) -> None:
        """Wait until that event was posted, a second at most."""
        with contextlib.suppress(queue.Empty):
            while self._felt.get(timeout=FELT_S) != event:
                pass
