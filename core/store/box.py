"""What the store knows of the box itself: what ran on it when it was last unlocked, and its last seal.

The kiosk tells it; the vault remembers, and says when it has become another. That shows a box that was
exchanged, or on which something else was installed, as long as whoever did it did not make the kiosk lie.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from core.api.results import Runs
from core.decoding import DecodingError, json_decoder
from core.errors import StateDamagedError
from core.store import journal
from core.store.store import Store

_RUNS: Final = "runs"
_SEAL: Final = "seal"
_MAX_BYTES: Final = 4096
OF_ONE_BOX: Final = frozenset({_RUNS, _SEAL})
"""Facts that are of the very box, and say nothing of one that its backup is restored onto."""
_decode = json_decoder(Runs, _MAX_BYTES)


def read_runs(store: Store) -> Runs | None:
    """Return what ran at the last unlock by a kiosk; None where no kiosk has told.

    Raises:
        StateDamagedError: It is not what was kept (E-STATE-DAMAGED).
    """
    kept = store.fact(_RUNS)
    try:
        return None if kept is None else _decode(kept.encode())
    except DecodingError as error:
        raise StateDamagedError("what ran on the box is not readable") from error


def keep_runs(store: Store, runs: Runs | None) -> dict[str, Any]:
    """Remember what runs, and return what an entry says of it: nothing where it is the same as before.

    Args:
        store: In a transaction of the caller, who journals it there.
        runs: What a kiosk told; None: nobody did.
    """
    if runs is None or runs == read_runs(store):
        return {}
    store.set_fact(_RUNS, msgspec.json.encode(runs, order="sorted").decode())
    return {"runs": msgspec.structs.asdict(runs)}


def read_seal(store: Store) -> str:
    """Return the number of the seal that was noted last, "" where none was."""
    return store.fact(_SEAL) or ""


def keep_seal(store: Store, number: str, now: datetime) -> None:
    """Remember the number of a seal, and journal it.

    Args:
        store: In a transaction of the caller.
        number: 1 to 12 digits.
        now: Aware UTC, whole seconds.
    """
    store.set_fact(_SEAL, number)
    journal.append(store, "seal", {"number": number}, now)
