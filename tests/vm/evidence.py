"""Figures and searches: start-up, memory, wake-ups, and whether a secret ever reached the disk."""

import mmap
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pyrage
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from core.archive.manifest import decode_manifest
from tests.vm.appliance import Keys
from tests.vm.box import VmBox

IDLE_S: Final = 60
GOAL_WAKE_UPS_S: Final = 0.5
_SAMPLES: Final = 8  # of keys and certificates of each kind; the whole disk is read once for every one

# threads' voluntary switches are the times they were woken; fields 14 and 15 of stat are their ticks
_IDLE: Final = """
pid=$(systemctl show -P MainPID pism)
count() {
    cat /proc/$pid/task/*/status | awk '/^voluntary/ {n += $2} END {print n}'
    awk '{print $14 + $15}' /proc/$pid/stat
}
count; sleep SECONDS; count
"""
_MEMORY: Final = """
for unit in pism.service $(systemctl list-units --plain --no-legend 'pism-vault@*' | awk '{print $1}'); do
    pid=$(systemctl show -P MainPID $unit)
    group=/sys/fs/cgroup$(systemctl show -P ControlGroup $unit)
    taken=$(awk '/^(Rss|Pss|Locked)/ {print $1 $2}' /proc/$pid/smaps_rollup | tr '\\n' ' ')
    echo "$unit ${taken}peak:$(($(cat $group/memory.peak) / 1024))"
done
"""


def measure_start(box: VmBox) -> None:
    """Switch the machine on, and note when its glass lit and when the kiosk was ready."""
    box.vm.boot(wait="agent")
    deadline_s = time.monotonic() + 120
    while box.vm.panel().lit() == 0:
        assert time.monotonic() < deadline_s, "the glass stays dark"
        time.sleep(0.05)
    box.picture()
    box.vm.until("systemctl is-active pism", 120)
    first_s = next(at_s for at_s, data in box.vm.oled_raw() if len(data) > 32)
    keys = ("InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    told = box.vm.run("systemctl show pism " + " ".join(f"-P {key}" for key in keys))[1].split()
    asked_s, ready_s = (int(word) / 1e6 for word in told)
    for since, at_s in (("the kernel's", 0.0), ("the unit's", asked_s)):
        box.record.say(f"after {since} start: picture {first_s - at_s:.1f} s, ready {ready_s - at_s:.1f} s")


def note_memory(box: VmBox, when: str) -> None:
    """Note what kiosk and vault take, in KiB."""
    for line in box.vm.run(_MEMORY)[1].splitlines():
        box.record.say(f"memory, {when}: {line}")


def measure_idle(box: VmBox) -> None:
    """Note how often the idle kiosk wakes, and hold the goal."""
    box.wait(75)  # the glass dims and blanks first
    said = box.vm.run(_IDLE.replace("SECONDS", str(IDLE_S)), timeout=IDLE_S + 60)[1].split()
    woken, ticks, woken_after, ticks_after = (int(word) for word in said)
    rate = (woken_after - woken) / IDLE_S
    busy_ms = (ticks_after - ticks) * 10
    box.record.say(f"idle: {rate:.2f} wake-ups a second, {busy_ms} ms of processor time in {IDLE_S} s")
    assert rate < GOAL_WAKE_UPS_S


def find_secrets(box: VmBox, opened: Path, keys: Keys) -> dict[str, int]:
    """Search the machine's whole disk for the passphrase, keys and certificates.

    Args:
        box: Switched off here.
        opened: The backup, opened.
        keys: Of its holder.

    Returns:
        What was found, and where; nothing is right.
    """
    assert box.vm.run("cat /proc/swaps | tail -n +2")[1] == ""
    box.vm.run("sync")
    box.vm.shutdown()
    image = opened.with_suffix(".raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", box.vm.disk, image], check=True)
    found = {}
    words = " ".join(box.player._words)
    wanted = {"passphrase": words.encode(), "four words of it": " ".join(box.player._words[2:6]).encode()}
    wanted |= dict(_plain_keys(opened, keys)) | dict(_certificates(opened))
    # what is there must be found: the search is proven on something that the disk holds in the clear
    wanted["control"] = b"What this authority issues, to whom, and how the box is wired"
    with image.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as disk:
        for name, pattern in wanted.items():
            if (place := disk.find(pattern)) >= 0:
                found[name] = place
    image.unlink()
    box.record.say(f"searched the disk for {len(wanted)} secrets; found {sorted(found)}")
    assert found.pop("control", -1) >= 0
    return found


def _plain_keys(opened: Path, keys: Keys) -> Iterator[tuple[str, bytes]]:
    """Yield private keys as they would stand unencrypted: the bare bytes, and a PEM file's text."""
    (folder,) = opened.glob("main-backup-*")
    identity = pyrage.x25519.Identity.from_str((keys.folder / "backup-a.key").read_text().strip())
    plain = pyrage.decrypt((folder / "passphrases.age").read_bytes(), [identity])
    passphrases = msgspec.json.decode(plain, type=dict[str, str])
    manifest = decode_manifest((folder / "manifest.json").read_bytes())
    for kind in ("root", "seal", "signer"):
        holders = [entry.id for entry in manifest.certificates if entry.kind == kind and entry.key_file]
        assert holders, kind
        for id_ in holders[:_SAMPLES]:
            passphrase = passphrases[id_].encode()
            key = load_pem_private_key((folder / f"keys/{id_}.pem").read_bytes(), passphrase)
            yield f"{kind} key {id_}", key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            yield f"{kind} key's text {id_}", pem.splitlines()[1]
            yield f"{kind} key's passphrase {id_}", passphrase


def _certificates(opened: Path) -> Iterator[tuple[str, bytes]]:
    """Yield certificates of roots and signers as bytes and as text."""
    (folder,) = opened.glob("main-backup-*")
    for path in (
        sorted(folder.glob("roots/*.pem"))[:_SAMPLES] + sorted(folder.glob("signers/*/*/*.pem"))[:_SAMPLES]
    ):
        pem = path.read_bytes()
        yield f"certificate {path.name}", x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)[40:]
        yield f"its text {path.name}", pem.splitlines()[3]
