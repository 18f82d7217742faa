"""The machine of the tests, in three states that are made once: installed, set up, unlocked.

The package is installed as a person does it: copied over, `dpkg -i`, config.yaml and keys edited, restarted.
"""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import pyrage

from tests.vm.box import Record, VmBox
from tests.vm.harness.vm import VM

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
MEMORY_MB: Final = 768  # a Pi 3 has 1024, less what its graphics keep
HOLDERS: Final = ("main-kudo", "backup-a", "backup-b")
SMALL: Final = (("load: 200,", "load: 3,"), ("load: 20,", "load: 2,"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The receivers' keys.

    Args:
        folder: Holds NAME.key and NAME.pub of each.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Keys":
        """Make a key for each receiver, once."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in HOLDERS:
            if not (folder / f"{name}.key").exists():
                identity = pyrage.x25519.Identity.generate()
                (folder / f"{name}.key").write_text(f"{identity}\n")
                (folder / f"{name}.pub").write_text(f"{identity.to_public()}\n")
        return cls(folder=folder)


def build_machine(cache: Path) -> None:
    """Build the bare machine's image, or see that it is there."""
    environment = {**os.environ, "EXTRA_PKGS": "polkitd"}
    subprocess.run([HERE / "harness/build.sh", cache], check=True, env=environment)


def install(cache: Path, package: Path, keys: Keys, record: Record) -> Path:
    """Return the disk of a machine with the package installed; kept until package or machine change."""
    digest = sha256(
        package.read_bytes() + (cache / "stamp").read_bytes() + config_text(small=False)
    ).hexdigest()
    kept = cache / f"installed-{digest[:16]}.qcow2"
    if kept.exists():
        return kept
    for old in cache.glob("installed-*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for old in cache.glob("set-up-*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    with VM(str(cache), mem=MEMORY_MB) as vm:
        vm.put(str(package), "/root/pism.deb")
        start_s = time.monotonic()
        _, said = vm.run("DEBIAN_FRONTEND=noninteractive dpkg -i /root/pism.deb", timeout=600, check=True)
        record.say(f"dpkg -i took {time.monotonic() - start_s:.0f} s\n{said}")
        size = vm.run("du -sk /opt/pism /usr/lib/pism | awk '{print $1}'")[1].split()
        record.say(f"package {package.stat().st_size >> 10} KiB; venv {size[0]} KiB, wheels {size[1]} KiB")
        vm.run("rm /root/pism.deb")
        configure(vm, keys, small=False)
        vm.shutdown()
        vm.keep_disk(str(kept))
    return kept


def configure(vm: VM, keys: Keys, *, small: bool) -> None:
    """Lay config.yaml and the recipients' keys down, as the manual says, and start anew."""
    vm.put(config_text(small=small), "/etc/pism/config.yaml", mode=0o644)
    for name in HOLDERS:
        vm.put((keys.folder / f"{name}.pub").read_bytes(), f"/etc/pism/keys/{name}.pub", mode=0o644)
    vm.run("sync; systemctl restart pism", check=True)


def set_up(cache: Path, installed: Path, keys: Keys, record: Record, sticks: Path) -> tuple[Path, str]:
    """Return a saved, running machine that was set up by hand with a small policy, and its passphrase."""
    kept = cache / f"set-up-{installed.stem.partition('-')[2]}"
    words = kept / "words.json"
    if not words.exists():
        with VM(str(cache), base=str(installed), mem=MEMORY_MB) as vm:
            configure(vm, keys, small=True)
            box = VmBox(vm, record, sticks)
            box.play(first_start())
            box.play('expect "LOCKED" 30')
            vm.save(str(kept))
            words.write_text(json.dumps(" ".join(box.player._words)))
    return kept, json.loads(words.read_text())


def first_start() -> str:
    """Return the shipped scenario up to the end of the set-up."""
    text = (ROOT / "kiosk/scenarios/first-export.txt").read_text()
    head, found, _ = text.partition("# A stick goes in")
    assert found
    return head


def config_text(*, small: bool) -> bytes:
    """Return the shipped config.yaml, or the same with few signers."""
    text = (ROOT / "kiosk/config.yaml").read_text()
    for old, new in SMALL if small else ():
        assert old in text
        text = text.replace(old, new)
    return text.encode()
