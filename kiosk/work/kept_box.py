"""What the kiosk remembers of its own box, so that a locked one can say that something has changed.

Rules:

1. It is shown only, and compared after the unlock with what the vault remembers: whoever has the card can
   write this file.
2. It is written in one step; one that cannot be written is said in the log, and costs nothing else.
3. It is read strictly and within a bound. A damaged one counts for nothing, and the screen says so.
"""

import logging
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from core.api.results import Runs
from core.decoding import DecodingError, json_decoder
from core.errors import CaError
from core.files import read_bounded, replace

log = logging.getLogger(__name__)

NAME: Final = "box.json"
MAX_BYTES: Final = 4096


class KeptBoxError(Exception):
    """The file is damaged; the text says how."""


class KeptBox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered.

    Args:
        runs: What ran at the last unlock; None before the first.
        seal: Number of the seal that it was put away under last; "" for none.
    """

    format: Literal["pism-box-v1"] = "pism-box-v1"
    runs: Runs | None = None
    seal: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{0,12}\Z")] = ""


_decode = json_decoder(KeptBox, MAX_BYTES)


def read_box(folder: Path) -> KeptBox:
    """Return what is remembered; nothing where nothing was kept yet.

    Args:
        folder: The kiosk's own.

    Raises:
        KeptBoxError: The file is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return KeptBox()
    try:
        return _decode(read_bounded(path, MAX_BYTES))
    except (CaError, DecodingError) as error:
        raise KeptBoxError(str(error)) from error


def keep_box(folder: Path, box: KeptBox) -> None:
    """Remember that, if something else is remembered; a failure is logged.

    Args:
        folder: The kiosk's own.
        box: What holds now.
    """
    try:
        if read_box(folder) == box:
            return
    except KeptBoxError as error:
        log.warning("what was remembered of the box is damaged, and written anew: %s", error)
    try:
        replace(folder / NAME, msgspec.json.encode(box))
    except CaError as error:
        log.warning("%s %s", error.code, error)
