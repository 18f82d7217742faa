"""The emulated box: the whole kiosk on twins, with hands for a scenario, a person or a test.

Daemon, machine, screens, the keypad's scan, the panel's driver, the vault process, mtools and SQLCipher are
the real ones; below the pins, the bus and the socket are the twins of hw.emulated.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from PIL import Image

from core.config import load_config
from hw.board import Emulation, Twins, open_board
from hw.emulated.flash import Faults
from hw.ports import HardwareEvent, Keypad, KeyPressed, KeyReleased, Post
from kiosk.compose import board_settings, make_daemon
from kiosk.session import start_vault

if TYPE_CHECKING:
    from hw.ports import Stick

FELT_S: Final = 1.0  # a press that nothing answers (a lost keypad, a third key) is let go after that
LOOK_EVERY_S: Final = 0.02


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

    def feel(self, event: HardwareEvent) -> None:
        """Wait until that event was posted, a second at most."""
        with contextlib.suppress(queue.Empty):
            while self._felt.get(timeout=FELT_S) != event:
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where an emulated box lives.

    Args:
        config: config.yaml.
        state: The vault's state folder.
        sticks: Stick images.
        spool: Archives on their way to a stick.
        pictures: Snapshots; made when the first is taken.
    """

    config: Path
    state: Path
    sticks: Path
    spool: Path
    pictures: Path


class EmulatedBox:
    """A running kiosk; a context manager that ends it.

    Args:
        folders: Where it lives; sticks and spool exist.
        instant: What its clock shows at first; None: this machine's time.
        seen: Called with each picture that comes onto the panel, from a thread of its own.
        power_heard: Called with "off" or "restart".
    """

    def __init__(
        self,
        folders: Folders,
        *,
        instant: datetime | None = None,
        seen: Callable[[Image.Image], None] | None = None,
        power_heard: Callable[[str], None] | None = None,
    ) -> None:
        self._folders = folders
        self._seen = seen
        config = load_config(folders.config)
        emulation = Emulation(sticks=folders.sticks, instant=instant, power_heard=power_heard)
        board = open_board(board_settings(config), emulation)
        self._keypad = FeltKeypad(board.keypad)
        self.board = replace(board, keypad=self._keypad)
        self.daemon = make_daemon(
            self.board,
            config,
            lambda: start_vault(folders.state, folders.config),
            spool=folders.spool,
            refuse_swap=False,  # a PC may swap; the box that holds real keys may not
        )
        self._thread = threading.Thread(target=self._run, name="daemon")
        self._watcher = threading.Thread(target=self._watch_panel, name="eye", daemon=True)
        self._ended = threading.Event()
        self._sticks: dict[str, Path] = {}
        self._in: Stick | None = None

    @property
    def twins(self) -> Twins:
        """The far side of the devices."""
        if self.board.twins is None:
            raise TypeError("this board is a real one")
        return self.board.twins

    def __enter__(self) -> Self:
        self._thread.start()
        if self._seen is not None:
            self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.daemon.end()
        self._thread.join()
        self._ended.set()
        if self._seen is not None:
            self._watcher.join()

    def press(self, key: str) -> None:
        """Press a key until it clicks and let go."""
        self.hold(key, 0)

    def hold(self, key: str, seconds: float) -> None:
        """Press a key, wait, let go."""
        self.twins.keys.press(key)
        self._keypad.feel(KeyPressed(key))
        time.sleep(seconds)
        self.twins.keys.release(key)
        self._keypad.feel(KeyReleased(key))

    def insert(self, label: str, faults: Faults | None = None) -> None:
        """Put in the stick of that label: the same one as before, or a new one."""
        if label not in self._sticks:
            self._sticks[label] = self.twins.sticks.make(label)
        self._in = self.twins.sticks.insert(self._sticks[label], faults)

    def pull(self) -> None:
        """Pull the stick that was put in last."""
        self.twins.sticks.pull(self._in)
        self._in = None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def picture(self) -> Image.Image:
        """Return what is on the glass."""
        return self.twins.panel.image()

    def watch(self, holds: Callable[[Image.Image], bool], timeout_s: float) -> bool:
        """Wait until `holds` is true of the glass; False when it was not within the time."""
        deadline_s = time.monotonic() + timeout_s
        while not holds(self.picture()):
            if time.monotonic() > deadline_s:
                return False
            time.sleep(LOOK_EVERY_S)
        return True

    def snapshot(self, name: str) -> None:
        """Keep the picture as NAME.png, four times enlarged."""
        self._folders.pictures.mkdir(parents=True, exist_ok=True)
        picture = self.picture()
        enlarged = picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.NEAREST)
        enlarged.save(self._folders.pictures / f"{name}.png")

    def _run(self) -> None:
        self.daemon.run()

    def _watch_panel(self) -> None:
        last = b""
        while not self._ended.wait(LOOK_EVERY_S):
            picture = self.picture()
            if picture.tobytes() != last and self._seen is not None:
                last = picture.tobytes()
                self._seen(picture)
