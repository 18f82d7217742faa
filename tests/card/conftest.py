"""The release that is tested: PISM_CARD names its image."""

import os
import subprocess
from pathlib import Path

import pytest

from systemd.deb.wheels import ROOT
from systemd.image.packages import fetch, read_lock, unpack
from tests.card.release import Release


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release that PISM_CARD names."""
    packed = Path(os.environ["PISM_CARD"])
    folder = tmp_path_factory.mktemp("release")
    image = folder / packed.stem
    with image.open("wb") as file:
        subprocess.run(["xz", "-dc", packed], check=True, stdout=file)
    (kernel,) = (each for each in read_lock() if each.name.startswith("linux-image-"))
    (deb,) = fetch([kernel], ROOT / "build/image/packages").values()
    unpack(deb, folder / "kernel")
    (modules,) = (folder / "kernel/usr/lib/modules").iterdir()
    published = packed.with_name(f"{image.name}.sha256").read_text().rpartition(" ")[2].strip()
    consoles = ROOT / "build/image-boot"
    consoles.mkdir(parents=True, exist_ok=True)
    return Release(image, published, modules, consoles)
