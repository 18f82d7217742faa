"""A thread that waits for devices in the kernel, and can be told to stop while it waits."""

import os
import select
import threading
from collections.abc import Callable


class Watch:
    """The thread and the pipe that wakes it; started once, or not at all.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._wake_read = self._wake_write = -1

    def start(self, run: Callable[[], None]) -> None:
        """Run something in the thread; it returns when `wait` says that it is told to stop."""
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have the thread end, and wait for that; again is harmless."""
        if self._thread is not None:
            os.write(self._wake_write, b"x")
            self._thread.join()
            self._thread = None
            os.close(self._wake_read)
            os.close(self._wake_write)

    def wait(self, timeout_s: float | None, *descriptors: int) -> dict[int, int] | None:
        """Wait for something to read.

        Args:
            timeout_s: At most so long, seconds; None: for ever.
            descriptors: What to listen to.

        Returns:
            The descriptors that are ready, with their poll(2) events; none when the time is over; None when
            told to stop.
        """
        waiting = select.poll()
        for descriptor in (self._wake_read, *descriptors):
            waiting.register(descriptor, select.POLLIN)
        ready = dict(waiting.poll(None if timeout_s is None else timeout_s * 1000))
        return None if self._wake_read in ready else ready
