"""The hash of the store's state that every journal entry carries.

It is over all that the store holds but the journal itself: facts (policy, incarnation...), every
certificate row with its status and the hashes of its DER and key bodies, CRLs, sequences, archives.

Certificate rows are hashed in blocks of 256, and the blocks' hashes are hashed with the rest. A block is
computed from the table when it is first asked for and again after one of its rows changed, so that an
entry after a batch reads that batch and not the whole store. The hash never leaves the box: only the
journal entries that hold it do, so it may follow the tables' own shape.
"""

import hashlib
from typing import Any

import msgspec

from core.store.database import Database
from core.errors import StateDamagedError

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
