"""`pism export` and `pism backup`: an archive and its sidecars into a folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from core.api.results import ArchiveWritten
from kiosk.commands.access import Access, access_options
from kiosk.commands.options import example, json_option, progress_bar, show, show_json
from kiosk.commands.shell import complete_names
from kiosk.work.places import Standing, place_files

_CHUNK_BYTES = 1 << 20

to_option = click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    required=True,
    help="The folder that archive, receipt, report and calendar go into; made if it is missing.",
)


@click.command("export", epilog=example("pism export main-kudo --state s --to out"))
@click.argument("egress", shell_complete=complete_names("egresses"))
@to_option
@access_options
@json_option
def export_command(egress: str, to: Path, access: Access, *, as_json: bool) -> None:
    """Write the signers of EGRESS with their keys.

    They are encrypted to its recipients; no root key is among them.
    """
    _write("egress", egress, to, access, as_json=as_json)


@click.command("backup", epilog=example("pism backup main-backup --state s --to out"))
@click.argument("name", shell_complete=complete_names("backups"))
@to_option
@access_options
@json_option
def backup_command(name: str, to: Path, access: Access, *, as_json: bool) -> None:
    """Write everything, root keys included.

    It is encrypted to the recipients of backup NAME.
    """
    _write("backup", name, to, access, as_json=as_json)


def _write(kind: str, name: str, to: Path, access: Access, *, as_json: bool) -> None:
    from core.receive.folder import filing

    with access.unlocked() as authority, filing(f"Writing to {to}"), _made(to):
        with tempfile.TemporaryFile(dir=to) as spool:
            with progress_bar() as report:
                written = authority.write_archive(kind, name, spool, access.now, report, public=True)
            places = _place(written, spool, to)
        authority.confirm_written(kind, name, written.sequence, "folder", access.now)
    _show(written, places, as_json=as_json)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder that is missing, for a block that leaves it empty where it fails."""
    is_new = not folder.exists()
    if is_new:
        folder.mkdir()
    try:
        yield
    except BaseException:
        if is_new:
            with suppress(OSError):  # something is in it: the archive, and only its confirmation failed
                folder.rmdir()
        raise


class _Folder:
    """A folder, as far as placing goes; names that differ in case only are one, as on a stick."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def standing(self, path: str, size_bytes: int, sha256: str) -> Standing:  # noqa: ARG002  nothing is resumed
        """Return whether a place is free."""
        folder, _, name = path.rpartition("/")
        above = self._path / folder
        if folder and os.path.lexists(above) and not above.is_dir():
            return Standing.TAKEN
        taken = name.lower() in {one.lower() for one in self.names_in(folder)}
        return Standing.TAKEN if taken else Standing.FREE

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder; none where there is no such folder."""
        path = self._path / folder
        return tuple(item.name for item in path.iterdir()) if path.is_dir() else ()


def _place(written: ArchiveWritten, spool: BinaryIO, to: Path) -> list[Path]:
    """Write archive and companions into the folder, receipt last; all of them or none."""
    from core.files import write_new
    from core.receive.folder import filing

    done: list[Path] = []
    made: list[Path] = []
    try:
        for one in place_files(written, _Folder(to)):
            place = to / one.place
            if not place.parent.exists():
                with filing(f"Making {place.parent}"):
                    place.parent.mkdir()
                made.append(place.parent)
            if one.file.data is None:
                write_new(place, _pieces(spool))
            else:
                write_new(place, one.file.data, 0o644)
            done.append(place)
    except BaseException:
        for place in done:
            place.unlink()
        for folder in made:
            folder.rmdir()
        raise
    return done


def _show(written: ArchiveWritten, places: list[Path], *, as_json: bool) -> None:
    if as_json:
        show_json(
            {
                "archive": str(places[0]),
                "sequence": written.sequence,
                "sha256": written.sha256,
                "size_bytes": written.size_bytes,
                "companions": [str(place) for place in places[1:]],
            }
        )
        return
    show(f"{places[0]}\n  SHA-256 {written.sha256}")
    for place in places[1:]:
        show(str(place))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_CHUNK_BYTES):
        yield piece
