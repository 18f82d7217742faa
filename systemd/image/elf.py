"""What an ELF file says of the libraries that it needs, and the loader's cache of those that are there.

Rules: only 64-bit little-endian files are read, which is all that a Raspberry Pi's system has; nothing is
run. The cache is written here because ldconfig only knows libraries of the machine it runs on; its format is
that of glibc's elf/cache.h ("glibc-ld.so.cache1.1"), and a test reads it back with ldconfig.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAGIC: Final = b"\x7fELF\x02\x01"
_HEADER: Final = struct.Struct("<16xHHIQQQIHHHHHH")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_DYNAMIC_ENTRY: Final = struct.Struct("<qQ")
_SHT_DYNAMIC, _DT_NEEDED, _DT_SONAME = 6, 1, 14

_CACHE_MAGIC: Final = b"glibc-ld.so.cache1.1"
_CACHE_HEADER: Final = struct.Struct("<20sIIB3xI12x")
_CACHE_ENTRY: Final = struct.Struct("<iIIIQ")
_LITTLE_ENDIAN: Final = 2
LIBC6_FLAGS: Final[Mapping[str, int]] = {"aarch64": 0x0A03, "x86_64": 0x0303}
"""How ldconfig marks a library of an architecture (sysdeps/generic/ldconfig.h)."""


@dataclass(frozen=True, slots=True)
class Dynamic:
    """What a program or library says of itself.

    Args:
        soname: What others call it; "" for a program.
        needed: What it needs, by soname.
    """

    soname: str
    needed: tuple[str, ...]


def read_dynamic(path: Path) -> Dynamic | None:
    """Return what an ELF file says; None for any other file, and for one without libraries.

    Args:
        path: Of a file.
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return None
        file.seek(0)
        data = file.read()
    header = _HEADER.unpack_from(data)
    offset, count = header[5], header[11]
    sections = [_SECTION.unpack_from(data, offset + number * _SECTION.size) for number in range(count)]
    for section in sections:
        if section[1] == _SHT_DYNAMIC:
            names = sections[section[6]][4]
            entries = _DYNAMIC_ENTRY.iter_unpack(data[section[4] : section[4] + section[5]])
            found = [
                (tag, _read_name(data, names + value))
                for tag, value in entries
                if tag in (_DT_NEEDED, _DT_SONAME)
            ]
            return Dynamic(
                soname="".join(name for tag, name in found if tag == _DT_SONAME),
                needed=tuple(name for tag, name in found if tag == _DT_NEEDED),
            )
    return None


def find_needed(files: Iterable[Path], folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return the libraries that files need, and those that these need, as their folders have them.

    Args:
        files: Programs or libraries.
        folders: Where libraries are looked for, in this order.

    Raises:
        FileNotFoundError: One is in none of them.
    """
    found: dict[str, Path] = {}
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        for name in (read_dynamic(file) or Dynamic("", ())).needed:
            if name not in found:
                places = [folder / name for folder in folders if (folder / name).exists()]
                if not places:
                    raise FileNotFoundError(f"{name}, which {file} needs, is nowhere")
                found[name] = places[0]
                waiting.append(places[0])
    return tuple(found[name] for name in sorted(found))


def make_cache(libraries: Mapping[str, str], machine: str) -> bytes:
    """Return the loader's cache, /etc/ld.so.cache.

    Args:
        libraries: Path on the box by soname.
        machine: As in LIBC6_FLAGS.
    """
    # the loader searches by halves, in the order of ldconfig's comparison: numbers by value, downwards
    names = sorted(libraries, key=_order, reverse=True)
    start = _CACHE_HEADER.size + len(names) * _CACHE_ENTRY.size
    strings, entries = bytearray(), bytearray()
    for name in names:
        places = []
        for text in (name, libraries[name]):
            places.append(start + len(strings))
            strings += text.encode() + b"\0"
        entries += _CACHE_ENTRY.pack(LIBC6_FLAGS[machine], *places, 0, 0)
    head = _CACHE_HEADER.pack(_CACHE_MAGIC, len(names), len(strings), _LITTLE_ENDIAN, 0)
    return head + bytes(entries) + bytes(strings)


def _order(name: str) -> list[tuple[int, int]]:
    """Return what names are compared by (glibc's _dl_cache_libcmp): digits as numbers, above letters."""
    order: list[tuple[int, int]] = []
    place = 0
    while place < len(name):
        end = place
        while end < len(name) and name[end].isdigit():
            end += 1
        if end > place:
            order.append((1, int(name[place:end])))
            place = end
        else:
            order.append((0, ord(name[place])))
            place += 1
    return order


def _read_name(data: bytes, place: int) -> str:
    return data[place : data.index(b"\0", place)].decode()
