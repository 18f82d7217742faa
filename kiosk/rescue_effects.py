"""What the machine asks of the daemon for a rescue, in this order; the rules of kiosk.effects hold."""

from dataclasses import dataclass

from hw.ports import Stick


@dataclass(frozen=True, slots=True)
class LookForBackup:
    """Look for one backup and for identities on the stick. Answer: BackupFound."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class TakeIdentity:
    """Hand a file of the stick to the vault as the identity. Answer: IdentityTaken."""

    stick: Stick
    name: str


@dataclass(frozen=True, slots=True)
class OpenIdentity:
    """Send the IDENTITY buffer. Answer: IdentityTaken; JobFailed E-IDENTITY-LOCKED if it does not fit."""


@dataclass(frozen=True, slots=True)
class ReadBackup:
    """Copy the archive off the stick and have it checked. Answer: Progress, then BackupRead or Stopped."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class Restore:
    """Restore it under the repeated passphrase. Answer: Progress, then BackupRestored or Stopped."""


RescueEffect = LookForBackup | TakeIdentity | OpenIdentity | ReadBackup | Restore
"""What makes an empty box one that a backup is of."""
