"""pisim, the machine's keys and panel (tests/vm/harness), built for the card's kernel on another machine.

What it is built with is in the lock, but for the compiler: gcc-aarch64-linux-gnu of the machine that builds.
The kernel's programs want the C library of their release, which comes along and is started by its own loader.
"""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Final

from systemd.image.packages import LOCK, fetch, read_lock, unpack
from tests.vm.harness import vm

SOURCE: Final = Path(vm.__file__).parent / "guest/pisim"
_COMPILER: Final = "aarch64-linux-gnu-gcc"
_LIBRARIES: Final = "usr/lib/x86_64-linux-gnu"
# a compiler older than the kernel's does not know one of its options; both know one that says nearly that
_WRAPPER: Final = f"""#!/bin/bash
exec {_COMPILER} "${{@/#-fmin-function-alignment=/-falign-functions=}}"
"""


def build_module(cache: Path, packages: Path) -> Path:
    """Return pisim.ko for the card's kernel; made once.

    Args:
        cache: Keeps it.
        packages: Folder of fetched packages.
    """
    texts = [path.read_bytes() for path in sorted(SOURCE.iterdir())]
    digest = sha256(b"".join((*texts, LOCK.read_bytes(), Path(__file__).read_bytes()))).hexdigest()
    work = cache / f"pisim-{digest[:16]}"
    module = work / "pisim/pisim.ko"
    if not module.exists():
        _build(work, packages)
    return module


def _build(work: Path, packages: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    wanted = [each for each in read_lock() if each.section in {"headers", "kbuild"}]
    for package, file in fetch(wanted, packages).items():
        unpack(file, work / package.section)
    sources = work / "headers/usr/src"
    (kbuild,) = (work / "kbuild/usr/lib").glob("linux-kbuild-*")
    link = work / "headers/usr/lib" / kbuild.name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(kbuild)
    (headers,) = sources.glob("linux-headers-*-arm64")
    (common,) = sources.glob("linux-headers-*-common")
    (headers / "Makefile").write_text(f"include {common}/Makefile\n")
    modpost = kbuild / "scripts/mod/modpost"
    loader = work / "kbuild" / _LIBRARIES / "ld-linux-x86-64.so.2"
    start = f"{loader} --library-path {loader.parent} {modpost}.real-lsb-64"
    modpost.write_text(f'#!/bin/sh\nexec {start} "$@"\n')
    compiler = work / "compiler"
    compiler.write_text(_WRAPPER)
    compiler.chmod(0o755)
    shutil.copytree(SOURCE, work / "pisim")
    subprocess.run(
        [
            *("make", "--silent", "-C", headers, f"M={work / 'pisim'}", "ARCH=arm64", f"CC={compiler}"),
            *("CROSS_COMPILE=aarch64-linux-gnu-", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"),
        ],
        check=True,
    )
