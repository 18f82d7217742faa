"""What a rescue is refused for beside its archive; core.errors has them all."""

from typing import ClassVar

from core.refusal import CaError


class RescueError(CaError):
    """A stick or a box does not have what restoring a backup onto an empty box needs."""

    code = "E-RESCUE"
    action: ClassVar[tuple[str, ...]] = ("Check what is on the", "stick")


class RescueMissingError(RescueError):
    """There is no backup archive at the top of the stick."""

    code = "E-RESCUE-MISSING"
    action = ("Copy one .tar.age", "to the stick's top")


class RescueKeyError(RescueError):
    """There is no identity, the private key that opens the backup, at the top of the stick."""

    code = "E-RESCUE-KEY"
    action = ("Copy the private key", "of a recipient to the", "stick's top")


class RescueManyError(RescueError):
    """There are several archives, or more small files than are looked at for a key."""

    code = "E-RESCUE-MANY"
    action = ("Leave one archive and", "its key on the stick")


class RescueSpaceError(RescueError):
    """The archive does not fit onto the disk or into the memory of this box."""

    code = "E-RESCUE-SPACE"
    action = ("Take a larger card or", "a box with more", "memory")
