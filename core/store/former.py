"""A store from before there were summaries gets the tables of this version, once, when it is opened.

1. It is proven first, whole, as that version proved it at each unlock: pages, rows, bodies, chain, and the
   hash over the state as that version made it.
2. The tables are made and filled in one transaction, which ends with a journal entry of its own, `tables`; a
   kill leaves the store as it was.
3. The entry has the time of the one before: no clock is asked, and none is believed by it.
"""

import hashlib
from typing import Any, Final

from core.errors import JournalError, StateDamagedError
from core.store import journal
from core.store.database import Database
from core.store.entries import EntryRows
from core.store.journal import Entry
from core.store.state_hash import SMALL_TABLES, digest_json

_BLOCK: Final = 256
_ROWS: Final = """SELECT number, id, kind, record, entry, sha256, key_sha256, revoked_at, reason,
    der.body, private_key.body
    FROM certificate LEFT JOIN der USING (number) LEFT JOIN private_key USING (number) ORDER BY number"""


class FormerStore(EntryRows):
    """A store of the version before, while it is brought up to date.

    Args:
        database: The open database.
    """

    __slots__ = ()

    def bring_up_to_date(self) -> None:
        """Prove the store, and give it the tables of this version.

        Raises:
            JournalError: The store is not what its journal says (E-JOURNAL).
            StateDamagedError: A page, row or body is not what it was (E-STATE-DAMAGED).
            FileError: No space is left; nothing is changed (E-FILE).
        """
        with self.transaction():
            last = self._prove()
            self._database.add_tables()
            self._blocks.summarize_all()
            for entry in self.entries():
                self.list_entry(entry)
            self._change()
            journal.append(self, "tables", {"version": 2}, last.time)

    def _prove(self) -> Entry:
        """Prove the store by the rules of its version, and return its last entry."""
        self._database.check_structure()
        state = _hash_state(self._database)
        last: Entry | None = None
        for entry in self.entries():
            last = entry
        if last is None or last.state != state:
            raise JournalError("the store is not in the state that its journal's last entry describes")
        return last


def _hash_state(database: Database) -> str:
    """Return the hash over the state as the version before made it, every body proven on the way."""
    sha256 = hashlib.sha256
    blocks: list[bytes] = []
    rows: list[Any] = []
    number = keys = 0
    for *row, der, key in database.rows(_ROWS):
        number += 1
        fits = der is not None and sha256(der).digest() == row[5] and (key and sha256(key).digest()) == row[6]
        if row[0] != number or not fits:
            raise StateDamagedError(f"certificate {number} of the store is missing or altered")
        keys += key is not None
        rows.append(row)
        if len(rows) == _BLOCK:
            blocks.append(digest_json(rows))
            rows.clear()
    if rows:
        blocks.append(digest_json(rows))
    for table, count in (("der", number), ("private_key", keys)):
        if database.number(f"SELECT count(*) FROM {table}") != count:  # noqa: S608 (two constants)
            raise StateDamagedError(f"the table {table} of the store holds rows that no certificate has")
    return digest_json([blocks, *(list(database.rows(table)) for table in SMALL_TABLES)]).hex()
