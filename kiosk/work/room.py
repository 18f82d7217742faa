"""Whether a stick can take what a job brings: known before a top-up's time and an archive's number are spent.

1. What is made is known to the byte; what is not yet made, as the vault foresees it (core.export.foresight).
2. What stands on the stick counts as there: a stick that holds all of it is refused for nothing. It is looked
   for only where the stick could not take everything, since all of it has to be read.
3. Nothing is written, but that parts of ours make way on a stick that is short of room.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from core.api.results import ArchiveForeseen
from hw.errors import StickFullError, StickReadOnlyError
from hw.fat.volume import FatVolume
from hw.sizes import size_text
from kiosk.work.delivery import Delivery
from kiosk.work.earlier import Earlier


def sizes_of(foreseen: ArchiveForeseen) -> tuple[int, ...]:
    """Return the sizes of an archive and its papers, about."""
    paper_bytes = -(-foreseen.papers_bytes // max(1, foreseen.papers))
    return (foreseen.size_bytes, *(paper_bytes for _ in range(foreseen.papers)))


def check_stick(
    volume: FatVolume,
    foreseen: Iterable[ArchiveForeseen],
    made: Iterable[Delivery],
    earlier: Earlier,
    heed_stop: Callable[[], None],
) -> None:
    """Refuse a stick that cannot take a job's archives.

    Args:
        volume: Of the stick.
        foreseen: Archives that are still to be made.
        made: Archives that are made.
        earlier: Knows which files there are PiSM's own.
        heed_stop: Called while files are read; may raise.

    Raises:
        StickReadOnlyError: It is write-protected (E-STICK-READONLY).
        StickFullError: There is not the room (E-STICK-FULL).
        StickError: It is pulled, or failing (E-STICK-...).
    """
    unmade = [*chain.from_iterable(map(sizes_of, foreseen))]
    archives = (*made,)
    if not volume.read_only and volume.has_room([*unmade, *chain.from_iterable(map(_sizes, archives))]):
        return

    def tell(*_progress: Any) -> None:
        heed_stop()

    missing = chain.from_iterable(archive.missing(volume, earlier, tell) for archive in archives)
    needed = [*unmade, *(one.file.size_bytes for one in missing)]
    if not needed:
        return
    if volume.read_only:
        raise StickReadOnlyError("the stick is write-protected")
    volume.clean_parts()
    if not volume.has_room(needed):
        needed_text, free_text = size_text(sum(needed)), size_text(volume.free_bytes)
        raise StickFullError(f"this job needs about {needed_text}; the stick has {free_text} free")


def _sizes(archive: Delivery) -> tuple[int, ...]:
    return (archive.written.size_bytes, *(len(each.data) for each in archive.written.companions))
