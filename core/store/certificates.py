"""Certificates in the store: what is remembered of them, their DER bodies and private keys.

Rules:
1. Rows keep the order of issuing; they are never removed, and only revocation and the erasing of a key
   change them.
2. Whoever asks for certificates says for which: what is alive, what was issued or revoked since. Blocks that
   their summary rules out are not read (core.store.blocks). Roots and seals are few, and always read. What
   reads every certificate says so.
3. A body is checked against the SHA-256 in its row, which is proven, whenever it is read.
4. An erased key is overwritten in the database (secure_delete); its certificate stays.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Final

from core.certificate import Certificate, Issued, Kind
from core.errors import IssueError, StateDamagedError
from core.store.blocks import Block
from core.store.rows import Row, make_row
from core.store.state_hash import Rows

_DER: Final = "SELECT body FROM der WHERE number = ?"
_KEY: Final = "SELECT body FROM private_key WHERE number = ?"


class CertificateRows(Rows):
    """The part of the store that holds certificates and keys."""

    __slots__ = ()

    def add(self, issued: Iterable[Issued]) -> None:
        """Keep certificates with their keys.

        Ids are random and come once; of one that comes again is told what was read or added while this store
        is open, since to look through all for it would cost more the older a store gets.

        Args:
            issued: In issuing order; an empty key means that the key was never here.

        Raises:
            IssueError: An id is there already (E-ISSUE).
            StateDamagedError: The last certificates are not what they were (E-STATE-DAMAGED).
            CaError: The database refuses.
        """
        self._change()
        batch = tuple(issued)
        entry, number = self.head() + 1, self._blocks.count + 1
        fresh: dict[str, int] = {}
        for each in (item.certificate.id for item in batch):
            if each in self._numbers or each in fresh:
                raise IssueError(f"certificate {each} is in the store already")
            fresh[each] = number + len(fresh)
        self._blocks.append(make_row(fresh[item.certificate.id], item, entry) for item in batch)
        self._database.run_many(
            "INSERT INTO der VALUES (?, ?)", [(fresh[item.certificate.id], item.der) for item in batch]
        )
        self._database.run_many(
            "INSERT INTO private_key VALUES (?, ?)",
            [(fresh[item.certificate.id], item.key) for item in batch if item.key],
        )
        self._numbers.update(fresh)

    def certificates(
        self, kind: Kind | None = None, *, alive_at: datetime | None = None
    ) -> tuple[Certificate, ...]:
        """Return what is remembered of certificates.

        Args:
            kind: Only these, or all.
            alive_at: Without the signers that had ended by then, aware UTC; None: all that were ever issued,
                which are read.

        Returns:
            Records in issuing order.

        Raises:
            StateDamagedError: They are not what they were (E-STATE-DAMAGED).
        """
        return tuple(self.each_certificate(kind, alive_at=alive_at))

    def each_certificate(
        self, kind: Kind | None = None, *, alive_at: datetime | None = None
    ) -> Iterator[Certificate]:
        """Yield the same, a block at a time in memory."""
        at = None if alive_at is None else int(alive_at.timestamp())
        for block in tuple(self._blocks.summaries()):
            is_over = block.signers and at is not None and block.not_after < at
            if not is_over and (kind is None or (kind == "signer") == block.signers):
                for item in self._read(block):
                    ended = item.kind == "signer" and alive_at is not None and item.not_after < alive_at
                    if not ended and kind in (None, item.kind):
                        yield item

    def find(self, each: str) -> Certificate | None:
        """Return the certificate of an id; None where there is none, for which all are read, newest first."""
        number = self._find_number(each)
        if number is None:
            return None
        block = self._blocks.find(number)
        return self._blocks.certificates(block)[number - block.first]

    @property
    def count(self) -> int:
        """How many certificates were ever issued."""
        return self._blocks.count

    def counts(self, now: datetime) -> dict[str, int]:
        """Return how many certificates there are of each kind and status, such as `signer expired`.

        Those in blocks of signers that are over are revoked or expired, as the summary counts them.

        Args:
            now: Aware UTC.
        """
        counted: Counter[str] = Counter()
        at, revoked, over = int(now.timestamp()), 0, 0
        for block in self._blocks.summaries():
            if block.signers and block.not_after < at:
                revoked += block.revoked
                over += block.size
            else:
                counted.update(f"{item.kind} {item.status(now)}" for item in self._read(block))
        counted.update({"signer revoked": revoked, "signer expired": over - revoked})
        return dict(+counted)

    def revoked_by(self, issuers: Collection[str]) -> tuple[Certificate, ...]:
        """Return what roots have revoked, however long ago it ended, for their lists.

        A root signs nothing before it is there itself: no older block is read, nor one without revocations.

        Args:
            issuers: Ids of roots.

        Returns:
            Records in issuing order; a root that is revoked is among its own.
        """
        oldest = min((self._number(each) for each in issuers), default=0)
        blocks = (block for block in self._blocks.summaries() if block.revoked and block.last >= oldest)
        return tuple(
            item
            for block in blocks
            for item in self._read(block)
            if item.revoked_at is not None and item.issuer in issuers
        )

    def issued_since(self, count: int) -> Iterator[Certificate]:
        """Yield what was issued after the first `count` certificates, in issuing order."""
        for block in tuple(self._blocks.summaries()):
            if block.last > count:
                yield from self._read(block)[max(0, count + 1 - block.first) :]

    def changed_since(self, at: datetime) -> Iterator[Certificate]:
        """Yield what may have ended or been revoked since a time.

        Args:
            at: Aware UTC.

        Yields:
            All roots and seals, all signers that were alive then or were revoked since, and perhaps others;
            in issuing order.
        """
        seconds = int(at.timestamp())
        for block in tuple(self._blocks.summaries()):
            if not block.signers or max(block.not_after, block.revoked_at) >= seconds:
                yield from self._read(block)

    def issued_by(self, entries: Collection[int]) -> tuple[Certificate, ...]:
        """Return what journal entries issued.

        Args:
            entries: Their sequences.

        Returns:
            Records in issuing order.
        """
        first, last = min(entries, default=0), max(entries, default=-1)
        blocks = (b for b in self._blocks.summaries() if first <= b.last_entry and b.first_entry <= last)
        return tuple(
            item
            for block in blocks
            for row, item in zip(self._blocks.rows(block), self._read(block), strict=True)
            if row.entry in entries
        )

    def entries_of(self, ids: Iterable[str]) -> frozenset[int]:
        """Return the sequences of the journal entries that issued certificates.

        Args:
            ids: Known ids, best in issuing order.
        """
        return frozenset(self._row(each).entry for each in ids)

    def ders(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the DER bodies of certificates.

        Args:
            ids: Known ids, in any order; in issuing order each row is read once.

        Yields:
            Id and DER, in the order of `ids`.

        Raises:
            StateDamagedError: A body is missing or altered (E-STATE-DAMAGED).
        """
        for each in ids:
            row = self._row(each)
            yield each, self._body(_DER, row, row.sha256)

    def each_der(self, unless: Collection[str] = ()) -> Iterator[tuple[Certificate, bytes | None]]:
        """Yield every certificate that was ever issued with its DER; all are read, a block at a time.

        Args:
            unless: Ids whose DER is not wanted: None stands in its place.

        Yields:
            In issuing order.

        Raises:
            StateDamagedError: One is missing or altered (E-STATE-DAMAGED).
        """
        for block in tuple(self._blocks.summaries()):
            # Not `_read`: where each of them stands would be remembered until the store is closed.
            for row, item in zip(self._blocks.rows(block), self._blocks.certificates(block), strict=True):
                wanted = item.id not in unless
                yield item, self._body(_DER, row, row.sha256) if wanted else None

    def keys(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield private keys; each is secret.

        Args:
            ids: Ids out of `key_ids()`, in any order; in issuing order each row is read once.

        Yields:
            Id and PKCS#8 DER, in the order of `ids`.

        Raises:
            StateDamagedError: A key is missing or altered (E-STATE-DAMAGED).
        """
        for each in ids:
            row = self._row(each)
            yield each, self._body(_KEY, row, row.key_sha256)

    def key_ids(self, *, alive_at: datetime | None = None) -> frozenset[str]:
        """Return the ids of certificates whose key is here.

        Args:
            alive_at: As for `certificates`; None: all are looked at.

        Returns:
            Ids of roots, signers and seals.
        """
        at = 0 if alive_at is None else int(alive_at.timestamp())
        return frozenset(
            item.id
            for block in self._blocks.summaries()
            if block.keys and (not block.signers or block.not_after >= at)
            for row, item in zip(self._blocks.rows(block), self._read(block), strict=True)
            if row.key_sha256 is not None
        )

    def key_digests(self) -> Iterator[tuple[str, bytes]]:
        """Yield the SHA-256 of every private key that is here; no key is read.

        Yields:
            Id and digest, in order of id.
        """
        rows = (row for block in self._blocks.summaries() if block.keys for row in self._blocks.rows(block))
        yield from sorted((row.id, row.key_sha256) for row in rows if row.key_sha256 is not None)

    def past_use(self, now: datetime) -> tuple[str, ...]:
        """Return the ids of signers whose key is here and may sign no more: over, or revoked.

        Args:
            now: Aware UTC.

        Returns:
            Ids in issuing order.
        """
        return tuple(
            item.id
            for block in self._blocks.summaries()
            if block.signers and block.keys
            for row, item in zip(self._blocks.rows(block), self._read(block), strict=True)
            if row.key_sha256 is not None and (item.issue_until <= now or item.revoked_at is not None)
        )

    def erase_keys(self, ids: Iterable[str]) -> None:
        """Destroy private keys; their certificates stay.

        Args:
            ids: Known ids; a key that is gone already is no error.

        Raises:
            StateDamagedError: Their certificates are not what they were (E-STATE-DAMAGED).
            CaError: The database refuses.
        """
        self._change()
        numbers = sorted({self._number(each) for each in ids})
        self._database.run_many("DELETE FROM private_key WHERE number = ?", ((number,) for number in numbers))
        self._blocks.replace(self._row_at(number)._replace(key_sha256=None) for number in numbers)

    def revoke(self, each: str, at: datetime, reason: str) -> None:
        """Mark a certificate as revoked; CRLs are made elsewhere.

        Args:
            each: Its id.
            at: When, aware UTC, whole seconds.
            reason: RFC 5280 5.3.1 reason name.

        Raises:
            IssueError: It is revoked already (E-ISSUE).
            StateDamagedError: It is not what it was (E-STATE-DAMAGED).
            CaError: The database refuses.
        """
        self._change()
        row = self._row(each)
        if row.revoked_at is not None:
            raise IssueError(f"certificate {each} is revoked already")
        self._blocks.replace([row._replace(revoked_at=int(at.timestamp()), reason=reason)])

    def _read(self, block: Block) -> tuple[Certificate, ...]:
        """Return the certificates of a block, and remember where they stand."""
        items = self._blocks.certificates(block)
        self._numbers.update((item.id, number) for number, item in enumerate(items, block.first))
        return items

    def _body(self, query: str, row: Row, digest: bytes | None) -> bytes:
        (body,) = self._database.row(query, (row.number,)) or (None,)
        if body is None or hashlib.sha256(body).digest() != digest:
            raise StateDamagedError(f"the store's copy of {row.id} is missing or altered")
        return bytes(body)

    def _row(self, each: str) -> Row:
        return self._row_at(self._number(each))

    def _row_at(self, number: int) -> Row:
        block = self._blocks.find(number)
        return self._blocks.rows(block)[number - block.first]

    def _number(self, each: str) -> int:
        """Return the number of a known id."""
        number = self._find_number(each)
        if number is None:
            raise KeyError(each)
        return number

    def _find_number(self, each: str) -> int | None:
        """Return the number of an id; one not read yet is looked for in roots and seals, then the newest."""
        if each not in self._numbers:
            for block in sorted(self._blocks.summaries(), key=lambda block: (block.signers, -block.first)):
                self._read(block)
                if each in self._numbers:
                    break
        return self._numbers.get(each)
