"""The kernel's modules for the card: those that are named here, what they need, and nothing else.

No driver for a network, a radio, a keyboard, sound or a camera is on the card at all.
"""

import lzma
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from systemd.image.tools import run

FOR_THE_ROOT: Final = (
    "sdhci-iproc",
    "bcm2835",
    "fixed",
    "gpio-regulator",
    "reset-raspberrypi",
    "dm-verity",
    "squashfs",
)
"""What the initramfs loads, in this order: the card's host, its supply, and what a verified root needs."""

_FASTER_HASHES: Final = ("sha256-arm64", "sha2-ce")
_FOR_THE_BOX: Final = (
    *("ext4", "crc32c_generic"),  # the state
    *("i2c-bcm2835", "i2c-dev", "i2c-mux-pinctrl", "spi-bcm2835", "spidev"),  # the display and the clock
    *("dwc2", "phy-generic", "xhci-pci", "usb-storage", "uas", "sd_mod"),  # the sticks
    *(
        "bcm2835_wdt",
        "bcm2835-rng",
        "iproc-rng200",
        "bcm2835_thermal",
        "bcm2711_thermal",
        "raspberrypi-cpufreq",
    ),
)
FOR_THE_CARD: Final = (*FOR_THE_ROOT, *_FASTER_HASHES, *_FOR_THE_BOX)


class Kernel:
    """Debian's kernel package, unpacked.

    Args:
        tree: Where it is.
        epoch: Of the build.
    """

    def __init__(self, tree: Path, epoch: int) -> None:
        self._epoch = epoch
        (self.image,) = (tree / "boot").glob("vmlinuz-*")
        self.version = self.image.name.removeprefix("vmlinuz-")
        self.device_trees = tree / f"usr/lib/linux-image-{self.version}/broadcom"
        self._modules = tree / f"usr/lib/modules/{self.version}"
        self._files = {_plain(path): path for path in self._modules.rglob("*.ko*")}
        builtin = (self._modules / "modules.builtin").read_text().split()
        self._built_in = {_plain(Path(path)) for path in builtin}

    def find(self, names: Iterable[str]) -> tuple[Path, ...]:
        """Return the files of modules, each after those that it needs, relative to the modules' folder.

        Args:
            names: Of modules, with either sign between words.

        Raises:
            KeyError: The kernel has no such module.
        """
        found: dict[Path, None] = {}
        for name in names:
            if (plain := name.replace("-", "_")) in self._built_in:
                continue
            path = self._files[plain]
            if (place := path.relative_to(self._modules)) not in found:
                needed = run(["modinfo", "--field=depends", path], epoch=self._epoch).decode()
                found |= dict.fromkeys(self.find(needed.replace(",", " ").split()))
                found[place] = None
        return tuple(found)

    def copy(self, files: Sequence[Path], root: Path, *, unpacked: bool = False) -> None:
        """Put modules into a root.

        Args:
            files: As `find` returns them.
            root: Of the card, or of the initramfs.
            unpacked: Without their compression.
        """
        to = self._folder(root)
        for file in files:
            target = to / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if unpacked and file.suffix == ".xz":
                target.with_suffix("").write_bytes(lzma.decompress((self._modules / file).read_bytes()))
            else:
                shutil.copyfile(self._modules / file, target)

    def index(self, root: Path) -> None:
        """Make the table by which modules of a root are found, for what asks for a driver."""
        for table in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            shutil.copyfile(self._modules / table, self._folder(root) / table)
        run(["depmod", "--basedir", root, self.version], epoch=self._epoch)

    def _folder(self, root: Path) -> Path:
        return root / f"usr/lib/modules/{self.version}"


def _plain(path: Path) -> str:
    """Return a module's name, as the kernel has it in memory."""
    return path.name.partition(".")[0].replace("-", "_")
