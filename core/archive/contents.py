"""What an egress and a backup contain: which certificates, and whose private keys.

1. Both list all roots, one seal under every root that is live and not expired, and signers until NotAfter.
2. An egress lists the signers of its targets only, and the keys of those that may still sign or will:
   live, before `issue_until`. It cannot name the key of a root or a seal: `Contents` refuses to exist.
3. A backup lists every key that is still there.

It reads no key and no certificate bytes; core.export.archives does that and checks the keys again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from core.archive.manifest import ArchiveKind, CertificateEntry, make_entry
from core.certificate import Certificate, Status
from core.decoding import DecodingError, json_decoder
from core.errors import CheckError, PolicyError, StateDamagedError
from core.policy.policy import Policy

if TYPE_CHECKING:
    from core.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The certificates of one archive, in the order of its manifest.

    Args:
        kind: egress or backup.
        name: Its name in the policy.
        roots: All roots, revoked and expired ones too, in issuing order.
        seals: One per live, unexpired root.
        signers: In issuing order.
        key_ids: Ids of the certificates whose private keys are inside.
        revoked_roots: Ids of the roots that are revoked, with all that they signed.
    """

    kind: ArchiveKind
    name: str
    roots: tuple[Certificate, ...]
    seals: tuple[Certificate, ...]
    signers: tuple[Certificate, ...]
    key_ids: frozenset[str]
    revoked_roots: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        revoked = frozenset(root.id for root in self.roots if root.revoked_at is not None)
        object.__setattr__(self, "revoked_roots", revoked)
        if self.kind == "egress" and not self.key_ids <= {signer.id for signer in self.signers}:
            raise CheckError("Rule egress-holds-signer-keys-only: an egress names another key.")

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Roots, seals and signers, as the manifest lists them."""
        return (*self.roots, *self.seals, *self.signers)

    def with_keys(self) -> tuple[Certificate, ...]:
        """The certificates whose private keys are inside, in the same order."""
        return tuple(item for item in self.certificates if item.id in self.key_ids)

    def status(self, certificate: Certificate, now: datetime) -> Status:
        """What the certificate is at `now`; revoked too when its root is."""
        return "revoked" if certificate.issuer in self.revoked_roots else certificate.status(now)

    def entries(self, now: datetime) -> Iterator[CertificateEntry]:
        """Yield how the manifest lists each certificate at `now`, aware UTC."""
        for item in self.certificates:
            yield make_entry(item, self.status(item, now), with_key=item.id in self.key_ids)


def select_egress(
    policy: Policy, name: str, certificates: Iterable[Certificate], key_ids: frozenset[str], now: datetime
) -> Contents:
    """Return what the egress `name` contains at `now`.

    Args:
        policy: The approved policy.
        name: An egress of the policy.
        certificates: All that were issued, in issuing order.
        key_ids: Ids whose private keys are still there.
        now: Aware UTC time of the archive.

    Raises:
        PolicyError: There is no such egress (E-POLICY).
    """
    issued = tuple(certificates)
    targets = frozenset(policy.egress_targets(name))
    roots = tuple(item for item in issued if item.kind == "root")
    live_roots = frozenset(root.id for root in roots if root.revoked_at is None)
    signers = tuple(
        item for item in _unexpired_signers(issued, now) if (item.class_name, item.target) in targets
    )
    keys = frozenset(
        item.id
        for item in signers
        if item.id in key_ids
        and item.issuer in live_roots
        and item.revoked_at is None
        and now < item.issue_until
    )
    return Contents(
        kind="egress", name=name, roots=roots, seals=_seals(issued, now), signers=signers, key_ids=keys
    )


def select_backup(
    policy: Policy, name: str, certificates: Iterable[Certificate], key_ids: frozenset[str], now: datetime
) -> Contents:
    """Return what the backup `name` contains at `now`: everything. Arguments as for `select_egress`.

    Raises:
        PolicyError: There is no such backup (E-POLICY).
    """
    if name not in policy.backups:
        raise PolicyError(f"The policy has no backup {name!r}.")
    issued = tuple(certificates)
    roots = tuple(item for item in issued if item.kind == "root")
    seals, signers = _seals(issued, now), _unexpired_signers(issued, now)
    keys = frozenset(item.id for item in (*roots, *seals, *signers) if item.id in key_ids)
    return Contents(kind="backup", name=name, roots=roots, seals=seals, signers=signers, key_ids=keys)


def _unexpired_signers(issued: tuple[Certificate, ...], now: datetime) -> tuple[Certificate, ...]:
    return tuple(item for item in issued if item.kind == "signer" and now <= item.not_after)


def _seals(issued: tuple[Certificate, ...], now: datetime) -> tuple[Certificate, ...]:
    """Return the newest live seal of every live, unexpired root, in the order of the roots."""
    newest = {item.issuer: item for item in issued if item.kind == "seal" and item.revoked_at is None}
    return tuple(
        newest[root.id]
        for root in issued
        if root.kind == "root" and root.revoked_at is None and now <= root.not_after and root.id in newest
    )


class _Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the export before this one stood."""

    created: datetime
    issued: int


_decode_mark = json_decoder(_Mark, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since the archive of this kind and name that was last seen where it was to go.

    Args:
        since: When that archive was made; None if none was seen yet.
        issued: New roots and signers in this archive.
        revoked: Roots and signers that were revoked since.
        ended: Roots and signers whose issuing period ended since; they may be gone from the archive.
        is_first: No archive of any name was ever seen, so nobody has a root yet.
    """

    since: datetime | None
    issued: tuple[Certificate, ...]
    revoked: tuple[Certificate, ...]
    ended: tuple[Certificate, ...]
    is_first: bool = False

    def late_roots(self, spread: datetime) -> int:
        """Return how many new roots sign before `spread`, when all can have them.

        The first archive of its name brings none where others, which had them, were seen.
        """
        new = () if self.since is None and not self.is_first else self.issued
        return sum(item.kind == "root" and item.issue_from < spread for item in new)


def take_changes(store: "Store", policy: Policy, contents: Contents, now: datetime) -> Changes:
    """Return what changed since an archive of this kind and name was last seen, and note how this one stands.

    One that was made and never stood anywhere has told nobody: it counts only after `keep_seen`.

    Args:
        store: Inside the transaction of the export.
        policy: The approved policy.
        contents: What this archive holds.
        now: Aware UTC time of this archive.

    Raises:
        StateDamagedError: What is remembered of that archive cannot be read (E-STATE-DAMAGED).
    """
    fact = store.fact(_seen(contents.kind, contents.name))
    mark = _Mark(created=now, issued=store.count)
    store.set_fact(_made(contents.kind, contents.name), msgspec.json.encode(mark, order="sorted").decode())
    held = {item.id: item for item in (*contents.roots, *contents.signers)}
    if fact is None:
        is_first = all(item.written_at is None for item in store.archives())
        new = tuple(held[item.id] for item in store.each_certificate(alive_at=now) if item.id in held)
        return Changes(since=None, issued=new, revoked=(), ended=(), is_first=is_first)
    since = _read_mark(fact, contents.name)
    targets = frozenset(policy.egress_targets(contents.name)) if contents.kind == "egress" else None
    revoked: list[Certificate] = []
    ended: list[Certificate] = []
    for item in store.changed_since(since.created):
        concerned = item.kind == "root" or (
            item.kind == "signer" and (targets is None or (item.class_name, item.target) in targets)
        )
        if concerned and item.revoked_at is not None and item.revoked_at >= since.created:
            revoked.append(item)
        if concerned and since.created < item.issue_until <= now:
            ended.append(item)
    return Changes(
        since=since.created,
        issued=tuple(held[item.id] for item in store.issued_since(since.issued) if item.id in held),
        revoked=tuple(revoked),
        ended=tuple(ended),
    )


def keep_seen(store: "Store", kind: str, name: str) -> None:
    """Remember that the archive of this kind and name that was made last stands where it was to go.

    Args:
        store: Inside a transaction.
        kind: egress or backup.
        name: Of the policy.
    """
    mark = store.fact(_made(kind, name))
    if mark is not None:  # an older PiSM took what it had made for seen
        store.set_fact(_seen(kind, name), mark)


def _made(kind: str, name: str) -> str:
    return f"made {kind} {name}"


def _seen(kind: str, name: str) -> str:
    return f"exported {kind} {name}"


def _read_mark(fact: str, name: str) -> _Mark:
    try:
        return _decode_mark(fact.encode())
    except DecodingError as error:
        raise StateDamagedError(f"the store's mark of the last {name} cannot be read") from error
