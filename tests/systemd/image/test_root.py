"""The card's root: what stays of the packages, and what it lacks is found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from systemd.image.packages import read_list
from systemd.image.root import HERE, LIBRARIES, LIST, _close_modes, _expand, check_libraries

KEPT = {name: words for name, words in read_list(LIST).items() if name.startswith("keep ")}


def test_braces_stand_for_each_of_their_words() -> None:
    assert _expand("a") == ("a",)
    assert _expand("a/{b,c}/d{1,}") == ("a/b/d1", "a/b/d", "a/c/d1", "a/c/d")
    assert _expand("x{a,b{1,2}}") == ("xa", "xb1", "xa", "xb2")


def test_no_program_that_stays_speaks_to_a_network_or_asks_for_a_login() -> None:
    programs = [*KEPT["keep usr/bin"], *KEPT["keep usr/sbin"], *KEPT["keep usr/lib/systemd"]]
    names = r"ssh|curl|wget|busybox|telnet|nc$|getty|login$|su$|sudo|apt|dpkg|perl"
    known = re.compile(f"{names}|network|resolve|timesync")
    assert [name for name in programs if known.search(name)] == []


def test_what_our_own_units_and_tools_run_stays() -> None:
    """What the tools of sticks, the clock, the switch, and our scripts are."""
    sticks = "mcopy mdel mdir minfo mmd mren mshowfat mtype dd cat env"
    scripts = "sh readlink grep find sleep echo systemctl timedatectl mount umount partx"
    assert {*sticks.split(), *scripts.split()} <= set(KEPT["keep usr/bin"])
    assert {"mkfs.vfat", "blkid", "e2fsck", "resize2fs", "sfdisk", "ldconfig"} <= set(KEPT["keep usr/sbin"])


def test_a_library_that_is_not_there_ends_the_build(tmp_path: Path) -> None:
    (tmp_path / LIBRARIES / "systemd").mkdir(parents=True)
    (tmp_path / "usr/bin").mkdir()
    check_libraries(tmp_path)
    shutil.copyfile(Path(sys.executable).resolve(), tmp_path / "usr/bin/python3")
    with pytest.raises(FileNotFoundError, match=r"libc\.so\.6|lib.*, which .*usr/bin/python3 needs"):
        check_libraries(tmp_path)


def test_nothing_stays_set_id_or_writable_by_others_and_programs_stay_programs(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir(mode=0o777)
    modes = {
        "etc/shadow": 0o644,
        "etc/gshadow": 0o640,
        "etc/open": 0o666,
        "etc/closed": 0o600,
        "program": 0o4755,
    }
    for name, mode in modes.items():
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    _close_modes(tmp_path)
    found = {name: (tmp_path / name).stat().st_mode & 0o7777 for name in modes}
    assert found == {
        "etc/shadow": 0o600,
        "etc/gshadow": 0o600,
        "etc/open": 0o644,
        "etc/closed": 0o644,
        "program": 0o755,
    }
    assert (tmp_path / "etc").stat().st_mode & 0o7777 == 0o755


def test_the_first_program_is_a_script_that_its_shell_reads() -> None:
    subprocess.run(["sh", "-n", HERE / "init"], check=True)
