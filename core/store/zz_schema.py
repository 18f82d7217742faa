"""The tables of store.db, version 1, and the check that a database has exactly these.

Rules:
1. No index beyond the primary keys: an index page put back would be one more thing that can lie.
2. Certificate rows stand apart from DER and key bodies, which they bind by SHA-256, so that status
   questions and the journal's state hash read small rows only.
3. `application_id` names the format; `user_version` is the sequence of the last journal entry, so that
   page 1 too is tied to the journal.
"""

# "PSM" and the schema version; SQLite keeps it in page 1, which is encrypted like all others.
APPLICATION_ID = 0x50534D01

TABLES = (
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
