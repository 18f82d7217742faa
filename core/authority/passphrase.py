"""The journal entry of an unlock, with the failed ones before it.

Rule: a time that is not believed must not become the journal's: such an unlock is dated as the entry before
it, and says what the clock said.
"""

from datetime import datetime
from pathlib import Path

from core.store import attempts
from core.store import journal
from core.authority.clock import clock_code, last_time
from core.policy.policy import Policy
from core.times import write_stamp
from core.store.store import Store


def journal_unlock(store: Store, policy: Policy, state: Path, now: datetime) -> int:
    """Journal an unlock and the failed ones before it, forget those, and return how many they were.

    Args:
        store: Open, in no transaction.
        policy: The approved policy.
        state: Where failed unlocks are counted (core.store.attempts).
        now: What the clock says, aware UTC, whole seconds.
    """
    counted = attempts.read_attempts(state)
    detail = attempts.tell_failed(counted)
    time = now
    if clock_code(store, policy, now):
        time = last_time(store)
        detail["clock"] = write_stamp(now)
    with store.transaction():
        journal.append(store, "unlock", detail, time)
    attempts.clear(state)
    return max(0, counted.count - 1)
