"""Code -> the operator's words: what happened in one line, and what to do.

Rules:

1. Every code of both error trees is here, and the kiosk's own codes; a test compares.
2. What to do is the action of the class; the kiosk's own codes have theirs here.
3. Which file is missing, and which recipient is bad, stands on the first page: the texts of these errors
   say it in one way.
4. An unknown code is shown as it is, with the words of a bug.
"""

import re
from dataclasses import dataclass
from functools import cache

from core.errors import CaError
from hw.errors import HardwareError
from kiosk.text.wrap import COLUMNS, fit, fit_name, pages, wrap_name, wrap_path

TEXT_ROWS = 4

_FILE = re.compile(r"there is no file (\S+)")
_RECIPIENT = re.compile(r"(?:egresses|backups)\.([a-z0-9-]+)\.recipients\[([0-9]+)\]")

_BROKE = ("It locked itself.", "Note the code. Write", "diagnosis: A, or menu")

_OWN_ACTIONS: dict[str, tuple[str, ...]] = {
    "E-BUG": _BROKE,
    "E-VAULT": _BROKE,
    "E-CLOCK-DATE": ("Type the date again:", "year month day hour", "minute, in UTC"),
    "E-USAGE": ("See --help",),
}

_HAPPENED: dict[str, str] = {
    "E-BUG": "A fault in PiSM",
    "E-VAULT": "The vault went away",
    "E-CLOCK-DATE": "That date is no good",
    "E-USAGE": "Wrong command line",
    "E-CA": "Refused",
    "E-CONFIG": "config.yaml is bad",
    "E-CONFIG-SYNTAX": "config.yaml: no YAML",
    "E-CONFIG-KEY": "config.yaml: bad key",
    "E-CONFIG-VALUE": "config.yaml: value",
    "E-CONFIG-VISIT": "Visits are too rare",
    "E-RECIPIENT": "A recipient is bad",
    "E-RECIPIENT-MISSING": "A key file is missing",
    "E-RECIPIENT-MIXED": "Keys of two strengths",
    "E-RECIPIENT-PRIVATE": "That key is private!",
    "E-RECIPIENT-WEAK": "That key is too weak",
    "E-PASSPHRASE": "The passphrase fails",
    "E-PASSPHRASE-WEAK": "It is too weak",
    "E-PASSPHRASE-WRONG": "Wrong passphrase",
    "E-PASSPHRASE-WAIT": "Too early",
    "E-STATE": "The store is unusable",
    "E-STATE-EXISTS": "There is an authority",
    "E-STATE-MISSING": "No authority is here",
    "E-STATE-LOCKED": "The store is in use",
    "E-STATE-MODE": "Store open to others",
    "E-STATE-DAMAGED": "The store is damaged",
    "E-STATE-OLD": "An old store is back",
    "E-STATE-FORGED": "Sealed by a stranger",
    "E-STATE-WIPED": "The store was wiped",
    "E-SWAP": "Keys could be swapped",
    "E-JOURNAL": "The journal is broken",
    "E-CLOCK": "The clock is wrong",
    "E-CLOCK-BEHIND": "The clock is behind",
    "E-CLOCK-LATE": "Later than expected",
    "E-CLOCK-AHEAD": "The clock is ahead",
    "E-ISSUE": "It breaks a rule",
    "E-CHECK": "A check failed",
    "E-POLICY": "Not in the policy",
    "E-PROBATION": "New keys must wait",
    "E-REQUEST": "The request is bad",
    "E-REQUEST-NAME": "It is named wrongly",
    "E-REQUEST-PLACE": "It is not read there",
    "E-REQUEST-LATE": "It came too late",
    "E-REQUEST-TARGET": "No target for it",
    "E-REQUEST-PRIVATE": "That key is private!",
    "E-REQUEST-KEY": "Its key is not taken",
    "E-REQUEST-PROOF": "Its key did not sign",
    "E-REQUEST-USED": "Its key is in use",
    "E-REQUEST-GAP": "Nothing is due for it",
    "E-REQUEST-MANY": "Too many requests",
    "E-REQUEST-CHANGED": "Not what was shown",
    "E-ARCHIVE": "The archive is bad",
    "E-ARCHIVE-IDENTITY": "The key does not fit",
    "E-IDENTITY-LOCKED": "The key is locked",
    "E-IDENTITY-CIPHER": "Its cipher is unknown",
    "E-ARCHIVE-DAMAGED": "Archive is damaged",
    "E-ARCHIVE-MEMBER": "Archive has bad files",
    "E-ARCHIVE-FORMAT": "Unknown format",
    "E-ARCHIVE-KIND": "It is not a backup",
    "E-ARCHIVE-SEAL": "The seal is not ours",
    "E-ARCHIVE-DATE": "It is from the future",
    "E-ARCHIVE-CERT": "A certificate is bad",
    "E-ARCHIVE-TRUST": "Unknown authority",
    "E-ARCHIVE-BOX": "An unknown box",
    "E-ARCHIVE-ROLLBACK": "The archive is old",
    "E-ARCHIVE-FORK": "Two histories",
    "E-SIGNER": "No signer to use",
    "E-SIGNER-MISSING": "No such signer",
    "E-SIGNER-LANE": "Which lane?",
    "E-SIGNER-FUTURE": "Its day is to come",
    "E-SIGNER-RETIRED": "Its time is over",
    "E-SIGNER-EXPIRED": "It has expired",
    "E-SIGNER-REVOKED": "It is revoked",
    "E-PLACE": "A place refuses it",
    "E-RESCUE": "It cannot be rescued",
    "E-RESCUE-MISSING": "No backup on it",
    "E-RESCUE-KEY": "No key on it",
    "E-RESCUE-MANY": "Too much on it",
    "E-RESCUE-SPACE": "It does not fit",
    "E-DRILL": "Used before, or wrong",
    "E-ACCEPTANCE": "Acceptance failed",
    "E-FILE": "A file cannot be used",
    "E-STOPPED": "Stopped, work is kept",
    "E-HARDWARE": "A part does not work",
    "E-DISPLAY": "Display is silent",
    "E-KEYPAD": "Keypad does not work",
    "E-STICK": "The stick is bad",
    "E-STICK-GONE": "Pulled too early",
    "E-STICK-IN-USE": "The stick is in use",
    "E-STICK-TWO": "Two sticks are in",
    "E-STICK-PARTS": "It has several parts",
    "E-STICK-FORMAT": "No FAT32 we can use",
    "E-STICK-FULL": "The stick is full",
    "E-STICK-READONLY": "The stick is locked",
    "E-STICK-EXISTS": "That file is there",
    "E-STICK-NAME": "Bad file name",
    "E-STICK-MISSING": "The file is missing",
    "E-STICK-SIZE": "Larger than it should",
    "E-STICK-IO": "It cannot be accessed",
    "E-STICK-VERIFY": "It does not keep data",
    "E-TOOLS": "The box lacks a part",
    "E-GUARD-LANDLOCK": "Sandbox is missing",
    "E-GUARD-SECCOMP": "Nothing filters calls",
    "E-GUARD-USERS": "Users are not apart",
    "E-CARD": "No state on the card",
    "E-CARD-STATE": "The card has no state",
    "E-CARD-DAMAGED": "The state is damaged",
    "E-CARD-OTHER": "Another box's card",
    "E-CLOCK-SET": "The clock stays wrong",
    "E-POWER": "Power-off was refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What an error's screen says.

    Args:
        code: At most 21 characters.
        happened: One line.
        subject: What it happened to: up to two lines; () where the code says enough.
        action: One to three lines.
        details: Pages of at most TEXT_ROWS lines with the error's own text; () without one.
    """

    code: str
    happened: str
    subject: tuple[str, ...]
    action: tuple[str, ...]
    details: tuple[tuple[str, ...], ...]

    @property
    def pages(self) -> int:
        """How many pages there are; the first has what happened and what to do."""
        return 1 + len(self.details)


def explain(code: str, text: str = "") -> Message:
    """Return the operator's words for a code.

    Args:
        code: Of an error class, or of the kiosk.
        text: The error's own words, for the pages behind the first; never a secret.
    """
    lines = wrap_path(text)
    action = _actions().get(code, _BROKE)
    return Message(
        code=fit(code),
        happened=_HAPPENED.get(code, _HAPPENED["E-BUG"]),
        subject=_find_subject(code, text, TEXT_ROWS - 1 - len(action)),
        action=action,
        details=pages(lines, TEXT_ROWS) if lines else (),
    )


def _find_subject(code: str, text: str, rows: int) -> tuple[str, ...]:
    """Return the file or the recipient that an error is about, on at most so many rows; () for none."""
    if rows < 1:
        return ()
    if code in {"E-STICK-MISSING", "E-RECIPIENT-MISSING"} and (file := _FILE.search(text)):
        whole = wrap_name(file[1])
        return whole if len(whole) <= rows else (fit_name(file[1]),)
    if code.startswith("E-RECIPIENT") and (recipient := _RECIPIENT.match(text)):
        which = f" key {int(recipient[2]) + 1}"
        return (f"{fit_name(recipient[1], COLUMNS - len(which))}{which}",)
    return ()


def known_codes() -> frozenset[str]:
    """Return every code that has words of its own."""
    return frozenset(_HAPPENED)


@cache
def _actions() -> dict[str, tuple[str, ...]]:
    """Return code -> action, by the classes of both trees and by our own codes."""
    actions = dict(_OWN_ACTIONS)
    waiting: list[type[CaError | HardwareError]] = [CaError, HardwareError]
    while waiting:
        error = waiting.pop()
        actions.setdefault(error.code, error.action)
        waiting.extend(error.__subclasses__())
    return actions
