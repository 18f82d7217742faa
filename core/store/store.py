"""The store: the encrypted database and the way in and out of it.

1. A new store is built beside and renamed into place when its maker is done: there is one, or there is none.
2. The lock of the state folder is held for as long as the store is open.
3. A change of passphrase rewraps the master key in one step. Re-encryption keeps both keys in the keyslots
   until the new database has taken the old one's name; whatever interrupts it, one of the keys fits, and the
   next opening drops the other.
4. Nothing here keeps a key or a passphrase: SQLCipher does, in memory that it wipes.

Its rows are core.store.certificates', core.store.records' and core.store.entries', what may change them
core.store.state_hash's. Counting wrong passphrases (core.store.attempts) comes before the check of one,
proving the content (core.store.journal.prove) after the opening.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

from core.certificate import Certificate
from core.errors import CaError, StateDamagedError
from core.files import make_folder, move, replace, write_new
from core.progress import Progress, Report
from core.store.blocks import BLOCK_ROWS
from core.store.certificates import CertificateRows
from core.store.database import Database
from core.store.entries import EntryRows
from core.store.folder import DATABASE, KEYSLOTS, NEW_DATABASE, NEW_PREFIX, STORE, Folder
from core.store.former import FormerStore
from core.store.keyslots import (
    KEY_BYTES,
    KdfCost,
    OpenSlot,
    add_slot,
    count_slots,
    keep_slots,
    make_slots,
    open_slots,
)
from core.store.records import RecordRows


class Store(CertificateRows, RecordRows, EntryRows):
    """An open store; get one from `open_store` or `create_store`.

    Args:
        database: The open database.
        folder: The locked state folder; the store gives it back when it is closed.
        block_rows: The most certificates of a block (core.store.blocks).
    """

    __slots__ = ("_folder",)

    def __init__(self, database: Database, folder: Folder, block_rows: int = BLOCK_ROWS) -> None:
        super().__init__(database, block_rows)
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def state_folder(self) -> Path:
        """The state folder, for unlinked files of encrypted bytes while the store is open."""
        return self._folder.path

    def close(self) -> None:
        """Close the database and give the state folder back; again is harmless."""
        self._database.close()
        self._folder.close()

    def move_in(self, made: Path, target: Path, key: bytes) -> None:
        """Give what was made beside its name, and go on with the database that stands there then.

        Args:
            made: The folder of a new store, or a new database.
            target: Its name.
            key: Of the new database, 32 bytes.

        Raises:
            FileError: The system refused (E-FILE).
        """
        if not self.head():
            raise RuntimeError("a store begins with a journal entry")
        self._database.close()
        move(made, target)
        self._database = Database.open(self._folder.store / DATABASE, key)
        self._forget()
        self._blocks = self._blocks.moved(self._database)

    def issued_after(self, at: datetime) -> tuple[Certificate, ...]:
        """Return what was issued, by the clock of then, after a time: what a wrong clock did.

        Args:
            at: Aware UTC.

        Returns:
            Records in issuing order.

        Raises:
            CaError: The database refuses.
        """
        return self.issued_by(
            {act.sequence for act in self.acts() if act.act == "issue" and act.time > at.timestamp()}
        )

    def change_passphrase(self, old: bytes, new: bytes, cost: KdfCost) -> None:
        """Wrap the master key under another passphrase, in one step.

        The former file may survive on the medium: where the old passphrase leaked, `rekey` follows.

        Args:
            old: The present passphrase, canonical.
            new: The next one, canonical and strong (core.crypto.passphrase).
            cost: What a guess shall cost.

        Raises:
            PassphraseWrongError: `old` opens no keyslot (E-PASSPHRASE-WRONG).
            FileError: The system refused to write; the old passphrase holds (E-FILE).
        """
        master = open_slots(self._folder.read_keyslots(), old)[0].master
        replace(self._folder.store / KEYSLOTS, make_slots([master], new, cost))

    def rekey(
        self, passphrase: bytes, cost: KdfCost, record: Callable[["Store"], object], report: Report
    ) -> None:
        """Encrypt everything anew under a new master key; the passphrase stays.

        Args:
            passphrase: The present passphrase, canonical.
            cost: What a guess shall cost.
            record: Journals it, in a transaction of the new database, which takes the old one's place with
                that entry in it.
            report: Told (steps done, steps in all, what).

        Raises:
            PassphraseWrongError: It opens no keyslot (E-PASSPHRASE-WRONG).
            FileError: The system refused to write, such as for want of space; the store stays as it
                was (E-FILE).
            CaError: Whatever `record` and `report` raise; the store stays as it was.
        """
        if self._database.in_transaction:
            raise RuntimeError("a transaction is open")
        path = self._folder.store / KEYSLOTS
        slots = self._folder.read_keyslots()
        open_slots(slots, passphrase)
        fresh = secrets.token_bytes(KEY_BYTES)
        both = add_slot(slots, fresh, passphrase, cost)
        replace(path, both)
        target = self._folder.store / NEW_DATABASE
        try:
            amend = partial(self._amend, record)
            steps: tuple[Callable[[Path, bytes], None], ...] = (self._database.copy_to, self._compare, amend)
            for done, step in enumerate(steps):
                report(Progress(done=done, total=len(steps), what="re-encryption"))
                step(target, fresh)
            report(Progress(done=len(steps), total=len(steps), what="re-encryption"))
        except BaseException:
            # What cannot be undone now is dropped at the next opening.
            with suppress(OSError):
                target.unlink(missing_ok=True)
            with suppress(CaError):
                replace(path, slots)
            raise
        self.move_in(target, self._folder.store / DATABASE, fresh)
        replace(path, keep_slots(both, [count_slots(both) - 1]))

    def _compare(self, path: Path, key: bytes) -> None:
        """Check that a copy of the database holds the same state, whole."""
        with closing(Database.open(path, key)) as copy:
            other = Store(copy, self._folder)
            other.check_all()
            if (other.state_hash(), other.last_entry()) != (self.state_hash(), self.last_entry()):
                raise StateDamagedError("the copy under the new key differs from the store")

    def _amend(self, record: Callable[["Store"], object], path: Path, key: bytes) -> None:
        """Have a copy of the database changed in one transaction."""
        with closing(Database.open(path, key)) as database:
            copy = Store(database, self._folder)
            with copy.transaction():
                record(copy)


@contextmanager
def create_store(
    state: Path, passphrase: bytes, cost: KdfCost, *, stay_open: bool = False
) -> Iterator[Store]:
    """Make a store; it comes into being when the block ends well.

    Args:
        state: The state folder, missing or empty; its parent exists.
        passphrase: Canonical and strong (core.crypto.passphrase).
        cost: What a guess shall cost.
        stay_open: Leave it open after the block, for the caller to close; else it is closed.

    Yields:
        The new store, for its first content and journal entry.

    Raises:
        StateExistsError: There is a state already, or something else (E-STATE-EXISTS).
        StateModeError: The folder has another owner or open modes (E-STATE-MODE).
        StateLockedError: Another process is at it (E-STATE-LOCKED).
        FileError: The system refused to write (E-FILE). After any exception nothing is left behind.
    """
    folder = Folder.make(state)
    try:
        beside = folder.path / f"{NEW_PREFIX}{secrets.token_hex(4)}"
        master = secrets.token_bytes(KEY_BYTES)
        make_folder(beside)
        write_new(beside / KEYSLOTS, make_slots([master], passphrase, cost))
        database = Database.create(beside / DATABASE, master)
        try:
            store = Store(database, folder)
            yield store
            store.move_in(beside, folder.store, master)
        finally:
            database.close()
    except BaseException:
        folder.abandon()
        raise
    if not stay_open:
        store.close()


def open_store(state: Path, passphrase: bytes, before_check: Callable[[], object] | None = None) -> Store:
    """Open the store of a state folder.

    Args:
        state: The state folder.
        passphrase: Canonical (core.crypto.passphrase).
        before_check: Called with the folder locked, before the passphrase is looked at: counts the
            attempt (core.store.attempts.begin).

    Returns:
        The open store, its content not yet proven: core.store.journal.prove is next. One of the version
        before was proven, and has the tables of this one.

    Raises:
        StateMissingError: There is no state (E-STATE-MISSING).
        StateModeError: Another owner, open modes, a link (E-STATE-MODE).
        StateLockedError: Another process has it open (E-STATE-LOCKED).
        StateDamagedError: Keyslots or database are not what they were (E-STATE-DAMAGED).
        JournalError: A store of the version before is not what its journal says (E-JOURNAL).
        PassphraseWrongError: The passphrase opens no keyslot (E-PASSPHRASE-WRONG).
        CaError: Whatever `before_check` raises.
    """
    with ExitStack() as undo:
        folder = Folder.enter(state)
        undo.callback(folder.close)
        if before_check is not None:
            before_check()
        slots = folder.read_keyslots()
        database, fitting = _open_any(folder.store / DATABASE, open_slots(slots, passphrase))
        undo.callback(database.close)
        if count_slots(slots) > 1:  # a re-encryption was interrupted: rule 3
            replace(folder.store / KEYSLOTS, keep_slots(slots, [fitting.position]))
        if database.is_former:
            FormerStore(database).bring_up_to_date()
        undo.pop_all()
    return Store(database, folder)


def is_provisioned(state: Path) -> bool:
    """Return whether a state folder holds a store, usable or not.

    Args:
        state: The state folder, which may be missing.

    Returns:
        True where `open_store` would not say E-STATE-MISSING.
    """
    return os.path.lexists(state / STORE)


def _open_any(path: Path, slots: tuple[OpenSlot, ...]) -> tuple[Database, OpenSlot]:
    """Open the database with the first of the keys that fits it."""
    for slot in slots[:-1]:
        try:
            return Database.open(path, slot.master), slot
        except StateDamagedError:
            continue
    return Database.open(path, slots[-1].master), slots[-1]
