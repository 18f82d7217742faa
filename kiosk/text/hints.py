"""Code -> what to do at a command line: the hint below a refusal.

It is the action of the panel, in one line, but where somebody at a PC has other means than a box has.
"""

from typing import Final

from kiosk.text.messages import explain

_CLOCK: Final = "set this machine's clock; if it is right, confirm today's date with --confirm-date"
_RESTORE: Final = "restore a backup into an empty folder: pism restore"

_AT_A_COMMAND_LINE: Final = {
    "E-ARCHIVE-BOX": "read its words off its panel, then confirm them, or give them with --accept-box",
    "E-ARCHIVE-TRUST": "compare the words and confirm them in a terminal, or name its root with --trust",
    "E-BUG": "report it with the lines above, which hold no secret",
    "E-CLOCK": _CLOCK,
    "E-CLOCK-AHEAD": _CLOCK,
    "E-CLOCK-BEHIND": _CLOCK,
    "E-JOURNAL": _RESTORE,
    "E-PASSPHRASE": "run it in a terminal, or name a file that holds the passphrase",
    "E-PASSPHRASE-WEAK": "take 8 random words: pism words proposes them",
    "E-PROBATION": "after a restart of this machine: pism policy confirm",
    "E-POLICY": "pism policy show says what there is, pism policy diff what awaits approval",
    "E-RECIPIENT-MISSING": "put the file where config.yaml names it: its paths begin beside it",
    "E-STATE-DAMAGED": _RESTORE,
    "E-STATE-EXISTS": "name another folder with --state",
    "E-STATE-MISSING": "pism init founds an authority; --state names another folder",
    "E-STATE-MODE": "the folder must be yours alone: owner, and mode 0700",
    "E-STICK-EXISTS": "name it otherwise, or move that file away",
    "E-STICK-FORMAT": "see that it is the stick that you mean; pism stick format erases it, and makes it one",
    "E-STICK-GONE": "name a stick that is in, or an image; pism stick format --size makes one",
    "E-STICK-NAME": "name it otherwise",
    "E-STOPPED": "what was finished is kept: run the same command again",
    "E-TOOLS": "see that mtools and dosfstools are installed, and whole: the stick is not to blame",
}


def hint(code: str) -> str:
    """Return what to do about a code, in one line."""
    return _AT_A_COMMAND_LINE.get(code) or " ".join(explain(code).action)


def differing_codes() -> frozenset[str]:
    """Return the codes whose hint is not the action of the panel."""
    return frozenset(_AT_A_COMMAND_LINE)
