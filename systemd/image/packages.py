"""Debian's packages for the card: which ones, by version and hash, and how they come here.

Rules:

1. packages.txt names packages; packages.lock names the files that they were on the day of the lock, with
   SHA-256.
2. A build takes what the lock names, or nothing: what the archive has no more, or has otherwise, is refused
   by name.
3. Where Debian's archive lies is read from apt's settings of the machine that builds, and its own apt
   fetches, with a state of its own: nothing of the machine's is changed, nothing installed, and no root is
       needed.
4. A package is unpacked; none of its scripts runs.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

HERE: Final = Path(__file__).parent
LIST: Final = HERE / "packages.txt"
LOCK: Final = HERE / "packages.lock"
SUITE: Final = "trixie"
TWIN_ARCHITECTURE: Final = "amd64"
"""Of the machine that builds; on another one the image is not built."""

TWIN_SECTIONS: Final = ("twin", "kbuild")
KERNEL: Final = "KERNEL"
"""In packages.txt, the version of the kernel."""

_KEYS: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_COMPONENTS: Final = "main non-free-firmware"
_ARCHIVES: Final = ("debian", "debian-security")
_PRINTED: Final = re.compile(r"^'(\S+)' \S+ (\d+) SHA256:([0-9a-f]{64})$", re.MULTILINE)
_HEADER: Final = "# section archive path size sha256: written by `make image-lock`\n"


class PackageError(Exception):
    """A package cannot be had as the lock names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One file of the lock.

    Args:
        section: Of packages.txt.
        archive: One of Debian's two: debian, debian-security.
        path: In that archive.
        size: In bytes.
        sha256: In hexadecimal digits.
    """

    section: str
    archive: str
    path: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Return its own name: NAME_VERSION_ARCHITECTURE.deb."""
        return unquote(self.path.rpartition("/")[2])

    @property
    def name(self) -> str:
        """Return the package's name."""
        return self.file_name.split("_")[0]

    @property
    def version(self) -> str:
        """Return its version, with the epoch."""
        return unquote(self.file_name.split("_")[1])


def read_list(path: Path = LIST) -> Mapping[str, tuple[str, ...]]:
    """Return the names of each section of packages.txt."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("["):
            section = text.strip("[]")
            found[section] = []
        elif text:
            found[section] += text.split()
    return {section: tuple(names) for section, names in found.items()}


def read_lock(path: Path = LOCK) -> tuple[Package, ...]:
    """Return what the lock names, in its order."""
    lines = (
        line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    )
    return tuple(
        Package(section=section, archive=archive, path=place, size=int(size), sha256=digest)
        for section, archive, place, size, digest in lines
    )


def write_lock(cache_folder: Path, path: Path = LOCK) -> None:
    """Lock what packages.txt names in the versions of today.

    Args:
        cache_folder: For apt's state.
        path: The lock.
    """
    lines = []
    apts = {name: Apt(cache_folder / "apt", name) for name in ("arm64", TWIN_ARCHITECTURE)}
    for apt in apts.values():
        apt.update()
    kernel = apts["arm64"].find_kernel()
    for section, names in read_list().items():
        apt = apts[TWIN_ARCHITECTURE if section in TWIN_SECTIONS else "arm64"]
        located = apt.locate([name.replace(KERNEL, kernel) for name in names])
        lines += [f"{section} {line}" for line in sorted(located)]
    path.write_text(_HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")


def fetch(
    packages: Iterable[Package], folder: Path, download: Callable[[Package, Path], None] | None = None
) -> Mapping[Package, Path]:
    """Return the file of each package, fetched where it is not in the folder yet.

    Args:
        packages: Of the lock.
        folder: Keeps files between builds, each under its hash.
        download: Fetches one into a file; None: this machine's apt.

    Raises:
        PackageError: The archive does not have them as the lock says; the message names them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {package: folder / f"{package.sha256}.deb" for package in packages}
    missing = [package for package, file in files.items() if not _is_whole(package, file)]
    if missing and download is None:
        download = Apt(folder / "apt", "arm64").download
    for package in missing:
        if download is not None:
            download(package, files[package])
    bad = sorted(package.file_name for package in missing if not _is_whole(package, files[package]))
    if bad:
        raise PackageError(
            f"Debian's archive does not have, as packages.lock names them: {', '.join(bad)}."
            " `make image-lock` locks what it has today."
        )
    return files


def unpack(file: Path, tree: Path) -> None:
    """Unpack a package's files; no script of it runs.

    Args:
        file: The package.
        tree: Where to; made.
    """
    tree.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "--extract", file, tree], check=True)


class Apt:
    """This machine's apt with another state: another release, another architecture, nothing installed.

    Args:
        folder: Of that state.
        architecture: Debian's name.
    """

    def __init__(self, folder: Path, architecture: str) -> None:
        self._folder = folder.resolve() / architecture
        for name in ("lists/partial", "cache/archives/partial", "preferences.d"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "sources.list").write_text(
            "".join(f"deb [signed-by={_KEYS}] {uri} {suite} {_COMPONENTS}\n" for uri, suite in _sources())
        )
        (self._folder / "apt.conf").write_text(
            f'Dir::State "{self._folder}"; Dir::State::Lists "lists"; Dir::State::status "status";'
            f' Dir::Cache "{self._folder}/cache"; Dir::Etc::SourceList "{self._folder}/sources.list";'
            ' Dir::Etc::SourceParts "/dev/null"; Dir::Etc::Preferences "/dev/null";'
            ' Dir::Etc::PreferencesParts "/dev/null";'
            f' APT::Architecture "{architecture}"; APT::Architectures {{ "{architecture}"; }};'
            ' Acquire::ForceHash "SHA256"; Acquire::Languages "none"; APT::Sandbox::User "root";\n'
        )

    def update(self) -> None:
        """Fetch the archives' lists, whose signatures apt checks."""
        self._run("apt-get", "-qq", "update")

    def find_kernel(self) -> str:
        """Return the version of the kernel that linux-image-arm64 stands for today."""
        told = self._run("apt-cache", "depends", "--no-recommends", "--no-suggests", "linux-image-arm64")
        (found,) = re.findall(r"Depends: linux-image-(\S+)-arm64", told)
        return str(found)

    def locate(self, names: Sequence[str]) -> Iterable[str]:
        """Yield archive, path, size and hash of packages, as the lock has them."""
        told = self._run("apt-get", "-qq", "--print-uris", "download", *names)
        found = _PRINTED.findall(told)
        if len(found) != len(names):
            raise PackageError(f"of {len(names)} packages the archive names {len(found)}:\n{told}")
        bases = dict(zip(_ARCHIVES, (uri for uri, _ in _sources()), strict=True))
        for uri, size, digest in found:
            (archive,) = (name for name, base in bases.items() if uri.startswith(base))
            yield f"{archive} {uri.removeprefix(bases[archive])} {size} {digest}"

    def download(self, package: Package, file: Path) -> None:
        """Fetch a file by apt's own ways, proxies and mirrors; one that fails is the caller's to find."""
        base = dict(zip(_ARCHIVES, (uri for uri, _ in _sources()), strict=True))[package.archive]
        self._run("/usr/lib/apt/apt-helper", "download-file", f"{base}{package.path}", str(file), check=False)

    def _run(self, *command: str, check: bool = True) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C.UTF-8"}
        return subprocess.run(command, env=environment, check=check, stdout=subprocess.PIPE, text=True).stdout


@cache
def _sources() -> tuple[tuple[str, str], tuple[str, str]]:
    """Return Debian's archive and that of its security updates, as this machine's apt reaches them."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    archives = sorted({uri for uri in told if not urlsplit(uri).path.strip("/").endswith("-security")})
    if not archives:
        raise PackageError(
            "apt of this machine knows no archive of Debian: run apt-get update on a Debian system"
        )
    security = [uri for uri in told if uri not in archives]
    main = archives[0]
    return (main, SUITE), (security[0] if security else f"{main.rstrip('/')}-security/", f"{SUITE}-security")


def _is_whole(package: Package, file: Path) -> bool:
    return (
        file.exists()
        and file.stat().st_size == package.size
        and sha256(file.read_bytes()).hexdigest() == package.sha256
    )


if __name__ == "__main__":
    write_lock(Path(sys.argv[1]))
