"""Revocation: a root, signer or seal is marked, and every CRL that its root signs from then on says so.

1. A signer's or seal's key is erased at once; a root's stays, since it still has to sign its CRLs.
2. A revoked root takes all of its signers out of the plan (core.plan.coverage); the next top-up fills the
   holes, seals too.
3. Each archive carries fresh CRLs, one for every root that has not expired, revoked ones too.

What a CRL says, and how it is signed, is core.issue.crl's.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from core.certificate import Certificate
from core.errors import PolicyError
from core.issue.crl import REASONS, sign_crl
from core.issue.issuance import load_root
from core.policy.policy import Policy
from core.progress import Progress, Report, report_nothing
from core.store import journal
from core.store.store import Store


def revoke(store: Store, certificate_id: str, reason: str, now: datetime) -> Certificate:
    """Revoke one certificate.

    Args:
        store: Open, in a transaction of the caller.
        certificate_id: Its UUID.
        reason: A name of core.issue.crl.REASONS.
        now: Aware UTC, whole seconds.

    Returns:
        What was revoked, as it was before.

    Raises:
        PolicyError: No such certificate or reason, or it is revoked already (E-POLICY).
    """
    (certificate,) = revoke_all(store, (certificate_id,), reason, now)
    return certificate


def revoke_all(
    store: Store, certificate_ids: Iterable[str], reason: str, now: datetime
) -> tuple[Certificate, ...]:
    """Revoke several certificates, each with an entry of its own in the journal: all, or none.

    Args:
        store: Open, in a transaction of the caller.
        certificate_ids: Their UUIDs; each stands there once.
        reason: A name of core.issue.crl.REASONS.
        now: Aware UTC, whole seconds.

    Returns:
        What was revoked, as it was before.

    Raises:
        PolicyError: As for `revoke`, of any of them (E-POLICY).
    """
    if reason not in REASONS:
        raise PolicyError(f"{reason} is no reason to revoke; take one of {', '.join(REASONS)}")
    revoked: dict[str, Certificate] = {}
    for id_ in certificate_ids:
        certificate = store.find(id_)
        if certificate is None:
            raise PolicyError(f"there is no certificate {id_}")
        if id_ in revoked:
            raise PolicyError(f"{id_} is to be revoked twice")
        if certificate.revoked_at is not None:
            raise PolicyError(f"{id_} is revoked since {certificate.revoked_at:%Y-%m-%d}")
        store.revoke(id_, now, reason)
        if certificate.kind != "root":
            store.erase_keys([id_])
        journal.append(store, "revoke", {"id": id_, "kind": certificate.kind, "reason": reason}, now)
        revoked[id_] = certificate
    return tuple(revoked.values())


def refresh_crls(store: Store, policy: Policy, now: datetime, report: Report = report_nothing) -> None:
    """Sign a fresh CRL for every root that has not expired; a revoked root's go on too.

    What was revoked by a clock that was ahead counts as revoked now: a list names no future date.

    Args:
        store: In a transaction of the caller.
        policy: The approved policy.
        now: Aware UTC, whole seconds.
        report: Told of CRLs; may raise StoppedError.
    """
    numbers = {crl.issuer: crl.number for crl in store.crls()}
    roots = [item for item in store.certificates("root") if now < item.not_after]
    listed = store.revoked_by([root.id for root in roots])
    for done, root in enumerate(roots):
        report(Progress(done=done, total=len(roots), what="CRL"))
        revoked = [
            replace(item, revoked_at=min(item.revoked_at, now))
            for item in listed
            if item.issuer == root.id and item.revoked_at is not None
        ]
        last = numbers.get(root.id, 0)
        store.put_crl(sign_crl(load_root(store, root), revoked, last, policy.crl.lifetime_days, now))
    report(Progress(done=len(roots), total=len(roots), what="CRL"))
