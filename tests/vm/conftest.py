"""What the tests of the appliance share.

tests/conftest.py leaves them out unless PISM_VM is set: `make vm-test` sets it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.vm.appliance import MEMORY_MB, ROOT, Keys, build_machine, install, set_up
from tests.vm.box import Record, VmBox
from tests.vm.harness.vm import VM


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Make what is kept while nobody else does: tests run side by side."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".making").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def record() -> Record:
    """The run's log and pictures, in build/vm-test."""
    folder = Path(os.environ.get("PISM_VM_OUT", ROOT / "build/vm-test"))
    return Record(folder, os.environ.get("PYTEST_XDIST_WORKER", "vm"))


@pytest.fixture(scope="session")
def cache() -> Path:
    """The bare machine."""
    folder = Path(os.environ.get("PISM_VM_CACHE", ROOT / "build/vm"))
    with alone(folder):
        build_machine(folder)
    return folder


@pytest.fixture(scope="session")
def package() -> Path:
    """The package, built from this checkout unless PISM_DEB names one."""
    if given := os.environ.get("PISM_DEB"):
        return Path(given)
    from systemd.deb.build import main

    main(["amd64"])
    return next((ROOT / "dist").glob("pism_*_amd64.deb"))


@pytest.fixture(scope="session")
def keys(cache: Path) -> Keys:
    """The receivers."""
    with alone(cache):
        return Keys.make(cache / "keys")


@pytest.fixture(scope="session")
def installed(cache: Path, package: Path, keys: Keys, record: Record) -> Path:
    """Disk of a machine with the package installed and configured."""
    with alone(cache):
        return install(cache, package, keys, record)


@pytest.fixture(scope="session")
def provisioned(
    cache: Path, installed: Path, keys: Keys, record: Record, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A saved machine that was set up with a small policy, and its passphrase."""
    with alone(cache):
        return set_up(cache, installed, keys, record, tmp_path_factory.mktemp("sticks"))


@pytest.fixture
def new_box(cache: Path, installed: Path, record: Record, tmp_path: Path) -> Iterator[VmBox]:
    """A box as it is after the installation, just switched on."""
    with VM(str(cache), base=str(installed), mem=MEMORY_MB, boot=False) as vm:
        yield VmBox(vm, record, tmp_path)


@pytest.fixture
def box(cache: Path, provisioned: tuple[Path, str], record: Record, tmp_path: Path) -> Iterator[VmBox]:
    """A box that was set up, running and locked."""
    saved, passphrase = provisioned
    with VM(str(cache), resume=str(saved)) as vm:
        made = VmBox(vm, record, tmp_path)
        made.play(f"words {passphrase}")
        yield made
