"""One suite for the port Guards: files as kernel and udev write them, and the twin."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hw.ports import Confinement, Guards, Protection
from hw.system.emulated import EmulatedGuards
from hw.system.guards import BoardGuards

STATUS = "Name:\tpython\nUid:\t990\t990\t990\t990\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t19\n"
USB = "sys/bus/usb/devices"
STICK = "sys/devices/platform/usb1/1-1/block/sda"
TOLD = {
    "proc/self/status": STATUS,
    "proc/self/mountinfo": "22 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw\n",
    f"{USB}/usb1/authorized_default": "0\n",
    f"{USB}/usb1/authorized": "1\n",
    f"{USB}/1-1/authorized": "1\n",
    f"{USB}/1-1/1-1:1.0/bInterfaceClass": "08\n",
    f"{USB}/1-2/authorized": "0\n",
    f"{STICK}/dev": "8:0\n",
    f"{STICK}/sda1/dev": "8:1\n",
    f"{STICK}/sda1/partition": "1\n",
    "run/udev/data/b8:0": "I:1\nE:PISM_STICK=1\n",
    "run/udev/data/b8:1": "I:1\nE:PISM_STICK=1\n",
}
KIOSK = Confinement(user_id=990, has_seccomp=True, gains_nothing=True)
HELD = Protection(landlock=6, kiosk=KIOSK, usb_is_shut=True, sticks_are_unread=True)

Guard = Callable[[dict[str, str], Protection], Guards]


@pytest.fixture(params=["emulated", "kernel"])
def guard(request: pytest.FixtureRequest, tmp_path: Path) -> Guard:
    """Return what makes the guards of a box: of the files that say so, or of what they say."""

    def guard_by_files(files: dict[str, str], protection: Protection) -> Guards:
        (tmp_path / "sys/block").mkdir(parents=True)
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        if (tmp_path / STICK).exists():
            (tmp_path / "sys/block/sda").symlink_to(tmp_path / STICK)
        return BoardGuards(tmp_path, lambda: protection.landlock)

    def guard_by_word(_: dict[str, str], protection: Protection) -> Guards:
        return EmulatedGuards(protection)

    return guard_by_word if request.param == "emulated" else guard_by_files


def without(*beginnings: str) -> dict[str, str]:
    return {name: text for name, text in TOLD.items() if not name.startswith(beginnings)}


@pytest.mark.parametrize(
    ("files", "protection"),
    [
        pytest.param(TOLD, HELD, id="all is held"),
        pytest.param(TOLD, replace(HELD, landlock=0), id="no Landlock"),
        pytest.param(
            TOLD | {"proc/self/status": STATUS.replace("Seccomp:\t2", "Seccomp:\t0")},
            replace(HELD, kiosk=replace(KIOSK, has_seccomp=False)),
            id="no seccomp",
        ),
        pytest.param(
            TOLD | {"proc/self/status": STATUS.replace("Seccomp:\t2", "Seccomp:\t1")},
            replace(HELD, kiosk=replace(KIOSK, has_seccomp=False)),
            id="another mode of seccomp",
        ),
        pytest.param(
            TOLD | {"proc/self/status": STATUS.replace("Privs:\t1", "Privs:\t0")},
            replace(HELD, kiosk=replace(KIOSK, gains_nothing=False)),
            id="privileges can be had",
        ),
        pytest.param(
            without("proc/self/status"),
            replace(HELD, kiosk=Confinement(user_id=0, has_seccomp=False, gains_nothing=False)),
            id="the kernel does not tell",
        ),
        pytest.param(
            TOLD | {f"{USB}/usb2/authorized_default": "1\n"},
            replace(HELD, usb_is_shut=False),
            id="one socket lets all in",
        ),
        pytest.param(
            TOLD | {f"{USB}/1-1/1-1:1.1/bInterfaceClass": "03\n"},
            replace(HELD, usb_is_shut=False),
            id="a keyboard was let in",
        ),
        pytest.param(without(USB), replace(HELD, usb_is_shut=None), id="no USB"),
        pytest.param(
            TOLD | {"run/udev/data/b8:1": "E:PISM_STICK=1\nE:ID_FS_TYPE=vfat\n"},
            replace(HELD, sticks_are_unread=False),
            id="udev has read a part",
        ),
        pytest.param(
            TOLD | {"run/udev/data/b8:0": "E:DEVTYPE=disk\n"},
            replace(HELD, sticks_are_unread=False),
            id="the rules were not applied",
        ),
        pytest.param(without("run/udev"), replace(HELD, sticks_are_unread=False), id="udev does not tell"),
        pytest.param(without(STICK), replace(HELD, sticks_are_unread=None), id="no stick is in"),
    ],
)
def test_a_guard_is_held_when_it_was_seen_to_be(
    guard: Guard, files: dict[str, str], protection: Protection
) -> None:
    assert guard(files, protection).read() == protection
