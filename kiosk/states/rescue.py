"""A backup restored onto an empty box, from the stick PISM-RESCUE to the first lock.

Order: RescueAsks, ConfirmDate, Looking, PickIdentity, Looking, IdentityLocked, Entering, CheckingIdentity,
Reading, ConfirmRestore, ChoosePassphrase and what follows it at set-up, Restoring, Rescued. What the vault
holds meanwhile stands in box.rescue, so that the screens of the set-up serve here too.
"""

from dataclasses import dataclass

from hw.ports import Stick
from kiosk.events import Progress
from kiosk.rescue_reports import BackupRow, Restored
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueAsks(Screen):
    """No authority yet, and a stick that may bring one back: `#` begins."""

    vault = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEmpty(Screen):
    """The same stick, but there is an authority: nothing is touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking(Screen):
    """The stick is looked at, or an identity is taken off it.

    Args:
        stick: Which.
        name: Of the identity; "" while it is looked for.
    """

    busy = True
    vault = True

    stick: Stick
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickIdentity(Screen):
    """Several files may open the backup: A to C pick, D turns the page."""

    vault = True

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLocked(Screen):
    """The identity needs its own passphrase: `#` types it.

    Args:
        name: Of the file.
    """

    vault = True

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckingIdentity(Screen):
    """The vault tries that passphrase."""

    secretive = True
    busy = True
    vault = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Screen):
    """The archive is copied off the stick and checked.

    Args:
        progress: The last one told.
        stopping: StopJob was asked.
    """

    busy = True
    holds = "*"
    vault = True

    progress: Progress | None = None
    stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmRestore(Screen):
    """What the backup is, page by page; held `#` at the end confirms. box.rescue.backup has it."""

    holds = "#"
    vault = True

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring(Screen):
    """The store is being made.

    Args:
        progress: The last one told.
        stopping: StopJob was asked.
    """

    secretive = True
    busy = True
    holds = "*"
    vault = True

    progress: Progress | None = None
    stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued(Screen):
    """It stands, and is locked: what came back and what to do next, page by page.

    Args:
        backup: What was restored.
        restored: What that left.
        page: 0 first.
    """

    backup: BackupRow
    restored: Restored
    page: int = 0
