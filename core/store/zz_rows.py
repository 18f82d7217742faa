"""What the parts of the store stand on: the database, the state hash, and the rule of the journal.

Rules:
1. Whatever the journal's state hash covers changes only inside a transaction.
2. A transaction that changed something ends with a journal entry; without one it is undone. So a state
   that its last entry does not describe can never be written by us.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from core.store.database import Database
from core.store.state_hash import StateHash


class Rows:
    """Base of the store's parts.

    Args:
        database: The open database.
    """

    __slots__ = ("_database", "_hash", "_ids", "_unjournaled")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hash = StateHash(database)
        self._ids: dict[str, int] = {}
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
            self._hash.forget()
            self._ids.clear()
            raise
        finally:
            self._unjournaled = False

    def _check_journaled(self) -> None:
        if self._unjournaled:
            raise RuntimeError("the store was changed without a journal entry after it")

    def state_hash(self) -> str:
        """Return the hash of the state as it stands, 64 hex digits.

        Returns:
            The hash that a journal entry made now would hold.

        Raises:
            CaError: The database refuses.
        """
        return self._hash.compute()

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
