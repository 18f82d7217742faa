"""Members of an archive: which there may be, in which order, how large (docs/archive-format.md).

Rules:
1. A path is one of the table's; nothing absolute, no `..`, no folder of its own fits.
2. Members come in the order of the table, manifest.json first; none comes twice.
3. Each seal.pem is followed by the manifest.sig of the same root; no signature stands alone.
4. Size and count are bounded.

Writer and reader hold every member against these rules; bytes are core.archive.container's.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from core.errors import ArchiveMemberError

MAX_MEMBERS: Final = 400_000
MANIFEST_PATH: Final = "manifest.json"

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = r"[a-z][a-z0-9-]{0,23}"
_KIB, _MIB = 1024, 1024**2
# Path, largest size. A member's row never comes before the row of the one in front of it.
_MEMBERS: Final = tuple(
    (re.compile(path), max_bytes)
    for path, max_bytes in (
        (r"manifest\.json", 128 * _MIB),
        (rf"seals/{_ID}/(?:seal\.pem|manifest\.sig)", 64 * _KIB),
        (rf"roots/{_ID}\.pem", 64 * _KIB),
        (rf"signers/{_NAME}/{_NAME}/{_ID}\.pem", 128 * _KIB),
        (rf"keys/{_ID}\.pem", 64 * _KIB),
        (r"passphrases\.age", 64 * _MIB),
        (rf"crls/{_ID}\.crl", 64 * _MIB),
        (r"journal\.jsonl", 1024 * _MIB),
        (r"state\.json", 1024 * _MIB),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file to put into an archive.

    Args:
        path: Where it stands in the tar; one of the allowed paths.
        size: Its exact length in bytes.
        open: Gives its bytes in chunks of any length, `size` together; called once, in its turn.
    """

    path: str
    size: int
    open: Callable[[], Iterable[bytes]]


def make_member(path: str, data: bytes) -> Member:
    """Return a member whose bytes are at hand."""
    return Member(path=path, size=len(data), open=lambda: (data,))


class MemberOrder:
    """Holds each path against the table, in the order in which they come."""

    def __init__(self) -> None:
        self._row = 0
        self._last = ""
        self._seen: set[str] = set()

    def admit(self, path: str, size: int) -> None:
        """Take the next member.

        Raises:
            ArchiveMemberError: It breaks a rule of this module (E-ARCHIVE-MEMBER).
        """
        row = next((n for n, (rule, _) in enumerate(_MEMBERS) if rule.fullmatch(path)), None)
        if row is None:
            raise ArchiveMemberError(f"The archive holds a member that has no place in it: {path[:100]!r}.")
        if not 0 <= size <= _MEMBERS[row][1]:
            raise ArchiveMemberError(f"The member {path} is larger than {_MEMBERS[row][1]} bytes.")
        if path in self._seen:
            raise ArchiveMemberError(f"The archive holds {path} twice.")
        if row < self._row or (not self._seen and row):
            raise ArchiveMemberError(f"The member {path} is not in its place.")
        # manifest.sig follows its own seal.pem, and nothing else does.
        seal, signature = "/seal.pem", "/manifest.sig"
        wanted = self._last.removesuffix(seal) + signature if self._last.endswith(seal) else None
        if (wanted is not None or path.endswith(signature)) and path != wanted:
            raise ArchiveMemberError(
                f"The member {path} is not in its place: a seal and its signature are a pair."
            )
        if len(self._seen) >= MAX_MEMBERS:
            raise ArchiveMemberError(f"The archive holds more than {MAX_MEMBERS} members.")
        self._row, self._last = row, path
        self._seen.add(path)
