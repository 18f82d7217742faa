"""Everything that the box can fail at, as one tree.

    HardwareError
    ├── DisplayError           the panel does not answer
    ├── KeypadError            the pins cannot be had
    ├── StickError
    │   ├── StickGoneError         pulled, or the node answers ENXIO
    │   ├── StickInUseError        somebody else has the node open (EBUSY)
    │   ├── StickTwoError          more than one stick
    │   ├── StickPartsError        several volumes on one stick
    │   ├── StickFormatError       no FAT32 volume, or one that cannot be used
    │   ├── StickFullError         no room for what must be written
    │   ├── StickReadOnlyError     write-protected
    │   ├── StickExistsError       a file of that name is there; nothing is overwritten
    │   ├── StickNameError         a file name that FAT, or we, refuse
    │   ├── StickMissingError      no such file on the stick
    │   ├── StickSizeError         a file on the stick is larger than what is taken
    │   ├── StickIoError           reading or writing fails
    │   └── StickVerifyError       what was read back is not what was written
    ├── ToolsError             the system's own programs for sticks do not work
    ├── LandlockError          no Landlock around what reads a stick
    ├── SeccompError           kiosk or vault without a filter for system calls
    ├── UsersError             kiosk and vault are one user, or root
    ├── CardError              the state of the card is not there
    │   ├── CardStateError         its partition is missing, or another thing
    │   ├── CardDamagedError       it cannot be mended without a question
    │   └── CardOtherError         it is another box's
    ├── ClockSetError          the system clock cannot be set
    └── PowerError             power-off or restart was refused

Rules:

1. Each class has a code that the screen, the journal, the command line and docs/errors.md share, and an
   action of at most three lines of 21 characters. A message never holds a secret.
2. The first picture waits for this module, so that it imports nothing that costs time.
"""

from typing import ClassVar


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


class StickPartsError(StickError):
    """The stick has several parts, and nothing says which one is meant."""

    code = "E-STICK-PARTS"
    action = ("Erase it as a whole,", "or use another stick")


class StickFormatError(StickError):
    """The volume is no FAT32 that can be used; the text says why."""

    code = "E-STICK-FORMAT"
    action = ("Check it on a PC, or", "format it there")


class StickFullError(StickError):
    """There is no room on the stick."""

    code = "E-STICK-FULL"
    action = ("Make room on a PC, or", "use another stick")


class StickReadOnlyError(StickError):
    """The stick is write-protected."""

    code = "E-STICK-READONLY"
    action = ("Slide its switch, or", "use another stick")


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
    """The kernel could not read from or write to the stick."""

    code = "E-STICK-IO"
    action = ("It is dying: use", "another stick")


class StickVerifyError(StickError):
    """What was read back off the medium is not what was written."""

    code = "E-STICK-VERIFY"
    action = ("Do not trust it: use", "another stick")


class ToolsError(HardwareError):
    """The programs that read and write sticks do not work: a part of the system is missing."""

    code = "E-TOOLS"
    action = ("No stick's fault: the", "system lacks a part.", "Test: menu, 9")


class LandlockError(HardwareError):
    """The kernel has no Landlock, or it does not hold: what reads a stick would run unconfined."""

    code = "E-GUARD-LANDLOCK"
    action = ("Take a kernel with", "Landlock: see", "docs/hardware.md")


class SeccompError(HardwareError):
    """Kiosk or vault runs without a filter for system calls, or could gain privileges."""

    code = "E-GUARD-SECCOMP"
    action = ("Start it by its unit:", "see docs/hardware.md")


class UsersError(HardwareError):
    """Kiosk and vault are one user, or one of them is root."""

    code = "E-GUARD-USERS"
    action = ("Start it by its unit:", "see docs/hardware.md")


class CardError(HardwareError):
    """The state partition of the card cannot be used; the text says why."""

    code = "E-CARD"
    action: ClassVar[tuple[str, ...]] = ("Restart. If it stays:", "a fresh card, then", "PISM-RESCUE")


class CardStateError(CardError):
    """The card has no state partition, or something else is in its place."""

    code = "E-CARD-STATE"
    action = ("Write a fresh card,", "then PISM-RESCUE")


class CardDamagedError(CardError):
    """The state partition is damaged, and cannot be mended without losing something."""

    code = "E-CARD-DAMAGED"
    action = ("Keep this card. Write", "a fresh one, then", "PISM-RESCUE")


class CardOtherError(CardError):
    """The state on the card is that of another box, by the serial number of its board."""

    code = "E-CARD-OTHER"
    action = ("Put in its own card.", "New board? Fresh", "card and PISM-RESCUE")


class ClockSetError(HardwareError):
    """The system clock could not be set."""

    code = "E-CLOCK-SET"
    action = ("Restart and try again",)


class PowerError(HardwareError):
    """Power-off or restart was refused."""

    code = "E-POWER"
    action = ("Try again",)
