"""The root image: a squashfs, and behind it the tree of hashes by which the kernel checks what it reads."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from systemd.image.tools import run

BLOCK_BYTES: Final = 4096
_SECTOR_BYTES: Final = 512
_SALT: Final = sha256(b"PiSM card").hexdigest()
"""Fixed, for the same image from the same root: a table of blocks worked out ahead helps nobody here."""

_UUID: Final = "70697363-6d00-4000-8000-000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The root image, as the boot image knows it.

    Args:
        path: The image.
        blocks: Of the squashfs, without the hashes.
        root_hash: What all of it comes down to, in hexadecimal digits.
    """

    path: Path
    blocks: int
    root_hash: str

    @property
    def table(self) -> str:
        """Return the device-mapper's table, with DEVICE for the partition.

        A block that is not what it was makes the kernel stop: a box that goes on with holes would be worse.
        """
        sectors = self.blocks * BLOCK_BYTES // _SECTOR_BYTES
        shape = f"{BLOCK_BYTES} {BLOCK_BYTES} {self.blocks} {self.blocks} sha256 {self.root_hash} {_SALT}"
        return f"0 {sectors} verity 1 DEVICE DEVICE {shape} 1 panic_on_corruption\n"


def make_root(tree: Path, path: Path, *, epoch: int) -> Root:
    """Make the image of a root.

    Args:
        tree: Its files.
        path: Of the image.
        epoch: Of the build: every file's time.
    """
    path.unlink(missing_ok=True)
    shape = ("-comp", "zstd", "-Xcompression-level", "15", "-b", "256K")
    quiet = ("-quiet", "-no-progress")
    # mksquashfs takes times from the variable, too, and not from both
    options = ("-all-root", "-no-exports", "-no-xattrs", *shape, *quiet)
    run(["mksquashfs", tree, path, *options], epoch=epoch)
    size = -(-path.stat().st_size // BLOCK_BYTES) * BLOCK_BYTES
    with path.open("r+b") as file:
        file.truncate(size)
    told = run(
        [
            *("veritysetup", "format", path, path, f"--hash-offset={size}", "--no-superblock"),
            *(f"--salt={_SALT}", f"--uuid={_UUID}"),
        ],
        epoch=epoch,
    ).decode()
    (root_hash,) = (line.split()[-1] for line in told.splitlines() if line.startswith("Root hash"))
    return Root(path=path, blocks=size // BLOCK_BYTES, root_hash=root_hash)
