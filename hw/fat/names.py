"""Names on a stick: what a file, a folder and a volume may be called, and which files are ours to clean.

Rules:

1. A name that FAT, Windows or mtools would take for something else is refused, never bent: what was
   asked for is what stands on the stick, case included.
2. Two names that differ in case only are one name to FAT.
3. What is being written is called `pism.part`, whatever it will be called, and nothing else may be: so every
   part that a pulled stick keeps is known as ours. All other files are the operator's.
4. mren (4.0.33) ends in an assertion where a name grows in its folder: a part is padded to its name's length.
5. A short name in small letters (`roots.pem`) lives without a long one, its case kept in two bits that
   mren takes over from the old name: such a part is called `pism.prt`, its case as the name's.
6. What is being replaced or taken away is called as a part is, with `_` for `-`, until it is gone: so both
   stand side by side, and a pull leaves the old file whole or a part that is ours.
"""

import re
import unicodedata
from dataclasses import dataclass

from hw.errors import StickNameError

_PART = ("pism", "-", ".part")
_SHORT_PART = ("pism", ".prt")
_OUTGOING = ("pism_", "_", ".part")
_SHORT_OUTGOING = ("pism_", ".prt")
# the last: by its short name, where a pull has torn the long one
_OUR_PART = re.compile(r"pism(-*\.part|\.prt|_+\.part|_\.prt|[-_]*~\d{1,6}\.par)", re.IGNORECASE)

_LONGEST = 255  # UTF-16 units, Microsoft FAT specification 1.03, long names
_LONGEST_LABEL = 11
MAX_FOLDERS = 8
"""How deep a file may lie that is read; PiSM writes into one folder at most."""

_FORBIDDEN = frozenset('"*/:<>?\\|')  # by FAT
_PATTERN = frozenset("[]")  # by mtools, which reads them as a pattern
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_LABEL = re.compile(r"[A-Z0-9][A-Z0-9_-]*")
_SHORT = re.compile(r"([^ +,;=.]{1,8})(?:\.([^ +,;=.]{1,3}))?")
_LAST_BMP = 0xFFFF

_OLD_PARTS = re.compile(
    r"[a-z][a-z0-9-]{0,23}-\d{6}-\d{8}T\d{6}Z\.tar\.age\.part"
    r"|pism-receipt-[a-z][a-z0-9-]{0,23}-\d{6}\.(json|html)\.part"
    r"|next-visit(-[a-z0-9-]{1,40})?\.ics\.part"
)
_OLD_PUBLIC_PARTS = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\.(pem|crl)\.part|(roots|README)\.prt")
"""What parts were called in PiSM 0.1.0."""
PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class StickPath:
    """A checked place on a stick.

    Args:
        folder: "" for the root, else a folder's name, or several with `/` between.
        name: The file's.
    """

    folder: str
    name: str

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}" if self.folder else self.name


def parse_path(text: str, max_folders: int = 1) -> StickPath:
    """Return the checked place of a file.

    Args:
        text: A file name, or folders and a file name with `/` between.
        max_folders: How deep it may lie; PiSM writes into one folder at most.

    Raises:
        StickNameError: FAT, or we, refuse it.
    """
    folder, slash, name = text.rpartition("/")
    folders = folder.split("/", max_folders - 1) if slash else []
    for each in folders:
        check_name(each)
    check_name(name)
    return StickPath(folder=folder, name=name)


def check_name(name: str) -> None:
    """Refuse a name that a stick may not bear, or that would be taken for another.

    Args:
        name: Of one file or folder.

    Raises:
        StickNameError: With the reason.
    """
    reason = _find_refusal(name)
    if reason:
        raise StickNameError(f"{name!r} cannot be a file name on a stick: {reason}")


def _find_refusal(name: str) -> str:
    """Return why a name is refused, "" when it is not."""
    reasons = (
        (not name or name in {".", ".."}, "it names no file"),
        (not _FORBIDDEN.isdisjoint(name), 'FAT forbids " * / : < > ? \\ |'),
        (not _PATTERN.isdisjoint(name), "square brackets are not taken"),
        (any(_is_strange(character) for character in name), "a character of it is not shown by every system"),
        (name != name.strip() or name.endswith("."), "it begins or ends with a space, or ends with a dot"),
        (len(name) > _LONGEST, f"it is longer than {_LONGEST} characters"),
        (_DEVICE.fullmatch(name) is not None, "Windows takes it for a device"),
        (_OUR_PART.fullmatch(name) is not None, "that is what PiSM calls what it is writing"),
    )
    return next((reason for refused, reason in reasons if refused), "")


def _is_strange(character: str) -> bool:
    """Tell whether a character is invisible, undefined, or outside the 16 bits that FAT has for one."""
    return unicodedata.category(character).startswith("C") or ord(character) > _LAST_BMP


def check_label(label: str) -> None:
    """Refuse a volume label that not every system shows alike.

    Args:
        label: 1 to 11 of A-Z, 0-9, `-` and `_`, the first a letter or digit.

    Raises:
        StickNameError: It is not such a label.
    """
    if len(label) > _LONGEST_LABEL or not _LABEL.fullmatch(label):
        raise StickNameError(f"{label!r} cannot be a label: 1 to 11 of A-Z, 0-9, - and _ are taken")


def same_name(first: str, second: str) -> bool:
    """Tell whether two names are one to FAT, which keeps case but does not look at it."""
    return first.upper() == second.upper() or first.casefold() == second.casefold()


def part_name(name: str) -> str:
    """Return what a file is called while it is being written.

    Args:
        name: Its own, checked.
    """
    return _name_aside(name, _PART, _SHORT_PART)


def outgoing_name(name: str) -> str:
    """Return what a file is called from when another takes its name until it is deleted.

    Args:
        name: Its own, checked.
    """
    return _name_aside(name, _OUTGOING, _SHORT_OUTGOING)


def _name_aside(name: str, long: tuple[str, str, str], short: tuple[str, str]) -> str:
    """Return another name of a file, which mren can give it and take from it (rules 4 and 5)."""
    stem, filler, ending = long
    padded = stem + filler * (len(name) - len(stem + ending)) + ending
    found = _SHORT.fullmatch(name)
    if found is None or name == name.upper():
        return padded
    name_stem, name_ending = found[1], found[2] or ""
    if not (_has_one_case(name_stem) and _has_one_case(name_ending)):
        return padded
    short_stem, short_ending = short
    return (short_stem if name_stem == name_stem.lower() else short_stem.upper()) + (
        short_ending if name_ending == name_ending.lower() else short_ending.upper()
    )


def _has_one_case(text: str) -> bool:
    """Tell whether no letter differs in case from the others."""
    return text in {text.lower(), text.upper()}


def is_our_folder(name: str) -> bool:
    """Tell whether a folder of the root may be one that PiSM writes into.

    Args:
        name: As the stick has it; "" for the root.
    """
    return not name or same_name(name, PUBLIC) or name.lower().startswith(f"{PUBLIC}-")


def is_our_part(folder: str, name: str) -> bool:
    """Tell whether a file is one that PiSM began and did not finish.

    Args:
        folder: "" for the root.
        name: As the stick has it.
    """
    old = {"": _OLD_PARTS, PUBLIC: _OLD_PUBLIC_PARTS}.get(folder)
    return _OUR_PART.fullmatch(name) is not None or (old is not None and old.fullmatch(name) is not None)
