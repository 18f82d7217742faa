"""Certificate rows in blocks, and of each block a summary that says whether it can matter.

1. A block is a run of rows, 256 at most, of signers only or of roots and seals only: a root that lasts for
   decades keeps no block of signers in use that were over long ago.
2. Its summary holds the digest of its rows, and what decides without them: the last instant at which one of
   them is valid, how many keys are left and how many are revoked, when the last one was, which entries issued
   them.
3. Summaries are under the state's hash, so they are proven with the journal's last entry. A block is read
   whole, by primary key, and compared with its digest before any of its rows is used: what is read is proven,
   and what is not read decides nothing.
4. A row changes only in a block that was read and proven, and the new digest is over what was proven and
   changed, never over what the table has: a page that was put back is not taken over into a new digest.

`check_all` reads all of it and works out every summary anew.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from core.certificate import Certificate
from core.errors import StateDamagedError
from core.store.database import Database
from core.store.rows import Row, read_row

BLOCK_ROWS: Final = 256
_KEPT_ROWS: Final = 4096  # that stay in memory: what a large house has live, about 5 MB
_COLUMNS: Final = "number, id, kind, record, entry, sha256, key_sha256, revoked_at, reason"


class Block(NamedTuple):
    """The summary of a block; a row of the table `block`.

    Args:
        first: Number of its first row.
        last: Number of its last row.
        signers: 1: signers only; 0: roots and seals only.
        not_after: The last second at which any of them is valid, Unix seconds.
        keys: How many have their private key here.
        revoked: How many are revoked.
        revoked_at: When the last one was, Unix seconds; 0: none is.
        first_entry: Sequence of the first journal entry that issued one.
        last_entry: Sequence of the last one.
        digest: SHA-256 over the rows.
    """

    first: int
    last: int
    signers: int
    not_after: int
    keys: int
    revoked: int
    revoked_at: int
    first_entry: int
    last_entry: int
    digest: bytes

    @property
    def size(self) -> int:
        """How many rows it has."""
        return self.last - self.first + 1


class _Proven(NamedTuple):
    """The rows of a block, and what they say."""

    rows: tuple[Row, ...]
    certificates: tuple[Certificate, ...]


class Blocks:
    """The blocks of one open database.

    Args:
        database: The open database.
        rows: The most rows of a block.
    """

    __slots__ = ("_database", "_digest", "_kept_rows", "_proven", "_rows", "_summaries")

    def __init__(self, database: Database, rows: int = BLOCK_ROWS) -> None:
        self._database = database
        self._rows = rows
        self._summaries: list[Block] | None = None
        self._digest: bytes | None = None
        self._proven: dict[bytes, _Proven] = {}  # by digest: what has another one is another block
        self._kept_rows = 0

    def moved(self, database: Database) -> "Blocks":
        """Return the blocks of another database, as large at most."""
        return Blocks(database, self._rows)

    def forget(self) -> None:
        """Trust nothing remembered: a transaction was undone."""
        self._summaries = self._digest = None
        self._proven.clear()
        self._kept_rows = 0

    def summaries(self) -> list[Block]:
        """Return the summary of every block, in the order of issuing.

        Raises:
            CaError: The database refuses.
        """
        if self._summaries is None:
            found = self._database.rows("SELECT * FROM block ORDER BY first")
            self._summaries = list(map(Block._make, found))
        return self._summaries

    def digest(self) -> bytes:
        """Return the SHA-256 over all summaries."""
        if self._digest is None:
            self._digest = _digest(self.summaries())
        return self._digest

    @property
    def count(self) -> int:
        """How many certificates there are."""
        return self.summaries()[-1].last if self.summaries() else 0

    def find(self, number: int) -> Block:
        """Return the block of a row, which is there."""
        return self.summaries()[bisect_left(self.summaries(), number, key=attrgetter("last"))]

    def rows(self, block: Block) -> tuple[Row, ...]:
        """Return the rows of a block, proven.

        Args:
            block: One of `summaries`, as it is now.

        Raises:
            StateDamagedError: They are not those of its digest (E-STATE-DAMAGED).
        """
        return self._prove(block).rows

    def certificates(self, block: Block) -> tuple[Certificate, ...]:
        """Return what the rows of a block say, proven; errors as for `rows`."""
        return self._prove(block).certificates

    def _prove(self, block: Block) -> _Proven:
        proven = self._proven.pop(block.digest, None)
        if proven is None:
            rows = self._read(block.first, block.last)
            if _digest(rows) != block.digest:
                raise StateDamagedError(
                    f"certificates {block.first} to {block.last} of the store are missing or altered"
                )
            proven = _Proven(rows, tuple(map(read_row, rows)))
            self._kept_rows += len(rows)
            while self._kept_rows > _KEPT_ROWS and self._proven:
                self._kept_rows -= len(self._proven.pop(next(iter(self._proven))).rows)
        self._proven[block.digest] = proven  # the last one that was wanted goes last
        return proven

    def _read(self, first: int, last: int) -> tuple[Row, ...]:
        found = self._database.rows(
            f"SELECT {_COLUMNS} FROM certificate WHERE number BETWEEN ? AND ? ORDER BY number",  # noqa: S608 (a constant)
            (first, last),
        )
        return tuple(map(Row._make, found))

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows after the last one.

        Args:
            rows: Numbered on from `count`.

        Raises:
            StateDamagedError: The last block, which they begin to fill, is not what it was (E-STATE-DAMAGED).
        """
        for is_signer, group in groupby(rows, key=lambda row: row.kind == "signer"):
            fresh = list(group)
            self._database.run_many("INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", fresh)
            last = self.summaries()[-1] if self.summaries() else None
            if last is not None and last.signers == is_signer and last.size < self._rows:
                fresh[:0] = self.rows(last)
            for start in range(0, len(fresh), self._rows):
                self._keep(summarize(fresh[start : start + self._rows]))

    def summarize_all(self) -> None:
        """Summarize rows that were there before there were summaries; whoever asks has proven them."""
        rows = map(Row._make, self._database.rows(f"SELECT {_COLUMNS} FROM certificate ORDER BY number"))  # noqa: S608 (a constant)
        for _, group in groupby(rows, key=lambda row: row.kind == "signer"):
            while block := list(islice(group, self._rows)):
                self._keep(summarize(block))

    def replace(self, rows: Iterable[Row]) -> None:
        """Put rows in the place of those with their numbers.

        Args:
            rows: In ascending order of their numbers, which are there; id, kind, record, entry and the DER's
                hash are as they were.

        Raises:
            StateDamagedError: One of their blocks is not what it was (E-STATE-DAMAGED).
        """
        for block, group in groupby(rows, key=lambda row: self.find(row.number)):
            changed = {row.number: row for row in group}
            self._database.run_many(
                "UPDATE certificate SET key_sha256 = ?, revoked_at = ?, reason = ? WHERE number = ?",
                [(row.key_sha256, row.revoked_at, row.reason, row.number) for row in changed.values()],
            )
            self._keep(summarize([changed.get(row.number, row) for row in self.rows(block)]))

    def _keep(self, block: Block) -> None:
        """Keep a new summary, in place of the one that begins with the same row."""
        self._database.run("INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", block)
        summaries, self._digest = self.summaries(), None
        if block.first > self.count:
            summaries.append(block)
        else:
            summaries[bisect_left(summaries, block.first, key=attrgetter("first"))] = block

    def check_all(self) -> None:
        """Read every row with its DER and key; check bodies against rows, and rows against the summaries.

        Raises:
            StateDamagedError: A row or body is missing, too many or altered, or a summary is not that of its
                rows (E-STATE-DAMAGED).
        """
        keys = count = 0
        for block in self.summaries():
            rows = tuple(self._read_with_bodies(block))
            if block.first != count + 1 or _digest(rows) != block.digest or summarize(rows) != block:
                raise StateDamagedError(
                    f"certificates {block.first} to {block.last} of the store are missing or altered"
                )
            count, keys = block.last, keys + block.keys
        for table, wanted in (("certificate", count), ("der", count), ("private_key", keys)):
            if self._database.number(f"SELECT count(*) FROM {table}") != wanted:  # noqa: S608 (constants)
                raise StateDamagedError(f"the table {table} of the store holds rows that no certificate has")

    def _read_with_bodies(self, block: Block) -> Iterator[Row]:
        sha256 = hashlib.sha256
        for *columns, der, key in self._database.rows(
            f"SELECT {_COLUMNS}, der.body, private_key.body FROM certificate"  # noqa: S608 (a constant)
            " LEFT JOIN der USING (number) LEFT JOIN private_key USING (number)"
            " WHERE number BETWEEN ? AND ? ORDER BY number",
            (block.first, block.last),
        ):
            row = Row._make(columns)
            if der is None or sha256(der).digest() != row.sha256:
                raise StateDamagedError(f"certificate {row.number} of the store is missing or altered")
            if (key and sha256(key).digest()) != row.key_sha256:
                raise StateDamagedError(
                    f"the key of certificate {row.number} of the store is missing or altered"
                )
            yield row


def summarize(rows: Sequence[Row]) -> Block:
    """Return the summary of a block's rows, of which there is one at least."""
    entries = [row.entry for row in rows]
    revoked = [row.revoked_at for row in rows if row.revoked_at is not None]
    return Block(
        first=rows[0].number,
        last=rows[-1].number,
        signers=int(rows[0].kind == "signer"),
        not_after=max(row.not_after for row in rows),
        keys=sum(row.key_sha256 is not None for row in rows),
        revoked=len(revoked),
        revoked_at=max(revoked, default=0),
        first_entry=min(entries),
        last_entry=max(entries),
        digest=_digest(rows),
    )


def _digest(rows: Sequence[Row] | Sequence[Block]) -> bytes:
    # JSON of text, integers, null and base64 is the same whenever it is made from the same rows.
    return hashlib.sha256(msgspec.json.encode(rows)).digest()
