"""`pism stick`: format, list, put and get on a block node or an image file, with the kiosk's own code.

Where a file is copied to may be a folder, as for cp: the file has its own name there. What ends in a slash
is never a file.
"""

import hashlib
import tempfile
from pathlib import Path

import click

from hw.fat.volume import open_volume
from hw.fat.writing import MAX_FILE_BYTES
from kiosk.commands.kinds import STICK, find_kind
from kiosk.commands.options import (
    example,
    json_option,
    progress_bar,
    report_units,
    require_yes,
    show,
    show_json,
)
from kiosk.commands.shell import complete_names

_CHUNK_BYTES = 1 << 20

_target = click.argument("target", type=STICK)


@click.group("stick")
def stick_command() -> None:
    """Work on a stick, or on an image of one.

    TARGET is a block node or an image file.
    """


@stick_command.command("format", epilog=example("pism stick format /dev/sda --label PISM-ALL"))
@_target
@click.option(
    "--label",
    required=True,
    shell_complete=complete_names("sticks"),
    help="The volume label, at most 11 characters, such as PISM-ALL.",
)
@click.option("--size", "size_mb", type=click.IntRange(34, 4096), help="Make a new image of so many MiB.")
@click.option("--yes", is_flag=True, help="Erase what is on it without a question.")
def format_command(target: Path, label: str, size_mb: int | None, *, yes: bool) -> None:
    """Erase TARGET and make it a FAT32 stick with a label."""
    from core.errors import FileError
    from hw.fat.mkfs import check_stick, format_stick, make_image
    from hw.medium.node import NodeMedium

    if size_mb is not None:
        if not target.parent.is_dir():  # said here: below, what cannot be written is a bad stick
            raise FileError(f"there is no folder {target.parent}")
        make_image(target, label, size_mb << 20)
    else:
        medium = NodeMedium(target)
        try:
            check_stick(medium, label)
            if not yes:
                require_yes(f"Everything on {target} is erased. Go on?")
        except BaseException:
            medium.close()
            raise
        format_stick(medium, label)
    show(f"{target} is {label}")


@stick_command.command("list", epilog=example("pism stick list /dev/sda"))
@_target
@click.argument("folder", default="")
@json_option
def list_command(target: Path, folder: str, *, as_json: bool) -> None:
    """List the files of TARGET, or of one of its folders."""
    with open_volume(target) as volume:
        files, label, free = volume.list(folder), volume.label, volume.free_bytes
    if as_json:
        rows = [{"name": item.name, "size_bytes": item.size_bytes, "folder": item.folder} for item in files]
        show_json({"label": label, "free_bytes": free, "files": rows})
        return
    show(f"{label or 'no label'}, {free} bytes free")
    for item in files:
        size = "<folder>" if item.folder else item.size_bytes
        show(f"{size:>12}  {item.name}")


@stick_command.command("put", epilog=example("pism stick put /dev/sda config.yaml"))
@_target
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--name", help="Its name on the stick, `name`, `folder/name`, or `folder/` for its own one there."
)
def put_command(target: Path, file: Path, name: str | None) -> None:
    """Write FILE to TARGET and read it back; overwrites nothing.

    It is read off the medium, and compared.
    """
    _require_order(target, file)
    place = name if name is not None else file.name
    if place.endswith("/"):
        place += file.name
    with file.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        size_bytes = source.tell()
        with open_volume(target) as volume, progress_bar() as report:
            told = report_units(report)
            volume.put(place, source, size_bytes=size_bytes, sha256=digest, progress=told)
    show(f"{place} is written, SHA-256 {digest}")


@stick_command.command("get", epilog=example("pism stick get /dev/sda next-visit.ics"))
@_target
@click.argument("name")
@click.option("--to", type=click.Path(), default=".", help="The file to make, or a folder; default: here.")
def get_command(target: Path, name: str, to: str) -> None:
    """Read the file NAME from TARGET; overwrites nothing."""
    from core.files import write_new

    _require_order(target, Path(name))
    place = Path(to)
    if to.endswith("/") or place.is_dir():
        place /= name.rpartition("/")[2]
    with tempfile.TemporaryFile() as spool:
        with open_volume(target) as volume, progress_bar() as report:
            volume.get_into(name, spool.write, MAX_FILE_BYTES, report_units(report))
        spool.seek(0)
        write_new(place, iter(lambda: spool.read(_CHUNK_BYTES), b""))
    show(f"{name} is in {place}")


def _require_order(target: Path, other: Path) -> None:
    """Refuse a file as TARGET, where what stands behind it is an image."""
    if find_kind(other) == "stick" and not target.is_block_device() and find_kind(target) != "stick":
        raise click.UsageError(f"{other} is an image of a stick, and {target} is none: TARGET comes first.")
