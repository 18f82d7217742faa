"""The card that the box runs from, where it is one of ours (systemd/image): its state, and its root's hash.

Rules:

1. What is no card of ours (a package on a Debian system) has no such thing, and is asked nothing.
2. Without its state a card's box does not start: what it would keep would lie in memory, and look like an
   authority.
3. The hash is that of the device that `/` is on, as its name has it; who could forge the name could forge the
   kernel.

Left to others: looking at the state, growing and mounting it (systemd/image/card_state.py, as root, before).
"""

import re
from pathlib import Path
from typing import Final

from hw.errors import CardDamagedError, CardError, CardOtherError, CardStateError

_OURS: Final = "usr/lib/pism/card-state"
_MOUNTED: Final = "run/pism-card/mounted"
_REFUSED: Final = "run/pism-card/refused"
_MOST_CHARACTERS: Final = 400
_ERRORS: Final = {
    error.code: error for error in (CardError, CardStateError, CardDamagedError, CardOtherError)
}
_UUID: Final = re.compile(r"PISM-VERITY-([0-9a-f]{64})")


def require_state(root: Path = Path("/")) -> None:
    """Refuse a card whose state is not there.

    Args:
        root: Below it lie usr and run.

    Raises:
        CardError, CardStateError, CardDamagedError, CardOtherError: As the look at it has left it
        (E-CARD...).
    """
    if not (root / _OURS).exists() or (root / _MOUNTED).exists():
        return
    try:
        told = (root / _REFUSED).read_text(encoding="utf-8", errors="replace")[:_MOST_CHARACTERS]
    except OSError:
        told = ""
    code, _, why = told.strip().partition(" ")
    raise _ERRORS.get(code, CardError)(why or "nobody has looked at the state partition")


def read_root_hash(root: Path = Path("/")) -> str | None:
    """Return what the root is verified by; see hw.ports.Condition.

    Args:
        root: Below it lie usr, proc and sys.
    """
    if not (root / _OURS).exists():
        return None
    try:
        mounts = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        (number,) = {line.split(" ")[2] for line in mounts.splitlines() if line.split(" ")[4] == "/"}
        named = (root / "sys/dev/block" / number / "dm/uuid").read_text(encoding="ascii", errors="replace")
    except (OSError, ValueError, IndexError):
        return ""
    found = _UUID.fullmatch(named.strip())
    return found[1] if found else ""
