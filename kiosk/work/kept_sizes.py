"""How large the last archive of each step was, kept so that a locked box knows a stick that is too small.

1. It is an estimate and shown only: the job itself asks the vault (kiosk.work.room).
2. A size is no secret: it is that of a file which every stick shows. Nothing else is kept.
3. It is written in one step when a size is another, and read strictly and within a bound; a damaged one
   counts for nothing. One that cannot be written is said in the log, and costs nothing else.
"""

import logging
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from core.decoding import DecodingError, json_decoder
from core.errors import CaError
from core.files import read_bounded, replace

log = logging.getLogger(__name__)

NAME: Final = "sizes.json"
MAX_BYTES: Final = 64 * 1024
MAX_STEPS: Final = 1000
_Bytes = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
_Step = Annotated[str, msgspec.Meta(max_length=40)]


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["pism-sizes-v1"]
    bytes: dict[_Step, _Bytes]


_decode = json_decoder(_Kept, MAX_BYTES)


def read_sizes(folder: Path) -> dict[str, int]:
    """Return the sizes of the last archives with their papers, in bytes by step; none where none are known.

    Args:
        folder: The kiosk's own.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        return dict(_decode(read_bounded(path, MAX_BYTES)).bytes)
    except (CaError, DecodingError) as error:
        log.warning("the sizes of archives are damaged: %s", error)
        return {}


def keep_sizes(folder: Path, sizes: dict[str, int]) -> None:
    """Keep sizes in place of those of the same steps; a failure is logged.

    Args:
        folder: The kiosk's own.
        sizes: In bytes by step.
    """
    before = read_sizes(folder)
    after = before | sizes
    if after == before:
        return
    if len(after) > MAX_STEPS:  # names of policies long gone
        after = sizes
    try:
        replace(folder / NAME, msgspec.json.encode(_Kept(format="pism-sizes-v1", bytes=after)))
    except CaError as error:
        log.warning("%s %s", error.code, error)
