"""The boot partition: firmware, kernel, device trees, and an initramfs that knows its root by the hash.

Rules:

1. Every program of the initramfs is Debian's own, one for one task: no busybox, whose one file is a network's
   client and server as well. None asks anything; what fails restarts the box.
2. Nothing is left to config.txt that a device tree can say (Debian's kernel knows no overlays of the
   firmware's): the clock on the display's bus, that bus at 400 kHz, and no radio and no network port.
3. Firmware and kernel are verified by nobody on most boards: docs/threat-model.md, "The card".
"""

import gzip
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from systemd.image.elf import find_needed
from systemd.image.kernel import FOR_THE_ROOT, Kernel
from systemd.image.root import HERE, LIBRARIES
from systemd.image.tools import fix_times, link, put, run
from systemd.image.verity import Root

BOOT_MIB: Final = 40
BOARDS: Final = (
    "bcm2711-rpi-4-b",
    "bcm2711-rpi-cm4-io",
    "bcm2837-rpi-3-b",
    "bcm2837-rpi-3-b-plus",
    "bcm2837-rpi-zero-2-w",
)
_FIRMWARE: Final = ("start.elf", "fixup.dat", "start4.elf", "fixup4.dat")
_PROGRAMS: Final = (
    "usr/bin/dash",
    "usr/bin/kmod",
    "usr/bin/mkdir",
    "usr/bin/mount",
    "usr/bin/sleep",
    "usr/bin/umount",
    "usr/sbin/dmsetup",
    "usr/sbin/switch_root",
)
_LOADER: Final = "ld-linux-aarch64.so.1"
_I2C: Final = "/soc/i2c@7e804000"
_SWITCHED_OFF: Final = ("/soc/mmc@7e300000", "/soc/serial@7e201000/bluetooth", "/scb/ethernet@7d580000")
_CONFIG: Final = """arm_64bit=1
upstream_kernel=1
kernel=kernel.gz
initramfs initrd.img followkernel
enable_uart=0
gpu_mem=16
"""
# init_on_free: what a process gives back is zeroed, the vault's keys with it.
_COMMAND_LINE: Final = (
    "ro systemd.volatile=state quiet loglevel=3 panic=10 random.trust_cpu=on init_on_free=1\n"
)


def make_initramfs(packages: Sequence[Path], kernel: Kernel, root: Root, work: Path, *, epoch: int) -> Path:
    """Make the initramfs of a root.

    Args:
        packages: Trees of unpacked packages, in which its programs and libraries are found.
        kernel: Whose modules it takes.
        root: That it starts.
        work: Folder for its tree.
        epoch: Of the build.
    """
    tree = work / "initramfs"
    for folder in ("dev", "proc", "sys", "run", "sysroot", "usr/bin", "usr/sbin", LIBRARIES):
        (tree / folder).mkdir(parents=True)
    for name in ("bin", "sbin", "lib"):
        link(tree / name, f"usr/{name}")
    programs = [next(place / name for place in packages if (place / name).exists()) for name in _PROGRAMS]
    for name, program in zip(_PROGRAMS, programs, strict=True):
        put(tree / name, program.read_bytes(), 0o755)
    link(tree / "usr/bin/insmod", "kmod")
    for library in find_needed(programs, [place / LIBRARIES for place in packages]):
        put(tree / LIBRARIES / library.name, library.read_bytes(), 0o755)
    link(tree / "usr/lib" / _LOADER, f"aarch64-linux-gnu/{_LOADER}")
    modules = kernel.find(FOR_THE_ROOT)
    kernel.copy(modules, tree, unpacked=True)
    put(tree / "modules", "".join(f"{kernel.version}/{str(path).removesuffix('.xz')}\n" for path in modules))
    put(tree / "verity.table", root.table)
    put(tree / "init", (HERE / "init").read_bytes(), 0o755)
    fix_times(tree, epoch)
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    listed = "".join(f"{name}\0" for name in names).encode()
    options = ("--null", "--create", "--format=newc", "--quiet", "--reproducible", "--owner=0:0")
    archive = run(["cpio", *options], epoch=epoch, folder=tree, given=listed)
    path = work / "initrd.img"
    path.write_bytes(run(["zstd", "-q", "-15", "-T1", "-c"], epoch=epoch, given=archive))
    return path


def make_boot(firmware: Path, kernel: Kernel, initramfs: Path, work: Path, *, epoch: int) -> Path:
    """Make the boot partition.

    Args:
        firmware: raspi-firmware's files.
        kernel: Kernel and device trees.
        initramfs: Of the root.
        work: Folder for its tree.
        epoch: Of the build.
    """
    tree = work / "boot"
    tree.mkdir()
    for name in _FIRMWARE:
        shutil.copyfile(firmware / name, tree / name)
    (tree / "kernel.gz").write_bytes(gzip.compress(kernel.image.read_bytes(), 9, mtime=0))
    shutil.copyfile(initramfs, tree / "initrd.img")
    for board in BOARDS:
        shutil.copyfile(kernel.device_trees / f"{board}.dtb", tree / f"{board}.dtb")
        edit_device_tree(tree / f"{board}.dtb")
    put(tree / "config.txt", _CONFIG)
    put(tree / "cmdline.txt", _COMMAND_LINE)
    fix_times(tree, epoch)
    path = work / "boot.img"
    make_fat(path, tree, kind=32, mib=BOOT_MIB, label="PISM-BOOT", number="70697300", epoch=epoch)
    return path


def edit_device_tree(path: Path) -> None:
    """Put the clock on the display's bus, that bus at 400 kHz, and switch off radios and network (rule 2)."""
    for kind, node, name, value in (
        ("u", _I2C, "clock-frequency", "400000"),
        ("s", f"{_I2C}/rtc@68", "compatible", "maxim,ds3231"),
        ("x", f"{_I2C}/rtc@68", "reg", "68"),
    ):
        subprocess.run(["fdtput", "-p", "-t", kind, path, node, name, value], check=True)
    for node in _SWITCHED_OFF:
        there = subprocess.run(["fdtget", "-p", path, node], check=False, capture_output=True).returncode == 0
        if there:
            subprocess.run(["fdtput", "-t", "s", path, node, "status", "disabled"], check=True)


def make_fat(path: Path, tree: Path, *, kind: int, mib: int, label: str, number: str, epoch: int) -> None:
    """Make a FAT volume of the files of a folder.

    Args:
        path: Of the image.
        tree: The files.
        kind: 16 or 32.
        mib: Its size.
        label: Its name.
        number: Its id, eight hexadecimal digits.
        epoch: Of the build.
    """
    path.unlink(missing_ok=True)
    with path.open("wb") as volume:
        volume.truncate(mib << 20)
    options = ("-F", str(kind), "-s", "1", "-S", "512", "--invariant", "-i", number, "-n", label)
    run(["mkfs.vfat", *options, path], epoch=epoch)
    for file in sorted(tree.iterdir()):
        run(["mcopy", "-m", "-i", path, file, f"::{file.name}"], epoch=epoch)
