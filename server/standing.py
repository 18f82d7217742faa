"""What stands in each place, as the agent remembers it: standing.json in its state folder.

It is a memory of what was done, never of what is right: that is worked out anew each time (server.turns). A
place whose filling was cut short has no entry of it yet, so it is filled again.

Beside it, refused.json says why the last archive was refused, as long as none was taken after it. Both are
strict, bounded, and replaced whole.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from core.archive.manifest import Instant, Sha256Hex, Uuid
from core.crypto.recipients import refusing
from core.decoding import json_decoder
from core.errors import CaError, FileError
from core.files import read_bounded, replace

STANDING_FILE: Final = "standing.json"
REFUSED_FILE: Final = "refused.json"
_MAX_BYTES: Final = 4 * 1024 * 1024


class Refusal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a place, or the agent as a whole, is not as it should be.

    Args:
        code: Of the error.
        text: Of the error; no secret.
        since: When it was refused for the first time in a row.
        last: When it was tried last.
        tries: How often in a row.
        content_sha256: Of what was refused; None where it is no matter of one place.
    """

    code: str
    text: str
    since: Instant
    last: Instant
    tries: Annotated[int, Meta(ge=1)] = 1
    content_sha256: Sha256Hex | None = None


class Standing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in one place.

    Args:
        place: Its name.
        signer: UUID of the signer; None where none may stand.
        content_sha256: Over all that the place was given, and its settings; None before it was ever filled.
        since: When it was put there; None before.
        refusal: Why it is not what it should be, if so.
    """

    place: str
    signer: Uuid | None = None
    content_sha256: Sha256Hex | None = None
    since: Instant | None = None
    refusal: Refusal | None = None


class Memory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the agent remembers.

    Args:
        places: One for each place that was ever seen to.
        believed: The last time that the clock was believed; None before.
        refusal: Why nothing could be done at all, such as a wrong clock.
    """

    format: Literal["pism-standing-v1"] = "pism-standing-v1"
    places: tuple[Standing, ...] = ()
    believed: Instant | None = None
    refusal: Refusal | None = None

    def of(self, place: str) -> Standing:
        """Return what stands in a place."""
        return next((item for item in self.places if item.place == place), Standing(place=place))

    def with_standing(self, standing: Standing) -> "Memory":
        """Return the memory with what stands in one place replaced."""
        others = tuple(item for item in self.places if item.place != standing.place)
        return msgspec.structs.replace(self, places=(*others, standing))


_decode_refusal = json_decoder(Refusal, _MAX_BYTES)
_decode = json_decoder(Memory, _MAX_BYTES)


def refuse_again(
    before: Refusal | None, error: CaError, now: datetime, content_sha256: str | None = None
) -> Refusal:
    """Return a refusal; it goes on from the one before, if that was the same of the same."""
    if before is None or (before.code, before.content_sha256) != (error.code, content_sha256):
        return Refusal(code=error.code, text=str(error), since=now, last=now, content_sha256=content_sha256)
    return msgspec.structs.replace(before, text=str(error), last=now, tries=before.tries + 1)


def load_memory(state: Path) -> Memory:
    """Return what is remembered in a state folder; nothing, if there is no standing.json yet.

    Raises:
        FileError: It cannot be read, or is not to its format (E-FILE).
    """
    path = state / STANDING_FILE
    if not path.exists():
        return Memory()
    data = read_bounded(path, _MAX_BYTES)
    with refusing(FileError(f"{path} is damaged: remove it, and all places are filled anew.")):
        return _decode(data)


def save_memory(state: Path, memory: Memory) -> None:
    """Replace standing.json, durably and in one step.

    Raises:
        FileError: It cannot be written (E-FILE).
    """
    replace(state / STANDING_FILE, msgspec.json.format(msgspec.json.encode(memory), indent=1) + b"\n")


def load_refused(state: Path) -> Refusal | None:
    """Return why the last archive was refused; None if it was taken.

    Raises:
        FileError: refused.json cannot be read, or is not to its format (E-FILE).
    """
    path = state / REFUSED_FILE
    if not path.exists():
        return None
    data = read_bounded(path, _MAX_BYTES)
    with refusing(FileError(f"{path} is damaged: remove it.")):
        return _decode_refusal(data)


def save_refused(state: Path, refusal: Refusal | None) -> None:
    """Remember why the last archive was refused, or that it was taken.

    Raises:
        FileError: It cannot be written (E-FILE).
    """
    path = state / REFUSED_FILE
    if refusal is not None:
        replace(path, msgspec.json.encode(refusal) + b"\n")
    elif path.exists():
        path.unlink()
