"""Where the sidecars of an archive go, on a stick or in a folder: nothing there is ever overwritten."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from core.api.results import ArchiveWritten


def place_companions(written: ArchiveWritten, present: Iterable[str]) -> dict[str, str]:
    """Return the place of each companion by its path: its own name, or a numbered one where that is taken.

    Args:
        written: The archive and its companions.
        present: Names that stand at the top of the stick or folder; FAT knows no case, so neither do we.
    """
    taken = {name.lower() for name in present}
    number = f"-{written.name}-{written.sequence:06d}"
    places = {}
    for companion in written.companions:
        folder, _, name = companion.path.rpartition("/")
        ending = PurePosixPath(name).suffix
        if companion.numbered or (folder or name).lower() not in taken:
            places[companion.path] = companion.path
        elif folder:
            places[companion.path] = f"{folder}{number}/{name}"
        else:
            places[companion.path] = f"{name.removesuffix(ending)}{number}{ending}"
    return places
