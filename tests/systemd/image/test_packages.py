"""The lock of Debian's packages: what it names, and what is refused."""

from hashlib import sha256
from pathlib import Path

import pytest

from systemd.image.packages import KERNEL, TWIN_SECTIONS, Package, PackageError, fetch, read_list, read_lock


def package(data: bytes, name: str = "dash") -> Package:
    return Package(
        section="root",
        archive="debian",
        path=f"pool/main/d/{name}/{name}_1%2b2_arm64.deb",
        size=len(data),
        sha256=sha256(data).hexdigest(),
    )


def test_the_lock_names_each_package_of_the_list_once_with_its_hash() -> None:
    listed, locked = read_list(), read_lock()
    assert set(listed) == {"root", "initramfs", "boot", "twin", "headers", "kbuild"}
    (kernel,) = {each.name.split("-")[2] for each in locked if each.name.startswith("linux-image-")}
    for section, names in listed.items():
        found = sorted(each.name for each in locked if each.section == section)
        assert found == sorted(name.replace(KERNEL, kernel) for name in names)
    assert all(len(each.sha256) == 64 and each.size > 1000 for each in locked)


def test_the_cards_packages_are_the_cards_architectures_and_the_twins_this_ones() -> None:
    for each in read_lock():
        wanted = ("_amd64.deb", "_all.deb") if each.section in TWIN_SECTIONS else ("_arm64.deb", "_all.deb")
        assert each.file_name.endswith(wanted)


def test_the_twin_has_the_cards_python() -> None:
    """Bytecode of another one would be thrown away at each start, or worse."""
    versions = {each.section: each.version for each in read_lock() if each.name == "python3.13-minimal"}
    assert versions["twin"] == versions["root"]


def test_a_name_and_version_are_read_from_the_file() -> None:
    assert (package(b"x").name, package(b"x").version) == ("dash", "1+2")


def test_what_is_there_is_not_fetched_again_and_what_is_not_as_locked_is_refused_by_name(
    tmp_path: Path,
) -> None:
    kept, other, gone = package(b"kept"), package(b"other", "sed"), package(b"gone", "grep")
    asked: list[str] = []

    def download(each: Package, file: Path) -> None:
        asked.append(each.name)
        if each is other:
            file.write_bytes(b"OTHER")

    (tmp_path / f"{kept.sha256}.deb").write_bytes(b"kept")
    with pytest.raises(PackageError, match=r"grep_1\+2_arm64\.deb, sed_1\+2_arm64\.deb"):
        fetch([kept, other, gone], tmp_path, download)
    assert asked == ["sed", "grep"]
    assert fetch([kept], tmp_path, download) == {kept: tmp_path / f"{kept.sha256}.deb"}


def test_a_list_has_sections_and_comments(tmp_path: Path) -> None:
    lines = ("# a comment", "[one]", "a b # why", "", "c", "[two]")
    (tmp_path / "list").write_text("\n".join(lines))
    assert read_list(tmp_path / "list") == {"one": ("a", "b", "c"), "two": ()}
