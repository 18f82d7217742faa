"""The very image in QEMU, started as a Pi's firmware starts it: by the kernel and initramfs that it holds.

What only this machine has (its virtual disk's drivers, and a probe that says what it sees and switches off)
rides in a second cpio behind the card's own initramfs; nothing of it is on the card.
"""

import gzip
import json
import lzma
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
MIB: Final = 1 << 20
_APPEND: Final = "pism.roots=/dev/vda5,/dev/vda6 console=ttyAMA0 mitigations=off net.ifnames=0"
_LOG: Final = "systemd.journald.forward_to_console=1"
_MACHINE: Final = (
    "-M",
    "virt,gic-version=3",
    "-accel",
    "tcg,thread=multi",
    "-cpu",
    "cortex-a72",
    "-smp",
    "2",
)
_MEMORY_MIB: Final = 512
_UNIT: Final = """[Unit]
DefaultDependencies=no
After=sysinit.target pism.service
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I -B /run/test/probe.py
StandardOutput=tty
TTYPath=/dev/ttyAMA0
TimeoutStartSec=infinity
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of a start.

    Args:
        console: All that the kernel and the journal said.
        told: What the probe saw; None where it never ran.
    """

    console: str
    told: Mapping[str, Any] | None


def find_partitions(card: Path) -> Mapping[int, tuple[int, int]]:
    """Return where each partition of a card begins, and how long it is, in bytes."""
    told = json.loads(subprocess.run(["sfdisk", "-J", card], check=True, stdout=subprocess.PIPE).stdout)
    parts = told["partitiontable"]["partitions"]
    return {
        int(part["node"].removeprefix(str(card))): (part["start"] * 512, part["size"] * 512) for part in parts
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rider:
    """What rides behind the card's initramfs, and is on no card.

    Args:
        drivers: Of this machine, loaded before the card's own modules.
        late: Files of modules, loaded when the root is mounted.
        files: Texts by their place below /run.
    """

    drivers: Sequence[str]
    files: Mapping[str, str]
    late: Sequence[Path] = ()


PROBE: Final = Rider(
    drivers=("virtio_pci", "virtio_blk"),
    files={
        "test/probe.py": (HERE / "probe.py").read_text(encoding="utf-8"),
        "systemd/system/probe.service": _UNIT,
        "systemd/system/multi-user.target.d/probe.conf": "[Unit]\nWants=probe.service\n",
    },
)


def lay_boot_files(card: Path, modules: Path, work: Path, rider: Rider) -> str:
    """Do as the firmware does: take kernel and initramfs off the card, and return its command line.

    Args:
        card: Its image.
        modules: Folder of the kernel's modules, all of them.
        work: Gets `kernel` and `initrd`.
        rider: What comes behind the initramfs.
    """
    config = read_boot_file(card, "config.txt").decode()
    kernel = re.search(r"^kernel=(\S+)", config, re.MULTILINE)
    initramfs = re.search(r"^initramfs (\S+)", config, re.MULTILINE)
    assert kernel is not None
    assert initramfs is not None
    (work / "kernel").write_bytes(gzip.decompress(read_boot_file(card, kernel[1])))
    early = read_boot_file(card, initramfs[1])
    listed = _list_early_modules(early, work)
    # the kernel looks for another archive at a multiple of four bytes only
    early += b"\0" * (-len(early) % 4)
    (work / "initrd").write_bytes(early + _make_cpio(modules, work / "cpio", listed, rider))
    return f"{read_boot_file(card, 'cmdline.txt').decode().strip()} {_APPEND}"


def start(card: Path, modules: Path, work: Path, *, timeout_s: float) -> Run:
    """Start a card with the probe, and let it run until it switches off, restarts, or time is up.

    Args:
        card: Its image; it is written to.
        modules: Folder of the kernel's modules, all of them, for the drivers of this machine.
        work: A folder for what is made.
        timeout_s: So long at most.
    """
    work.mkdir(parents=True)
    line = f"{lay_boot_files(card, modules, work, PROBE)} {_LOG}"
    command = [
        *(
            "qemu-system-aarch64",
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
            *_MACHINE,
        ),
        *("-m", str(_MEMORY_MIB), "-kernel", work / "kernel", "-initrd", work / "initrd", "-append", line),
        *(
            "-drive",
            f"file={card},if=none,id=card,format=raw,cache=unsafe",
            "-device",
            "virtio-blk-pci,drive=card",
        ),
        *("-chardev", f"file,id=tty,path={work / 'console'}", "-serial", "chardev:tty"),
    ]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as machine:
        try:
            machine.wait(timeout_s)
        except subprocess.TimeoutExpired:
            machine.kill()
    console = (work / "console").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^.*PROBE (\{.*\})\s*$", console, re.MULTILINE)
    return Run(console=console, told=json.loads(found[1]) if found else None)


def read_boot_file(card: Path, name: str) -> bytes:
    """Return a file of the boot partition, as the firmware reads it."""
    start_bytes = find_partitions(card)[2][0]
    command = ["mtype", "-i", f"{card}@@{start_bytes}", f"::{name}"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def _list_early_modules(early: bytes, work: Path) -> Sequence[str]:
    """Return the list of modules that the card's own initramfs loads."""
    (work / "early.img").write_bytes(early)
    unpacked = subprocess.run(["zstd", "-dcq", work / "early.img"], check=True, stdout=subprocess.PIPE).stdout
    command = ["cpio", "-i", "--quiet", "--to-stdout", "modules"]
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, input=unpacked).stdout
    return listed.decode().split()


def _make_cpio(modules: Path, tree: Path, early: Iterable[str], rider: Rider) -> bytes:
    """Return the archive of what rides behind the card's initramfs."""
    version = modules.name
    drivers = list(_find_drivers(modules, rider.drivers))
    for file in drivers:
        target = tree / "usr/lib/modules" / version / file.relative_to(modules).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(lzma.decompress(file.read_bytes()))
    first = [f"{version}/{file.relative_to(modules).with_suffix('')}" for file in drivers]
    (tree / "modules").write_text("".join(f"{line}\n" for line in (*first, *early)))
    lines = ["#!/usr/bin/dash"]
    for file in rider.late:
        shutil.copyfile(file, tree / file.name)
        lines.append(f"insmod /{file.name}")
    for name, text in rider.files.items():
        place = f"/sysroot/run/{name}"
        lines += [f"mkdir -p {place.rpartition('/')[0]}", f"printf %s {shlex.quote(text)} >{place}"]
    lines.append('exec /usr/sbin/switch_root "$@"')
    hook = tree / "usr/bin/switch_root"  # found before the card's own, in /usr/sbin
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text("\n".join(lines) + "\n")
    hook.chmod(0o755)
    names = "".join(f"{path.relative_to(tree)}\n" for path in sorted(tree.rglob("*")))
    command = ["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"]
    return subprocess.run(command, cwd=tree, check=True, input=names.encode(), stdout=subprocess.PIPE).stdout


def _find_drivers(modules: Path, names: Iterable[str]) -> Iterable[Path]:
    """Yield the files of drivers, each after what it needs."""
    known = {path.name.partition(".")[0].replace("-", "_"): path for path in modules.rglob("*.ko.xz")}
    seen: set[str] = set()

    def follow(name: str) -> Iterable[Path]:
        if name in seen or name not in known:
            return
        seen.add(name)
        told = subprocess.run(
            ["modinfo", "--field=depends", known[name]], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        for each in told.strip().split(","):
            yield from follow(each.replace("-", "_"))
        yield known[name]

    for name in names:
        yield from follow(name.replace("-", "_"))
