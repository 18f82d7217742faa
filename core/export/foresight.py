"""How large an archive will be, and how many papers go beside it, before it is written.

For saying whether a stick has the room before a number is taken, and for a bar. It reads public certificates
and no key; members are counted as the tar has them, what is new at each writing as it usually is.
"""

from datetime import datetime
from typing import Final

from core.archive.container import BLOCK_BYTES
from core.archive.contents import Contents
from core.certificate import encode_pem
from core.crypto.keys import ALGORITHMS
from core.store.store import Store

_FILE_BYTES: Final = 190  # in the manifest's list of files
_ENTRY_BYTES: Final = 640  # in its list of certificates
_EARLIER_BYTES: Final = 95
_PASSPHRASE_BYTES: Final = 131
_ISSUED_BYTES: Final = 106  # of a certificate in the journal
_JOURNAL_BYTES: Final = 350  # of an entry
_STATE_BYTES: Final = 260  # of a certificate in a backup's state.json
_KEY_BYTES, _SLOW_KEY_BYTES = 340, 2700  # encrypted, PEM
_CRL_BYTES, _SIGNATURE_BYTES = 700, 400
_END_BYTES: Final = 7_000  # the tar's last record, filled up, and the head of the age file


def foresee_size(store: Store, contents: Contents) -> int:
    """Return about how many bytes an archive will have: within a tenth.

    Args:
        store: Open.
        contents: Of the archive.
    """
    pems = {id_: len(encode_pem(der)) for id_, der in store.ders([item.id for item in contents.certificates])}
    certificates = [
        pems[item.id] + (pems[item.issuer] if item.kind == "signer" else 0) for item in contents.certificates
    ]
    keys = [
        _SLOW_KEY_BYTES if ALGORITHMS[item.algorithm].slow else _KEY_BYTES for item in contents.with_keys()
    ]
    number = len(store.certificates())
    small = [_SIGNATURE_BYTES] * len(contents.seals) + [_CRL_BYTES] * len(contents.roots)
    members = len(certificates) + len(keys) + len(small)
    large = [
        members * _FILE_BYTES + len(certificates) * _ENTRY_BYTES + len(store.archives()) * _EARLIER_BYTES,
        len(keys) * _PASSPHRASE_BYTES,
        number * _ISSUED_BYTES + sum(1 for _ in store.entries()) * _JOURNAL_BYTES,
        number * _STATE_BYTES if contents.kind == "backup" else 0,
    ]
    sizes = (*certificates, *keys, *small, *large)
    return _END_BYTES + sum(BLOCK_BYTES + -(-size // BLOCK_BYTES) * BLOCK_BYTES for size in sizes)


def count_papers(contents: Contents, next_visit_by: datetime, now: datetime, *, public: bool) -> int:
    """Return how many files go beside an archive (core.export.sidecars).

    Args:
        contents: Of the archive.
        next_visit_by: The next visit's date, aware UTC.
        now: Aware UTC.
        public: With what is to be hosted, and the calendar.
    """
    own = len(("report", "receipt")) + (contents.kind == "backup")  # recovery.md
    if not public:
        return own
    live = sum(root.revoked_at is None and now <= root.not_after for root in contents.roots)
    crls = sum(root.not_before <= next_visit_by for root in contents.roots)
    return own + len(("roots.pem", "README.txt", "next-visit.ics")) + 2 * live + crls
