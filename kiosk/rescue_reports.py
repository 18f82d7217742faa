"""What the kiosk tells its screens of a rescue; the rules of kiosk.reports hold."""

from dataclasses import dataclass
from datetime import datetime

from hw.ports import Stick


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRow:
    """A backup that can be restored, as the operator confirms it.

    Args:
        authority: Its name.
        name: Of the backup.
        sequence: Its number.
        created: When it was made, aware UTC.
        words: 12 words of the fingerprint of the root that sealed it.
        roots: How many.
        signers: How many were ever issued.
    """

    authority: str
    name: str
    sequence: int
    created: datetime
    words: tuple[str, ...]
    roots: int
    signers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What is known while a backup is being restored onto an empty box; the vault holds identity or backup.

    Args:
        stick: That brought them.
        identities: Files that may open the archive, by name.
        backup: What the archive holds; None until it was read.
    """

    stick: Stick
    identities: tuple[str, ...]
    backup: BackupRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore left.

    Args:
        incarnation: The new one, for servers where nobody can be asked.
        next_visit_by: Aware UTC.
        clock_believed: Else the date must be set after the first unlock.
        policy_differs: config.yaml says something else than what was restored; it waits for approval.
    """

    incarnation: str
    next_visit_by: datetime
    clock_believed: bool
    policy_differs: bool
