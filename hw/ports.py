"""The ports of the box: what the kiosk may know of display, keypad, sticks, clock, power, sensors and guards.

Owns the protocols that drivers and their twins keep, the events that devices post, and what is known of a
stick. Rules:

1. A device posts its events through the `post` it was started with, from any thread, and never blocks in it.
2. A driver and its twin pass one contract suite (tests/hw/contracts).
3. Every failure is a HardwareError of hw.errors; a port's docstring names which.
4. A thread that cannot go on dies of what it met, with a traceback: whoever runs the devices ends then
   (kiosk.daemon.appliance). None ends in silence.

Left to others: FAT on a medium (hw.fat.volume), and which of the devices a box has (hw.board).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the receiver's commands know these ports, and have no picture library
    from PIL import Image

KEYS = "123A456B789C*0#D"
"""The 16 keys, row by row, as a 4x4 pad is printed."""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key went down and stayed for three equal samples; `key` is one of KEYS."""

    key: str


@dataclass(frozen=True, slots=True)
class KeyReleased:
    """The key went up again."""

    key: str


@dataclass(frozen=True, slots=True)
class KeyStuck:
    """All keys that were down at the start or too long; they are ignored until each is released."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stick:
    """What is known of an inserted stick without reading it: of its volume, or of all where it has several.

    Args:
        node: Block node or image file of the filesystem; of the whole disk where there are several.
        identity: Names this insertion (diskseq and the disk's sysfs path), in every part of a stick the same;
            the same stick put in again differs.
        label: Decoded volume label, a FAT's in capitals; "" when there is none, or several, or none is read.
        uuid: Volume id, "" when there is none, or several.
        filesystem: Its kind (hw.fat.look): "vfat", "exfat", "ext"; "" when blank, or several.
        size_bytes: Size of the node, or of the part of an image.
        read_only: The device says it is write-protected.
        offset_bytes: Where the volume begins in its node; not 0 for a part of an image only.
        parts: Its volumes where it has several, without those that a system keeps for itself; else ().
    """

    node: Path
    identity: str
    label: str
    uuid: str
    filesystem: str
    size_bytes: int
    read_only: bool = False
    offset_bytes: int = 0
    parts: "tuple[Stick, ...]" = ()


@dataclass(frozen=True, slots=True)
class StickInserted:
    """A stick is in; said again, with the same identity, when another part of it has come."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class StickRemoved:
    """The stick of that identity is out."""

    identity: str


@dataclass(frozen=True, slots=True)
class UsbRefused:
    """Something that is no stick was put in and not let in; `name` is what it calls itself, ASCII."""

    name: str


HardwareEvent = KeyPressed | KeyReleased | KeyStuck | StickInserted | StickRemoved | UsbRefused
Post = Callable[[HardwareEvent], None]


class Display(Protocol):
    """A monochrome panel of 128x64 pixels."""

    def show(self, image: "Image.Image") -> None:
        """Put a 128x64 image of mode "1" on the glass; DisplayError when the panel does not answer."""

    def contrast(self, level: int) -> None:
        """Set the brightness, 0 (least) to 255; a driver caps it to spare the panel."""

    def blank(self, *, off: bool) -> None:
        """Turn the glass off, or light it: a driver then sends all anew, for a panel that lost its power."""

    def close(self) -> None:
        """Let the bus go and leave the picture standing."""


class Keypad(Protocol):
    """A 4x4 matrix."""

    def start(self, post: Post) -> None:
        """Begin to post key events; KeypadError when the pins cannot be had."""

    def close(self) -> None:
        """Stop posting and let the pins go."""


Tick = Callable[[int], None]
"""Told now and then, while something long runs, how many bytes have reached the medium; may raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Bytes that really went over the wire to and from a device since it came."""

    read_bytes: int
    written_bytes: int


class Medium(Protocol):
    """A claimed stick: the bytes that hold a volume, flushed and read past the page cache."""

    @property
    def path(self) -> Path:
        """Return its node or image file."""

    @property
    def offset_bytes(self) -> int:
        """Return where the volume begins on what `fileno` opens; 0 but for a part of a whole disk."""

    @property
    def size_bytes(self) -> int:
        """Return the volume's size."""

    @property
    def read_only(self) -> bool:
        """Tell whether it is write-protected."""

    def fileno(self) -> int:
        """Return the descriptor that mtools works on."""

    def check(self) -> None:
        """Raise StickGoneError when it no longer answers."""

    def flush(self, tick: Tick | None = None) -> None:
        """Push all that was written to the medium; StickIoError, StickGoneError when that fails."""

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield bytes as mtools sees them, fewer at the end; StickIoError, StickGoneError when that fails."""

    def read_past_cache(self, offset: int, length: int) -> Iterator[bytes] | None:
        """Return the bytes that the medium itself holds, or None where the kernel refuses that."""

    def counters(self) -> Counters | None:
        """Return what went over the wire so far, where somebody counts."""

    def reopen(self) -> None:
        """Close every handle and claim it anew, so that nothing is left in the page cache."""

    def unclaimed(self) -> AbstractContextManager[None]:
        """Let the claim go for a tool that must claim it itself; the node stays open."""

    def close(self) -> None:
        """Let it go; again is harmless."""


class Sticks(Protocol):
    """The USB sockets, or folders that stand for them."""

    def start(self, post: Post) -> None:
        """Post StickInserted for what is in already, then every change."""

    def open_medium(self, stick: Stick) -> Medium:
        """Claim the stick of that insertion; StickGoneError when it is out, StickInUseError when taken."""

    def close(self) -> None:
        """Stop posting."""


class Clock(Protocol):
    """The box's idea of the time."""

    def now(self) -> datetime:
        """Return the time as aware UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def set(self, instant: datetime) -> None:
        """Set the time (aware UTC); ClockSetError when refused."""


class Power(Protocol):
    """The switch."""

    def off(self) -> None:
        """Shut the box down; PowerError when refused."""

    def restart(self) -> None:
        """Restart the box; PowerError when refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What the board tells of itself; None, or "" for a name: it does not tell.

    Args:
        board: Its name, with its revision.
        serial: Its serial number.
        supply_is_low: Its supply is, or within the last seconds was, too weak.
        celsius: Temperature of the processor.
        clock_was_kept: The clock chip has counted since it was set; False: it lost its power meanwhile.
        clock_cell_is_low: The clock chip finds its battery weak.
        clock_cell_volts: What it measures of it.
        card_wear_percent: How much of its life the card, or what is in its place, has had; 100 is all.
        card_is_ending: It says that its spare blocks run out.
        card_errors: Errors that its file systems have counted since they were made.
        usb_overloads: How often a USB socket was switched off, for too much current, since the start.
        radios: Radios that are on, and network sockets with a cable in; () for none.
        root_hash: What the system is verified by at each read, 64 hexadecimal digits; "" where a card does
            not tell it, None where the system is no card of ours.
    """

    board: str = ""
    serial: str = ""
    supply_is_low: bool | None = None
    celsius: float | None = None
    clock_was_kept: bool | None = None
    clock_cell_is_low: bool | None = None
    clock_cell_volts: float | None = None
    card_wear_percent: int | None = None
    card_is_ending: bool | None = None
    card_errors: int | None = None
    usb_overloads: int | None = None
    radios: tuple[str, ...] | None = None
    root_hash: str | None = None


class Sensors(Protocol):
    """What the board measures and counts of itself."""

    def read(self) -> Condition:
        """Return how the board is now; what cannot be read is not told, and is no error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What the kernel says of a process.

    Args:
        user_id: Who it is.
        has_seccomp: Its system calls are filtered.
        gains_nothing: No program that it runs can gain privileges (no_new_privs).
    """

    user_id: int
    has_seccomp: bool
    gains_nothing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What guards the box; None: there is nothing to guard, or nobody has told.

    Args:
        landlock: Version of Landlock that was seen to hold in the sandbox of sticks; 0 for none.
        kiosk: This process.
        vault: The vault's, where the guards speak for it, as on an emulated box; else it tells for itself.
        usb_is_shut: No USB socket lets anything in unasked, and nothing is in but sticks and hubs.
        sticks_are_unread: udev has passed by the sticks that are in.
    """

    landlock: int
    kiosk: Confinement
    vault: Confinement | None = None
    usb_is_shut: bool | None = None
    sticks_are_unread: bool | None = None


class Guards(Protocol):
    """What stands between a stick, the kiosk and the vault."""

    def read(self) -> Protection:
        """Return what is held now; what cannot be found out is not, and is no error."""
