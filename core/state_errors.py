"""What is refused of passphrases, the state folder, its journal and the clock; core.errors has them all."""

from core.refusal import CaError


class PassphraseError(CaError):
    """Something is wrong with a passphrase."""

    code = "E-PASSPHRASE"


class PassphraseWeakError(PassphraseError):
    """The passphrase is estimated under 64 bits, too long, or holds control characters."""

    code = "E-PASSPHRASE-WEAK"
    action = ("Take 8 random words",)


class PassphraseWrongError(PassphraseError):
    """The passphrase opens no keyslot."""

    code = "E-PASSPHRASE-WRONG"
    action = ("Check the words and", "try again")


class PassphraseWaitError(PassphraseError):
    """After wrong passphrases the next try must wait.

    Args:
        wait_s: Whole seconds until the next try is looked at.
    """

    code = "E-PASSPHRASE-WAIT"
    action = ("Wait, then try again",)

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s after wrong passphrases")
        self.wait_s = wait_s


class StateError(CaError):
    """The state folder cannot be used."""

    code = "E-STATE"


class StateExistsError(StateError):
    """There is a state already; nothing overwrites it."""

    code = "E-STATE-EXISTS"
    action = ("This box is set up", "already: unlock it")


class StateMissingError(StateError):
    """There is no state yet."""

    code = "E-STATE-MISSING"
    action = ("Set this box up first",)


class StateLockedError(StateError):
    """Another process has the state open."""

    code = "E-STATE-LOCKED"
    action = ("Close the other", "session first")


class StateModeError(StateError):
    """The state folder has another owner or is open to others."""

    code = "E-STATE-MODE"
    action = ("Set owner pism-vault,", "mode 0700")


class StateDamagedError(StateError):
    """The store was truncated, emptied or altered."""

    code = "E-STATE-DAMAGED"
    action = ("Restore a backup on", "a new card")


class StateOldError(StateError):
    """An older copy of the state was put back: a stick carries a newer receipt."""

    code = "E-STATE-OLD"
    action = ("Restore the newest", "backup")


class StateWipedError(StateError):
    """Too many wrong passphrases: the store was destroyed, as config.yaml asks."""

    code = "E-STATE-WIPED"
    action = ("Restore a backup",)


class SwapError(CaError):
    """The system swaps memory to a disk, so a key could end up there in the clear."""

    code = "E-SWAP"
    action = ("Turn swap off: see", "docs/hardware.md,", "Installation")


class JournalError(CaError):
    """The journal's hash chain, or its hash of the state, does not hold."""

    code = "E-JOURNAL"
    action = ("Restore a backup on", "a new card")


class ClockError(CaError):
    """The time cannot be trusted."""

    code = "E-CLOCK"
    action = ("Set the clock in the", "menu")


class ClockBehindError(ClockError):
    """The clock is behind the last journal entry."""

    code = "E-CLOCK-BEHIND"


class ClockAheadError(ClockError):
    """The clock is further ahead of the last entry than a visit plus spread."""

    code = "E-CLOCK-AHEAD"
