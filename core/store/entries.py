"""The journal's entries in the store, and a list of them that finds one without reading all.

1. A journal entry enters only if it holds the hash of the state as it stands; those that a restore carries
   over are followed by one that does.
2. Beside each entry stands what it is (the table `act`): its time, its act, what it is about, its hash, and
   the digest over this row and all before it. The digest up to the entry before is under the hash of the
   state, so the list is proven by the last entry, as certificates are. Rows are only ever added.
3. An old entry is proven by the list, or by the chain when all are read: each names the hash of the one
   before, the last one is the head.

What an entry is, core.store.journal says.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from core.errors import JournalError
from core.store.blocks import BLOCK_ROWS
from core.store.database import Database
from core.store.journal import Entry, check_link, decode_body, encode_body
from core.store.state_hash import Rows, digest_json

_NOTHING: Final = bytes(32)
_ABOUT: Final = ("name", "id")


class Act(NamedTuple):
    """What is listed of an entry.

    Args:
        sequence: Of the entry.
        time: When, Unix seconds.
        act: What, such as issue.
        about: The name, or the id, that its detail has; "" where it has neither.
        hash: Of the entry.
    """

    sequence: int
    time: int
    act: str
    about: str
    hash: bytes


class EntryRows(Rows):
    """The part of the store that holds the journal; arguments as for Rows."""

    __slots__ = ("_acts",)

    def __init__(self, database: Database, block_rows: int = BLOCK_ROWS) -> None:
        super().__init__(database, block_rows)
        self._acts: tuple[Act, ...] = ()  # proven

    def _forget(self) -> None:
        super()._forget()
        self._acts = ()

    def add_entry(self, entry: Entry) -> None:
        """Append an entry; core.store.journal makes it.

        Args:
            entry: Follows the last one and holds the hash of the state as it stands.
        """
        if entry.state != self.state_hash():
            raise RuntimeError("a journal entry must describe the state that it is written with")
        self.carry_entry(entry)
        self._unjournaled = False

    def carry_entry(self, entry: Entry) -> None:
        """Append an entry of the journal of the store that this one is restored from.

        Its hash of the state describes that store, so an entry of this one must follow before the commit.

        Args:
            entry: Follows the last one.
        """
        self._change()
        self._database.run(
            "INSERT INTO journal VALUES (?, ?, ?)",
            (entry.sequence, encode_body(entry), bytes.fromhex(entry.hash)),
        )
        self.list_entry(entry)
        # Ties page 1 to the journal: core.store.database, rule 3.
        self._database.run(f"PRAGMA user_version = {entry.sequence:d}")

    def list_entry(self, entry: Entry) -> None:
        """Put an entry on the list; it follows those that are there."""
        act = _act_of(entry)
        digest = _go_on(self._digest_of(entry.sequence - 1), act)
        self._database.run("INSERT INTO act VALUES (?, ?, ?, ?, ?, ?)", (*act, digest))

    def state_hash(self, entries: int | None = None) -> str:
        """Return the hash of the state as it stands, 64 hex digits.

        Args:
            entries: As the entry after so many says it; None: as one that is made now would.

        Raises:
            CaError: The database refuses.
        """
        return self._hash_state(self._digest_of(self.head() if entries is None else entries))

    def last_entry(self) -> Entry | None:
        """Return the head of the journal.

        Returns:
            The last entry, or None in a store that is being made.

        Raises:
            JournalError: The entry does not fit its hash (E-JOURNAL).
        """
        found = self._database.row("SELECT body, hash FROM journal ORDER BY sequence DESC LIMIT 1")
        return None if found is None else decode_body(*found)

    def entries(self) -> Iterator[Entry]:
        """Yield the journal from its first entry, the chain proven.

        Raises:
            JournalError: An entry does not fit its hash, or does not continue the one before it, or the last
                one is not the head (E-JOURNAL).
        """
        last: Entry | None = None
        for body, digest in self._database.rows("SELECT body, hash FROM journal ORDER BY sequence"):
            entry = decode_body(body, digest)
            check_link(entry, last)
            yield entry
            last = entry
        if self.head() != (last.sequence if last else 0):
            raise JournalError(
                f"the journal ends at entry {last and last.sequence}, the store is at {self.head()}"
            )

    def acts(self) -> tuple[Act, ...]:
        """Return the list of all entries, oldest first, proven.

        Raises:
            JournalError: The list was altered (E-JOURNAL).
        """
        if self._acts and len(self._acts) == self.head():
            return self._acts
        acts: list[Act] = []
        digest = _NOTHING
        for *columns, listed in self._database.rows("SELECT * FROM act ORDER BY sequence"):
            act = Act(*columns)
            digest = _go_on(digest, act)
            if listed != digest or act.sequence != len(acts) + 1:
                raise JournalError(f"the list of journal entries was altered at {act.sequence}")
            acts.append(act)
        if len(acts) != self.head():
            raise JournalError(
                f"the list of journal entries ends at {len(acts)}, the store is at {self.head()}"
            )
        self._acts = tuple(acts)
        return self._acts

    def read_entries(self, acts: Iterable[Act]) -> Iterator[Entry]:
        """Yield the entries of some acts, in their order, each proven by the list.

        Args:
            acts: Of `acts`.

        Raises:
            JournalError: An entry is missing or altered (E-JOURNAL).
        """
        for act in acts:
            found = self._database.row("SELECT body FROM journal WHERE sequence = ?", (act.sequence,))
            if found is None:
                raise JournalError(f"journal entry {act.sequence} is missing")
            yield decode_body(found[0], act.hash)

    def check_listed(self, entry: Entry) -> None:
        """Check that the head of the journal is listed as it is; the hash of the state has those before it.

        Raises:
            JournalError: It is not (E-JOURNAL).
        """
        act = _act_of(entry)
        listed = self._database.row("SELECT * FROM act WHERE sequence = ?", (entry.sequence,))
        if listed != (*act, _go_on(self._digest_of(entry.sequence - 1), act)):
            raise JournalError(f"journal entry {entry.sequence} is not listed as it is")

    def check_all(self) -> None:
        """Read the whole store: its structure, bodies against rows, rows and entries against their lists.

        Raises:
            StateDamagedError: A page, row or body is missing, misplaced or altered (E-STATE-DAMAGED).
            JournalError: The journal's chain is broken, or an entry is listed otherwise (E-JOURNAL).
        """
        self._forget()
        self._database.check_structure()
        self._blocks.check_all()
        self.check_list()

    def check_list(self) -> None:
        """Read every entry and check that the list says of it what it says itself.

        Raises:
            JournalError: The chain or the list is broken (E-JOURNAL).
        """
        if self.acts() != tuple(map(_act_of, self.entries())):
            raise JournalError("the list of journal entries is not that of the journal")

    def _digest_of(self, entries: int) -> bytes:
        """Return the digest over the list of so many entries."""
        if not entries:
            return _NOTHING
        found = self._database.row("SELECT digest FROM act WHERE sequence = ?", (entries,))
        if found is None:
            raise JournalError(f"journal entry {entries} is not listed")
        return bytes(found[0])


def _act_of(entry: Entry) -> Act:
    about = next((str(entry.detail[key]) for key in _ABOUT if isinstance(entry.detail.get(key), str)), "")
    return Act(entry.sequence, int(entry.time.timestamp()), entry.act, about, bytes.fromhex(entry.hash))


def _go_on(digest: bytes, act: Act) -> bytes:
    """Return the digest over a list that goes on with `act`; `digest` is over what comes before."""
    return digest_json([digest, *act])


def time_of(act: Act) -> datetime:
    """Return when an act was, aware UTC."""
    return datetime.fromtimestamp(act.time, UTC)
