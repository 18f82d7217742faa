"""The guards of the real box, on the kernel that tests run on: each trial has its control."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hw.fat.sandbox import call_kernel, landlock_version
from hw.system.guards import BoardGuards, hold_landlock, read_confinement

ROOT = Path(__file__).parents[3]
CONFINED = """
import ctypes, struct
from hw.system.guards import read_confinement
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
allow = struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)  # BPF_RET | BPF_K, SECCOMP_RET_ALLOW
code = ctypes.create_string_buffer(allow, 8)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(code)), 16)
assert libc.prctl(22, 2, program, 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
print(read_confinement())
"""


def test_landlock_holds_just_where_the_kernel_has_it() -> None:
    assert hold_landlock() == max(landlock_version(), 0)


def test_landlock_that_only_seems_to_refuse_is_not_taken_for_held(tmp_path: Path) -> None:
    """What the tool may read anyway, what is not there, and what nobody can read prove nothing."""
    stick = tmp_path / "stick"
    stick.write_text("a stick")
    assert hold_landlock(Path("/usr/bin/env"), stick) == 0
    assert hold_landlock(tmp_path / "missing", stick) == 0
    assert hold_landlock(Path("/etc/group"), tmp_path / "missing") == 0


def test_landlock_of_a_kernel_that_does_not_say_which_it_has_is_not_held() -> None:
    """As of one whose calls a filter refuses."""

    def refuse() -> int:
        raise PermissionError

    assert hold_landlock(find_version=refuse) == 0
    assert hold_landlock(find_version=lambda: 0) == 0


def test_the_version_is_the_kernels_and_0_without_one() -> None:
    assert landlock_version(lambda *_: 7) == 7
    assert landlock_version(lambda *_: -38) == 0
    assert landlock_version() == max(call_kernel(444, None, 0, 1), 0)


def test_a_process_with_a_filter_and_without_new_privileges_is_seen_as_such() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONFINED], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == (
        f"Confinement(user_id={os.getuid()}, has_seccomp=True, gains_nothing=True)"
    )


def test_this_process_is_who_it_is() -> None:
    assert read_confinement().user_id == os.getuid()


@pytest.mark.parametrize("text", ["", "Uid:\tx\n", "nothing"])
def test_what_the_kernel_does_not_tell_is_not_held(tmp_path: Path, text: str) -> None:
    (tmp_path / "status").write_text(text)
    found = read_confinement(tmp_path / "status")
    assert (found.user_id, found.has_seccomp, found.gains_nothing) == (0, False, False)


def test_the_disk_that_the_system_runs_from_is_no_stick(tmp_path: Path) -> None:
    disk = tmp_path / "sys/devices/usb1/1-1/block/sda"
    disk.mkdir(parents=True)
    (disk / "dev").write_text("8:0\n")
    for link in (tmp_path / "sys/block/sda", tmp_path / "sys/dev/block/8:0"):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(disk)
    mounts = tmp_path / "proc/self/mountinfo"
    mounts.parent.mkdir(parents=True)
    mounts.write_text("22 1 8:0 / / rw - ext4 /dev/sda rw\n")
    assert BoardGuards(tmp_path, lambda: 6).read().sticks_are_unread is None
