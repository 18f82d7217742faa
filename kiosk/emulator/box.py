"""The emulated box: the whole kiosk on twins, worked by a scenario, a person or a test.

Daemon, machine, flows, the keypad's scan, the panel's driver, the vault process, mtools and SQLCipher are the
real ones; below the pins, the bus and the socket are the twins of hw. Its keys click, so that whoever presses
them knows when a press was taken.
"""

import contextlib
import fnmatch
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from PIL import Image

from core.policy.config import load_config
from hw.board import Emulation, Twins, open_board
from hw.ports import HardwareEvent, Keypad, KeyPressed, KeyReleased, Post, Stick
from hw.sticks.emulated import Faults
from kiosk.daemon.compose import board_settings, make_daemon
from kiosk.daemon.last_light import show_last
from kiosk.entry.buffers import EntryChanged
from kiosk.machine.events import PowerAsked
from kiosk.screens.frames import save_emulated
from kiosk.work.session import Session, start_vault

LOOK_EVERY_S: Final = 0.02
ASK_EVERY_S: Final = 0.1
_SIGNALS: Final = {"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT, "kill": signal.SIGKILL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where an emulated box lives.

    Args:
        config: config.yaml.
        state: The vault's state folder.
        sticks: Stick images.
        spool: Archives on their way to a stick.
        own: What the kiosk keeps.
        pictures: Snapshots; made when the first is taken.
    """

    config: Path
    state: Path
    sticks: Path
    spool: Path
    own: Path
    pictures: Path


class EmulatedBox:
    """A running kiosk; a context manager that ends it.

    Args:
        folders: Where it lives; sticks, spool and own exist.
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
        self._power_heard = power_heard
        config = load_config(folders.config)
        emulation = Emulation(sticks=folders.sticks, instant=instant, power_heard=self._hear_power)
        board = open_board(board_settings(config), emulation)
        self._keypad = FeltKeypad(board.keypad)
        self.board = replace(board, keypad=self._keypad)
        self.daemon = make_daemon(
            self.board,
            config,
            self._open_session,
            spool=folders.spool,
            own=folders.own,
            refuse_swap=False,  # a PC may swap; the box that holds real keys may not
        )
        self._thread = threading.Thread(target=self._run, name="daemon")
        self._watcher = threading.Thread(target=self._watch_panel, name="eye", daemon=True)
        self._ended = threading.Event()
        self._session: Session | None = None
        self._images = {image.stem: image for image in sorted(folders.sticks.glob("*.img"))}
        self._in: list[Stick] = []

    @property
    def sticks(self) -> tuple[Stick, ...]:
        """What was put in and not pulled by hand, the last one last."""
        return tuple(self._in)

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
        self.treat_vault("thaw")  # a frozen one would never see that its session was closed
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
        self.push(key)
        time.sleep(seconds)
        self.let_go(key)

    def push(self, key: str) -> None:
        """Press a key until it clicks."""
        self._keypad.listen()
        self.twins.keys.press(key)
        self._keypad.feel(KeyPressed(key))

    def let_go(self, key: str) -> None:
        """Let a key go, and feel that."""
        self.twins.keys.release(key)
        self._keypad.feel(KeyReleased(key))

    def insert(self, label: str, faults: Faults | None = None, *, new: bool = False) -> None:
        """Put in the stick of that label: the same one as before, or one that lies ready, or a new one."""
        ready = self._folders.sticks / f"{label}.img"
        if not new and label not in self._images and ready.exists():
            self._images[label] = ready
        elif new or label not in self._images:
            self.make(label)
        self.insert_image(self._images[label], faults)

    def make(self, label: str, *, blank: bool = False) -> Path:
        """Make a stick, to be put in; return its image.

        Args:
            label: Its label; "" for none.
            blank: It has no filesystem, and so no label either.
        """
        self._images[label] = self.twins.sticks.make(label, blank=blank)
        return self._images[label]

    def insert_image(self, image: Path, faults: Faults | None = None) -> None:
        """Put in a stick that is that image."""
        self._in.append(self.twins.sticks.insert(image, faults))

    def image(self, label: str) -> Path:
        """Return the image of the stick that went in last with that label."""
        return self._images[label]

    def pull(self, label: str | None = None) -> None:
        """Pull the stick of that label, or the one that was put in last."""
        wanted = [stick for stick in self._in if label in (None, stick.label)]
        for stick in wanted[-1:]:
            self._in.remove(stick)
            self.twins.sticks.pull(stick)

    def empty(self, label: str) -> None:
        """Delete all that is on the stick of that label, as a PC does: from beside the box."""
        image = self._images[label]
        for name in list_image(image, nested=False):
            _run_mtools("mdeltree", image, f"::/{name}")

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def advance_clock(self, duration: timedelta) -> None:
        """Let the box believe that time passed; its timers too."""
        self.twins.clock.advance(duration)
        self.daemon.post(EntryChanged())  # says nothing new, but the loop looks at the time again

    def set_clock(self, instant: datetime) -> None:
        """Let the box believe that it is then; its timers go on."""
        self.twins.clock.set(instant)

    def picture(self) -> Image.Image:
        """Return what is on the glass; nothing without wires."""
        picture = self.twins.panel.image()
        return picture if self.twins.panel.plugged else Image.new("1", picture.size)

    def watch(self, holds: Callable[[Image.Image], bool], timeout_s: float) -> bool:
        """Wait until `holds` is true of the glass; False when it was not within the time."""
        last = b""

        def look() -> bool:
            nonlocal last
            picture = self.picture()
            before, last = last, picture.tobytes()
            return last != before and holds(picture)

        return _wait_until(look, timeout_s, LOOK_EVERY_S)

    def watch_stick(self, pattern: str, timeout_s: float) -> bool:
        """Wait until a stick that is in has a file of that name."""

        def look() -> bool:
            names = (name for stick in self._in for name in list_image(stick.node, stick.offset_bytes))
            return any(fnmatch.fnmatchcase(name, pattern) for name in names)

        return _wait_until(look, timeout_s, ASK_EVERY_S)

    def ask_power(self, word: str) -> None:
        """Ask for "off" or "restart", as the system does."""
        self.daemon.post(PowerAsked(restart=word == "restart"))

    def watch_power(self, word: str, timeout_s: float) -> bool:
        """Wait until the box did "off" or "restart"."""
        return _wait_until(lambda: self.twins.power.pressed == word, timeout_s, LOOK_EVERY_S)

    def wire(self, device: str, *, lost: bool) -> None:
        """Take the bus of "display" or "keypad" off, or put it on again; power stays."""
        if device == "keypad":
            self.twins.keys.lose(lost=lost)
        else:
            self.twins.panel.plugged = not lost

    def treat_vault(self, verb: str) -> None:
        """Do "freeze", "thaw" or "kill" to the vault process; nothing when none runs."""
        session = self._session
        if session is not None and session.child is not None and session.child.returncode is None:
            session.child.send_signal(_SIGNALS[verb])

    def snapshot(self, name: str) -> None:
        """Keep the picture as NAME.png."""
        self._folders.pictures.mkdir(parents=True, exist_ok=True)
        save_emulated(self.picture(), self._folders.pictures / f"{name}.png")

    def _open_session(self) -> Session:
        self._session = start_vault(self._folders.state, self._folders.config)
        return self._session

    def _hear_power(self, word: str) -> None:
        """End what runs when the system goes off, as systemd does; a restart is left to whoever hears it."""
        if word == "off":
            self.treat_vault("kill")  # by now only one that hangs is still there
            self.daemon.leave()
        if self._power_heard:
            self._power_heard(word)

    def _run(self) -> None:
        self.daemon.run()
        if self.twins.power.pressed == "off":
            show_last(self.board.display)

    def _watch_panel(self) -> None:
        last = b""
        while not self._ended.wait(LOOK_EVERY_S):
            picture = self.picture()
            if picture.tobytes() != last and self._seen is not None:
                last = picture.tobytes()
                self._seen(picture)


def _wait_until(holds: Callable[[], bool], timeout_s: float, every_s: float) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(every_s)
    return True


def list_image(image: Path, offset: int = 0, *, nested: bool = True) -> list[str]:
    """Return the names of the files on an image, from beside the box: whatever it does to the image.

    Args:
        image: The file.
        offset: Where the volume begins in it, in bytes.
        nested: With those in folders; else those of the root, a folder's with `/` behind it.
    """
    options = ("-/", "-b") if nested else ("-b",)
    printed = _run_mtools("mdir", f"{image}@@{offset}" if offset else image, *options, "::")
    return [line.removeprefix("::/") for line in printed.splitlines()]


def _run_mtools(command: str, image: Path | str, *arguments: str) -> str:
    """Return what a command of mtools prints; nothing where it fails."""
    done = subprocess.run(
        [command, "-i", str(image), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1"},
    )
    return done.stdout.decode("utf-8", "replace")


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
