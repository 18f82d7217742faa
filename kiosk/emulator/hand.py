"""The hand of the emulator: does to the box what takes a moment, in order, without holding up the front."""

import queue
import threading
from collections.abc import Callable


class Hand:
    """A thread that does one thing after the other.

    Args:
        failed: Called, in that thread, with what a deed raised.
    """

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self._deeds: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hand", daemon=True)
        self._thread.start()

    def do(self, deed: Callable[[], None]) -> None:
        """Do it after what was asked before."""
        self._deeds.put(deed)

    def rest(self) -> None:
        """Do what was asked, and end."""
        self._deeds.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (deed := self._deeds.get()) is not None:
            try:
                deed()
            except Exception as error:  # noqa: BLE001  shown to the person at the keyboard
                self._failed(error)
