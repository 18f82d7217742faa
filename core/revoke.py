"""Revocation: a root, signer or seal is marked, and every CRL that its root signs from then on says so.

A signer's or seal's key is erased at once; a root's stays, since it still has to sign its CRLs. A revoked
root takes all of its signers out of the plan (core.cover); the next top-up fills the holes, seals too.
"""

from datetime import datetime

from core import journal
from core.certificate import Certificate
from core.crl import REASONS
from core.errors import PolicyError
from core.store import Store


def revoke(store: Store, certificate_id: str, reason: str, now: datetime) -> Certificate:
    """Revoke one certificate.

    Args:
        store: Open, in a transaction of the caller.
        certificate_id: Its UUID.
        reason: A name of core.crl.REASONS.
        now: Aware UTC, whole seconds.

    Returns:
        What was revoked, as it was before.

    Raises:
        PolicyError: No such certificate or reason, or it is revoked already (E-POLICY).
    """
    if reason not in REASONS:
        raise PolicyError(f"{reason} is no reason to revoke; take one of {', '.join(REASONS)}")
    found = [item for item in store.certificates() if item.id == certificate_id]
    if not found:
        raise PolicyError(f"there is no certificate {certificate_id}")
    (certificate,) = found
    if certificate.revoked_at is not None:
        raise PolicyError(f"{certificate_id} is revoked since {certificate.revoked_at:%Y-%m-%d}")
    store.revoke(certificate_id, now, reason)
    if certificate.kind != "root":
        store.erase_keys([certificate_id])
    detail = {"id": certificate_id, "kind": certificate.kind, "reason": reason}
    journal.append(store, "revoke", detail, now)
    return certificate
