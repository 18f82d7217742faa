"""What PiSM itself left on a stick earlier, as its receipts there tell.

1. A file is PiSM's own when a receipt that a root of this box seals names its path and its SHA-256; the vault
   judges receipts. Everything else on a stick is somebody else's, and stays.
2. What has no number in its name (public/, next-visit.ics) is replaced by the next archive's. Such a file
   comes before the receipt that names it, so the receipt's bytes go first, as `pism-begun-...json`, and are
   taken away when the receipt stands: wherever a stick is pulled, the next job knows what was left.
3. The vault sees the newest of its receipts of each name, however many others lie there: one that is later
   than its state shows that an old state was put back (core.export.receipt).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

from core.api import requests as rq
from core.api import results as rs
from hw.errors import StickSizeError
from hw.fat.listing import StickFile
from hw.fat.volume import FatVolume
from kiosk.work.session import Session

_RECEIPT: Final = re.compile(
    r"pism-(?P<state>receipt|begun)-(?P<name>[a-z][a-z0-9-]{0,23})"
    r"-(?P<number>[0-9]{6,})(-[0-9a-f]{8}(-[0-9]+)?)?\.json"
)
_BEGUN: Final = "pism-begun-"
_MAX_RECEIPT_BYTES: Final = 16 * 1024 * 1024


class Earlier:
    """The files that receipts vouch for; begins empty, and learns from each stick."""

    def __init__(self) -> None:
        self._papers: dict[str, set[str]] = defaultdict(set)
        self._receipts: set[str] = set()

    def learn(
        self, session: Session, volume: FatVolume, root: Iterable[StickFile], heed_stop: Callable[[], None]
    ) -> None:
        """Show the vault the receipts on a stick, of each name the newest first, until one is its own.

        The newest alone is not enough: a lost box, or another authority, may have left higher numbers. All
        that were begun are shown: each may have left files.

        Args:
            session: Unlocked.
            volume: Of the stick.
            root: Its root's listing.
            heed_stop: Called before each; may raise.

        Raises:
            VaultRefusalError: A receipt is later than the box's state (E-STATE-OLD).
            VaultLostError: From the session.
            StickError: From the stick (E-STICK-...).
        """
        named: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for item in root:
            if not item.folder and (found := _RECEIPT.fullmatch(item.name)):
                named[found["state"], found["name"]].append((int(found["number"]), item.name))
        for (state, _), numbered in named.items():
            for _, name in sorted(numbered, reverse=True):
                heed_stop()
                if self._learn_one(session, volume, name) and state != "begun":
                    break

    def _learn_one(self, session: Session, volume: FatVolume, name: str) -> bool:
        """Show the vault one file, and tell whether it is its own; it refuses a later one (E-STATE-OLD)."""
        try:
            data = volume.get(name, _MAX_RECEIPT_BYTES)
        except StickSizeError:
            return False
        checked = session.ask(rq.CheckReceipt(data=data), rs.ReceiptChecked)
        self._note(data, checked.papers)
        return checked.is_ours

    def add(self, written: rs.ArchiveWritten) -> None:
        """Remember what goes beside an archive of this session."""
        papers = tuple(
            rs.Paper(path=each.path, sha256=sha256(each.data).hexdigest()) for each in written.companions
        )
        self._note(written.companions[-1].data, papers)

    def _note(self, receipt: bytes, papers: tuple[rs.Paper, ...]) -> None:
        """Remember a receipt and what it names; one of this authority's names a report at least."""
        if papers:
            self._receipts.add(sha256(receipt).hexdigest())
        for paper in papers:
            self._papers[paper.path].add(paper.sha256)

    def find(self, volume: FatVolume, path: str) -> str | None:
        """Return the SHA-256 of PiSM's own earlier file of that path; None where there is none."""
        found = volume.find(path)
        if found is None or found.folder or path not in self._papers:
            return None
        hashes = sorted(self._papers[path])
        return next(
            (each for each in hashes if volume.holds(path, size_bytes=found.size_bytes, sha256=each)), None
        )

    def forget_begun(self, volume: FatVolume) -> bool:
        """Take away the receipts of what was begun, and tell whether there were any."""
        begun = [item.name for item in volume.list() if not item.folder and item.name.startswith(_BEGUN)]
        deleted = [volume.delete(name, each) for name in begun for each in sorted(self._receipts)]
        return any(deleted)


def begun_path(written: rs.ArchiveWritten) -> str:
    """Return what an archive's receipt is called while the files that it names are not all there."""
    return f"{_BEGUN}{written.name}-{written.sequence:06d}-{written.mark}.json"
