"""How large an archive will be, and how many papers go beside it, before it is written.

For saying whether a stick has the room before a number is taken, and for a bar. It reads public certificates
and no key; members are counted as the tar has them, what is new at each writing as it usually is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from core.archive.container import BLOCK_BYTES
from core.archive.contents import Contents
from core.certificate import encode_pem
from core.crypto.keys import ALGORITHMS
from core.export.archives import journal_lines
from core.plan.gaps import Gap, Plan
from core.policy.policy import Policy
from core.store.store import Store

_FILE_BYTES: Final = 190  # in the manifest's list of files
_ENTRY_BYTES: Final = 640  # in its list of certificates
_EARLIER_BYTES: Final = 95
_PASSPHRASE_BYTES: Final = 131
_ISSUED_BYTES: Final = 106  # of a certificate in the journal
_STATE_BYTES: Final = 260  # of a certificate in a backup's state.json
_KEY_BYTES, _SLOW_KEY_BYTES = 340, 2700  # encrypted, PEM
_CRL_BYTES, _SIGNATURE_BYTES = 700, 400
_END_BYTES: Final = 7_000  # the tar's last record, filled up, and the head of the age file
_CERTIFICATE_BYTES: Final = 480  # DER, without public key and signature
_PUBLIC_AND_SIGNATURE_BYTES: Final = {
    "ed25519": (44, 64),
    "p256": (91, 72),
    "p384": (120, 104),
    "rsa3072": (422, 384),
    "rsa4096": (550, 512),
    "mldsa44": (1334, 2420),
    "mldsa65": (1974, 3309),
    "mldsa87": (2614, 4627),
}
_PEM: Final = 1.37  # of DER
_PAPER_BYTES: Final = 1_200  # but for the report and the receipt
_REPORT_AND_RECEIPT_BYTES: Final = 21_000  # and of the receipt an entry a certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a top-up would add to an archive and what goes beside it.

    Args:
        size_bytes: Of the archive.
        papers_bytes: Of the papers.
        public_papers: How many more are to be hosted.
    """

    size_bytes: int
    papers_bytes: int
    public_papers: int

    @classmethod
    def of(cls, policy: Policy, contents: Contents, plan: Plan) -> Self:
        """Return what a plan adds to an archive.

        Args:
            policy: The approved policy.
            contents: Of the archive as things stand.
            plan: What the top-up would issue.
        """
        is_backup = contents.kind == "backup"
        targets = () if is_backup else policy.egress_targets(contents.name)
        signers = [gap for gap in plan.signers if is_backup or (gap.class_name, gap.target) in targets]
        root_bytes = _pem_bytes(policy.algorithm, policy.algorithm)
        signed_bytes = int(_PUBLIC_AND_SIGNATURE_BYTES[policy.algorithm][1] * _PEM)
        of_root = [root_bytes, root_bytes, _SIGNATURE_BYTES + signed_bytes, _CRL_BYTES + signed_bytes]
        if is_backup:
            of_root += [_key_bytes(policy.algorithm)] * 2
        sizes = of_root * len(plan.roots)
        for algorithm in (_algorithm_of(policy, gap) for gap in signers):
            sizes += [_pem_bytes(algorithm, policy.algorithm) + root_bytes, _key_bytes(algorithm)]
        issued, listed = len(plan.signers) + 2 * len(plan.roots), len(signers) + 2 * len(plan.roots)
        lines = len(sizes) * _FILE_BYTES + listed * _ENTRY_BYTES
        lines += (issued if is_backup else listed) * _ISSUED_BYTES
        lines += len(signers) * _PASSPHRASE_BYTES + is_backup * issued * _STATE_BYTES
        return cls(
            size_bytes=lines + _tar_bytes(sizes),
            papers_bytes=listed * _ENTRY_BYTES,
            public_papers=3 * len(plan.roots),
        )


def _algorithm_of(policy: Policy, gap: Gap) -> str:
    return policy.algorithm_of(policy.signers.classes[gap.class_name or ""][gap.target or ""])


def _pem_bytes(of_key: str, of_issuer: str) -> int:
    """Return about how long a certificate is."""
    public, signature = _PUBLIC_AND_SIGNATURE_BYTES[of_key][0], _PUBLIC_AND_SIGNATURE_BYTES[of_issuer][1]
    return int((_CERTIFICATE_BYTES + public + signature) * _PEM)


def _key_bytes(algorithm: str) -> int:
    return _SLOW_KEY_BYTES if ALGORITHMS[algorithm].slow else _KEY_BYTES


def _tar_bytes(sizes: Iterable[int]) -> int:
    """Return what members take in a tar."""
    return sum(BLOCK_BYTES + -(-size // BLOCK_BYTES) * BLOCK_BYTES for size in sizes)


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
    keys = [_key_bytes(item.algorithm) for item in contents.with_keys()]
    number = store.count
    small = [_SIGNATURE_BYTES] * len(contents.seals) + [_CRL_BYTES] * len(contents.roots)
    members = len(certificates) + len(keys) + len(small)
    large = [
        members * _FILE_BYTES + len(certificates) * _ENTRY_BYTES + len(store.archives()) * _EARLIER_BYTES,
        len(keys) * _PASSPHRASE_BYTES,
        sum(map(len, journal_lines(store, contents))),
        number * _STATE_BYTES if contents.kind == "backup" else 0,
    ]
    return _END_BYTES + _tar_bytes((*certificates, *keys, *small, *large))


def foresee_papers(contents: Contents, papers: int) -> int:
    """Return about how many bytes the papers have together.

    Args:
        contents: Of the archive.
        papers: How many there are.
    """
    return papers * _PAPER_BYTES + _REPORT_AND_RECEIPT_BYTES + len(contents.certificates) * _ENTRY_BYTES


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
    told = sum(now <= root.not_after for root in contents.roots)
    crls = sum(root.not_before <= next_visit_by for root in contents.roots)
    return own + len(("roots.pem", "README.txt", "next-visit.ics")) + 2 * told + crls
