"""What a card sees of itself when it has started, in one line, before it switches off. Runs there as root."""

import json
import os
import subprocess
import time
from pathlib import Path

_WAIT_S = 240.0
_OURS = """
import json
from hw.errors import HardwareError
from hw.fat.trial import try_tools
from hw.sticks.udev import UdevListener
from hw.system.card import read_root_hash
from core.crypto.recipients import fingerprint_words
told = {"root_hash": read_root_hash()}
told["words"] = " ".join(fingerprint_words(bytes.fromhex(told["root_hash"]), 8)) if told["root_hash"] else ""
try:
    try_tools()
    told["tools"] = "work"
except HardwareError as error:
    told["tools"] = str(error)
UdevListener()
print(json.dumps(told))
"""


def ask(*command: str) -> str:
    """Return what a program says."""
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True).stdout.strip()


def wait_for_kiosk() -> str:
    """Return how the kiosk stands, when it has come up or failed."""
    until = time.monotonic() + _WAIT_S
    while True:
        state = ask("systemctl", "show", "--property=ActiveState,Result,NRestarts", "pism.service")
        words = dict(line.split("=", 1) for line in state.splitlines())
        if (
            words["ActiveState"] in ("active", "failed")
            or words["NRestarts"] != "0"
            or time.monotonic() > until
        ):
            return f"{words['ActiveState']} {words['Result']}"
        time.sleep(1)


def has_said(text: str) -> bool:
    """Return whether the kernel has said that since it started."""
    kernel = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        while line := os.read(kernel, 8192):  # one message a time
            if text.encode() in line:
                return True
    except BlockingIOError:  # that was the last
        pass
    finally:
        os.close(kernel)
    return False


def find_writable() -> list[str]:
    """Return the places outside of memory and of the state in which root can make a file."""
    found = []
    for folder in ("/", "/etc", "/usr", "/usr/bin", "/opt", "/boot", "/home", "/root"):
        place = Path(folder) / "probe"
        try:
            place.touch()
        except OSError:
            continue
        found.append(folder)
        place.unlink()
    return found


def main() -> None:
    """Print it, and go."""
    kiosk = wait_for_kiosk()
    told = json.loads(ask("/opt/pism/current/bin/python", "-I", "-c", _OURS) or "{}")
    state = os.statvfs("/state")
    told |= {
        "kiosk": kiosk,
        "uptime_s": round(time.monotonic()),
        "failed": ask("systemctl", "--failed", "--plain", "--no-legend").splitlines(),
        "card": {path.name: path.read_text() for path in Path("/run/pism-card").iterdir()},
        "state_bytes": state.f_blocks * state.f_frsize if os.path.ismount("/state") else 0,
        "zeroes_memory": has_said("heap free:on"),
        "mounts": [line.split(" ")[:3] for line in Path("/proc/mounts").read_text().splitlines()],
        "modules": [line.split(" ")[0] for line in Path("/proc/modules").read_text().splitlines()],
        "module_files": sum(1 for _ in Path("/usr/lib/modules").rglob("*.ko*")),
        "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "sockets": sum(
            len((Path("/proc/net") / name).read_text().splitlines()) - 1
            for name in ("tcp", "tcp6", "udp", "udp6", "raw", "packet")
            if (Path("/proc/net") / name).exists()
        ),
        "swaps": Path("/proc/swaps").read_text().splitlines()[1:],
        "writable": find_writable(),
        "processes": sorted(
            {path.read_text().split("\0")[0] for path in Path("/proc").glob("[0-9]*/cmdline")} - {""}
        ),
        "memory_kib": int(Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]),
    }
    print(f"PROBE {json.dumps(told)}", flush=True)
    ask("systemctl", "poweroff")


main()
