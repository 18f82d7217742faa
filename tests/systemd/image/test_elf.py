"""What ELF files need, and the loader's cache: ldconfig reads what is written here."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from systemd.image.elf import LIBC6_FLAGS, find_needed, make_cache, read_dynamic


def loaded_libraries() -> dict[str, Path]:
    """Return the libraries that this interpreter has loaded, by soname."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = {Path(line.split()[-1]) for line in lines if ".so" in line.split()[-1]}
    told = {path: read_dynamic(path) for path in paths}
    return {found.soname: path for path, found in told.items() if found is not None and found.soname}


def test_a_program_says_what_the_loader_loads_for_it() -> None:
    known = loaded_libraries()
    told = read_dynamic(Path(sys.executable).resolve())
    assert told is not None
    assert told.soname == ""
    assert set(told.needed) <= {*known, "ld-linux-x86-64.so.2", "linux-vdso.so.1"}
    assert any(name.startswith("libc.so") for name in told.needed)


def test_what_is_no_program_needs_nothing(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01")):
        (tmp_path / str(number)).write_bytes(data)
        assert read_dynamic(tmp_path / str(number)) is None


def test_libraries_of_libraries_are_found_and_a_missing_one_is_named(tmp_path: Path) -> None:
    known = loaded_libraries()
    (libc,) = (path for name, path in known.items() if name.startswith("libc.so"))
    program = Path(sys.executable).resolve()
    found = find_needed([program], [libc.parent, *{path.parent for path in known.values()}])
    assert libc.resolve() in {path.resolve() for path in found}
    with pytest.raises(FileNotFoundError, match=rf"which {program} needs, is nowhere"):
        find_needed([program], [tmp_path])


def test_ldconfig_reads_the_cache_and_finds_each_library_in_its_place(tmp_path: Path) -> None:
    libraries = {
        name: f"/usr/lib/here/{name}" for name in ("libb.so.2", "libb.so.10", "libudev.so.1", "liba.so")
    }
    (tmp_path / "cache").write_bytes(make_cache(libraries, "aarch64"))
    told = subprocess.run(
        ["/sbin/ldconfig", "-p", "-C", tmp_path / "cache"], check=True, capture_output=True, text=True
    ).stdout
    lines = [line.strip() for line in told.splitlines() if "=>" in line]
    assert [line.split()[0] for line in lines] == ["libudev.so.1", "libb.so.10", "libb.so.2", "liba.so"]
    assert all("AArch64" in line and line.endswith(libraries[line.split()[0]]) for line in lines)


@pytest.mark.skipif(platform.machine() not in LIBC6_FLAGS, reason="this machine's mark is not known here")
def test_the_order_is_ldconfigs_own(tmp_path: Path) -> None:
    """All libraries of this machine, in the order in which its ldconfig has put them."""
    told = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in told.splitlines() if "=>" in line]
    names = list(dict.fromkeys(row[0] for row in rows))
    (tmp_path / "cache").write_bytes(make_cache({name: f"/x/{name}" for name in names}, platform.machine()))
    again = subprocess.run(
        ["/sbin/ldconfig", "-p", "-C", tmp_path / "cache"], check=True, capture_output=True, text=True
    ).stdout
    assert [line.split()[0] for line in again.splitlines() if "=>" in line] == names
