"""The hash of the store's state that every journal entry carries, and the rule that ties the two together.

1. It is over all that the store holds but the journal itself: facts (policy, incarnation...), every
   certificate row with its status and the hashes of its DER and key bodies, CRLs, sequences, archives.
2. What it covers changes only inside a transaction, and a transaction that changed something ends with a
   journal entry; without one it is undone. So a state that its last entry does not describe can never be
   written by us.
3. Certificate rows are hashed in blocks of 256, and the blocks' hashes with the rest. A block is computed
   from the table when it is first wanted and again after one of its rows changed, so that an entry after a
   batch reads that batch and not the whole store.

The hash never leaves the box: only the journal entries that hold it do, so it may follow the tables' shape.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from core.errors import StateDamagedError
from core.store.database import Database

_BLOCK = 256
_ROWS = """SELECT number, id, kind, record, entry, sha256, key_sha256, revoked_at, reason
    FROM certificate WHERE number BETWEEN ? AND ? ORDER BY number"""

_ROWS_AND_BODIES = """SELECT number, id, kind, record, entry, sha256, key_sha256, revoked_at, reason,
    der.body, private_key.body
    FROM certificate LEFT JOIN der USING (number) LEFT JOIN private_key USING (number) ORDER BY number"""

_SMALL_TABLES = (
    "SELECT name, value FROM fact ORDER BY name",
    "SELECT kind, name, last FROM sequence ORDER BY kind, name",
    "SELECT * FROM archive ORDER BY kind, name, sequence",
    "SELECT issuer, number, this_update, next_update, body FROM crl ORDER BY issuer",
)


class StateHash:
    """Computes the hash; remembers blocks that have not changed.

    Args:
        database: The open database.
    """

    __slots__ = ("_blocks", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks: dict[int, bytes] = {}

    def forget(self) -> None:
        """Trust nothing remembered: a transaction was undone."""
        self._blocks.clear()

    def changed(self, number: int) -> None:
        """Take note that a certificate row is new or other than before.

        Args:
            number: The row's number, from 1.
        """
        self._blocks.pop((number - 1) // _BLOCK, None)

    def compute(self) -> str:
        """Return the hash of the state as it stands.

        Returns:
            64 hex digits.

        Raises:
            CaError: The database refuses.
        """
        last = self._database.number("SELECT max(number) FROM certificate")
        for block in range(-(-last // _BLOCK)):
            if block not in self._blocks:
                rows = self._database.rows(_ROWS, (block * _BLOCK + 1, (block + 1) * _BLOCK))
                self._blocks[block] = _digest(list(rows))
        blocks = [self._blocks[block] for block in range(-(-last // _BLOCK))]
        return _digest([blocks, *(list(self._database.rows(table)) for table in _SMALL_TABLES)]).hex()

    def check_bodies(self) -> None:
        """Read every certificate row with its DER and key, and check the bodies against the row.

        Raises:
            StateDamagedError: A row or body is missing, too many or altered (E-STATE-DAMAGED).
        """
        self.forget()
        sha256 = hashlib.sha256
        rows: list[tuple[Any, ...]] = []
        number = keys = 0
        for *row, der, key in self._database.rows(_ROWS_AND_BODIES):
            number += 1
            if row[0] != number or der is None or sha256(der).digest() != row[5]:
                raise StateDamagedError(f"certificate {number} of the store is missing or altered")
            if (key and sha256(key).digest()) != row[6]:
                raise StateDamagedError(f"the key of certificate {number} of the store is missing or altered")
            keys += key is not None
            rows.append(tuple(row))
            if len(rows) == _BLOCK:
                self._blocks[(number - 1) // _BLOCK] = _digest(rows)
                rows.clear()
        for table, count in (("der", number), ("private_key", keys)):
            if self._database.number(f"SELECT count(*) FROM {table}") != count:  # noqa: S608 (two constants)
                raise StateDamagedError(f"the table {table} of the store holds rows that no certificate has")


def _digest(value: list[Any]) -> bytes:
    # JSON of text, integers, null and base64 is the same whenever it is made from the same rows.
    return hashlib.sha256(msgspec.json.encode(value)).digest()


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
