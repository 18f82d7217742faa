"""The SQLCipher connection: its tables, key, settings and transactions, and its errors in our words.

1. The key is raw, 64 hex digits, asserted; setting it is the first thing on a connection.
2. A rollback journal in DELETE mode with synchronous=EXTRA: a commit is the unlinking of the journal,
   made durable with its folder; nothing but store.db is left between transactions. (A write-ahead log
   would keep erased keys in a second file until it is checkpointed.)
3. An existing file must hold exactly the tables of this module, or those of the version before, which
   core.store.former brings up to date: empty, truncated, foreign or altered is damage, never "new".
   `application_id` names their version; `user_version` is the sequence of the last
   journal entry, so that page 1 too is tied to the journal.
4. No error of the library gets out: a full disk or an I/O error is E-FILE, a lock E-STATE-LOCKED, anything
   else E-STATE-DAMAGED. Our statements are constants, so what else they meet is not what it was.
5. No index beyond the primary keys: an index page put back would be one more thing that can lie.
6. Certificate rows stand apart from DER and key bodies, which they bind by SHA-256, and blocks of rows have a
   summary each, so that status questions and the journal's state hash read little.

What the rows mean is core.store.rows', core.store.records' and core.store.entries'.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import sqlcipher3

from core.errors import CaError, FileError, StateDamagedError, StateLockedError
from core.files import cut_file, reserve

# "PSM" and the schema version; SQLite keeps it in page 1, which is encrypted like all others.
APPLICATION_ID = 0x50534D02
FORMER_ID = 0x50534D01
FORMER_TABLES = (
    """CREATE TABLE fact (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE certificate (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind = 'root' OR kind = 'signer' OR kind = 'seal'),
        record BLOB NOT NULL,
        entry INTEGER NOT NULL,
        sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
        key_sha256 BLOB CHECK (length(key_sha256) = 32),
        revoked_at INTEGER,
        reason TEXT
    ) STRICT""",
    """CREATE TABLE der (
        number INTEGER PRIMARY KEY REFERENCES certificate,
        body BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE private_key (
        number INTEGER PRIMARY KEY REFERENCES certificate,
        body BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE crl (
        issuer TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        this_update INTEGER NOT NULL,
        next_update INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE sequence (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        last INTEGER NOT NULL CHECK (last > 0),
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE archive (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        created INTEGER NOT NULL,
        manifest_sha256 TEXT NOT NULL,
        written_at INTEGER,
        PRIMARY KEY (kind, name, sequence)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE journal (
        sequence INTEGER PRIMARY KEY,
        body BLOB NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT""",
)
ADDED_TABLES = (
    """CREATE TABLE block (
        first INTEGER PRIMARY KEY,
        last INTEGER NOT NULL,
        signers INTEGER NOT NULL,
        not_after INTEGER NOT NULL,
        keys INTEGER NOT NULL,
        revoked INTEGER NOT NULL,
        revoked_at INTEGER NOT NULL,
        first_entry INTEGER NOT NULL,
        last_entry INTEGER NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 32)
    ) STRICT""",
    """CREATE TABLE act (
        sequence INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        act TEXT NOT NULL,
        about TEXT NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        digest BLOB NOT NULL CHECK (length(digest) = 32)
    ) STRICT""",
)
TABLES = FORMER_TABLES + ADDED_TABLES

_KEY = re.compile(r"[0-9a-f]{64}")
_PAGE_BYTES = 4096

# Little is read twice, and what a backup reads of forty years would fill a larger one.
_CACHE_KIB = 4_000
_STATEMENTS = 4
_SETTINGS = (
    "cipher_compatibility = 4",
    "journal_mode = DELETE",
    "synchronous = EXTRA",
    "temp_store = MEMORY",
    "secure_delete = ON",
    "foreign_keys = ON",
    "cell_size_check = ON",
    "trusted_schema = OFF",
    f"cache_size = -{_CACHE_KIB}",
)

Value = int | str | bytes | None

# Primary result codes, sqlite.org/rescode.html: the low byte of an extended code.
_BUSY, _LOCKED, _READONLY, _IOERR, _FULL, _CANTOPEN = 5, 6, 8, 10, 13, 14


class Database:
    """One open store.db.

    Args:
        path: The file, which exists.
        key: The raw key, 32 bytes.

    Raises:
        StateDamagedError: The key does not fit or the file is not such a database (E-STATE-DAMAGED).
        FileError: The system cannot read it (E-FILE).
    """

    __slots__ = ("_connection", "path")

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        digits = _digits(key)
        with translated(path):
            # The library wipes and locks its memory from here on; asked on a connection of its own,
            # since on the real one the key comes first.
            with closing(sqlcipher3.connect(":memory:")) as aside:
                aside.execute("PRAGMA cipher_memory_security = ON")
                aside.execute("PRAGMA cipher_log_level = NONE")  # it would write to standard error
            uri = f"{path.absolute().as_uri()}?mode=rw"
            # Few statements are kept prepared: they fill a small fast heap, and once that is full every
            # row locks and wipes memory (10,000 signers: 0.9 s to add instead of 0.2 s).
            self._connection = sqlcipher3.connect(
                uri, uri=True, isolation_level=None, timeout=0, cached_statements=_STATEMENTS
            )
        try:
            with translated(path):
                self._connection.set_key(f"x'{digits}'")
                for setting in _SETTINGS:
                    self._connection.execute(f"PRAGMA {setting}")
        except CaError:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, key: bytes) -> Self:
        """Make a database with empty tables, readable by its owner only.

        Args:
            path: The file, which must not exist.
            key: The raw key, 32 bytes.

        Returns:
            The open database.

        Raises:
            FileError: It exists or cannot be written (E-FILE).
        """
        reserve(path)
        database = cls(path, key)
        try:
            # Pages set free leave the file at once: every page in it is in use and can be proven.
            database.run("PRAGMA auto_vacuum = FULL")
            with database.transaction():
                database.run(f"PRAGMA application_id = {APPLICATION_ID}")
                for table in TABLES:
                    database.run(table)
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def open(cls, path: Path, key: bytes) -> Self:
        """Open a database that must be whole in size and hold exactly our tables.

        Args:
            path: The file.
            key: The raw key, 32 bytes.

        Returns:
            The open database.

        Raises:
            StateDamagedError: It is missing, empty, truncated, of another schema, or the key does not
                fit (E-STATE-DAMAGED).
            FileError: The system cannot read it (E-FILE).
        """
        try:
            size = path.stat().st_size
        except OSError as error:
            raise StateDamagedError(f"{path} is gone: {error.strerror}") from error
        if size == 0:
            raise StateDamagedError(f"{path} is empty")
        database = cls(path, key)
        try:
            database._check_schema()
        except BaseException:
            database.close()
            raise
        return database

    def _check_schema(self) -> None:
        found = [sql for (sql,) in self.rows("SELECT sql FROM sqlite_master ORDER BY rowid")]
        # Read after the first query: only then a journal left by a kill has been rolled back.
        size, expected = self.path.stat().st_size, self.number("PRAGMA page_count") * _PAGE_BYTES
        if size < expected or size % _PAGE_BYTES:
            raise StateDamagedError(f"{self.path} is cut off or has bytes after its end")
        if size > expected:  # a kill came after the commit and before the pages set free were cut off
            cut_file(self.path, expected)
        tables = {APPLICATION_ID: TABLES, FORMER_ID: FORMER_TABLES}.get(
            self.number("PRAGMA application_id"), ()
        )
        if not tables or found != list(tables):
            raise StateDamagedError(f"{self.path} does not hold the tables of this version")

    @property
    def is_former(self) -> bool:
        """Whether it has the tables of the version before."""
        return self.number("PRAGMA application_id") == FORMER_ID

    def add_tables(self) -> None:
        """Make the tables of the version before those of this one, in a transaction of the caller."""
        self.run(f"PRAGMA application_id = {APPLICATION_ID}")
        for table in ADDED_TABLES:
            self.run(table)

    def check_structure(self) -> None:
        """Read every page and check that the tables are sound and no page is lost or used twice.

        Raises:
            StateDamagedError: They are not (E-STATE-DAMAGED).
        """
        found = self.row("PRAGMA quick_check(1)")
        if found != ("ok",):
            raise StateDamagedError(f"the pages of {self.path} do not fit together")

    def copy_to(self, path: Path, key: bytes) -> None:
        """Write the whole content into a new database under another key.

        Args:
            path: The new file, which must not exist.
            key: Its raw key, 32 bytes.

        Raises:
            CaError: Rule 4; what was written so far stays.
        """
        reserve(path)
        digits = _digits(key)
        self.run("ATTACH DATABASE ? AS fresh KEY ?", (f"{path.absolute().as_uri()}?mode=rw", f"x'{digits}'"))
        try:
            self.run("PRAGMA fresh.synchronous = EXTRA")
            self.run("PRAGMA fresh.auto_vacuum = FULL")
            self.run("SELECT sqlcipher_export('fresh')")
            for pragma in ("application_id", "user_version"):  # the export leaves these two out
                self.run(f"PRAGMA fresh.{pragma} = {self.number(f'PRAGMA {pragma}'):d}")
        finally:
            self.run("DETACH DATABASE fresh")

    def run(self, sql: str, values: Iterable[Value] = ()) -> int:
        """Execute one statement.

        Args:
            sql: The statement, a constant of ours.
            values: Its parameters.

        Returns:
            The number of changed rows, where there are such.

        Raises:
            CaError: Rule 4.
        """
        with translated(self.path):
            return int(self._connection.execute(sql, tuple(values)).rowcount)

    def run_many(self, sql: str, rows: Iterable[tuple[Value, ...]]) -> None:
        """Execute one statement for each row of parameters.

        Args:
            sql: The statement, a constant of ours.
            rows: Its parameters, row by row.

        Raises:
            CaError: Rule 4.
        """
        with translated(self.path):
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Iterable[Value] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query as they are read.

        Args:
            sql: The query, a constant of ours.
            values: Its parameters.

        Yields:
            One tuple a row.

        Raises:
            CaError: Rule 4.
        """
        with translated(self.path):
            yield from self._connection.execute(sql, tuple(values))

    def row(self, sql: str, values: Iterable[Value] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query.

        Args:
            sql: The query, a constant of ours.
            values: Its parameters.

        Returns:
            The row, or None where there is none.

        Raises:
            CaError: Rule 4.
        """
        with translated(self.path):
            found: tuple[Any, ...] | None = self._connection.execute(sql, tuple(values)).fetchone()
            return found

    def number(self, sql: str) -> int:
        """Return the one integer that a query gives.

        Args:
            sql: A query or pragma, a constant of ours.

        Returns:
            The integer, 0 for NULL.

        Raises:
            CaError: Rule 4.
        """
        found = self.row(sql)
        return int(found[0] or 0) if found else 0

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._connection.in_transaction)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all changes of a block, durably, or none.

        Raises:
            CaError: Rule 4; the changes are undone then, as after any exception of the block.
        """
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            # A full disk may have rolled back already.
            if self.in_transaction:
                with suppress(CaError):
                    self.run("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file; the library wipes its keys."""
        self._connection.close()


def _digits(key: bytes) -> str:
    digits = key.hex()
    # Anything else would be taken for a passphrase by the library, and a quote would end the literal.
    if not _KEY.fullmatch(digits):
        raise AssertionError("a database key has 32 bytes")
    return digits


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an error of the library inside the block into one of ours.

    Args:
        path: The database, for the text.

    Raises:
        FileError: No space, or the system refused (E-FILE).
        StateLockedError: Another process has it open (E-STATE-LOCKED).
        StateDamagedError: Anything else (E-STATE-DAMAGED).
    """
    try:
        yield
    except sqlcipher3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code == _FULL:
            raise FileError(f"no space is left for {path}") from error
        if code in (_IOERR, _CANTOPEN, _READONLY):
            raise FileError(f"the system cannot read or write {path} ({name})") from error
        if code in (_BUSY, _LOCKED):
            raise StateLockedError(f"another process has {path} open") from error
        raise StateDamagedError(f"{path} cannot be used as a database ({name})") from error
