"""The ports of the box: what the kiosk may know of a display, a keypad, sticks, clock and power.

Rules: a device posts its events through the `post` it was started with, from any thread, and never
blocks in it. A driver and its twin pass one contract suite. Every failure is a HardwareError:

    HardwareError
    ├── DisplayError           the panel does not answer
    ├── KeypadError            the pins cannot be had
    ├── StickError
    │   ├── StickGoneError         pulled, or the node answers ENXIO
    │   ├── StickInUseError        somebody else has the node open (EBUSY)
    │   ├── StickTwoError          more than one stick
    │   ├── StickFormatError       not a FAT32 volume
    │   ├── StickFullError         no room for what must be written
    │   ├── StickReadOnlyError     write-protected
    │   ├── StickExistsError       a file of that name is there; nothing is overwritten
    │   ├── StickNameError         a file name that FAT, or we, refuse
    │   ├── StickMissingError      no such file on the stick
    │   ├── StickSizeError         a file on the stick is larger than what is taken
    │   ├── StickIoError           reading or writing fails
    │   └── StickVerifyError       what was read back is not what was written
    ├── ClockSetError          the system clock cannot be set
    └── PowerError             power-off or restart was refused
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:  # the receiver's commands know these errors, and have no picture library
    from PIL import Image

    from hw.medium import Medium

KEYS = "123A456B789C*0#D"
"""The 16 keys, row by row, as a 4x4 pad is printed."""


class HardwareError(Exception):
    """Root of everything the box can fail at; the text says what happened, never a secret."""

    code: ClassVar[str] = "E-HARDWARE"
    action: ClassVar[tuple[str, ...]] = ("Try again",)


class DisplayError(HardwareError):
    """The panel does not answer on its bus."""

    code = "E-DISPLAY"
    action = ("Check the display's", "wires")


class KeypadError(HardwareError):
    """The keypad's pins cannot be had or are wired wrongly."""

    code = "E-KEYPAD"
    action = ("Check the keypad's", "wires")


class StickError(HardwareError):
    """Something is wrong with the stick."""

    code = "E-STICK"
    action: ClassVar[tuple[str, ...]] = ("Try another stick",)


class StickGoneError(StickError):
    """The stick was pulled while it was needed."""

    code = "E-STICK-GONE"
    action = ("Put it in again: same", "job")


class StickInUseError(StickError):
    """Another program has the stick open, or it is the disk we run from."""

    code = "E-STICK-IN-USE"
    action = ("Unmount it, or use", "another stick")


class StickTwoError(StickError):
    """More than one stick is in."""

    code = "E-STICK-TWO"
    action = ("Pull one of the two",)


class StickFormatError(StickError):
    """The volume is not FAT32."""

    code = "E-STICK-FORMAT"
    action = ("Format it as a PiSM", "stick")


class StickFullError(StickError):
    """There is no room on the stick."""

    code = "E-STICK-FULL"
    action = ("Make room on a PC, or", "use another stick")


class StickReadOnlyError(StickError):
    """The stick is write-protected."""

    code = "E-STICK-READONLY"
    action = ("Open its write lock,", "or use another stick")


class StickExistsError(StickError):
    """A file of that name is on the stick already; nothing is overwritten."""

    code = "E-STICK-EXISTS"
    action = ("Move that file off", "the stick on a PC")


class StickNameError(StickError):
    """A file name that FAT does not take, or that leaves its folder."""

    code = "E-STICK-NAME"


class StickMissingError(StickError):
    """There is no such file on the stick."""

    code = "E-STICK-MISSING"
    action = ("Check what is on the", "stick")


class StickSizeError(StickError):
    """A file on the stick is larger than what may be taken from it."""

    code = "E-STICK-SIZE"
    action = ("That file is too", "large for PiSM")


class StickIoError(StickError):
    """Reading from or writing to the stick fails."""

    code = "E-STICK-IO"
    action = ("It is dying: use", "another stick")


class StickVerifyError(StickError):
    """What was read back off the medium is not what was written."""

    code = "E-STICK-VERIFY"
    action = ("Do not trust it: use", "another stick")


class ClockSetError(HardwareError):
    """The system clock could not be set."""

    code = "E-CLOCK-SET"
    action = ("Restart and try again",)


class PowerError(HardwareError):
    """Power-off or restart was refused."""

    code = "E-POWER"
    action = ("Try again",)


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
    """Keys that were down when the keypad started; they are ignored until they come up."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stick:
    """What is known of an inserted volume without reading it.

    Args:
        node: Block node or image file of the filesystem.
        identity: Names this insertion (diskseq and sysfs path); the same stick put in again differs.
        label: Decoded volume label, "" when there is none.
        uuid: Volume id, "" when there is none.
        filesystem: What udev calls it: "vfat", "exfat", "ext4"; "" when blank.
        size_bytes: Size of the node.
        read_only: The device says it is write-protected.
    """

    node: Path
    identity: str
    label: str
    uuid: str
    filesystem: str
    size_bytes: int
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class StickInserted:
    """A stick is in."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class StickRemoved:
    """The stick of that identity is out."""

    identity: str


HardwareEvent = KeyPressed | KeyReleased | KeyStuck | StickInserted | StickRemoved
Post = Callable[[HardwareEvent], None]


class Display(Protocol):
    """A monochrome panel of 128x64 pixels."""

    def show(self, image: "Image.Image") -> None:
        """Put a 128x64 image of mode "1" on the glass; DisplayError when the panel does not answer."""

    def contrast(self, level: int) -> None:
        """Set the brightness, 0 (least) to 255; a driver caps it to spare the panel."""

    def blank(self, *, off: bool) -> None:
        """Turn the glass off or on again; its picture stays."""

    def close(self) -> None:
        """Let the bus go and leave the picture standing."""


class Keypad(Protocol):
    """A 4x4 matrix."""

    def start(self, post: Post) -> None:
        """Begin to post key events; KeypadError when the pins cannot be had."""

    def close(self) -> None:
        """Stop posting and let the pins go."""


class Sticks(Protocol):
    """The USB sockets, or folders that stand for them."""

    def start(self, post: Post) -> None:
        """Post StickInserted for what is in already, then every change."""

    def open_medium(self, stick: Stick) -> "Medium":
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
