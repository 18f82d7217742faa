"""What a rescue answers, for the kiosk; the rules of core.api.results hold."""

from datetime import datetime

from msgspec import Struct


class _Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """Base of these results: strict, immutable, told apart by their class name."""


class IdentitySeen(_Message, frozen=True, kw_only=True):
    """What a file from a stick is: an identity or not, and whether it needs a passphrase of its own."""

    is_identity: bool
    locked: bool


class BackupOpened(_Message, frozen=True, kw_only=True):
    """A backup that passed every check; nothing of it is written yet.

    Args:
        authority: Its name.
        name: Of the backup.
        sequence: Its number.
        created: When it was made, aware UTC.
        root_words: Of the root that sealed it, 12 of them.
        root_sha256: Of the same root, 64 hex digits.
        roots: How many roots there are.
        signers: How many signers were ever issued.
        keys: How many private keys are inside.
    """

    authority: str
    name: str
    sequence: int
    created: datetime
    root_words: tuple[str, ...]
    root_sha256: str
    roots: int
    signers: int
    keys: int


class BackupRestored(_Message, frozen=True, kw_only=True):
    """The store stands, as a new incarnation.

    Args:
        incarnation: The new one.
        next_visit_by: When the next visit is due; the present where it is due now.
        clock_believed: The journal goes on at the time that was given; else the date must be confirmed.
        policy_changes: What config.yaml would change, one line each; waits for approval.
    """

    incarnation: str
    next_visit_by: datetime
    clock_believed: bool
    policy_changes: tuple[str, ...]
