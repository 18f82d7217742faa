"""A stick that brings the words of drills: `pism-drill-NAME-NUMBER.txt`, as `pism drill --to` writes it.

Rules: of each backup the newest file is read, within a bound; it holds six words and nothing else. Everything
else on the stick is left alone.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.api import requests as rq
from core.api import results as rs
from core.errors import DrillError, PolicyError
from core.plain_text import read_plain_text
from hw.errors import StickMissingError
from hw.fat.volume import FatVolume
from hw.ports import Stick
from kiosk.work.session import Session, VaultRefusalError
from kiosk.work.task import Task, Tools

MAX_FILES: Final = 20
MAX_BYTES: Final = 512
_NOT_AWAITED: Final = frozenset({DrillError.code, PolicyError.code})  # old words, or a backup that is no more
_FILE: Final = re.compile(r"pism-drill-([a-z][a-z0-9-]{0,23})-([0-9]{6,12})\.txt")
_SIX: Final = re.compile(
    rf"\s*[a-z]{{3,8}}([\s,;]+[a-z]{{3,8}}){{{rs.DRILL_WORDS - 1}}}\s*", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDrill(Task):
    """Record the words that a stick brings. Result: the DrillRecorded of each backup that is proven now."""

    stick: Stick

    def run(self, tools: Tools) -> tuple[rs.DrillRecorded, ...]:
        """Read the stick, and have the vault journal what it awaits."""
        with tools.board.open_volume(self.stick) as volume:
            brought = read_drill_stick(volume)
        return record_brought(tools.vault, brought, tools.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtWords:
    """The words of one drill, and the backup that they say they are of."""

    name: str
    words: str


def read_drill_stick(volume: FatVolume) -> tuple[BroughtWords, ...]:
    """Return the words on a stick, in order of the backups' names.

    Args:
        volume: Open.

    Raises:
        StickMissingError: There are none (E-STICK-MISSING).
        DrillError: A file does not hold six words (E-DRILL).
        StickSizeError, StickFormatError, StickGoneError, StickIoError: As FatVolume.get.
    """
    newest: dict[str, tuple[int, str]] = {}
    for item in volume.list():
        if not item.folder and (found := _FILE.fullmatch(item.name)):
            newest[found[1]] = max(newest.get(found[1], (0, "")), (int(found[2]), item.name))
    if not newest:
        raise StickMissingError("there is no file pism-drill-*.txt on the stick")
    return tuple(
        BroughtWords(name=name, words=_parse_words(file, volume.get(file, MAX_BYTES)))
        for name, (_, file) in sorted(newest.items())[:MAX_FILES]
    )


def record_brought(
    vault: Session, brought: tuple[BroughtWords, ...], now: datetime
) -> tuple[rs.DrillRecorded, ...]:
    """Have what a stick brought journaled; what was recorded before is passed over.

    Raises:
        VaultRefusalError: No recent backup waits for any of it (E-DRILL).
    """
    recorded: list[rs.DrillRecorded] = []
    refused: VaultRefusalError | None = None
    for each in brought:
        try:
            request = rq.RecordDrill(words=each.words, name=each.name, now=now)
            recorded.append(vault.ask(request, rs.DrillRecorded))
        except VaultRefusalError as refusal:
            if refusal.failed.code not in _NOT_AWAITED:
                raise
            refused = refusal
    if refused is not None and not recorded:
        raise refused
    return tuple(recorded)


def _parse_words(file: str, data: bytes) -> str:
    plain = read_plain_text(data, lambda what: DrillError(f"{file} {what}."))
    text = plain.decode("ascii", "replace")
    if _SIX.fullmatch(text) is None:
        raise DrillError(f"{file} does not hold six words.")
    return " ".join(re.findall("[A-Za-z]+", text))
