"""What is refused of an archive, and of the identity that opens it; core.errors has them all."""

from typing import ClassVar

from core.refusal import CaError


class ArchiveError(CaError):
    """An archive cannot be used."""

    code = "E-ARCHIVE"
    action: ClassVar[tuple[str, ...]] = ("Fetch the archive", "again from the stick")


class ArchiveIdentityError(ArchiveError):
    """The identity does not open the archive, or is itself not usable."""

    code = "E-ARCHIVE-IDENTITY"
    action: ClassVar[tuple[str, ...]] = ("Use the identity that", "belongs to the", "recipient")


class IdentityLockedError(ArchiveIdentityError):
    """The identity is encrypted, and no passphrase was given or another one."""

    code = "E-IDENTITY-LOCKED"
    action = ("Type the passphrase", "of that key")


class ArchiveDamagedError(ArchiveError):
    """The archive is truncated, altered, or has bytes after its end."""

    code = "E-ARCHIVE-DAMAGED"


class ArchiveMemberError(ArchiveError):
    """A member is unknown, unsafe, a link, out of order or too large."""

    code = "E-ARCHIVE-MEMBER"
    action = ("Do not use this", "archive")


class ArchiveFormatError(ArchiveError):
    """The manifest is of another version or not to the format."""

    code = "E-ARCHIVE-FORMAT"
    action = ("Open it with a newer", "pism")


class ArchiveKindError(ArchiveError):
    """The archive is an egress; only a backup holds what a restore or a drill needs."""

    code = "E-ARCHIVE-KIND"
    action = ("Take an archive of a", "backup")


class ArchiveSealError(ArchiveError):
    """No seal under a pinned root signs this archive."""

    code = "E-ARCHIVE-SEAL"
    action = ("Do not use this", "archive")


class ArchiveDateError(ArchiveSealError):
    """The archive was made more than a day after now: the clock is behind, or the archive is not ours."""

    code = "E-ARCHIVE-DATE"
    action = ("Set the clock right,", "then try again")


class ArchiveCertificateError(ArchiveError):
    """A certificate, its chain, dates or key does not fit."""

    code = "E-ARCHIVE-CERT"
    action = ("Do not use this", "archive")


class ArchiveTrustError(ArchiveError):
    """The root or incarnation is not pinned here and was not confirmed."""

    code = "E-ARCHIVE-TRUST"
    action = ("Compare its words on", "the box, then confirm")


class ArchiveRollbackError(ArchiveError):
    """The archive is not newer than the last one opened here."""

    code = "E-ARCHIVE-ROLLBACK"
    action = ("Use the newest one",)


class ArchiveForkError(ArchiveError):
    """The archive does not continue the last one opened here."""

    code = "E-ARCHIVE-FORK"
    action = ("Do not use it: two", "boxes claim to be one")
