"""What is done with a passphrase: the unlock is journaled, another one is taken, all is encrypted anew.

1. A passphrase is counted as wrong before it is looked at (core.store.attempts). The journal has what
   was done and the wrong passphrases before it, or it was not done.
2. A time that is not believed does not become the journal's: such an unlock is dated as the entry before it,
   and says what the clock said.
3. A store of before format 2 gets its box key with the first unlock, journaled as an act of its own.
"""

from datetime import datetime
from pathlib import Path

from core.api.results import Runs
from core.archive.box_key import has_box_key, make_box_key
from core.authority.clock import clock_code, last_time
from core.crypto.passphrase import begin
from core.crypto.process import Boot
from core.files import read_bounded
from core.policy.policy import Policy
from core.progress import Report
from core.store import attempts, journal
from core.store.box import keep_runs
from core.store.folder import KEYSLOTS, MAX_KEYSLOTS_BYTES, STORE
from core.store.keyslots import KdfCost, recognition_words
from core.store.store import Store, is_provisioned
from core.times import format_time


def journal_unlock(store: Store, policy: Policy, state: Path, now: datetime, runs: Runs | None) -> int:
    """Journal an unlock and the failed ones before it, forget those, and return how many they were.

    Args:
        store: Open, in no transaction.
        policy: The approved policy.
        state: Where failed unlocks are counted (core.store.attempts).
        now: What the clock says, aware UTC, whole seconds.
        runs: What runs on the box; None where no kiosk asks.
    """
    counted = attempts.read_attempts(state)
    detail = attempts.tell_failed(counted)
    time = now
    if clock_code(store, policy, now):
        time = last_time(store)
        detail["clock"] = format_time(now)
    with store.transaction():
        if not has_box_key(store):
            journal.append(store, "box-key", {"box_key": make_box_key(store)}, time)
        journal.append(store, "unlock", detail | keep_runs(store, runs), time)
    attempts.clear(state)
    return max(0, counted.count - 1)


def recognize(state: Path, passphrase: bytes) -> tuple[str, ...]:
    """Return the words by which an operator knows this box, after the beginning of a passphrase.

    Args:
        state: The state folder, open or not.
        passphrase: Canonical; right or wrong, whole or begun.

    Returns:
        Two words; none where it has fewer than three words, or there is no authority.

    Raises:
        StateDamagedError: The keyslots cannot be used (E-STATE-DAMAGED).
        FileError: They cannot be read (E-FILE).
    """
    beginning = begin(passphrase)
    if not beginning or not is_provisioned(state):
        return ()
    data = read_bounded(state / STORE / KEYSLOTS, MAX_KEYSLOTS_BYTES, follow=False)
    return recognition_words(data, beginning)


def change_passphrase(  # noqa: PLR0917  in the order of the facade
    store: Store, old: bytes, new: bytes, cost: KdfCost, now: datetime, boot: Boot
) -> None:
    """Wrap the master key under another passphrase.

    Args:
        store: Open, in no transaction.
        old: The present passphrase, canonical.
        new: The next one, canonical and strong.
        cost: What a guess shall cost.
        now: Aware UTC, whole seconds.
        boot: This boot and its uptime.

    Raises:
        PassphraseWaitError: Too early after wrong ones (E-PASSPHRASE-WAIT).
        PassphraseWrongError: The old one does not fit (E-PASSPHRASE-WRONG).
        FileError: The system refused; the old one holds (E-FILE).
    """
    with attempts.counting(store.state_folder, boot, now) as failed, store.transaction():
        # The entry first: keyslots are files, and what the journal refuses must not reach them.
        journal.append(store, "passphrase", failed, now)
        store.change_passphrase(old, new, cost)


def rekey(  # noqa: PLR0917  in the order of the facade
    store: Store, passphrase: bytes, cost: KdfCost, now: datetime, boot: Boot, report: Report
) -> None:
    """Encrypt everything anew under a new master key; the passphrase stays.

    Args:
        store: Open, in no transaction.
        passphrase: The present one, canonical.
        cost: What a guess shall cost.
        now: Aware UTC, whole seconds.
        boot: This boot and its uptime.
        report: Told (steps done, steps in all, what); may raise StoppedError.

    Raises:
        PassphraseWaitError: Too early after wrong ones (E-PASSPHRASE-WAIT).
        PassphraseWrongError: It does not fit (E-PASSPHRASE-WRONG).
        FileError: No space for a second store, or the system refused; nothing is changed (E-FILE).
    """
    with attempts.counting(store.state_folder, boot, now) as failed:
        detail = {"rekey": True, **failed}
        store.rekey(passphrase, cost, lambda copy: journal.append(copy, "passphrase", detail, now), report)
