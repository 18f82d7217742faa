"""The table of sticks, kept by the kiosk so that a locked box can say what a stick asks for.

The policy in force may have come from a stick, and then config.yaml says something else. Rules:

1. It is shown only: what runs is the pinned table, which the vault tells after every unlock.
2. It is written in one step whenever the vault tells another; what a power cut kept from being written is
   written at the next unlock.
3. It is read strictly and within a bound. A damaged one counts for nothing: config.yaml's table is shown in
   its place, and the screen says so. One that cannot be written is said in the log, and costs nothing else.
"""

import logging
from pathlib import Path
from typing import Final, Literal

import msgspec

from core.decoding import DecodingError, json_decoder
from core.errors import CaError
from core.files import read_bounded, replace
from core.policy.rules import fault_in_label, parse_step

log = logging.getLogger(__name__)

StickTable = tuple[tuple[str, tuple[str, ...]], ...]
"""Volume label and its steps."""

NAME: Final = "sticks.json"
MAX_BYTES: Final = 512 * 1024  # all of config.yaml has 256 KiB


class KeptSticksError(Exception):
    """The file is damaged; the text says how."""


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["pism-sticks-v1"]
    sticks: dict[str, tuple[str, ...]]


_decode = json_decoder(_Kept, MAX_BYTES)


def read_sticks(folder: Path) -> StickTable | None:
    """Return the kept table, in order of the labels; None when none was kept yet.

    Args:
        folder: The kiosk's own.

    Raises:
        KeptSticksError: It is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        kept = _decode(read_bounded(path, MAX_BYTES))
    except (CaError, DecodingError) as error:
        raise KeptSticksError(str(error)) from error
    for label, steps in kept.sticks.items():
        if fault_in_label(label) or not steps or any(parse_step(step) is None for step in steps):
            raise KeptSticksError("a label or a step is none")
    return tuple(sorted(kept.sticks.items()))


def keep_sticks(folder: Path, table: StickTable) -> None:
    """Keep a table, if another one is kept; a failure is logged.

    Args:
        folder: The kiosk's own.
        table: What the vault told.
    """
    try:
        if read_sticks(folder) == tuple(sorted(table)):
            return
    except KeptSticksError as error:
        log.warning("the table of sticks is damaged, and written anew: %s", error)
    try:
        replace(folder / NAME, msgspec.json.encode(_Kept(format="pism-sticks-v1", sticks=dict(table))))
    except CaError as error:
        log.warning("%s %s", error.code, error)
