"""The members of an archive as paths and bytes, in the order of design 4.

1. Every part but keys and passphrases can be made again and is the same each time: once to be hashed, once
   to be written.
2. Certificates and keys are read from the store in small batches; only the passphrases stay in memory.

Which certificates and keys these are is core.archive.contents' matter; manifest and signatures are core.export.archives's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

import pyrage

from core.archive.backup_state import encode_state
from core.certificate import Certificate
from core.archive.contents import Contents
from core.errors import ArchiveError
from core.store.journal import encode_line
from core.crypto.zz_keyspool import KeySpool, hash_public_key
from core.archive.manifest import file_of
from core.zz_pem import encode_pem
from core.progress import Progress
from core.crypto.recipients import Recipient, refusing, to_age
from core.store.store import Store

Part = tuple[str, Iterable[bytes]]  # a tuple of pieces is at hand; anything else is made as it is read
_DIGEST_BYTES: Final = 32
BATCH: Final = 100  # certificates that are in memory at a time
STEPS: Final = 200  # words of progress over a whole export


class Parts:
    """What the members of one archive are made of.

    Args:
        store: Inside the caller's transaction.
        contents: Which certificates and keys.
        issued: All certificates, in issuing order.
        recipients: Whom the passphrases are encrypted to.
        now: Aware UTC time of the archive.
        progress: Told (keys done, keys in all, what); may raise StoppedError.
    """

    def __init__(
        self,
        *,
        store: Store,
        contents: Contents,
        issued: tuple[Certificate, ...],
        recipients: Sequence[Recipient],
        now: datetime,
        progress: Progress,
    ) -> None:
        self._store = store
        self._contents = contents
        self._issued = issued
        self._recipients = recipients
        self._now = now
        self._progress = progress
        self._with_keys = contents.with_keys()
        self._public = bytearray()  # SHA-256 of the public keys of the signers with keys, one after the other
        self._passphrases = b""
        ids = [item.id for item in (*contents.roots, *contents.seals)]
        self._ders = dict(store.ders(ids))
        self._pems = {id_: encode_pem(der) for id_, der in self._ders.items()}

    def encrypted(self, spool: KeySpool) -> Iterator[Part]:
        """Yield all parts, encrypting keys and passphrases on the way."""
        yield from self._certificates(self._note_public_key)
        yield from self._encrypt_keys(spool)
        with refusing(ArchiveError("The passphrases could not be encrypted.")):
            keys = [to_age(recipient) for recipient in self._recipients]
            self._passphrases = pyrage.encrypt(spool.passphrases(), keys)
        yield from self._rest()

    def again(self, spool: KeySpool) -> Iterator[Part]:
        """Yield the same parts with the same bytes; after `encrypted` has ended."""
        yield from self._certificates(_ignore)
        paths = (f"keys/{item.id}.pem" for item in self._with_keys)
        yield from ((path, (pem,)) for path, pem in zip(paths, spool.read(), strict=True))
        yield from self._rest()

    def _certificates(self, note: Callable[[Certificate, bytes], None]) -> Iterator[Part]:
        for item in chain(self._contents.seals, self._contents.roots):
            yield file_of(item), (self._pems[item.id],)
        for batch in _batches(self._contents.signers):
            ders = dict(self._store.ders([item.id for item in batch]))
            for item in batch:
                note(item, ders[item.id])
                yield file_of(item), (encode_pem(ders[item.id]) + self._pems[item.issuer],)

    def _note_public_key(self, signer: Certificate, der: bytes) -> None:
        if signer.id in self._contents.key_ids:
            self._public += hash_public_key(der)

    def _encrypt_keys(self, spool: KeySpool) -> Iterator[Part]:
        total = len(self._with_keys)
        step = max(1, total // STEPS)
        pems = spool.encrypt(self._read_keys())
        for done, (item, pem) in enumerate(zip(self._with_keys, pems, strict=True)):
            if done % step == 0:
                self._progress(done, total, "key")
            yield f"keys/{item.id}.pem", (pem,)
        self._progress(total, total, "key")

    def _read_keys(self) -> Iterator[tuple[Certificate, bytes, bytes]]:
        """Yield each certificate with the digest of its public key, and its private key."""
        digests = _split(self._public)
        for batch in _batches(self._with_keys):
            keys = dict(self._store.keys([item.id for item in batch]))
            for item in batch:
                der = self._ders.get(item.id)
                yield item, hash_public_key(der) if der else next(digests), keys.pop(item.id)

    def _rest(self) -> Iterator[Part]:
        yield "passphrases.age", (self._passphrases,)
        crls = {crl.issuer: crl.der for crl in self._store.crls()}
        for root in self._contents.roots:  # each has one from the day it is made (design 3, Revocation)
            yield f"crls/{root.id}.crl", (crls[root.id],)
        yield "journal.jsonl", (encode_line(entry) for entry in self._store.entries())
        if self._contents.kind == "backup":
            yield "state.json", encode_state(self._store, self._contents, self._issued, self._now)


def _split(digests: bytearray) -> Iterator[bytes]:
    """Yield the SHA-256 values that stand one after the other."""
    return (bytes(digests[at : at + _DIGEST_BYTES]) for at in range(0, len(digests), _DIGEST_BYTES))


def _ignore(signer: Certificate, der: bytes) -> None:
    """Take note of nothing."""


def _batches(certificates: Sequence[Certificate]) -> Iterator[Sequence[Certificate]]:
    return (certificates[start : start + BATCH] for start in range(0, len(certificates), BATCH))
