"""Backup keys on probation: what a change of the policy brings gets nothing before the box was off once.

Whoever drives an unlocked session, such as a kiosk that was taken over, could approve a policy of its own and
have a full backup encrypted to a key of its own. One process has panel and keypad, so that cannot be
prevented; it is bounded, and seen:

1. A key that no backup had before waits, and with it stands the boot in which it was approved. The first
   policy of an authority is exempt: there is nothing to take yet.
2. Backups are encrypted to the other keys meanwhile; where there is no other, none is made.
3. It is taken in another boot, when the operator says yes to its words once more (core.authority).
4. Egresses do not wait: they hold no key of a root.

It is kept beside the policy, in a fact of the store; a restore takes it along.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from core.decoding import DecodingError, json_decoder
from core.errors import PolicyError, ProbationError
from core.policy.policy import Facts, Policy

MAX_BYTES: Final = 1024 * 1024
_FACT: Final = "probation"
_decode = json_decoder(dict[str, str], MAX_BYTES)


def read_probation(facts: Facts) -> dict[str, str]:
    """Return the keys that wait, each with the id of the boot in which it was approved.

    Raises:
        PolicyError: The fact does not fit its format (E-POLICY).
    """
    try:
        return _decode((facts.fact(_FACT) or "{}").encode())
    except DecodingError as error:
        raise PolicyError(f"the keys on probation do not fit their format: {error}") from None


def put_on_probation(facts: Facts, old: Policy, new: Policy, boot_id: str) -> tuple[str, ...]:
    """Let the backup keys wait that a policy brings; return them. Those that it drops wait no more.

    Args:
        facts: Of the store, in the transaction that pins the policy.
        old: The policy in force until now.
        new: The one that takes its place.
        boot_id: Of the kernel that runs.
    """
    waiting = read_probation(facts)
    brought = tuple(key for key in backup_keys(new) if key not in backup_keys(old))
    kept = {key: boot for key, boot in waiting.items() if key in backup_keys(new)}
    _keep(facts, waiting, kept | dict.fromkeys(brought, boot_id))
    return brought


def take_off_probation(facts: Facts, keys: Iterable[str], boot_id: str) -> None:
    """Let keys get backups from now on.

    Args:
        facts: Of the store, in a transaction of the caller, who journals it there.
        keys: Whose words the operator has said yes to.
        boot_id: Of the kernel that runs.

    Raises:
        ProbationError: One does not wait, or was approved in this very boot (E-PROBATION).
    """
    waiting = read_probation(facts)
    taken = frozenset(keys)
    if not taken <= may_be_taken(waiting, boot_id):
        raise ProbationError("a key does not wait, or the box was not off since it was approved")
    _keep(facts, waiting, {key: boot for key, boot in waiting.items() if key not in taken})


def may_be_taken(waiting: Mapping[str, str], boot_id: str) -> frozenset[str]:
    """Return the keys that the operator may be asked about in this boot."""
    return frozenset(key for key, boot in waiting.items() if boot != boot_id)


def backup_keys(policy: Policy) -> tuple[str, ...]:
    """Return every key that a backup of the policy is encrypted to, each once."""
    return tuple(dict.fromkeys(key for backup in policy.backups.values() for key in backup.recipients))


def _keep(facts: Facts, before: Mapping[str, str], waiting: Mapping[str, str]) -> None:
    if waiting != before:
        facts.set_fact(_FACT, msgspec.json.encode(waiting, order="sorted").decode())
