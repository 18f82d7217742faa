"""The hash of the store's state that every journal entry carries, and the rule that ties the two together.

1. It is over all that the store holds: facts (policy, incarnation...), the summary of every block of
   certificate rows (core.store.blocks), which binds the rows with their status and the hashes of their DER
   and key bodies, CRLs, sequences, archives, and the entries before (core.store.entries).
2. What it covers changes only inside a transaction, and a transaction that changed something ends with a
   journal entry; without one it is undone. So a state that its last entry does not describe can never be
   written by us.
3. So it costs a summary for 256 certificates, and no row of what is over is read for it.

The hash never leaves the box: only the journal entries that hold it do, so it may follow the tables' shape.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from core.store.blocks import BLOCK_ROWS, Blocks
from core.store.database import Database

SMALL_TABLES = (
    "SELECT name, value FROM fact ORDER BY name",
    "SELECT kind, name, last FROM sequence ORDER BY kind, name",
    "SELECT * FROM archive ORDER BY kind, name, sequence",
    "SELECT issuer, number, this_update, next_update, body FROM crl ORDER BY issuer",
)


class Rows:
    """Base of the store's parts.

    Args:
        database: The open database.
        block_rows: The most certificates of a block.
    """

    __slots__ = ("_blocks", "_database", "_numbers", "_states", "_unjournaled")

    def __init__(self, database: Database, block_rows: int = BLOCK_ROWS) -> None:
        self._database = database
        self._blocks = Blocks(database, block_rows)
        self._numbers: dict[str, int] = {}  # of certificates that were read, by id
        self._states: dict[bytes, str] = {}  # worked out since the last change
        self._unjournaled = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all changes of a block, durably, or none of them.

        Raises:
            CaError: The database refuses (E-FILE, E-STATE-DAMAGED); nothing is changed then, as after
                any exception of the block.
        """
        if self._database.in_transaction:
            raise RuntimeError("a transaction is open already")
        try:
            with self._database.transaction():
                yield
                self._check_journaled()
        except BaseException:
            self._forget()
            raise
        finally:
            self._unjournaled = False

    def _forget(self) -> None:
        """Trust nothing remembered: a transaction was undone, or another database stands here."""
        self._blocks.forget()
        self._numbers.clear()
        self._states.clear()

    def _check_journaled(self) -> None:
        if self._unjournaled:
            raise RuntimeError("the store was changed without a journal entry after it")

    def _hash_state(self, entries: bytes) -> str:
        """Return the hash of the state as it stands.

        Args:
            entries: Digest over the entries that came before (core.store.entries).

        Returns:
            64 hex digits.

        Raises:
            CaError: The database refuses.
        """
        if entries not in self._states:
            tables = (list(self._database.rows(table)) for table in SMALL_TABLES)
            state = [self._blocks.digest(), entries, *tables]
            self._states[entries] = digest_json(state).hex()
        return self._states[entries]

    def head(self) -> int:
        """Return the sequence of the last entry as page 1 of the database has it.

        Returns:
            0 in a store that is being made.
        """
        return self._database.number("PRAGMA user_version")

    def _change(self) -> None:
        """Take note that the state is about to change."""
        if not self._database.in_transaction:
            raise RuntimeError("the store changes inside a transaction only")
        self._unjournaled = True
        self._states.clear()


def digest_json(value: list[Any]) -> bytes:
    """Return the SHA-256 over rows: JSON of text, integers, null and base64 is the same of the same rows."""
    return hashlib.sha256(msgspec.json.encode(value)).digest()
