"""Wrong passphrases: counted outside the store in attempts.json, the wait after them, and the wipe.

1. An attempt counts as wrong before the passphrase is looked at: the count is written, synced and read
   back first, so that pulling the plug gains nothing. A right passphrase takes it back (`clear`). So some may
   have been cut off by a power cut, whatever was typed: what is said of the count speaks of failed ones.
2. After n wrong ones the next may come 2^n - 1 seconds later, 15 minutes at most. The wait restarts whole
   at a new boot: with no clock to trust, it then runs from the start of that boot.
3. No more than the last 32 times are kept, for the journal; the count goes on.
4. A file that is not what this module writes was damaged or tampered with: it counts as the longest wait,
   from the start of this boot, and is marked as damaged. It never locks out for ever.
5. Nothing is wiped unless `kiosk.wipe_after` is set; the authority then lives on in its backups only. The
   store leaves its name in one step, so a kill leaves either a store or none, and what is left of it is
   swept when the folder is next entered (core.store.folder). The keyslots go first: without them nobody
   opens the rest.

Who can delete the file can copy the keyslots as well and guess elsewhere: the wait stops fingers on the
keypad, the key derivation stops the rest. Flash keeps what was erased for a while: the passphrase, and not
the wipe, protects a stolen card. The caller holds the lock of the state folder.
"""

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from core.crypto.process import Boot
from core.decoding import json_decoder
from core.errors import FileError, PassphraseWaitError, StateWipedError
from core.files import fsync_folder, read_bounded, replace
from core.store.folder import ATTEMPTS, KEYSLOTS, NEW_PREFIX, Folder
from core.times import format_time, parse_time

MAX_WAIT_S = 900
MAX_TIMES = 32
_MAX_COUNT = 1_000_000  # the count stops here; nobody types that often
_LONGEST = 10  # 2^10 - 1 s is above the longest wait
_MAX_BYTES = 4096
_MAX_BOOT_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The wrong passphrases since the last right one.

    Args:
        count: How many.
        times: When the last of them were, aware UTC, by the clock of then; 32 at most.
        boot_id: The boot in which the last one was.
        uptime_ms: Milliseconds from the start of that boot to it.
        damaged: Whether the file had been damaged or tampered with.
    """

    count: int = 0
    times: tuple[datetime, ...] = ()
    boot_id: str = ""
    uptime_ms: int = 0
    damaged: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["pism-attempts-v1"]
    count: int
    times: list[str]
    boot_id: str
    uptime_ms: int
    damaged: bool


_decode_file = json_decoder(_File, _MAX_BYTES)


def begin(state: Path, boot: Boot, now: datetime) -> Attempts:
    """Count an attempt as wrong, durably, before its passphrase is looked at.

    Args:
        state: The state folder, locked by the caller.
        boot: This boot and its uptime.
        now: Aware UTC; only kept for the journal.

    Returns:
        The count with this attempt.

    Raises:
        PassphraseWaitError: Too early after wrong ones; nothing is counted (E-PASSPHRASE-WAIT).
        FileError: The count cannot be written, so no passphrase is looked at (E-FILE).
    """
    former = read_attempts(state)
    if remaining := wait_s(former, boot):
        raise PassphraseWaitError(remaining)
    attempts = Attempts(
        count=min(former.count + 1, _MAX_COUNT),
        times=(*former.times, now.astimezone(UTC).replace(microsecond=0))[-MAX_TIMES:],
        boot_id=boot.id[:_MAX_BOOT_ID],
        uptime_ms=_milliseconds(boot),
        damaged=former.damaged,
    )
    write_attempts(state, attempts)
    return attempts


@contextmanager
def counting(state: Path, boot: Boot, now: datetime) -> Iterator[dict[str, object]]:
    """Count an attempt for a block that looks at its passphrase; a block that ends well takes it back.

    Args:
        state: The state folder, locked by the caller.
        boot: This boot and its uptime.
        now: Aware UTC; only kept for the journal.

    Yields:
        What the journal is told of the wrong ones before it.

    Raises:
        PassphraseWaitError: Too early after wrong ones; nothing is counted (E-PASSPHRASE-WAIT).
        FileError: The count cannot be written, so no passphrase is looked at (E-FILE).
    """
    yield tell_failed(begin(state, boot, now))
    clear(state)


def tell_failed(attempts: Attempts) -> dict[str, object]:
    """Return what the journal is told of wrong passphrases.

    Args:
        attempts: As counted; the last of them is the one that was right.

    Returns:
        How many came before it, when, and whether the count was tampered with.
    """
    failed = max(0, attempts.count - 1)
    detail: dict[str, object] = {"failed": failed}
    if failed:
        detail["failed_at"] = [format_time(time) for time in attempts.times[:-1]]
    if attempts.damaged:
        detail["count_damaged"] = True
    return detail


def write_attempts(state: Path, attempts: Attempts) -> None:
    """Write the count durably, and read it back.

    Args:
        state: The state folder, locked by the caller.
        attempts: What is to stand there.

    Raises:
        FileError: The count cannot be written (E-FILE).
    """
    path = state / ATTEMPTS
    if path.is_dir() and not path.is_symlink():  # no file can take its place: rule 4
        shutil.rmtree(path, ignore_errors=True)
    replace(path, _encode(attempts))  # which reads back what it wrote


def clear(state: Path) -> None:
    """Forget the wrong passphrases, once the journal has them.

    Args:
        state: The state folder, locked by the caller.

    Raises:
        FileError: The system refused (E-FILE).
    """
    try:
        (state / ATTEMPTS).unlink(missing_ok=True)
        fsync_folder(state)
    except OSError as error:
        raise FileError(f"cannot remove {state / ATTEMPTS}: {error.strerror}") from error


def read_attempts(state: Path) -> Attempts:
    """Return the wrong passphrases since the last right one.

    Args:
        state: The state folder, which may be missing.

    Returns:
        What was counted; none without a file, the longest wait for a damaged one (rule 4).
    """
    path = state / ATTEMPTS
    try:
        if not path.is_symlink() and not path.exists():
            return Attempts()
        return _decode(read_bounded(path, _MAX_BYTES, follow=False))
    except (FileError, OSError, ValueError):
        return Attempts(count=_LONGEST, damaged=True)


def wait_s(attempts: Attempts, boot: Boot) -> int:
    """Return how long the next attempt has to wait (rule 2).

    Args:
        attempts: What was counted.
        boot: This boot and its uptime.

    Returns:
        Whole seconds, 0 to 900.
    """
    whole = min((1 << min(attempts.count, _LONGEST)) - 1, MAX_WAIT_S)
    now_ms = _milliseconds(boot)
    # An uptime that has not come yet was not written in this boot, whatever the file says.
    same = attempts.boot_id == boot.id[:_MAX_BOOT_ID] and attempts.uptime_ms <= now_ms
    since_ms = attempts.uptime_ms if same else 0
    return max(0, math.ceil((since_ms - now_ms) / 1000 + whole))


def _milliseconds(boot: Boot) -> int:
    return int(boot.uptime_s * 1000)


def _encode(attempts: Attempts) -> bytes:
    times = [format_time(each) for each in attempts.times]
    return msgspec.json.encode(
        _File(
            format="pism-attempts-v1",
            count=attempts.count,
            times=times,
            boot_id=attempts.boot_id,
            uptime_ms=attempts.uptime_ms,
            damaged=attempts.damaged,
        )
    )


def _decode(data: bytes) -> Attempts:
    file = _decode_file(data)
    attempts = Attempts(
        count=file.count,
        times=tuple(parse_time(each) for each in file.times),
        boot_id=file.boot_id,
        uptime_ms=file.uptime_ms,
        damaged=file.damaged,
    )
    sizes_fit = 1 <= file.count <= _MAX_COUNT and len(file.times) <= MAX_TIMES and file.uptime_ms >= 0
    # Compared whole: there is one way to write a count.
    if not sizes_fit or len(file.boot_id) > _MAX_BOOT_ID or _encode(attempts) != data:
        raise ValueError("not a file of ours")
    return attempts


def wipe_state(state: Path) -> None:
    """Destroy the store of a state folder and the count of wrong passphrases.

    Args:
        state: The state folder.

    Raises:
        StateError: There is none, or it is not ours alone (E-STATE-...).
        FileError: The system refused (E-FILE).
    """
    folder = Folder.enter(state)
    try:
        doomed = state / f"{NEW_PREFIX}wiped"
        folder.store.rename(doomed)
        fsync_folder(state)
        (doomed / KEYSLOTS).unlink(missing_ok=True)
        fsync_folder(doomed)
        shutil.rmtree(doomed)
        clear(state)
    except OSError as error:
        raise FileError(f"cannot wipe {state}: {error.strerror}") from error
    finally:
        folder.close()


def wipe_if_due(state: Path, failed_attempts: int, wipe_after: int | None) -> None:
    """Wipe after that many wrong passphrases in a row, and say so.

    Args:
        state: The state folder.
        failed_attempts: As counted, the last one included.
        wipe_after: From config.yaml; None never wipes.

    Raises:
        StateWipedError: It was due, and is done (E-STATE-WIPED).
        CaError: It was due, and failed; as wipe_state.
    """
    if wipe_after is not None and failed_attempts >= wipe_after:
        wipe_state(state)
        raise StateWipedError(f"{failed_attempts} tries in a row ended in no unlock: the store was wiped")
