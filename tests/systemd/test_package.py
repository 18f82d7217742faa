"""The Debian package: the same to the byte, everything in its place, no way back."""

import gzip
import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import click
import pytest

from kiosk.commands.cli import main
from systemd.deb.build import build_package
from systemd.deb.papers import COMPLETIONS
from systemd.deb.tree import Release, stage
from systemd.deb.wheels import WheelSet

REPOSITORY = Path(__file__).parents[2]
RELEASE = Release(version="1.2.3", architecture="arm64", epoch=1_700_000_000)
WHEELS = ("a-1-cp311-cp311-linux_aarch64.whl", "b-2-py3-none-any.whl")


def wheel_sets(folder: Path, order: int = 1) -> tuple[tuple[WheelSet, ...], Path]:
    """Return sets of two small files, and a third that stands for pip."""
    folder.mkdir()
    for name in (*WHEELS[::order], "pip-1-py3-none-any.whl"):
        (folder / name).write_bytes(name.encode() * 100)
    wheels = tuple(folder / name for name in WHEELS)
    sets = (WheelSet(abi="cp311", wheels=wheels), WheelSet(abi="cp313", wheels=wheels[1:]))
    return sets, folder / "pip-1-py3-none-any.whl"


def build(folder: Path, order: int = 1) -> Path:
    """Build a package in a folder of its own."""
    folder.mkdir()
    sets, pip = wheel_sets(folder / "wheels", order)
    return build_package(RELEASE, REPOSITORY, folder, sets, pip)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("package") / "first")


@pytest.fixture(scope="module")
def members(package: Path) -> dict[str, tarfile.TarInfo]:
    """What the package lays down, by place."""
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        return {member.name.removeprefix("./"): member for member in tar}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The package's tree, with its control files."""
    sets, pip = wheel_sets(tmp_path / "wheels")
    (tmp_path / "tree").mkdir()
    stage(RELEASE, REPOSITORY, tmp_path / "tree", sets, pip)
    return tmp_path / "tree"


@pytest.fixture
def careless_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless_umask")
def test_package_is_the_same_to_the_byte_whoever_builds_it(package: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "elsewhere", order=-1)
    assert again.read_bytes() == package.read_bytes()


def test_every_file_belongs_to_root_and_has_the_release_time(members: dict[str, tarfile.TarInfo]) -> None:
    for member in members.values():
        assert (member.uid, member.gid, member.mtime) == (0, 0, RELEASE.epoch), member.name


def test_only_what_runs_is_executable(members: dict[str, tarfile.TarInfo]) -> None:
    runs = {name for name, member in members.items() if member.isfile() and member.mode & 0o111}
    ours = {f"usr/lib/pism/{name}" for name in ("back-off", "is-system-disk", "boot-config")}
    assert runs == ours | {"usr/lib/systemd/system-shutdown/pism"}


def test_every_unit_and_rule_of_the_repository_is_installed(tree: Path) -> None:
    installed = {path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    folder = REPOSITORY / "systemd"
    here = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    for path in here:
        # need.sh, deb/ and image/ are what make and the builds use; a receiving server is no box
        builds = path.relative_to(folder).parts[0] in {"deb", "image"}
        if path.name not in {"need.sh", "pism-server.service"} and not builds:
            assert path.read_bytes() in installed, path.name


def test_configuration_is_the_administrators(tree: Path) -> None:
    conffiles = (tree / "DEBIAN/conffiles").read_text().splitlines()
    assert conffiles == ["/etc/pism/config.yaml"]
    etc = {f"/{path.relative_to(tree)}" for path in (tree / "etc").rglob("*") if path.is_file()}
    assert etc == set(conffiles)


def test_each_python_gets_its_wheels_by_hash(tree: Path) -> None:
    for abi, names in (("cp311", WHEELS), ("cp313", WHEELS[1:])):
        lines = (tree / f"usr/lib/pism/wheels/{abi}.wheels").read_text().splitlines()
        for line, name in zip(lines, names, strict=True):
            wheel = tree / "usr/lib/pism/wheels" / name
            digest = sha256(wheel.read_bytes()).hexdigest()
            assert line == f"{name[0]} @ file:///usr/lib/pism/wheels/{name} --hash=sha256:{digest}"


def test_checksums_cover_all_that_is_not_configuration(tree: Path) -> None:
    done = subprocess.run(
        ["md5sum", "--check", "--quiet", "DEBIAN/md5sums"], cwd=tree, check=False, capture_output=True
    )
    assert done.returncode == 0
    listed = {line.split("  ")[1] for line in (tree / "DEBIAN/md5sums").read_text().splitlines()}
    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    places = {str(path.relative_to(tree)) for path in files}
    assert {place for place in places - listed if not place.startswith(("DEBIAN/", "etc/"))} == set()


def test_nothing_is_left_to_fill_in(tree: Path) -> None:
    for path in (tree / "DEBIAN").iterdir():
        assert "@VERSION@" not in path.read_text()
        assert "@ARCHITECTURE@" not in path.read_text()


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm"])
def test_maintainer_scripts_are_sound_shell(tree: Path, name: str) -> None:
    subprocess.run(["dash", "-n", tree / "DEBIAN" / name], check=True)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("install",), 0),
        (("upgrade", "1.2.2"), 0),
        (("upgrade", "1.2.3"), 0),
        (("upgrade", "1.2.4"), 1),
        (("install", "1.10.0"), 1),
        (("abort-upgrade", "1.2.4"), 0),
    ],
)
def test_refuses_to_go_back(tree: Path, arguments: tuple[str, ...], status: int) -> None:
    done = subprocess.run(
        ["dash", tree / "DEBIAN/preinst", *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == status
    assert ("is refused" in done.stderr) is (status == 1)


@pytest.fixture
def boot_config() -> Callable[[str, Path], None]:
    """The script that edits the firmware's config.txt."""

    def run(verb: str, file: Path) -> None:
        subprocess.run([REPOSITORY / "systemd/boot-config", verb, file], check=True)

    return run


def test_firmware_runs_the_bus_at_400_khz_once(
    boot_config: Callable[[str, Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "config.txt"
    file.write_text("arm_64bit=1\n")
    boot_config("add", file)
    boot_config("add", file)
    lines = file.read_text().splitlines()
    assert lines[0] == "arm_64bit=1"
    assert lines.count("dtparam=i2c_arm=on,i2c_arm_baudrate=400000") == 1
    assert lines.count("dtoverlay=i2c-rtc,ds3231") == 1


def test_firmware_file_is_as_before_when_the_package_is_removed(
    boot_config: Callable[[str, Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "config.txt"
    file.write_text("arm_64bit=1\n[pi5]\ndtparam=spi=on\n")
    boot_config("add", file)
    boot_config("remove", file)
    assert file.read_text() == "arm_64bit=1\n[pi5]\ndtparam=spi=on\n"
    assert list(tmp_path.iterdir()) == [file]


def test_firmware_file_of_another_machine_is_not_made(
    boot_config: Callable[[str, Path], None], tmp_path: Path
) -> None:
    boot_config("add", tmp_path / "config.txt")
    assert list(tmp_path.iterdir()) == []


def test_the_manual_page_says_every_command_and_option(tree: Path) -> None:
    page = gzip.decompress((tree / "usr/share/man/man1/pism.1.gz").read_bytes()).decode()
    assert "@" not in re.sub(r"pism\\?-vault@|@[a-z]+\.example", "", page)
    context = click.Context(main, info_name="pism")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        hyphened = name.replace("-", "\\-")
        assert f"\n.SS pism {hyphened} " in page
        for option in (one for one in command.params if isinstance(one, click.Option) and not one.hidden):
            assert option.opts[0].replace("-", "\\-") in page


def test_each_shell_finds_its_completion(tree: Path) -> None:
    for shell, place in COMPLETIONS.items():
        assert f"_PISM_COMPLETE={shell}_complete" in (tree / place).read_text()
