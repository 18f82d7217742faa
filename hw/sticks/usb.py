"""USB devices that were not let in: udev's rules leave them unauthorized, and the kiosk is told their names.

Owns a thread that listens to udev for USB devices. Rules:

1. udev tells of a device when it has gone through its rules (systemd/udev): by then it is let in, or is not.
2. It sleeps in one poll without a time-out.
3. A listener that fails is made anew; meanwhile it costs the names, nothing else: refusing is udev's and the
   kernel's.
4. A name comes from a stranger: printable ASCII of a bounded length.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyudev

from hw.ports import Medium, Post, Stick, Sticks, UsbRefused
from hw.sticks.udev import Watch

_NAME_CHARACTERS = 40
_WAIT_S = 30.0
_SYS = Path("/sys")


class Listener(Protocol):
    """Somebody who hears of USB devices that come, from the moment it was made."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when `receive` has something."""

    def receive(self) -> Iterator[str]:
        """Yield the places in sysfs, from /devices, of the devices that came."""


class UdevUsb:
    """The listener of the real box.

    Args:
        udev: The package pyudev, or what stands for it.
    """

    def __init__(self, udev: Any = pyudev) -> None:
        self._monitor: Any = udev.Monitor.from_netlink(udev.Context(), source="udev")
        self._monitor.filter_by("usb", "usb_device")
        self._monitor.start()

    def fileno(self) -> int:
        """Return the netlink socket's descriptor."""
        return int(self._monitor.fileno())

    def receive(self) -> Iterator[str]:
        """Yield the devices that came."""
        while (device := self._monitor.poll(timeout=0)) is not None:
            if device.action == "add":
                yield str(device.device_path)


class UsbSockets:
    """The sockets of the real box: its sticks, and what else was put in and refused.

    Args:
        sticks: Who minds the sticks.
        listen: Makes a listener; OSError when udev cannot be heard.
        sys: The sysfs mount.
        wait_s: Before a listener that failed is made anew.
    """

    def __init__(
        self,
        sticks: Sticks,
        listen: Callable[[], Listener] = UdevUsb,
        *,
        sys: Path = _SYS,
        wait_s: float = _WAIT_S,
    ) -> None:
        self._sticks = sticks
        self._listen = listen
        self._sys = sys
        self._wait_s = wait_s
        self._watch = Watch("usb")

    def start(self, post: Post) -> None:
        """Begin to post sticks and refusals."""
        self._watch.start(partial(self._run, post))
        self._sticks.start(post)

    def close(self) -> None:
        """Stop posting; may be called twice."""
        self._sticks.close()
        self._watch.stop()

    def open_medium(self, stick: Stick) -> Medium:
        """Claim a stick that is in; see hw.sticks.udev."""
        return self._sticks.open_medium(stick)

    def _run(self, post: Post) -> None:
        while True:
            with suppress(OSError):  # rule 3
                listener = self._listen()
                while self._watch.wait(None, listener.fileno()) is not None:
                    for path in listener.receive():
                        if (name := self._find_refused_name(path)) is not None:
                            post(UsbRefused(name))
                return
            if self._watch.wait(self._wait_s) is None:
                return

    def _find_refused_name(self, path: str) -> str | None:
        """Return the name of a device that is in and may not be used; None for any other."""
        folder = self._sys / path.removeprefix("/")
        try:
            if (folder / "authorized").read_text(encoding="ascii").strip() != "0":
                return None
        except OSError:
            return None
        name = ""
        with suppress(OSError):
            name = (folder / "product").read_text(encoding="utf-8", errors="replace")
        clean = "".join(letter for letter in name if letter.isascii() and letter.isprintable())
        return clean[:_NAME_CHARACTERS].strip() or "without a name"
