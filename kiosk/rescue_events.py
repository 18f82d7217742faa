"""What the daemon answers to the effects of a rescue; the rules of kiosk.events hold."""

from dataclasses import dataclass

from kiosk.rescue_reports import BackupRow, Restored


@dataclass(frozen=True, slots=True)
class BackupFound:
    """Answers LookForBackup: there is one archive, and these files may open it."""

    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentityTaken:
    """Answers TakeIdentity and OpenIdentity; `locked`: it waits for its passphrase."""

    locked: bool = False


@dataclass(frozen=True, slots=True)
class BackupRead:
    """Answers ReadBackup: it passed every check; the stick is not needed any more."""

    backup: BackupRow


@dataclass(frozen=True, slots=True)
class BackupRestored:
    """Answers Restore: the authority stands; the vault is now to be closed."""

    restored: Restored


RescueEvent = BackupFound | IdentityTaken | BackupRead | BackupRestored
