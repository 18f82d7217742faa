"""The machine of tests/vm as an arm64 one that runs a card, with pisim's keys and panel and QEMU's sticks."""

from pathlib import Path
from typing import Any, Final

from tests.card.machine import Rider, lay_boot_files
from tests.vm.harness import vm

GUEST: Final = Path(vm.__file__).parent / "guest"
_SERVICE: Final = "[Unit]\nWants=labagent.service\n"


def make_rider(module: Path) -> Rider:
    """Return what rides along: the drivers of this machine, pisim, and the agent that does as the test says.

    Args:
        module: pisim.ko.
    """
    # a card has neither bash nor runuser, and no folder of the harness's
    agent = (GUEST / "labagent.py").read_text(encoding="utf-8").replace("/bin/bash", "/usr/bin/dash")
    unit = (GUEST / "labagent.service").read_text(encoding="utf-8")
    unit = unit.replace("/usr/local/lib/lab/labagent.py", "/usr/bin/python3 -I -B /run/test/labagent.py")
    return Rider(
        drivers=("virtio_pci", "virtio_blk", "virtio_console", "xhci_pci"),
        files={
            "test/labagent.py": agent,
            "systemd/system/labagent.service": unit,
            "systemd/system/sysinit.target.d/lab.conf": _SERVICE,
        },
        late=(module,),
    )


class CardVM(vm.VM):  # type: ignore[misc]  # the harness has no types
    """A card at work.

    Args:
        card: Its image; it is not written to.
        modules: Folder of the kernel's modules, all of them.
        rider: What rides along.
        work: A folder for what is made.
        more: As for the harness's machine.
    """

    def __init__(self, card: Path, modules: Path, rider: Rider, work: Path, **more: Any) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._line = lay_boot_files(card, modules, work, rider)
        self._work = work
        super().__init__(str(work), base=str(card), cpu="cortex-a72", machine="virt,gic-version=3", **more)

    def _argv(self) -> list[str]:
        folder = self.dir
        return [
            *("qemu-system-aarch64", "-nodefaults", "-no-user-config", "-display", "none", "-S"),
            *("-machine", self.machine, "-accel", "tcg,thread=multi", "-cpu", self.cpu),
            *("-smp", str(self.smp), "-m", str(self.mem)),
            *("-kernel", str(self._work / "kernel"), "-initrd", str(self._work / "initrd")),
            *("-append", f"{self._line} {self.append}"),
            *("-drive", f"file={self.disk},if=none,id=root,format=qcow2,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=root", "-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=agent,path={folder}/agent,server=on,wait=off"),
            *("-device", "virtserialport,chardev=agent,name=lab.agent"),
            *("-chardev", f"file,id=tty,path={self.console},append=on", "-serial", "chardev:tty"),
            *("-device", "qemu-xhci,id=xhci,p2=8,p3=8"),
            *("-qmp", f"unix:{folder}/qmp,server=on,wait=off", *self.extra),
        ]
