"""What a file is, by its first bytes: two arguments that were swapped are told as that.

1. What is recognized as another thing than is wanted is refused before anything else is done. What is not
   recognized goes on: whoever reads it says what is wrong with it.
2. Only regular files are looked at: a pipe gives its bytes once.
"""

import os
import re
import stat
from pathlib import Path
from typing import Any, Final, Literal

import click

Kind = Literal["archive", "locked key", "private key", "certificate", "stick", "configuration"]

_SAID: Final[dict[Kind, str]] = {
    "archive": "an archive",
    "locked key": "a private key under a passphrase",
    "private key": "a private key",
    "certificate": "a certificate",
    "stick": "an image of a stick",
    "configuration": "a configuration",
}
_HEAD_BYTES: Final = 64 * 1024
_AGE: Final = b"age-encryption.org/v1\n-> "
_PRIVATE: Final = re.compile(rb"^(AGE-(SECRET-KEY|PLUGIN)-|-----BEGIN [A-Z0-9 ]*PRIVATE KEY)", re.MULTILINE)
_CERTIFICATE: Final = re.compile(rb"^-----BEGIN CERTIFICATE-----", re.MULTILINE)
_CONFIGURATION: Final = re.compile(rb"^(authority|places):", re.MULTILINE)
_SECTOR_BYTES: Final = 512
_BOOT_SIGNATURE: Final = b"\x55\xaa"  # ends the first sector of a FAT volume and of a partition table


def find_kind(file: Path) -> Kind | None:
    """Return what a file is; None where it is nothing known, no regular file, or cannot be read."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
    except OSError:
        return None
    if head.startswith(_AGE):
        # Only a passphrase has this stanza (age-encryption.org/v1), and no archive has a passphrase.
        return "locked key" if head.startswith(_AGE + b"scrypt ") else "archive"
    if status.st_size % _SECTOR_BYTES == 0 and head[_SECTOR_BYTES - 2 : _SECTOR_BYTES] == _BOOT_SIGNATURE:
        return "stick"
    found: tuple[tuple[re.Pattern[bytes], Kind], ...] = (
        (_PRIVATE, "private key"),
        (_CERTIFICATE, "certificate"),
        (_CONFIGURATION, "configuration"),
    )
    return next((kind for pattern, kind in found if pattern.search(head)), None)


class FileOf(click.Path):
    """A path whose file must not be one of another kind.

    Args:
        wanted: What is said to be wanted, such as "an archive".
        kinds: What the file may be.
        exists: Whether it must be there.
    """

    def __init__(self, wanted: str, *kinds: Kind, exists: bool = True) -> None:
        super().__init__(exists=exists, dir_okay=not exists, path_type=Path)
        self._wanted, self._kinds = wanted, kinds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; of another kind it is a usage error that says which."""
        file = Path(os.fsdecode(super().convert(value, param, ctx)))
        kind = find_kind(file)
        if kind is not None and kind not in self._kinds:
            self.fail(f"{file} is {_SAID[kind]}, and {self._wanted} is wanted here", param, ctx)
        return file


ARCHIVE: Final = FileOf("an archive", "archive")
IDENTITY: Final = FileOf("a private key", "private key", "locked key", "certificate")
CONFIGURATION: Final = FileOf("a configuration", "configuration", exists=False)
EXISTING_CONFIGURATION: Final = FileOf("a configuration", "configuration")
STICK: Final = FileOf("a stick, or an image of one,", "stick", exists=False)
