"""`make image`: the card to flash, the same to the byte whoever builds it.

    python -m systemd.image.build [--out DIR] [--cache DIR] [--work DIR]

It takes dist/pism_VERSION_arm64.deb and Debian's packages as packages.lock names them. Nothing of another
machine runs, nothing is mounted, no loop device is used, and no root is needed.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from core.crypto.recipients import fingerprint_words
from kiosk.work.inspection import SYSTEM_WORDS
from systemd.deb.build import last_commit
from systemd.deb.wheels import ROOT
from systemd.image import environment, root
from systemd.image.audit import AuditError, audit
from systemd.image.boot import make_boot, make_initramfs
from systemd.image.card import make_card
from systemd.image.kernel import FOR_THE_CARD, Kernel
from systemd.image.packages import PackageError, fetch, read_lock, unpack
from systemd.image.papers import make_bill
from systemd.image.tools import fix_times
from systemd.image.verity import make_root

_MACHINE: Final = "x86_64"
_LOW_UMASK: Final = 0o022
_TREES: Final = {"root": "root", "initramfs": "early", "boot": "kernel", "twin": "twin"}
_FIRMWARE: Final = "usr/lib/raspi-firmware"


def main(arguments: Sequence[str]) -> None:
    """Build the card."""
    parser = argparse.ArgumentParser(prog="build")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--cache", type=Path, default=ROOT / "build/image")
    parser.add_argument("--work", type=Path, default=None, help="where it is put together; kept, if given")
    given = parser.parse_args(arguments)
    if platform.machine() != _MACHINE:
        sys.exit(
            f"make image: the lock names Python for {_MACHINE} only, and this machine is {platform.machine()}"
        )
    os.umask(_LOW_UMASK)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or last_commit())
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pism-image-") as folder:
        work = given.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        try:
            build(version, given.out.resolve(), given.cache.resolve(), work.resolve(), epoch)
        except (AuditError, PackageError) as error:
            sys.exit(f"make image: {error}")


def build(version: str, out: Path, cache: Path, work: Path, epoch: int) -> None:
    """Build the card, and what comes with it.

    Args:
        version: PiSM's.
        out: Folder of the package, and for what is made.
        cache: Folder of fetched packages.
        work: An empty folder.
        epoch: Seconds since 1970, the time of all.
    """
    began = time.monotonic()

    def say(what: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:4.0f} s  {what}\n")
        sys.stdout.flush()

    say("packages")
    locked = [package for package in read_lock() if package.section in _TREES]
    files = fetch(locked, cache / "packages")
    # the one with the links /bin, /lib and /sbin comes first
    for one in sorted(files, key=lambda each: (each.name != "base-files", each.path)):
        unpack(files[one], work / _TREES[one.section])
    package = work / "package"
    unpack(out / f"pism_{version}_arm64.deb", package)
    say("root")
    tree = work / "root"
    environment.install(package, tree, work / "twin", version=version, epoch=epoch)
    root.finish(tree, package, epoch=epoch)
    kernel = Kernel(work / "kernel", epoch)
    kernel.copy(kernel.find(FOR_THE_CARD), tree)
    kernel.index(tree)
    audit(tree)
    fix_times(tree, epoch)
    say("root image")
    image = make_root(tree, work / "root.img", epoch=epoch)
    say("boot image")
    initramfs = make_initramfs([work / "early", tree], kernel, image, work, epoch=epoch)
    firmware = work / "kernel" / _FIRMWARE
    boot = make_boot(firmware, kernel, initramfs, work, epoch=epoch)
    say("card")
    card, card_map = make_card(boot, image.path, firmware / "bootcode.bin", work, epoch=epoch)
    name = f"pism-{version}-rpi64.img"
    wheels = [
        path for path in (package / "usr/lib/pism/wheels").glob("*.whl") if not path.name.startswith("pip-")
    ]
    made = {name: card, "boot.img": boot, "root.img": image.path}
    (out / f"{name}.bmap").write_text(card_map)
    (out / f"{name}.cdx.json").write_text(make_bill(version, locked, wheels, made, epoch))
    say("compressing")
    with (out / f"{name}.xz").open("wb") as packed:
        # blocks of one size: the same bytes by however many threads
        options = ("-6", "--threads=2", "--block-size=16MiB", "--stdout")
        subprocess.run(["xz", *options, card], check=True, stdout=packed)
    sums = {f"{name}.xz": out / f"{name}.xz", **made}
    text = "".join(f"{sha256(path.read_bytes()).hexdigest()}  {each}\n" for each, path in sums.items())
    text += f"# root.img has {image.path.stat().st_size} bytes\n"
    text += f"# words: {' '.join(fingerprint_words(bytes.fromhex(image.root_hash), SYSTEM_WORDS))}\n"
    text += f"# root hash {image.root_hash}\n"
    (out / f"{name}.sha256").write_text(text)
    say(f"{out / name}.xz\n{text}")


if __name__ == "__main__":
    main(sys.argv[1:])
