"""The file that a signing request comes in: its bytes, its bounds, and what its name says.

1. `<class>.<target>.csr` or `<class>.<target>.<label>.csr`, in small or large letters. Class and target say
   what the request is for; the label tells files apart, and is the requester's own.
2. Nothing in a name says lane or period: those are the plan's.
3. Nothing is passed over in silence but what systems leave beside others: a name that begins with a dot,
   Thumbs.db, desktop.ini. What lies in the folder of requests under another name is refused by its name;
   what lies outside it and looks like a request, by its place.

The kiosk shares this module, so nothing heavy is imported. What the bytes say is core.issue.csr's.
"""

import re
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

MAX_REQUESTS: Final = 100
"""How many requests are looked at in one go."""

MAX_REQUEST_BYTES: Final = 32 * 1024
"""ML-DSA 87 in PEM takes 10 KiB; some programs put a text before it."""

FOLDER: Final = "requests"
"""Where they lie on a stick."""

_NAME = re.compile(r"([a-z][a-z0-9-]{0,23})\.([a-z][a-z0-9-]{0,23})(?:\.[a-z0-9][a-z0-9_-]{0,31})?\.csr")


class RequestFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: its name without a folder, and its bytes, from who knows whom; no repr shows those.

    Somebody may have put a private key into it.
    """

    name: str
    data: bytes

    def __repr__(self) -> str:
        return f"RequestFile(name={self.name!r}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request's name asks for."""

    class_name: str
    target: str


_LITTER: Final = frozenset({"thumbs.db", "desktop.ini"})
_LOOKS = re.compile(
    r"(.*[^a-z0-9])?(csrs?|reqs?|p10|certreq)([^a-z0-9].*)?"  # gate.csr.txt, gate_csr.pem, csr
    r"|(signing[ _-]?)?requests?(\.[a-z0-9]{1,8})?",  # requests.zip
    re.DOTALL,
)


def is_litter(name: str) -> bool:
    """Return whether a file is one that systems leave unasked (rule 3)."""
    return name.startswith(".") or name.lower() in _LITTER


def looks_like_request(name: str) -> bool:
    """Return whether a file or folder outside the folder of requests is meant as one."""
    return _LOOKS.fullmatch(name.lower()) is not None and not is_litter(name)


def request_order(name: str) -> tuple[str, str]:
    """Return the key by which names are put in order, whatever order a folder has."""
    return name.lower(), name


def fault_in_name(name: str) -> str:
    """Return what is wrong with a name that says no class and target (rule 1)."""
    ending = re.search(r"\.[a-z0-9]{1,8}\Z", name.lower())
    behind = f": it ends in {ending[0]}" if ending and ending[0] != ".csr" else ""
    return f"its file name is not class.target.csr or class.target.label.csr{behind}"


def parse_name(name: str) -> Wanted | None:
    """Return the class and target that a name says, None when it says none (rule 1)."""
    found = _NAME.fullmatch(name.lower()) if name.isascii() else None  # a Kelvin sign is no k
    return Wanted(class_name=found[1], target=found[2]) if found else None
