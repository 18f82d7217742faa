"""The set-up needs nothing but the lock: the newest releases of every locked package do not change it.

A small index offers an empty wheel of a far higher version of every locked package, beside the index that
this machine is configured for. The set-up runs in a cold folder with the pip of Debian 12 and a current one.
So that these tests cannot pass for nothing, the ways of installing that PiSM gave up are shown to fail there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from systemd.deb.wheels import _needed

pytestmark = pytest.mark.judge

REPOSITORY = Path(__file__).parents[2]
LOCK, RUN_LOCK = REPOSITORY / "requirements-dev.txt", REPOSITORY / "requirements.txt"
NEWER = "9999"
DEBIAN_12 = pytest.param(
    Path(__file__).parent / "requirements-pip-debian12.txt",
    id="pip-of-Debian-12",
    marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="the pip of Debian 12 is for Python 3.11"),
)
CURRENT = pytest.param(REPOSITORY / "systemd/deb/requirements-pip.txt", id="current-pip")


def read_lock(path: Path) -> dict[str, str]:
    """Return each package's lines of a lock, by name."""
    blocks = re.split(r"(?m)^(?=[^\s#])", path.read_text())
    return {block.partition("==")[0]: block for block in blocks if "==" in block}


def requirement(block: str) -> Requirement:
    return Requirement(block.partition("\\")[0])


def wanted_with_extras(lock: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return the locked packages that want another with an extra, and the other one."""
    for name, block in lock.items():
        marker = requirement(block).marker
        if marker is None or marker.evaluate():
            for needed in needs(name):
                if needed.extras:
                    yield name, canonicalize_name(needed.name)


def needs(name: str, *extras: str) -> Iterator[Requirement]:
    """Return what an installed package needs here."""
    for needed in map(Requirement, distribution(name).requires or ()):
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield needed


def closure(name: str) -> set[str]:
    """Return a package and all that it needs here."""
    found: set[tuple[str, tuple[str, ...]]] = set()
    ahead = {(name, ())}
    while ahead:
        found |= ahead
        needed = {each for name, extras in ahead for each in needs(name, *extras)}
        ahead = {(canonicalize_name(each.name), tuple(sorted(each.extras))) for each in needed} - found
    return {name for name, _ in found}


def write_wheel(folder: Path, name: str, version: str, *needed: str) -> str:
    """Write a wheel without a module; return its name."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    members = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {each}\n" for each in needed),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*members, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in (*members.items(), (f"{info}/RECORD", record)):
            wheel.writestr(path, text)
    return f"{stem}-py3-none-any.whl"


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of newer releases of all that is locked."""
    index = tmp_path_factory.mktemp("index")
    for name in read_lock(LOCK):
        (index / name).mkdir()
        wheel = write_wheel(index / name, name, NEWER)
        (index / name / "index.html").write_text(f'<!DOCTYPE html><a href="{wheel}">{wheel}</a>')
    return index


@pytest.fixture
def environment(newer: Path) -> dict[str, str]:
    """This machine's way to its index, and the newer releases beside it."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    indexes = f"{given.get('PIP_EXTRA_INDEX_URL', '')} {newer.as_uri()}".strip()
    return {**given, "PIP_EXTRA_INDEX_URL": indexes, "PIP_NO_COMPILE": "1"}


@pytest.fixture
def cold(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A checkout where nothing was set up but an environment with one pip."""
    checkout = tmp_path / "checkout"
    left_behind = shutil.ignore_patterns(
        "tests", ".*", "build", "dist", "demo", "try", "*.egg-info", "__pycache__"
    )
    shutil.copytree(REPOSITORY, checkout, ignore=left_behind)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    python = checkout / ".venv/bin/python"
    command = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps")
    done = run(checkout, os.environ, *command, "--require-hashes", "--requirement", str(request.param))
    if done.returncode and not os.environ.get("PISM_CI"):  # CI has a network, or says so
        pytest.skip(f"pip fetches nothing here: {done.stdout.splitlines()[-1]}")
    assert done.returncode == 0, done.stdout
    return checkout


def run(checkout: Path, environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout; its output is one text."""
    return subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def try_install(
    checkout: Path, environment: Mapping[str, str], lock: str, *options: str
) -> subprocess.CompletedProcess[str]:
    """Let pip say what it would install of a lock."""
    (checkout / "some.txt").write_text(lock)
    command = (
        ".venv/bin/python",
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--require-hashes",
    )
    return run(checkout, environment, *command, *options, "--requirement", "some.txt")


@pytest.mark.parametrize("cold", [DEBIAN_12, CURRENT], indirect=True)
def test_set_up_installs_what_is_locked_and_nothing_else(cold: Path, environment: dict[str, str]) -> None:
    done = run(cold, environment, "make", ".venv/.dev")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("No broken requirements found.") == 2  # of what runs, and of what tests
    listed = run(cold, environment, ".venv/bin/python", "-m", "pip", "list", "--format=json").stdout
    installed = {
        canonicalize_name(each["name"]): each["version"] for each in json.loads(listed.splitlines()[-1])
    }
    wanted = [requirement(block) for block in read_lock(LOCK).values()]
    wanted = [each for each in wanted if each.marker is None or each.marker.evaluate()]
    locked = {each.name: str(each.specifier).removeprefix("==") for each in wanted}
    assert locked == {name: version for name, version in installed.items() if name not in ("pip", "pism")}


@pytest.mark.parametrize("cold", [DEBIAN_12], indirect=True)
def test_resolving_meets_the_newer_release_of_what_is_wanted_with_an_extra(
    cold: Path, environment: dict[str, str]
) -> None:
    lock = read_lock(LOCK)
    wanted = list(wanted_with_extras(lock))
    assert wanted
    for name, other in wanted:
        some = "".join(lock[each] for each in sorted(closure(name)))
        resolving = try_install(cold, environment, some)
        assert resolving.returncode != 0
        assert re.search(rf"{other}\[.*{NEWER}", resolving.stdout), resolving.stdout
        assert try_install(cold, environment, some, "--no-deps").returncode == 0


@pytest.mark.parametrize("cold", [DEBIAN_12, CURRENT], indirect=True)
def test_building_apart_takes_the_newer_setuptools(cold: Path, environment: dict[str, str]) -> None:
    source = read_lock(LOCK)["sdnotify"]  # the one package without a wheel
    options = ("--no-deps", "--no-cache-dir", "--use-pep517")
    apart = try_install(cold, environment, source, *options)
    assert apart.returncode != 0
    assert "No module named 'setuptools'" in apart.stdout, apart.stdout


def test_lock_has_all_that_the_project_wants_with_its_extras() -> None:
    # pip check does not look at extras; this resolves them, from nothing but what is installed
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--dry-run", "--no-index", "--quiet"]
    where = f"{REPOSITORY}[emulator,build,dev]"
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*command, "--no-build-isolation", "--editable", where], check=True, env=environment)


def test_package_for_the_box_carries_locked_wheels_whatever_this_machine_offers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched, offered = tmp_path / "fetched", tmp_path / "offered"
    fetched.mkdir()
    offered.mkdir()
    own = fetched / write_wheel(fetched, "own", "1", "needed", "extra[more]")
    needed = {write_wheel(fetched, "needed", "2"), write_wheel(fetched, "extra", "3")}
    write_wheel(offered, "needed", NEWER)
    write_wheel(offered, "extra", NEWER)
    monkeypatch.setenv("PIP_FIND_LINKS", str(offered))
    assert set(_needed(fetched, (), own)) == needed
