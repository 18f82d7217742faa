"""The small rows of the store: facts, CRLs, sequences, archives.

1. A sequence is consumed when it is taken; holes are normal, a number never comes twice.
2. Of each root's CRLs the latest is kept; its number only rises.
3. One fact is this store's own, the private box key (core.archive.box_key): it is under the state's hash as
   all are, and `facts` passes it over, so that nothing which copies facts can take it along.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from core.certificate import Crl
from core.errors import IssueError
from core.store.state_hash import Rows

ArchiveKind = Literal["egress", "backup"]
BOX_SEED: Final = "box_seed"
"""The fact that stays: the private box key, 64 hex digits of its seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRecord:
    """One archive that was sealed.

    Args:
        kind: egress or backup.
        name: Its name in the policy.
        sequence: Its number, from 1, rising per kind and name.
        created: When, aware UTC, whole seconds.
        manifest_sha256: SHA-256 of manifest.json, 64 hex digits.
        written_at: When it was seen on a stick, or None.
    """

    kind: ArchiveKind
    name: str
    sequence: int
    created: datetime
    manifest_sha256: str
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """The last number taken for a kind and name.

    Args:
        kind: What is numbered, such as egress.
        name: Its name.
        last: The last number taken.
    """

    kind: str
    name: str
    last: int


class RecordRows(Rows):
    """The part of the store that holds facts, CRLs, sequences and archives."""

    __slots__ = ()

    def fact(self, name: str) -> str | None:
        """Return a single value, such as the policy or the incarnation.

        Args:
            name: Its name.

        Returns:
            The value, or None where there is none.
        """
        found = self._database.row("SELECT value FROM fact WHERE name = ?", (name,))
        return None if found is None else str(found[0])

    def facts(self) -> dict[str, str]:
        """Return all single values by name, but that which stays in this store.

        Returns:
            A new dictionary.
        """
        rows = self._database.rows("SELECT name, value FROM fact WHERE name != ? ORDER BY name", (BOX_SEED,))
        return dict(rows)

    def set_fact(self, name: str, value: str) -> None:
        """Keep a single value in place of any former one.

        Args:
            name: Its name.
            value: Text.
        """
        self._change()
        self._database.run("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def box_seed(self) -> bytes | None:
        """Return the private box key of this store, 32 bytes; None where it has none yet."""
        seed = self.fact(BOX_SEED)
        return None if seed is None else bytes.fromhex(seed)

    def set_box_seed(self, seed: bytes) -> None:
        """Keep a private box key, 32 bytes, in place of any former one."""
        self.set_fact(BOX_SEED, seed.hex())

    def put_crl(self, crl: Crl) -> None:
        """Keep a root's new CRL in place of its former one.

        Args:
            crl: The CRL; its number is above that of the former one.

        Raises:
            IssueError: The number does not rise (E-ISSUE).
        """
        self._change()
        changed = self._database.run(
            "INSERT INTO crl VALUES (?, ?, ?, ?, ?) ON CONFLICT (issuer) DO UPDATE"
            " SET number = excluded.number, this_update = excluded.this_update,"
            " next_update = excluded.next_update, body = excluded.body"
            " WHERE excluded.number > number",
            (crl.issuer, crl.number, _seconds(crl.this_update), _seconds(crl.next_update), crl.der),
        )
        if not changed:
            raise IssueError(f"CRL {crl.number} of root {crl.issuer} is not newer than the one in the store")

    def crls(self) -> tuple[Crl, ...]:
        """Return the latest CRL of each root.

        Returns:
            CRLs in order of their issuer's id.
        """
        return tuple(
            Crl(
                issuer=issuer,
                number=number,
                this_update=_instant(this),
                next_update=_instant(following),
                der=der,
            )
            for issuer, number, this, following, der in self._database.rows(
                "SELECT issuer, number, this_update, next_update, body FROM crl ORDER BY issuer"
            )
        )

    def take_sequence(self, kind: str, name: str) -> int:
        """Consume and return the next number of a kind and name.

        Args:
            kind: What is numbered, such as egress.
            name: Its name.

        Returns:
            1 the first time, then one more each.
        """
        self._change()
        found = self._database.row(
            "INSERT INTO sequence VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
            (kind, name),
        )
        return int(found[0]) if found else 0

    def sequences(self) -> tuple[Sequence, ...]:
        """Return the last number taken of every kind and name.

        Returns:
            In order of kind and name.
        """
        rows = self._database.rows("SELECT kind, name, last FROM sequence ORDER BY kind, name")
        return tuple(Sequence(kind=kind, name=name, last=last) for kind, name, last in rows)

    def put_sequence(self, sequence: Sequence) -> None:
        """Go on counting where the store that this one is restored from has stopped.

        Args:
            sequence: Of a kind and name that have none here yet.
        """
        self._change()
        self._database.run(
            "INSERT INTO sequence VALUES (?, ?, ?)", (sequence.kind, sequence.name, sequence.last)
        )

    def add_archive(self, archive: ArchiveRecord) -> None:
        """Remember an archive that was sealed.

        Args:
            archive: Its record.
        """
        self._change()
        written = _seconds(archive.written_at) if archive.written_at else None
        self._database.run(
            "INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?)",
            (
                archive.kind,
                archive.name,
                archive.sequence,
                _seconds(archive.created),
                archive.manifest_sha256,
                written,
            ),
        )

    def archives(self) -> tuple[ArchiveRecord, ...]:
        """Return all archives that were sealed.

        Returns:
            In order of kind, name and sequence.
        """
        return tuple(
            ArchiveRecord(
                kind=kind,
                name=name,
                sequence=sequence,
                created=_instant(created),
                manifest_sha256=digest,
                written_at=None if written is None else _instant(written),
            )
            for kind, name, sequence, created, digest, written in self._database.rows(
                "SELECT kind, name, sequence, created, manifest_sha256, written_at FROM archive"
                " ORDER BY kind, name, sequence"
            )
        )

    def unseen(self, kind: ArchiveKind, name: str) -> tuple[int, ...]:
        """Return the numbers of archives that were made after the last one that was seen on a stick.

        Args:
            kind: egress or backup.
            name: Its name in the policy.

        Returns:
            In order; all of them where none was ever seen.
        """
        rows = self._database.rows(
            "SELECT sequence FROM archive WHERE (kind, name) = (?1, ?2) AND sequence > (SELECT"
            " ifnull(max(sequence), 0) FROM archive WHERE (kind, name) = (?1, ?2) AND written_at IS NOT NULL)"
            " ORDER BY sequence",
            (kind, name),
        )
        return tuple(sequence for (sequence,) in rows)

    def mark_written(self, kind: ArchiveKind, name: str, sequence: int, at: datetime) -> None:
        """Remember that an archive was seen on a stick; the first time counts.

        Args:
            kind: egress or backup.
            name: Its name in the policy.
            sequence: Its number.
            at: When, aware UTC, whole seconds.

        Raises:
            IssueError: No such archive was made here (E-ISSUE).
        """
        self._change()
        if not self._database.run(
            "UPDATE archive SET written_at = ifnull(written_at, ?) WHERE (kind, name, sequence) = (?, ?, ?)",
            (_seconds(at), kind, name, sequence),
        ):
            raise IssueError(f"no archive {kind} {name} {sequence} was made here")


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
